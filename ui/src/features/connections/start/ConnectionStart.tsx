import { type ReactNode, useState } from "react";
import { useConnectionProfiles } from "../../../api/connections";
import { Connections } from "../Connections";
import { OpenForm } from "../form/OpenForm";
import { MigrationScreen } from "./MigrationScreen";
import { PasswordScreen } from "./PasswordScreen";
import classes from "./Start.module.css";
import type { Unanswered } from "./unanswered";
import { AboutProfile, Ways } from "./Ways";

type ConnectionStartProps = {
  status: Unanswered;
  /** The view of a failure, with which connection it was and the ways to another. */
  failure: (about: ReactNode, ways: ReactNode) => ReactNode;
};

/** The whole window while there is no registry to show: what is asked, and the way to the other connections. */
export function ConnectionStart({ status, failure }: ConnectionStartProps) {
  const { profile } = status;
  const [isChoosing, setIsChoosing] = useState(false);
  const [isEditing, setIsEditing] = useState(false);
  const known = useConnectionProfiles().data;
  const kept = known?.profiles.find((each) => each.profile.id === profile.id);

  if (isChoosing)
    return (
      <main className={classes.chooser}>
        <div>
          <Connections guard={null} onBack={() => setIsChoosing(false)} />
        </div>
      </main>
    );
  const ways = (
    <Ways profile={profile} onChoose={() => setIsChoosing(true)} onEdit={() => setIsEditing(true)} />
  );
  return (
    <>
      {status.state === "password_needed" ? (
        <PasswordScreen profile={profile} refused={status.refused} ways={ways} />
      ) : status.state === "decision_needed" ? (
        <MigrationScreen profile={profile} server={status.server} decision={status.decision} ways={ways} />
      ) : (
        failure(<AboutProfile profile={profile} />, ways)
      )}
      {isEditing && known && kept && (
        <OpenForm
          target={{ kind: "edit", kept }}
          known={known}
          guard={null}
          onClose={() => setIsEditing(false)}
        />
      )}
    </>
  );
}
