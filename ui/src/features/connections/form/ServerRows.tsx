import { ActionIcon, Button, Input, NumberInput, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import fonts from "../../../ui/fonts.module.css";
import { IconArrowUp, IconPlus, IconX } from "../../../ui/icons";
import classes from "./ConnectionForm.module.css";
import { type ServerDraft, serverDraft } from "./connectionDraft";

/** As many as a profile may name. */
const serversMax = 16;

type ServerRowsProps = {
  servers: readonly ServerDraft[];
  error: ReactNode;
  onChange: (servers: readonly ServerDraft[]) => void;
};

/** The servers, in the order in which they are tried. */
export function ServerRows({ servers, error, onChange }: ServerRowsProps) {
  const change = (key: number, more: Partial<ServerDraft>) =>
    onChange(servers.map((server) => (server.key === key ? { ...server, ...more } : server)));
  return (
    <Input.Wrapper
      label={servers.length > 1 ? "Servers, in the order in which they are tried" : "Server"}
      size="xs"
      error={error}
      labelElement="div"
    >
      <div className={classes.servers}>
        {servers.map((server, place) => (
          <div key={server.key} className={classes.server}>
            <TextInput
              size="xs"
              aria-label={`Host ${place + 1}`}
              placeholder="db.example, or /run/postgresql"
              spellCheck={false}
              classNames={{ input: fonts.mono ?? "" }}
              error={Boolean(error)}
              value={server.host}
              onChange={(event) => change(server.key, { host: event.currentTarget.value })}
            />
            <NumberInput
              size="xs"
              aria-label={`Port ${place + 1}`}
              hideControls
              allowDecimal={false}
              allowNegative={false}
              // A larger one would be no port at all.
              clampBehavior="strict"
              min={0}
              max={65_535}
              value={server.port}
              onChange={(port) => change(server.key, { port: port === "" ? "" : Number(port) })}
            />
            <ActionIcon
              size={30}
              variant="subtle"
              color="gray"
              disabled={place === 0}
              aria-label={`Try server ${place + 1} earlier`}
              title="Try it earlier"
              onClick={() => onChange(movedUp(servers, place))}
            >
              <IconArrowUp size={14} aria-hidden />
            </ActionIcon>
            <ActionIcon
              size={30}
              variant="subtle"
              color="gray"
              disabled={servers.length === 1}
              aria-label={`Remove server ${place + 1}`}
              title="Remove it"
              onClick={() => onChange(servers.filter(({ key }) => key !== server.key))}
            >
              <IconX size={14} aria-hidden />
            </ActionIcon>
          </div>
        ))}
        <Button
          className={classes.add ?? ""}
          size="compact-xs"
          variant="subtle"
          disabled={servers.length >= serversMax}
          leftSection={<IconPlus size={13} aria-hidden />}
          onClick={() => onChange([...servers, serverDraft()])}
        >
          Another server
        </Button>
      </div>
    </Input.Wrapper>
  );
}

function movedUp(servers: readonly ServerDraft[], place: number): ServerDraft[] {
  const moved = [...servers];
  moved.splice(place - 1, 2, ...servers.slice(place - 1, place + 1).toReversed());
  return moved;
}
