import { useMutation, useQuery } from "@tanstack/react-query";
import { commands, type NatsSettingsRequest, type NatsStatus, type SchemaScope } from "../bindings";
import { useAllowed } from "./access";
import { refetchIntervalMs } from "./client";
import { unwrap } from "./command";
import { keys } from "./keys";

/** How NATS is reached, and what is known of the secret. */
export function useNatsStatus() {
  return useQuery({ queryKey: keys.nats.status(), queryFn: () => commands.natsStatus() });
}

const afterSettings = { invalidates: [keys.nats.all] };

/** Keeps how NATS is reached. A secret goes one way: what is kept is never read back to the page. */
export function useSetNatsSettings() {
  return useMutation({
    mutationFn: (request: NatsSettingsRequest) => unwrap(commands.setNatsSettings(request)),
    meta: afterSettings,
    // A secret does not stay in memory longer than it takes to hand it over.
    gcTime: 0,
  });
}

export function useRemoveNatsSettings() {
  return useMutation({ mutationFn: () => unwrap(commands.removeNatsSettings()), meta: afterSettings });
}

/** Connects as the settings say, which need not be kept. */
export function useTestNatsConnection() {
  return useMutation({
    mutationFn: (request: NatsSettingsRequest) => unwrap(commands.testNatsConnection(request)),
    gcTime: 0,
  });
}

/** Why no message can be sent to an extension; null if one can. */
export type TestObstacle = { reason: string; settingsHelp: boolean } | null;

/** Until the answers are there nothing is held back. */
export function useTestObstacle(): TestObstacle {
  const { testing } = useAllowed();
  const status = useNatsStatus().data;
  if (testing !== null) return { reason: testing, settingsHelp: false };
  const missing = status && whatIsMissing(status);
  return missing ? { reason: missing, settingsHelp: true } : null;
}

function whatIsMissing({ settings, secret }: NatsStatus): string | null {
  if (settings === null) return "NATS is not set up: say in Settings where its server is.";
  if (secret !== "missing") return null;
  const { kind } = settings.authentication;
  return kind === "credentials"
    ? "The credentials for NATS are not known any more: give them in Settings."
    : `The ${kind} for NATS is not known any more: give it in Settings.`;
}

/** What an extension is tried with, and how often. */
export function useTestMessage(extensionId: string) {
  return useQuery({
    queryKey: keys.testMessages.of(extensionId),
    queryFn: () => unwrap(commands.testMessage(extensionId)),
    refetchInterval: refetchIntervalMs,
  });
}

/** Sends an extension a message; null if it was stopped. */
export function useSendTestMessage() {
  return useMutation({
    mutationFn: ({ id, payload }: { id: string; payload: string }) =>
      unwrap(commands.sendTestMessage(id, payload)),
    meta: { invalidates: [keys.health.all] },
  });
}

export function stopTestMessage(): void {
  // Nothing under way is nothing to stop.
  commands.stopTestMessage().catch(() => undefined);
}

const afterTestMessage = { invalidates: [keys.testMessages.all] };

/** Sets the message of a type or of an extension; null: an extension has that of its type again. */
export function useSetTestPayload() {
  return useMutation({
    mutationFn: ({ scope, payload }: { scope: SchemaScope; payload: string | null }) =>
      unwrap(commands.setTestPayload(scope, payload)),
    meta: afterTestMessage,
  });
}

/** Sets how often an extension is tried; null: only when somebody asks for it. */
export function useSetTestSchedule() {
  return useMutation({
    mutationFn: ({ id, everySeconds }: { id: string; everySeconds: number | null }) =>
      unwrap(commands.setTestSchedule(id, everySeconds)),
    meta: afterTestMessage,
  });
}
