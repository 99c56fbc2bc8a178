import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useExtensionDocument } from "../../../api/transfer";
import type { ExtensionDetail } from "../../../bindings";
import { CopyButton } from "../../../ui/CopyButton";
import { ErrorNote } from "../../../ui/ErrorNote";
import { withVisibleMarks } from "../../../ui/isolated";
import { SkeletonRows } from "../../../ui/SkeletonRows";
import { extensionAsJson } from "../extensionJson";
import classes from "./ConfigurationView.module.css";
import { JsonView } from "./JsonView";

const views = [
  { value: "fields", label: "To read" },
  { value: "json", label: "As JSON" },
  { value: "yaml", label: "As plan YAML" },
] as const;

type View = (typeof views)[number]["value"];

/** An extension's configuration to read and to copy, also as other programs take it. Secrets are hidden in all. */
export function ConfigurationView({ detail }: { detail: ExtensionDetail }) {
  const [view, setView] = useState<View>("fields");
  return (
    <section className={classes.view}>
      <SegmentedControl
        size="xs"
        aria-label="Show the configuration"
        data={[...views]}
        value={view}
        onChange={(value) => setView(value as View)}
      />
      {view === "fields" && <Fields detail={detail} />}
      {view === "json" && (
        <Whole
          text={extensionAsJson(detail)}
          hint="The whole extension as a JSON document."
          copy="Copy as JSON"
        />
      )}
      {view === "yaml" && <PlanYaml id={detail.extension.id} />}
    </section>
  );
}

function Fields({ detail: { config, metadata } }: { detail: ExtensionDetail }) {
  return (
    <>
      <div className={classes.heading}>
        <h2>Configuration</h2>
        <CopyButton size="compact-xs" text={config ?? ""}>
          Copy
        </CopyButton>
      </div>
      <JsonView json={config} />
      <div className={classes.heading}>
        <h2>Metadata</h2>
        <CopyButton size="compact-xs" text={metadata ?? ""}>
          Copy
        </CopyButton>
      </div>
      <JsonView json={metadata} />
    </>
  );
}

/** As the core writes it into a file: what is copied here is what an import reads. */
function PlanYaml({ id }: { id: string }) {
  const document = useExtensionDocument(id);
  if (document.data !== undefined)
    return (
      <Whole
        text={document.data}
        hint="A file with this extension alone, as an export writes it: an import of it, changed, is a plan."
        copy="Copy as YAML"
      />
    );
  if (document.error) return <ErrorNote error={toErrorReport(document.error)} />;
  return <SkeletonRows label="Writing the file" count={4} />;
}

function Whole({ text, hint, copy }: { text: string; hint: string; copy: string }) {
  return (
    <>
      <div className={classes.heading}>
        <p className={classes.hint}>{hint}</p>
        <CopyButton size="compact-xs" text={text}>
          {copy}
        </CopyButton>
      </div>
      <pre className={classes.text}>{withVisibleMarks(text)}</pre>
    </>
  );
}
