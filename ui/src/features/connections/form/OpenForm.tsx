import { useDatabase } from "../../../api/database";
import type { ConnectionProfiles, KeptProfile } from "../../../bindings";
import { isolated } from "../../../ui/isolated";
import { notifyDone } from "../../../ui/notify";
import { ConnectionForm, type ConnectionTarget } from "./ConnectionForm";
import type { PageGuard } from "./useFormLeaving";

type OpenFormProps = {
  target: ConnectionTarget;
  known: ConnectionProfiles;
  guard: PageGuard | null;
  onClose: () => void;
};

/** The form of a connection that is known, or of one that will be. */
export function OpenForm({ target, known, guard, onClose }: OpenFormProps) {
  const { progress } = useDatabase();
  const isActive = target.kind === "edit" && target.kept.profile.id === known.active;

  function saved({ profile, password }: KeptProfile) {
    onClose();
    const where = password === "session" ? "; its password is kept until the console is closed" : "";
    notifyDone(`Saved ${isolated(profile.label)}${where}`);
  }
  return (
    <ConnectionForm
      target={target}
      taken={known.profiles.map((kept) => kept.profile.id)}
      isOpen={isActive && progress?.status.state === "ready"}
      guard={guard}
      onClose={onClose}
      onSaved={saved}
    />
  );
}
