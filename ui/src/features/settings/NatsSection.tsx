import { Button, PasswordInput, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { toErrorReport } from "../../api/command";
import {
  useNatsStatus,
  useRemoveNatsSettings,
  useSetNatsSettings,
  useTestNatsConnection,
} from "../../api/nats";
import type {
  NatsAuthentication,
  NatsServer,
  NatsSettings,
  NatsSettingsRequest,
  NatsStatus,
} from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { ErrorState } from "../../ui/ErrorState";
import { Fact, Facts } from "../../ui/Facts";
import { measuredDuration } from "../../ui/figures";
import fonts from "../../ui/fonts.module.css";
import { IconCircleCheck } from "../../ui/icons";
import { notifyDone, notifyFailure } from "../../ui/notify";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StatusWord } from "../../ui/StatusWord";
import { Switch } from "../../ui/Switch";
import { Section } from "./Section";
import classes from "./Settings.module.css";

type Kind = NatsAuthentication["kind"];

const kinds: { value: Kind; label: string }[] = [
  { value: "none", label: "No login" },
  { value: "password", label: "Password" },
  { value: "token", label: "Token" },
  { value: "credentials", label: "Credentials" },
];

/** The way to NATS, over which messages try extensions. */
export function NatsSection() {
  const status = useNatsStatus();
  return (
    <Section title="NATS">
      {status.data ? (
        // Anew with what was kept: what was typed is handed over by then. That more or less is known of the secret
        // is no reason to take away what is being typed.
        <NatsForm key={JSON.stringify(status.data.settings)} status={status.data} />
      ) : status.error ? (
        <ErrorState
          tried="The way to NATS could not be read"
          error={toErrorReport(status.error)}
          onRetry={() => void status.refetch()}
        />
      ) : (
        <SkeletonRows label="Reading the way to NATS" />
      )}
    </Section>
  );
}

type Fields = {
  servers: string;
  kind: Kind;
  user: string;
  secret: string;
  isTlsRequired: boolean;
  caFile: string;
  certificateFile: string;
  keyFile: string;
};

function NatsForm({ status }: { status: NatsStatus }) {
  const [fields, setFields] = useState(() => fieldsOf(status.settings));
  const set = useSetNatsSettings();
  const remove = useRemoveNatsSettings();
  const test = useTestNatsConnection();
  const isBusy = set.isPending || remove.isPending || test.isPending;
  const isKept = status.settings !== null;
  const hasFiles = fields.caFile !== "" || fields.certificateFile !== "";

  function change(more: Partial<Fields>) {
    setFields((current) => ({ ...current, ...more }));
    set.reset();
    test.reset();
  }
  function save() {
    test.reset();
    set.mutate(requestOf(fields), {
      onSuccess: ({ secret }) => {
        setFields((current) => ({ ...current, secret: "" }));
        notifyDone(secret === "session" ? "Saved; the secret is kept until the console is closed" : "Saved");
      },
    });
  }

  const refused = set.error ? toErrorReport(set.error) : null;
  const failed = refused ?? test.data?.failure ?? (test.error ? toErrorReport(test.error) : null);
  const errorOf = (field: string): ReactNode => (failed?.field === field ? failed.message : undefined);
  const text = (name: keyof Fields, field: string, label: string, placeholder: string) => (
    <TextInput
      aria-label={label}
      size="xs"
      spellCheck={false}
      classNames={{ input: fonts.mono ?? "" }}
      placeholder={placeholder}
      value={String(fields[name])}
      error={errorOf(field)}
      onChange={(event) => change({ [name]: event.currentTarget.value })}
    />
  );

  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <Facts>
        <Fact name="Server">{text("servers", "servers", "NATS server", "nats://localhost:4222")}</Fact>
        <Fact name="Login">
          <SegmentedControl
            aria-label="Login to NATS"
            data={kinds}
            value={fields.kind}
            onChange={(kind) => change({ kind: kind as Kind, secret: "" })}
          />
        </Fact>
        {fields.kind === "password" && <Fact name="Name">{text("user", "user", "NATS login name", "")}</Fact>}
        {fields.kind !== "none" && (
          <Fact name={secretLabels[fields.kind]}>
            <SecretField
              kind={fields.kind}
              value={fields.secret}
              placeholder={keptWords(status, fields.kind)}
              error={errorOf("secret")}
              onChange={(secret) => change({ secret })}
            />
          </Fact>
        )}
        <Fact name="Encryption (TLS)">
          <div className={classes.choice}>
            <Switch
              name="NATS encryption required"
              on={fields.isTlsRequired || hasFiles}
              forbidden={hasFiles ? "It is required where a certificate is named." : null}
              onChange={(isTlsRequired) => change({ isTlsRequired })}
            />
            <span>
              {fields.isTlsRequired || hasFiles
                ? "A connection without it is refused"
                : "If the server asks for it, else in the clear"}
            </span>
          </div>
        </Fact>
        <Fact name="Authority (CA)">
          {text(
            "caFile",
            "ca_file",
            "File of the certificate authority",
            "those the system trusts, or /path/ca.pem",
          )}
        </Fact>
        <Fact name="Own certificate">
          {text(
            "certificateFile",
            "certificate_file",
            "File of the console's certificate",
            "none, or /path/cert.pem",
          )}
        </Fact>
        {(fields.certificateFile !== "" || fields.keyFile !== "") && (
          <Fact name="Its key">
            {text("keyFile", "key_file", "File of the certificate's key", "/path/key.pem")}
          </Fact>
        )}
      </Facts>
      <div className={classes.buttons}>
        <Button type="submit" size="xs" loading={set.isPending} disabled={isBusy && !set.isPending}>
          Save
        </Button>
        <Button
          size="xs"
          variant="default"
          loading={test.isPending}
          disabled={isBusy && !test.isPending}
          onClick={() => {
            set.reset();
            test.mutate(requestOf(fields));
          }}
        >
          Test connection
        </Button>
        <span className={classes.space} />
        {isKept && (
          <Button
            size="xs"
            variant="subtle"
            c="var(--bad)"
            loading={remove.isPending}
            disabled={isBusy && !remove.isPending}
            onClick={() =>
              remove.mutate(undefined, {
                onSuccess: () => notifyDone("The way to NATS and its secret are forgotten"),
                onError: (thrown) => notifyFailure("Could not remove it", toErrorReport(thrown)),
              })
            }
          >
            Remove
          </Button>
        )}
      </div>
      {failed && <ErrorNote error={failed} />}
      {test.data?.server && <Connected server={test.data.server} />}
      {!isKept && !failed && !test.data && (
        <p className={classes.hint}>With it, extensions can be sent test messages.</p>
      )}
    </form>
  );
}

const secretLabels = { password: "Password", token: "Token", credentials: "Credentials" } as const;

type SecretFieldProps = {
  kind: Exclude<Kind, "none">;
  value: string;
  placeholder: string;
  error: ReactNode;
  onChange: (value: string) => void;
};

/** Takes a secret and never shows one that is kept. */
function SecretField({ kind, value, placeholder, error, onChange }: SecretFieldProps) {
  const common = {
    "aria-label": `NATS ${kind}`,
    size: "xs",
    placeholder,
    value,
    error,
    autoComplete: "off",
    spellCheck: false,
  } as const;
  return kind === "credentials" ? (
    <Textarea
      {...common}
      autosize
      minRows={2}
      maxRows={4}
      classNames={{ input: classes.covered ?? "" }}
      description="The content of the .creds file"
      inputWrapperOrder={["input", "description", "error"]}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  ) : (
    <PasswordInput {...common} onChange={(event) => onChange(event.currentTarget.value)} />
  );
}

/** What is known of the secret of this kind of login. */
function keptWords({ settings, secret }: NatsStatus, kind: Kind): string {
  if (settings?.authentication.kind !== kind) return "";
  switch (secret) {
    case "keychain":
      return "kept in the keychain";
    case "session":
      return "kept until the console is closed, then asked for again";
    case "missing":
      return "not known any more: give it again";
    default:
      return "";
  }
}

function Connected({ server }: { server: NatsServer }) {
  const { name, version, cluster, is_encrypted, connected_in_ms } = server;
  return (
    <p className={classes.connected} role="status">
      <StatusWord icon={IconCircleCheck} tone="good">
        Connected in {measuredDuration(connected_in_ms)}
      </StatusWord>
      <span className={classes.server}>
        {name !== null && `${name}, `}NATS {version}
        {cluster !== null && `, cluster ${cluster}`}, {is_encrypted ? "encrypted" : "not encrypted"}
      </span>
    </p>
  );
}

function fieldsOf(settings: NatsSettings | null): Fields {
  const authentication = settings?.authentication ?? { kind: "none" };
  return {
    servers: settings?.servers.join(", ") ?? "",
    kind: authentication.kind,
    user: authentication.kind === "password" ? authentication.user : "",
    secret: "",
    isTlsRequired: settings?.tls.required ?? false,
    caFile: settings?.tls.ca_file ?? "",
    certificateFile: settings?.tls.certificate_file ?? "",
    keyFile: settings?.tls.key_file ?? "",
  };
}

function requestOf(fields: Fields): NatsSettingsRequest {
  const { kind, user, secret } = fields;
  return {
    settings: {
      servers: fields.servers
        .split(",")
        .map((server) => server.trim())
        .filter(Boolean),
      authentication: kind === "password" ? { kind, user: user.trim() } : { kind },
      tls: {
        required: fields.isTlsRequired,
        ca_file: fields.caFile.trim() || null,
        certificate_file: fields.certificateFile.trim() || null,
        key_file: fields.keyFile.trim() || null,
      },
    },
    secret: kind === "none" || secret === "" ? null : secret,
  };
}
