import { ChangeValue } from "../../../ui/ChangeValue";
import { indented } from "../../../ui/fieldChanges";
import classes from "./JsonView.module.css";

/** JSON to read: secrets as such, references marked. */
export function JsonView({ json }: { json: string | null }) {
  if (json === null) return <pre className={classes.json}>none</pre>;
  return (
    <pre className={classes.json}>
      <ChangeValue parts={indented(json)} />
    </pre>
  );
}
