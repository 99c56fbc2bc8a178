import { Skeleton } from "@mantine/core";
import { useApplicationInfo } from "../../api/application";
import { toErrorReport } from "../../api/command";
import { ErrorState } from "../../ui/ErrorState";
import { Fact, Facts } from "../../ui/Facts";
import { Identifier } from "../../ui/Identifier";
import { LogSection } from "./LogSection";
import { Section } from "./Section";
import { StartTimesSection } from "./StartTimesSection";

/** What only the running program knows about itself. */
export function ApplicationSections() {
  const info = useApplicationInfo();
  if (info.data) {
    return (
      <>
        <LogSection level={info.data.log_level} directory={info.data.log_directory} />
        <StartTimesSection phases={info.data.start_phases} />
        <Section title="About">
          <Facts>
            <Fact name="Beamline Registry">{info.data.version}</Fact>
            <Fact name="Server programs">
              {info.data.server_binaries === null ? (
                "not in use"
              ) : (
                <Identifier label="server programs" value={info.data.server_binaries} />
              )}
            </Fact>
          </Facts>
        </Section>
      </>
    );
  }
  if (info.error) {
    return (
      <Section title="Program">
        <ErrorState
          tried="The program's settings could not be read"
          error={toErrorReport(info.error)}
          onRetry={() => void info.refetch()}
        />
      </Section>
    );
  }
  return (
    <Section title="Log">
      <div role="status" aria-label="Reading the program's settings" aria-busy="true">
        <Skeleton animate={false} height={28} mb={8} />
        <Skeleton animate={false} height={12} width="70%" />
      </div>
    </Section>
  );
}
