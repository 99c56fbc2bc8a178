import type {
  ConnectionProfile,
  Pooling,
  ProfileColour,
  RemoteDatabase,
  ServerAddress,
  TlsMode,
} from "../../../bindings";
import { serverText } from "../../../ui/connectionWords";

/** A server as it is typed. The key tells rows apart while they move. */
export type ServerDraft = { key: number; host: string; port: number | "" };

/** Where a database elsewhere is, as it is typed. */
export type RemoteDraft = {
  servers: readonly ServerDraft[];
  database: string;
  user: string;
  tlsMode: TlsMode | null;
  caFile: string;
  clientCertificateFile: string;
  clientKeyFile: string;
  applicationName: string;
  isReadOnly: boolean;
  prefersStandby: boolean;
  pooling: Pooling;
};

/** A connection as it is typed. Its password is kept apart. */
export type ConnectionDraft = {
  label: string;
  colour: ProfileColour | null;
  isProduction: boolean;
  isReasonRequired: boolean;
  /** Null for the embedded database. */
  remote: RemoteDraft | null;
};

const defaultPort = 5432;

let lastKey = 0;

export function serverDraft(host = "", port: number | "" = defaultPort): ServerDraft {
  lastKey += 1;
  return { key: lastKey, host, port };
}

export function newDraft(): ConnectionDraft {
  return {
    label: "",
    colour: null,
    isProduction: false,
    isReasonRequired: false,
    remote: {
      servers: [serverDraft()],
      database: "",
      user: "",
      tlsMode: null,
      caFile: "",
      clientCertificateFile: "",
      clientKeyFile: "",
      applicationName: "",
      isReadOnly: false,
      prefersStandby: false,
      pooling: "direct",
    },
  };
}

export function remoteDraft(database: RemoteDatabase): RemoteDraft {
  return {
    servers: database.servers.map(({ host, port }) => serverDraft(host, port)),
    database: database.database,
    user: database.user,
    tlsMode: database.tls.mode,
    caFile: database.tls.ca_file ?? "",
    clientCertificateFile: database.tls.client_certificate_file ?? "",
    clientKeyFile: database.tls.client_key_file ?? "",
    applicationName: database.application_name ?? "",
    isReadOnly: database.is_read_only,
    prefersStandby: database.prefers_standby,
    pooling: database.pooling,
  };
}

export function draftOf(profile: ConnectionProfile): ConnectionDraft {
  return {
    label: profile.label,
    colour: profile.colour,
    isProduction: profile.is_production,
    isReasonRequired: profile.is_reason_required,
    remote: profile.database.kind === "remote" ? remoteDraft(profile.database.value) : null,
  };
}

/** The servers as they would be saved. An empty port is none, which the check says. */
export function serversOf({ servers }: RemoteDraft): ServerAddress[] {
  return servers.map(({ host, port }) => ({ host: host.trim(), port: port === "" ? 0 : port }));
}

export function profileOf(draft: ConnectionDraft, id: string): ConnectionProfile {
  return {
    id,
    label: draft.label.trim(),
    colour: draft.colour,
    is_production: draft.isProduction,
    is_reason_required: draft.isReasonRequired,
    database:
      draft.remote === null ? { kind: "embedded" } : { kind: "remote", value: databaseOf(draft.remote) },
  };
}

function databaseOf(remote: RemoteDraft): RemoteDatabase {
  return {
    servers: serversOf(remote),
    database: remote.database.trim(),
    user: remote.user.trim(),
    tls: {
      mode: remote.tlsMode,
      ca_file: remote.caFile.trim() || null,
      client_certificate_file: remote.clientCertificateFile.trim() || null,
      client_key_file: remote.clientKeyFile.trim() || null,
    },
    application_name: remote.applicationName.trim() || null,
    is_read_only: remote.isReadOnly,
    prefers_standby: remote.prefersStandby,
    pooling: remote.pooling,
  };
}

/** As long as an id may be, with room for a number. */
const idBeginMax = 40;

/** A name for programs, which nobody has to think of: the label's letters, and a number where that is taken. */
export function newId(label: string, taken: readonly string[]): string {
  const words = label
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, idBeginMax)
    .replaceAll(/^-+|-+$/g, "");
  const begin = words || "connection";
  let id = begin;
  for (let number = 2; taken.includes(id); number += 1) id = `${begin}-${number}`;
  return id;
}

/** Whether two profiles give a password to the same servers for the same login: to others none is ever sent. */
export function asksTheSame(one: ConnectionProfile, other: ConnectionProfile): boolean {
  const asked = ({ database }: ConnectionProfile) =>
    database.kind === "remote" &&
    JSON.stringify([database.value.user, database.value.servers.map(serverText).toSorted()]);
  return asked(one) === asked(other);
}

/** Whether two profiles lead to different places, or by different ways. */
export function isElsewhere(one: ConnectionProfile, other: ConnectionProfile): boolean {
  return JSON.stringify(one.database) !== JSON.stringify(other.database);
}
