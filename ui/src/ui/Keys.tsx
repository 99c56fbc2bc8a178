import { Kbd } from "@mantine/core";
import classes from "./Keys.module.css";

/** Keys as they are printed on the keyboard. */
export function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className={classes.keys}>
      {keys.map((key) => (
        <Kbd key={key} size="xs">
          {key}
        </Kbd>
      ))}
    </span>
  );
}
