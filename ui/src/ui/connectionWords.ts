import type {
  ConnectionProfile,
  Pooling,
  ProfileColour,
  SchemaState,
  ServerAddress,
  ServerRole,
  TlsMode,
  TlsSettings,
} from "../bindings";
import { counted, groupedCount } from "./figures";

/** The colours that a connection can have, in the order in which they are offered. */
export const profileColours: readonly ProfileColour[] = [
  "grey",
  "red",
  "orange",
  "yellow",
  "green",
  "blue",
  "violet",
];

export const tlsModes: readonly TlsMode[] = ["verify-full", "verify-ca", "require", "prefer", "disable"];

/** What each mode does, in a few words. */
export const tlsModeWords: Record<TlsMode, string> = {
  "verify-full": "encrypted, and the server is the one that was asked for",
  "verify-ca": "encrypted, for whatever host the certificate is",
  require: "encrypted, whoever answers is believed",
  prefer: "encrypted if the server offers it",
  disable: "not encrypted",
};

/** What somebody on the way to another machine could do with a mode; null where nothing. */
export const tlsConsequences: Record<TlsMode, string | null> = {
  "verify-full": null,
  "verify-ca":
    "Any server with a certificate of a trusted authority is believed. Whoever has one can stand in the way, and read and change all that is sent.",
  require:
    "Whoever answers is believed. Somebody on the way can pose as the server, take the password, and read and change all that is sent.",
  prefer:
    "Somebody on the way can take the encryption away, then read the password and read and change all that is sent.",
  disable: "Everybody on the way can read the password, and read and change all that is sent.",
};

/** Whether a server is on this machine, so that nobody is on the way to it. */
function isOnThisMachine({ host }: ServerAddress): boolean {
  return host.startsWith("/") || /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host.trim());
}

/** Whether all of them are. Where none is named yet, it is another machine that is meant. */
export function areOnThisMachine(servers: readonly ServerAddress[]): boolean {
  return servers.length > 0 && servers.every(isOnThisMachine);
}

/** The mode that holds where none was chosen. */
export function defaultTlsMode(servers: readonly ServerAddress[]): TlsMode {
  return areOnThisMachine(servers) ? "prefer" : "verify-full";
}

/** Why the encryption to these servers is too weak; null if it isn't. */
export function tlsWeakness(
  tls: Pick<TlsSettings, "mode">,
  servers: readonly ServerAddress[],
): string | null {
  if (areOnThisMachine(servers)) return null;
  return tlsConsequences[tls.mode ?? defaultTlsMode(servers)];
}

export const poolingWords: Record<Pooling, string> = {
  direct: "None: straight to the servers",
  session: "A pooler that gives a session each",
  transaction: "A pooler that gives a transaction each",
};

export const serverRoleWords: Record<ServerRole, string> = {
  primary: "primary",
  standby: "standby",
  read_only: "takes no changes",
};

/** Why changes of others come late; said where they are polled. */
export const pollingWords =
  "Changes of others are looked for every few seconds: the pooler passes no notices.";

/** A server as it is written. */
export function serverText({ host, port }: ServerAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where a profile leads, in one line. */
export function placeText({ database }: ConnectionProfile): string {
  if (database.kind === "embedded") return "on this machine, of this program alone";
  const { user, servers, database: name } = database.value;
  return `${user}@${servers.map(serverText).join(", ")}/${name}`;
}

/** What a database is to this program. */
export function schemaText(schema: SchemaState): string {
  switch (schema.kind) {
    case "up_to_date":
      return `A registry of version ${schema.value.version}, up to date.`;
    case "pending":
      return `A registry of version ${schema.value.version}, ${counted(schema.value.migrations.length, "migration")} behind this program: it is asked about before they are made.`;
    case "newer":
      return `A registry of version ${schema.value.version}, newer than this program, which knows ${schema.value.known_version}: it can be read alone.`;
    case "seed":
      return schema.value.extension_count === null
        ? "Tables made by hand: they can be adopted with their rows."
        : `Tables made by hand with ${counted(schema.value.extension_count, "extension")}: they can be adopted with their rows.`;
    case "empty":
      return schema.value.other_table_count === 0
        ? "The database is empty: a registry can be created in it."
        : `No registry, and ${groupedCount(schema.value.other_table_count)} other ${schema.value.other_table_count === 1 ? "table" : "tables"}: check that it is the right database.`;
  }
}
