import { Button, SegmentedControl } from "@mantine/core";
import { openLogDirectory, useSetLogLevel } from "../../api/application";
import { toErrorReport } from "../../api/command";
import type { LogLevel } from "../../bindings";
import { Fact, Facts } from "../../ui/Facts";
import { Identifier } from "../../ui/Identifier";
import { IconFolderOpen } from "../../ui/icons";
import { notifyFailure } from "../../ui/notify";
import { Section } from "./Section";
import classes from "./Settings.module.css";

const levels: { value: LogLevel; label: string }[] = [
  { value: "error", label: "Error" },
  { value: "warn", label: "Warn" },
  { value: "info", label: "Info" },
  { value: "debug", label: "Debug" },
  { value: "trace", label: "Trace" },
];

export function LogSection({ level, directory }: { level: LogLevel; directory: string }) {
  const setLogLevel = useSetLogLevel();

  function changeLevel(chosen: LogLevel) {
    setLogLevel.mutate(chosen, {
      onError: (thrown) => notifyFailure("Could not change the log level", toErrorReport(thrown)),
    });
  }

  function openFolder() {
    openLogDirectory().catch((thrown: unknown) =>
      notifyFailure("Could not open the log folder", toErrorReport(thrown)),
    );
  }

  return (
    <Section title="Log">
      <Facts>
        <Fact name="Level">
          <SegmentedControl
            aria-label="Log level"
            data={levels}
            value={setLogLevel.isPending ? setLogLevel.variables : level}
            onChange={(chosen) => changeLevel(chosen as LogLevel)}
          />
        </Fact>
        <Fact name="Folder">
          <div className={classes.folder}>
            <Identifier label="log folder" value={directory} />
            <Button
              size="compact-xs"
              variant="default"
              leftSection={<IconFolderOpen size={13} aria-hidden />}
              onClick={openFolder}
            >
              Open
            </Button>
          </div>
        </Fact>
      </Facts>
    </Section>
  );
}
