import { Button, Menu } from "@mantine/core";
import { useWindowEvent } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useAllowed } from "../../api/access";
import { toErrorReport } from "../../api/command";
import {
  stopTestMessage,
  type TestObstacle,
  useSendTestMessage,
  useSetTestPayload,
  useTestMessage,
  useTestObstacle,
} from "../../api/nats";
import type { Extension, SchemaScope, TestMessage } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { ErrorState } from "../../ui/ErrorState";
import { exactDuration } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { Identifier } from "../../ui/Identifier";
import { IconChevronDown, IconLock, IconSend } from "../../ui/icons";
import { JsonEditor } from "../../ui/JsonEditor";
import { syntaxProblem } from "../../ui/jsonText";
import { notifyDone, notifyFailure } from "../../ui/notify";
import { SkeletonRows } from "../../ui/SkeletonRows";
import classes from "./LiveTest.module.css";
import { TestResult } from "./TestResult";
import { TestSchedule } from "./TestSchedule";

/** Sends one extension a message, as a router would, and shows what comes back. */
export function LiveTest({ extension }: { extension: Extension }) {
  const message = useTestMessage(extension.id);
  if (message.data) return <Content extension={extension} message={message.data} />;
  return message.error ? (
    <ErrorState
      tried="The message could not be read"
      error={toErrorReport(message.error)}
      onRetry={() => void message.refetch()}
    />
  ) : (
    <SkeletonRows label="Reading the message" />
  );
}

function Content({ extension, message }: { extension: Extension; message: TestMessage }) {
  const { id, subject, timeout_ms, retry } = extension;
  const kept = message.own_payload ?? message.type_payload;
  const [typed, setTyped] = useState<string | null>(null);
  // What was typed may have been kept meanwhile.
  const isKept = typed === null || typed === kept;
  const payload = typed ?? kept;
  const obstacle = useTestObstacle();
  const send = useSendTestMessage();
  const isWrong = syntaxProblem(payload) !== null;
  const forbidden = obstacle?.reason ?? (isWrong ? "The message is no JSON." : null);

  function write(text: string) {
    // What is as it is kept follows what is kept.
    setTyped(text === kept ? null : text);
  }
  function start() {
    if (forbidden === null && !send.isPending) send.mutate({ id, payload });
  }
  // In the whole window: the key is the same wherever one is in the panel. A dialog has keys of its own.
  useWindowEvent("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    if (document.querySelector("[role=dialog]")) return;
    event.preventDefault();
    start();
  });

  return (
    <section className={classes.test} aria-label={`Test of ${id}`}>
      <p className={classes.target}>
        <Identifier label="subject" value={subject} />
        <span className={classes.limits}>
          {exactDuration(timeout_ms)} for an answer, {retries(retry)}
        </span>
      </p>
      {obstacle && <Obstacle obstacle={obstacle} />}
      <JsonEditor
        label="Message"
        value={payload}
        onChange={write}
        minLines={6}
        tools={
          <TemplateMenu
            extension={extension}
            message={message}
            payload={payload}
            isWrong={isWrong}
            onUse={setTyped}
          />
        }
      />
      <div className={classes.actions}>
        {send.isPending ? (
          <Button size="xs" variant="default" onClick={stopTestMessage}>
            Stop waiting
          </Button>
        ) : (
          <GuardedButton
            forbidden={forbidden}
            leftSection={<IconSend size={14} aria-hidden />}
            aria-keyshortcuts="Control+Enter"
            onClick={start}
          >
            Send
          </GuardedButton>
        )}
        <span className={classes.hint} role="status">
          {send.isPending
            ? `Waiting for an answer, ${exactDuration(timeout_ms * (retry + 1))} at most`
            : isKept
              ? `The message of ${message.own_payload === null ? `all ${extension.type} extensions` : "this extension"}`
              : ""}
        </span>
      </div>
      {send.error && <ErrorNote error={toErrorReport(send.error)} />}
      {!send.isPending && send.data !== undefined && <TestResult report={send.data} subject={subject} />}
      <TestSchedule extension={extension} message={message} />
    </section>
  );
}

function retries(count: number): string {
  if (count === 0) return "no retry";
  return count === 1 ? "1 retry" : `${count} retries`;
}

function Obstacle({ obstacle: { reason, settingsHelp } }: { obstacle: NonNullable<TestObstacle> }) {
  return (
    <p className={classes.obstacle}>
      <IconLock size={15} aria-hidden />
      <span>{reason}</span>
      {settingsHelp && (
        <Link className={classes.link} to="/settings">
          Open Settings
        </Link>
      )}
    </p>
  );
}

type TemplateMenuProps = {
  extension: Extension;
  message: TestMessage;
  payload: string;
  isWrong: boolean;
  onUse: (payload: string | null) => void;
};

/** Where messages come from and where they are kept. */
function TemplateMenu({ extension, message, payload, isWrong, onUse }: TemplateMenuProps) {
  const { editing } = useAllowed();
  const setPayload = useSetTestPayload();
  const { own_payload, type_payload } = message;
  const forbidden = editing ?? (isWrong ? "The message is no JSON." : null);

  function keep(scope: SchemaScope, kept: string | null, done: string) {
    setPayload.mutate(
      { scope, payload: kept },
      {
        onSuccess: () => {
          if (kept === null) onUse(null);
          notifyDone(done);
        },
        onError: (thrown) => notifyFailure("Could not keep the message", toErrorReport(thrown)),
      },
    );
  }

  return (
    <Menu position="bottom-end" shadow="md" width={270}>
      <Menu.Target>
        <Button size="compact-xs" variant="subtle" rightSection={<IconChevronDown size={12} aria-hidden />}>
          Template
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item disabled={payload === type_payload} onClick={() => onUse(type_payload)}>
          Use that of all {extension.type} extensions
        </Menu.Item>
        {own_payload !== null && (
          <Menu.Item disabled={payload === own_payload} onClick={() => onUse(null)}>
            Use that of this extension
          </Menu.Item>
        )}
        <Menu.Divider />
        <Item
          forbidden={forbidden}
          disabled={payload === own_payload}
          onClick={() => keep({ kind: "extension", value: extension.id }, payload, "Kept for this extension")}
        >
          Keep for this extension
        </Item>
        <Item
          forbidden={forbidden}
          disabled={payload === type_payload}
          onClick={() =>
            keep(
              { kind: "type", value: extension.type },
              payload,
              `Kept for all ${extension.type} extensions`,
            )
          }
        >
          Keep for all {extension.type} extensions
        </Item>
        {own_payload !== null && (
          <Item
            forbidden={editing}
            onClick={() =>
              keep(
                { kind: "extension", value: extension.id },
                null,
                "This extension has the message of its type again",
              )
            }
          >
            Forget that of this extension
          </Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

type ItemProps = { forbidden: string | null; disabled?: boolean; onClick: () => void; children: ReactNode };

/** In sight and off with the reason where the login may not do it. */
function Item({ forbidden, disabled = false, onClick, children }: ItemProps) {
  const off = forbidden !== null;
  return (
    <Menu.Item
      {...((off || disabled) && { "data-disabled": true })}
      aria-disabled={off || disabled || undefined}
      title={forbidden ?? undefined}
      closeMenuOnClick={!(off || disabled)}
      onClick={() => {
        if (!(off || disabled)) onClick();
      }}
    >
      {children}
    </Menu.Item>
  );
}
