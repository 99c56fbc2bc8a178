import { Button, Progress } from "@mantine/core";
import type { RevisionRange } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { groupedCount } from "../../ui/figures";
import { IconSearch } from "../../ui/icons";
import { Panel } from "../../ui/Panel";
import classes from "./Searching.module.css";

/** How many entries a search has looked at, and how many there are to look at. */
export type SearchProgress = { looked: number; total: number };

/** How far a search is that has looked down to a revision; null where an index finds what is shown. */
export function searchProgress(
  searched: RevisionRange | null,
  lookedTo: number | null,
): SearchProgress | null {
  if (searched === null) return null;
  const total = searched.newest - searched.oldest + 1;
  const looked = lookedTo === null ? total : searched.newest - lookedTo + 1;
  return { looked: Math.min(total, Math.max(0, looked)), total };
}

/** "1 200 000 of 10 000 000 entries". */
export function progressWords({ looked, total }: SearchProgress): string {
  return `${groupedCount(looked)} of ${groupedCount(total)} entries`;
}

type SearchingProps = {
  progress: SearchProgress | null;
  isStopped: boolean;
  onStop: () => void;
  onGoOn: () => void;
};

/** Nothing was found yet: how far the search is, and a way out. */
export function Searching({ progress, isStopped, onStop, onGoOn }: SearchingProps) {
  return (
    <Panel>
      <EmptyState
        icon={IconSearch}
        title={isStopped ? "Search stopped" : "Searching the audit log"}
        action={
          <Button size="xs" variant="default" onClick={isStopped ? onGoOn : onStop}>
            {isStopped ? "Go on" : "Stop"}
          </Button>
        }
      >
        <span role="status">
          Nothing yet{progress && `, in ${progressWords(progress)}`}. A narrower range of time is searched
          faster.
        </span>
        {progress && (
          <Progress
            component="span"
            className={classes.progress ?? ""}
            size="sm"
            value={(progress.looked / Math.max(1, progress.total)) * 100}
            aria-label="Looked at"
          />
        )}
      </EmptyState>
    </Panel>
  );
}
