import type { StartPhase } from "../../bindings";
import { groupedCount } from "../../ui/figures";
import { Section } from "./Section";
import classes from "./Settings.module.css";

export function StartTimesSection({ phases }: { phases: readonly StartPhase[] }) {
  return (
    <Section title="Start times">
      {phases.length === 0 ? (
        <p className={classes.hint}>This start was not measured.</p>
      ) : (
        <table className={classes.phases} aria-label="Start times">
          <thead>
            <tr>
              <th scope="col">Reached</th>
              <th scope="col" className={classes.figure}>
                After process start
              </th>
            </tr>
          </thead>
          <tbody>
            {phases.map((phase) => (
              <tr key={phase.name}>
                <td>{phase.name.replaceAll("_", " ")}</td>
                <td className={classes.figure}>{groupedCount(Math.round(phase.elapsed_ms))} ms</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
