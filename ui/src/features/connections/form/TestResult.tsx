import { useEffect, useRef } from "react";
import type { ProbeReport, ProbeStep, ProbeStepName } from "../../../bindings";
import { schemaText, serverRoleWords } from "../../../ui/connectionWords";
import { ErrorNote } from "../../../ui/ErrorNote";
import { measuredDuration } from "../../../ui/figures";
import { IconCircleCheck, IconCircleDashed, IconCircleX } from "../../../ui/icons";
import { StatusWord } from "../../../ui/StatusWord";
import classes from "./TestResult.module.css";

const stepWords: Record<ProbeStepName, string> = {
  resolve: "Look up the name",
  connect: "Reach the server",
  tls: "Encrypt (TLS)",
  log_in: "Log in",
  database: "Find the database",
  schema_version: "Read the schema",
  role: "Ask for the role",
};

const stepNames = Object.keys(stepWords) as ProbeStepName[];

type TestResultProps = {
  /** The servers that are tried, in their order. */
  servers: readonly string[];
  /** The steps that were told so far, of all servers. */
  told: readonly ProbeStep[];
  /** What came of it; null while it is under way. */
  report: ProbeReport | null;
  /** What a weak encryption lets others do, in words. */
  weakness: string | null;
};

/** Each step of a test as it ends, by server, and in the end what it comes to. */
export function TestResult({ servers, told, report, weakness }: TestResultProps) {
  const result = useRef<HTMLElement>(null);
  const isUnderWay = report === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: when it begins and when it ends it is brought into sight
  useEffect(() => {
    result.current?.scrollIntoView({ block: "nearest" });
  }, [isUnderWay]);
  const named = new Set([...servers, ...told.map(({ server }) => server)]);
  if (report && report.server !== "") named.add(report.server);
  return (
    <section
      ref={result}
      className={classes.result}
      aria-label="Test of the connection"
      aria-busy={isUnderWay}
    >
      {/* Of a server that nothing was told of there is nothing to say in the end. */}
      {[...named]
        .filter(
          (server) => isUnderWay || server === report?.server || told.some((step) => step.server === server),
        )
        .map((server) => (
          <ServerSteps
            key={server}
            server={server}
            // Of the server that it comes to the report knows more than was told.
            steps={report?.server === server ? report.steps : told.filter((step) => step.server === server)}
            isUnderWay={isUnderWay}
            note={named.size > 1 && report?.server === server ? noteOf(report) : null}
          />
        ))}
      {report && <Summary report={report} weakness={weakness} />}
    </section>
  );
}

function noteOf(report: ProbeReport): string {
  return failureOf(report) ? "got the furthest" : "is the one that is used";
}

function failureOf(report: ProbeReport): ProbeStep | undefined {
  return report.steps.find(({ outcome }) => outcome.kind === "failed");
}

type ServerStepsProps = {
  server: string;
  steps: readonly ProbeStep[];
  isUnderWay: boolean;
  note: string | null;
};

function ServerSteps({ server, steps, isUnderWay, note }: ServerStepsProps) {
  const last = steps.at(-1);
  const next =
    isUnderWay && last?.outcome.kind !== "failed"
      ? stepNames[last ? stepNames.indexOf(last.name) + 1 : 0]
      : null;
  return (
    <div>
      <h3 className={classes.server}>
        {server} {note !== null && <span>{note}</span>}
      </h3>
      <ol className={classes.steps} aria-label={`Steps with ${server}`}>
        {steps.map((step, place) => (
          // A step may be there twice: the last word on the role comes from the comparison of all servers.
          // biome-ignore lint/suspicious/noArrayIndexKey: steps are only ever added at the end
          <Step key={place} step={step} />
        ))}
        {next && (
          <li className={classes.step} data-outcome="under-way">
            <IconCircleDashed size={15} stroke={1.8} aria-hidden />
            <span>{stepWords[next]}…</span>
          </li>
        )}
      </ol>
    </div>
  );
}

function Step({ step: { name, outcome, duration_ms } }: { step: ProbeStep }) {
  const isOk = outcome.kind === "ok";
  const Icon = isOk ? IconCircleCheck : IconCircleX;
  return (
    <li>
      <div className={classes.step} data-outcome={outcome.kind}>
        <Icon size={15} stroke={2} aria-hidden />
        <span>{stepWords[name]}</span>
        <span className={classes.found}>{isOk ? outcome.value : "failed"}</span>
        <span className={classes.duration}>{measuredDuration(duration_ms)}</span>
      </div>
      {!isOk && (
        <div className={classes.failure}>
          <ErrorNote error={outcome.value} />
        </div>
      )}
    </li>
  );
}

function Summary({ report, weakness }: { report: ProbeReport; weakness: string | null }) {
  const failure = failureOf(report);
  return (
    <div className={classes.summary} role="status">
      <p>
        {failure ? (
          <StatusWord icon={IconCircleX} tone="bad">
            It does not work: {stepWords[failure.name].toLowerCase()} failed at {failure.server}
          </StatusWord>
        ) : (
          <StatusWord icon={IconCircleCheck} tone="good">
            It works with {report.server}
            {report.role && `, ${serverRoleWords[report.role]}`}
          </StatusWord>
        )}
      </p>
      {report.schema && <p>{schemaText(report.schema)}</p>}
      {report.is_tls_weak && weakness !== null && <p className={classes.weak}>{weakness}</p>}
    </div>
  );
}
