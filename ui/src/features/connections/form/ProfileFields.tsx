import { Input, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { profileColours } from "../../../ui/connectionWords";
import { ProfileMark } from "../../../ui/ProfileMark";
import { Switch } from "../../../ui/Switch";
import { ToggleChip } from "../../../ui/ToggleChip";
import classes from "./ConnectionForm.module.css";
import type { ConnectionDraft } from "./connectionDraft";
import { ProtectionQuestion } from "./ProtectionQuestion";

type ProfileFieldsProps = {
  draft: ConnectionDraft;
  /** Whether the registry is protected as production now. */
  isProtected: boolean;
  errorOf: (field: string) => ReactNode;
  set: (more: Partial<ConnectionDraft>, field: string) => void;
};

/** What a connection is known by, and what it asks of those who change its registry. */
export function ProfileFields({ draft, isProtected, errorOf, set }: ProfileFieldsProps) {
  const [isAsking, setIsAsking] = useState(false);
  return (
    <>
      <TextInput
        label="Name"
        size="xs"
        data-autofocus
        maxLength={200}
        value={draft.label}
        error={errorOf("label")}
        onChange={(event) => set({ label: event.currentTarget.value }, "label")}
      />
      <Input.Wrapper label="Colour" size="xs" labelElement="div">
        <fieldset className={classes.chips} aria-label="Colour">
          <ToggleChip on={draft.colour === null} onToggle={() => set({ colour: null }, "colour")}>
            <ProfileMark colour={null} /> none
          </ToggleChip>
          {profileColours.map((colour) => (
            <ToggleChip key={colour} on={draft.colour === colour} onToggle={() => set({ colour }, "colour")}>
              <ProfileMark colour={colour} /> {colour}
            </ToggleChip>
          ))}
        </fieldset>
      </Input.Wrapper>
      <div className={classes.choice}>
        <Switch
          name="Production"
          on={draft.isProduction}
          // The way out of a protection is not a slip away.
          onChange={(isProduction) =>
            isProtected && !isProduction ? setIsAsking(true) : set({ isProduction }, "is_production")
          }
        />
        <span>
          <strong>Production.</strong> Asks before each switch off and each deletion, with what it does to
          traffic. The header is red.
        </span>
      </div>
      <div className={classes.choice}>
        <Switch
          name="Reason required"
          on={draft.isReasonRequired}
          onChange={(isReasonRequired) => set({ isReasonRequired }, "is_reason_required")}
        />
        <span>
          <strong>Reason required.</strong> Refuses every change without one.
        </span>
      </div>
      <p className={classes.hint}>
        The last enabled extension of a type, and more than 20 at once, are asked about in any case.
      </p>
      {isAsking && (
        <ProtectionQuestion
          onKeep={() => setIsAsking(false)}
          onEnd={() => {
            setIsAsking(false);
            set({ isProduction: false }, "is_production");
          }}
        />
      )}
    </>
  );
}
