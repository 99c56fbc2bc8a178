import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useExtensionDetail } from "../../../api/extensions";
import { ChangeDiff } from "../../../ui/ChangeDiff";
import { placeName } from "../../../ui/fieldChanges";
import { IconAlertTriangle } from "../../../ui/icons";
import { Timestamp } from "../../../ui/Timestamp";
import { type Draft, fieldsOf, formChanges, type Seen } from "./draft";
import classes from "./ExtensionForm.module.css";

type ChangedMeanwhileProps = { seen: Seen; onGone: () => void };

/** So many changed places are named. */
const namedAtMost = 3;

/** Says that somebody else changed the extension; what was typed stays, and is merged when it is saved. */
export function ChangedMeanwhile({ seen, onGone }: ChangedMeanwhileProps) {
  const now = useExtensionDetail(seen.id);
  const [isOpen, setOpen] = useState(false);
  if (now.error && toErrorReport(now.error).code === "extension_not_found") {
    return (
      <Notice>
        <span className={classes.words}>
          Somebody deleted this extension meanwhile. What you typed is untouched.
        </span>
        <Button size="compact-xs" variant="default" onClick={onGone}>
          What now?
        </Button>
      </Notice>
    );
  }
  if (!now.data || now.data.extension.revision <= seen.revision) return null;
  const { last_change } = now.data.extension;
  const changes = formChanges(seen.fields, fieldsOf(now.data));
  const names = changes.slice(0, namedAtMost).map(placeName);
  const moreCount = changes.length - names.length;
  return (
    <div className={classes.meanwhile}>
      <Notice>
        <span className={classes.words}>
          <bdi>{last_change?.changed_by ?? "Somebody"}</bdi> changed this extension meanwhile
          {names.length > 0 && (
            <>
              : <bdi>{names.join(", ")}</bdi>
              {moreCount > 0 && ` and ${moreCount} more`}
            </>
          )}
          . What you typed is untouched; saving merges both, and asks where both changed the same.
        </span>
        {changes.length > 0 && (
          <Button size="compact-xs" variant="default" onClick={() => setOpen(!isOpen)}>
            {isOpen ? "Hide what" : "Show what"}
          </Button>
        )}
      </Notice>
      {isOpen && <ChangeDiff label="What others changed" changes={changes} />}
    </div>
  );
}

type DraftOfferProps = { draft: Draft; onTake: () => void; onDiscard: () => void };

/** What was typed before the window went away; until it is answered, nothing can be typed over it. */
export function DraftOffer({ draft, onTake, onDiscard }: DraftOfferProps) {
  return (
    <Notice>
      <span className={classes.words}>
        What you typed{" "}
        {draft.keptAt !== "" && (
          <>
            <Timestamp value={draft.keptAt} />{" "}
          </>
        )}
        was not saved and is still here.
      </span>
      <Button data-autofocus size="compact-xs" variant="default" onClick={onTake}>
        Go on with it
      </Button>
      <Button size="compact-xs" variant="subtle" onClick={onDiscard}>
        Discard it
      </Button>
    </Notice>
  );
}

export function Notice({ children }: { children: ReactNode }) {
  return (
    <div className={classes.notice} role="status">
      <IconAlertTriangle size={15} aria-hidden />
      {children}
    </div>
  );
}
