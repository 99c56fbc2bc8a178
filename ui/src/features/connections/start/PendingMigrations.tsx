import type { PendingMigration } from "../../../bindings";
import { counted } from "../../../ui/figures";
import classes from "./Start.module.css";

/** What would be done to a database, in order, each in its own words. */
export function PendingMigrations({ migrations }: { migrations: readonly PendingMigration[] }) {
  if (migrations.length === 0) return null;
  return (
    <section className={classes.migrations} aria-label="What is done">
      <h2>What is done, in {counted(migrations.length, "step")}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling list has to be reachable by keyboard */}
      <ol tabIndex={0}>
        {migrations.map(({ version, name, summary, details }) => (
          <li key={version}>
            <span className={classes.version}>{version}</span>
            <div>
              <span className={classes.name}>{name}</span> <span>{summary}</span>
              {details !== "" && (
                <details>
                  <summary>Before and after</summary>
                  <p>{details}</p>
                </details>
              )}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
