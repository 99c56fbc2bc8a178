import { Select } from "@mantine/core";
import { useAllowed } from "../../api/access";
import { toErrorReport } from "../../api/command";
import { useSetTestSchedule } from "../../api/nats";
import type { Extension, TestMessage } from "../../bindings";
import { exactDuration } from "../../ui/figures";
import { notifyFailure } from "../../ui/notify";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./LiveTest.module.css";

const offered = [30, 60, 300, 900, 3_600, 21_600, 86_400];
const never = "never";

/** How often the extension is tried by itself. */
export function TestSchedule({ extension, message }: { extension: Extension; message: TestMessage }) {
  const { editing } = useAllowed();
  const set = useSetTestSchedule();
  const held = set.isPending ? set.variables.everySeconds : message.check_every_seconds;
  // What a script has set may be none of those that are offered.
  const choices =
    held === null || offered.includes(held) ? offered : [...offered, held].sort((a, b) => a - b);

  return (
    <section className={classes.schedule} aria-label="Regular checks">
      <Select
        label="Try it by itself"
        size="xs"
        w={150}
        allowDeselect={false}
        disabled={editing !== null}
        title={editing ?? undefined}
        data={[
          { value: never, label: "never" },
          ...choices.map((seconds) => ({ value: String(seconds), label: `every ${words(seconds)}` })),
        ]}
        value={held === null ? never : String(held)}
        onChange={(value) =>
          set.mutate(
            { id: extension.id, everySeconds: value === never ? null : Number(value) },
            {
              onError: (thrown) =>
                notifyFailure("Could not change how often it is tried", toErrorReport(thrown)),
            },
          )
        }
      />
      <p className={classes.hint}>
        {held === null ? (
          "With the message that is kept for it; the results are in its history."
        ) : (
          <>
            {extension.enabled
              ? "While it is on and a console with NATS is open, by one console at a time. "
              : "It is off now, and is not tried. "}
            Last: <Timestamp value={message.last_check_at} format="relative" absent="not yet" />
          </>
        )}
      </p>
    </section>
  );
}

function words(seconds: number): string {
  if (seconds % 86_400 === 0) return seconds === 86_400 ? "day" : `${seconds / 86_400} days`;
  if (seconds % 3_600 === 0) return seconds === 3_600 ? "hour" : `${seconds / 3_600} hours`;
  return seconds === 60 ? "minute" : exactDuration(seconds * 1_000);
}
