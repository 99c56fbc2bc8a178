import classes from "./Switch.module.css";

type SwitchProps = { name: string; on: boolean; onChange: (on: boolean) => void };

/** A switch that is a button, so that pointers, keys and test drivers all meet the same element. */
export function Switch({ name, on, onChange }: SwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      className={classes.switch}
      aria-label={name}
      aria-checked={on}
      onClick={() => onChange(!on)}
    />
  );
}
