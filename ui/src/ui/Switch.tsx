import { Tooltip } from "@mantine/core";
import classes from "./Switch.module.css";

type SwitchProps = {
  name: string;
  on: boolean;
  onChange: (on: boolean) => void;
  /** Why it may not be switched; null or absent if it may. */
  forbidden?: string | null;
};

/** A switch that is a button, so that pointers, keys and test drivers all meet the same element. */
export function Switch({ name, on, onChange, forbidden = null }: SwitchProps) {
  const button = (
    <button
      type="button"
      role="switch"
      className={classes.switch}
      aria-label={name}
      aria-checked={on}
      aria-disabled={forbidden !== null || undefined}
      onClick={() => {
        if (forbidden === null) onChange(!on);
      }}
    />
  );
  return forbidden === null ? button : <Tooltip label={forbidden}>{button}</Tooltip>;
}
