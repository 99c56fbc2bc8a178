import type { DocumentProblem } from "../../bindings";
import { counted } from "../../ui/figures";
import { IconAlertTriangle } from "../../ui/icons";
import classes from "./ImportPage.module.css";

/** More than these are counted: who puts so many right begins with the first. */
const shownMax = 100;

/** Why a file can't be imported: each place, what is wrong there and what to do. */
export function DocumentProblems({ problems }: { problems: readonly DocumentProblem[] }) {
  return (
    <section className={classes.problems} aria-label="Problems">
      <h2>
        <IconAlertTriangle size={15} aria-hidden />
        {counted(problems.length, "problem")}: nothing can be imported before the file is put right
      </h2>
      <ol>
        {problems.slice(0, shownMax).map((problem) => (
          <li key={`${problem.path} ${problem.code} ${problem.message}`}>
            <span className={classes.line}>
              {problem.place ? `line ${problem.place.line}:${problem.place.column}` : "the file"}
            </span>
            <span className={classes.words}>
              {problem.extension_id !== null && <bdi className={classes.of}>{problem.extension_id}</bdi>}
              <bdi>{problem.message}</bdi> {problem.action}
              <span className={classes.code}>{problem.code}</span>
            </span>
          </li>
        ))}
      </ol>
      {problems.length > shownMax && <p>And {counted(problems.length - shownMax, "more")}.</p>}
    </section>
  );
}
