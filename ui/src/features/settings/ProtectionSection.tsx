import { useConnectionProfile, useSetConnectionProfile } from "../../api/application";
import { toErrorReport } from "../../api/command";
import type { ConnectionProfile } from "../../bindings";
import { Fact, Facts } from "../../ui/Facts";
import { notifyFailure } from "../../ui/notify";
import { Switch } from "../../ui/Switch";
import { Section } from "./Section";
import classes from "./Settings.module.css";

/** What this registry asks of those who change it from here. */
export function ProtectionSection() {
  const kept = useConnectionProfile();
  const set = useSetConnectionProfile();
  const profile = set.isPending ? set.variables : kept;

  function change(more: Partial<ConnectionProfile>) {
    set.mutate(
      { ...kept, ...more },
      {
        onError: (thrown) => notifyFailure("Could not change what this registry asks", toErrorReport(thrown)),
      },
    );
  }

  return (
    <Section title="Protection of this registry">
      <Facts>
        <Fact name="Production">
          <div className={classes.choice}>
            <Switch
              name="Production"
              on={profile.production}
              onChange={(production) => change({ production })}
            />
            <span>Asks before each switch off and each deletion, with what it does to traffic</span>
          </div>
        </Fact>
        <Fact name="Reason">
          <div className={classes.choice}>
            <Switch
              name="Reason required"
              on={profile.reason_required}
              onChange={(reason_required) => change({ reason_required })}
            />
            <span>Refuses every change without one</span>
          </div>
        </Fact>
      </Facts>
      <p className={classes.hint}>
        The last enabled extension of a type, and more than 20 at once, are asked about in any case.
      </p>
    </Section>
  );
}
