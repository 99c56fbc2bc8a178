import { Button } from "@mantine/core";
import { useExtensionHistory } from "../../../api/audit";
import { ChangeDiff } from "../../../ui/ChangeDiff";
import { IconTrash } from "../../../ui/icons";
import { marksIn } from "../../../ui/jsonText";
import { Timestamp } from "../../../ui/Timestamp";
import type { ExtensionFields } from "../extensionRules";
import { versionOf } from "./draft";
import classes from "./ExtensionForm.module.css";

type GoneViewProps = {
  id: string;
  fields: ExtensionFields;
  /** Another question stands where the buttons are. */
  isAsked: boolean;
  onCreate: () => void;
  onDiscard: () => void;
};

/** The extension was deleted while somebody edited it: what was typed is still there, and can make it anew. */
export function GoneView({ id, fields, isAsked, onCreate, onDiscard }: GoneViewProps) {
  const [last] = useExtensionHistory(id).data ?? [];
  const deletion = last?.action === "deleted" ? last : undefined;
  const hasSecrets = [fields.config, fields.metadata].some((text) => marksIn(text).length > 0);
  return (
    <section className={classes.gone} aria-label="Deleted meanwhile">
      <h3>
        <IconTrash size={16} aria-hidden />
        <span>
          <bdi>{deletion?.changed_by ?? "Somebody"}</bdi> deleted <bdi>{id}</bdi>
          {deletion ? (
            <>
              {" "}
              <Timestamp value={deletion.timestamp} />
            </>
          ) : (
            " meanwhile"
          )}
        </span>
      </h3>
      {deletion?.reason && (
        <p>
          The reason: <bdi>{deletion.reason}</bdi>
        </p>
      )}
      <p>
        Nothing of what you typed is lost. It can make the extension anew, or be discarded.
        {hasSecrets && " The secrets went with the extension: they have to be written again."} The version
        that was deleted can be brought back from its history.
      </p>
      <ChangeDiff label="What you have" changes={versionOf(fields)} plain />
      {!isAsked && (
        <footer className={classes.footer} style={{ alignSelf: "flex-end" }}>
          <Button size="xs" variant="default" onClick={onDiscard}>
            Discard it
          </Button>
          <Button size="xs" onClick={onCreate}>
            Create it anew…
          </Button>
        </footer>
      )}
    </section>
  );
}
