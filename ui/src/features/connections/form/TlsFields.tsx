import { Button, NativeSelect, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { TlsMode } from "../../../bindings";
import {
  areOnThisMachine,
  defaultTlsMode,
  tlsModes,
  tlsModeWords,
  tlsWeakness,
} from "../../../ui/connectionWords";
import fonts from "../../../ui/fonts.module.css";
import { IconLockOpen } from "../../../ui/icons";
import classes from "./ConnectionForm.module.css";
import { type RemoteDraft, serversOf } from "./connectionDraft";

type TlsFieldsProps = {
  remote: RemoteDraft;
  errorOf: (field: string) => ReactNode;
  set: (more: Partial<RemoteDraft>, field: string) => void;
};

const unchosen = "default";

/** How the connection is encrypted and how the server is known; what is weaker is said in words. */
export function TlsFields({ remote, errorOf, set }: TlsFieldsProps) {
  const servers = serversOf(remote);
  const isHere = areOnThisMachine(servers);
  const byDefault = defaultTlsMode(servers);
  const weakness = tlsWeakness({ mode: remote.tlsMode }, servers);
  const file = (name: "caFile" | "clientCertificateFile" | "clientKeyFile", field: string, label: string) => (
    <TextInput
      label={label}
      size="xs"
      placeholder={name === "caFile" ? "those the system trusts, or /path/ca.pem" : "none, or /path/file.pem"}
      spellCheck={false}
      classNames={{ input: fonts.mono ?? "" }}
      value={remote[name]}
      error={errorOf(field)}
      onChange={(event) => set({ [name]: event.currentTarget.value }, field)}
    />
  );
  return (
    <>
      <NativeSelect
        label="Encryption (TLS)"
        size="xs"
        value={remote.tlsMode ?? unchosen}
        data={[
          {
            value: unchosen,
            label: `${isHere ? "Default for servers on this machine" : "Default for other machines"}: ${byDefault}, ${tlsModeWords[byDefault]}`,
          },
          ...tlsModes.map((mode) => ({ value: mode, label: `${mode}: ${tlsModeWords[mode]}` })),
        ]}
        onChange={(event) => {
          const { value } = event.currentTarget;
          set({ tlsMode: value === unchosen ? null : (value as TlsMode) }, "mode");
        }}
      />
      {weakness !== null && (
        <div className={classes.warning} role="alert">
          <IconLockOpen size={15} aria-hidden />
          <span>
            <strong>Weaker than verify-full.</strong> {weakness}
          </span>
          <Button size="compact-xs" variant="default" onClick={() => set({ tlsMode: null }, "mode")}>
            Use verify-full
          </Button>
        </div>
      )}
      {file("caFile", "ca_file", "File of the certificate authority (CA)")}
      <div className={classes.pair}>
        {file("clientCertificateFile", "client_certificate_file", "Own certificate")}
        {file("clientKeyFile", "client_key_file", "Its key")}
      </div>
    </>
  );
}
