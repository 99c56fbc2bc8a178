import classes from "./ChangeValue.module.css";
import type { ValuePart } from "./fieldChanges";

/** One side of a change, in which what is hidden or lies elsewhere can't be mistaken for the value itself. */
export function ChangeValue({ parts }: { parts: readonly ValuePart[] }) {
  return parts.map((part) => <Part key={part.position} part={part} />);
}

function Part({ part }: { part: ValuePart }) {
  switch (part.kind) {
    case "text":
      return part.text;
    case "changed":
      return <mark className={classes.changed}>{part.text}</mark>;
    case "hidden":
      return (
        <span
          className={classes.hidden}
          title="A secret, kept out of the log. Another fingerprint is another secret."
        >
          {part.text}
        </span>
      );
    case "reference":
      return (
        <span title="Says where the secret is; the secret itself is not in the registry.">
          <span className={classes.reference}>reference</span> {part.text}
        </span>
      );
  }
}
