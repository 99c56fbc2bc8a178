import { useConnectionState } from "../api/connectionState";
import { useDatabase } from "../api/database";
import { CopyButton } from "../ui/CopyButton";
import { failureDetails } from "../ui/failure";
import { IconPlugX } from "../ui/icons";
import { Banner, BannerCode, ShownSince } from "./Banner";

/** Over everything while no server of the database answers: the right one is looked for all the time. */
export function ReconnectingBanner() {
  const state = useConnectionState();
  const { progress } = useDatabase();
  // A database that is away has a banner of its own.
  if (state === null || state.is_connected || progress?.status.state !== "ready") return null;
  const { server, since, failure } = state;
  return (
    <Banner
      label="Connecting again"
      icon={IconPlugX}
      isBad={false}
      title={`${server} is lost, connecting again`}
      words={
        <>
          {failure?.message} <ShownSince since={Date.parse(since)} />
        </>
      }
    >
      {failure && (
        <>
          <BannerCode>{failure.code}</BannerCode>
          <CopyButton size="compact-xs" text={failureDetails(failure)}>
            Copy details
          </CopyButton>
        </>
      )}
    </Banner>
  );
}
