import { toErrorReport } from "../../api/command";
import { useSwitchConnection } from "../../api/connections";
import { leaveThen } from "../../api/leaving";
import type { ConnectionProfile } from "../../bindings";
import { isolated } from "../../ui/isolated";
import { notifyFailure } from "../../ui/notify";

/** Shows another registry in this window; what is typed and not saved is asked about before. */
export function useSwitch() {
  const switching = useSwitchConnection();
  return {
    /** The id of the profile that is being asked for. */
    pendingId: switching.isPending ? switching.variables.id : null,
    switchTo: (profile: ConnectionProfile) =>
      leaveThen(() => {
        switching
          .mutateAsync(profile)
          // Told also where the list that asked for it is gone by then.
          .catch((thrown: unknown) =>
            notifyFailure(`Could not switch to ${isolated(profile.label)}`, toErrorReport(thrown)),
          );
      }),
  };
}
