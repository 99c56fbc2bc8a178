import type { AttemptOutcome, TestReply, TestReport } from "../../bindings";
import { CopyButton } from "../../ui/CopyButton";
import { ErrorNote } from "../../ui/ErrorNote";
import { parseExact, printExact } from "../../ui/exactJson";
import { groupedCount, measuredDuration } from "../../ui/figures";
import { IconAlertTriangle, IconCircleCheck, IconCircleOff, IconCircleX } from "../../ui/icons";
import { StatusWord, type Tone } from "../../ui/StatusWord";
import classes from "./TestResult.module.css";

const outcomes: Record<AttemptOutcome, { words: string; icon: typeof IconCircleX; tone: Tone }> = {
  answered: { words: "answered", icon: IconCircleCheck, tone: "good" },
  timed_out: { words: "no answer in time", icon: IconCircleX, tone: "bad" },
  no_responders: { words: "nobody listens", icon: IconCircleOff, tone: "bad" },
  failed: { words: "could not be asked", icon: IconCircleX, tone: "bad" },
};

/** What came of a test message; null: it was stopped. */
export function TestResult({ report, subject }: { report: TestReport | null; subject: string }) {
  if (report === null)
    return (
      <p className={classes.stopped} role="status">
        Stopped. Nothing was recorded; whoever listens on {subject} may have got the message.
      </p>
    );
  const { outcome, is_recorded, not_recorded } = report;
  const { reply, failure, attempts } = outcome;
  return (
    <section className={classes.result} aria-label="Result" data-failed={failure !== null || undefined}>
      <header className={classes.head}>
        {failure === null ? (
          <StatusWord icon={IconCircleCheck} tone="good">
            Answered
          </StatusWord>
        ) : (
          <StatusWord icon={IconCircleX} tone="bad">
            {headline[failure.code] ?? "Failed"}
          </StatusWord>
        )}
        {reply && <span className={classes.latency}>{measuredDuration(reply.latency_ms)}</span>}
        <span className={classes.space} />
        <span className={classes.recorded}>{is_recorded ? "in its history, as a test" : "not recorded"}</span>
      </header>
      {failure && <ErrorNote error={failure} />}
      {not_recorded && <ErrorNote error={not_recorded} />}
      {reply?.error && (
        <p className={classes.warning}>
          <IconAlertTriangle size={15} aria-hidden />
          <span>
            The answer speaks of an error: <q>{reply.error}</q> It counts as an answer all the same.
          </span>
        </p>
      )}
      {attempts.length > 0 && (attempts.length > 1 || failure !== null) && (
        <ol className={classes.attempts} aria-label="Attempts">
          {attempts.map(({ outcome, duration_ms }, place) => {
            const { words, icon, tone } = outcomes[outcome];
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: an attempt is known by its place alone
              <li key={place}>
                <span className={classes.number}>{place === 0 ? "First" : `Retry ${place}`}</span>
                <StatusWord icon={icon} tone={tone}>
                  {words}
                </StatusWord>
                <span className={classes.duration}>{measuredDuration(duration_ms)}</span>
              </li>
            );
          })}
        </ol>
      )}
      {reply && <Reply reply={reply} />}
    </section>
  );
}

const headline: Partial<Record<string, string>> = {
  no_responders: "Nobody listens",
  timed_out: "No answer in time",
  reply_not_json: "The answer is no JSON",
  server_away: "The server is away",
  host_unknown: "The server is unknown",
  login_refused: "The login was refused",
  connection_lost: "The connection broke",
  not_permitted: "Not permitted",
};

function Reply({ reply: { text, is_json, is_cut, byte_count } }: { reply: TestReply }) {
  const parsed = is_json && !is_cut ? parseExact(text) : undefined;
  const shown = parsed === undefined ? text : printExact(parsed);
  return (
    <div className={classes.reply}>
      <div className={classes.replyHead}>
        <h3>Answer</h3>
        <span className={classes.size}>
          {groupedCount(byte_count)} bytes{is_cut && ", of which this is the beginning"}
        </span>
        <span className={classes.space} />
        <CopyButton size="compact-xs" text={text}>
          Copy
        </CopyButton>
      </div>
      {byte_count === 0 ? (
        <p className={classes.empty}>Nothing at all.</p>
      ) : (
        <pre className={classes.text} data-testid="reply">
          {shown}
        </pre>
      )}
    </div>
  );
}
