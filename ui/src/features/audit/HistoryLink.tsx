import { Link } from "@tanstack/react-router";
import classes from "./HistoryLink.module.css";

/** An extension of the past leads to what happened to it. */
export function HistoryLink({ id }: { id: string }) {
  return (
    <Link
      to="/audit"
      search={{ extension: id }}
      className={classes.link ?? ""}
      title={`The history of ${id}`}
    >
      <bdi>{id}</bdi>
    </Link>
  );
}
