import { ActionIcon, Button, Popover, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { CopyButton } from "../ui/CopyButton";
import { failureDetails } from "../ui/failure";
import { IconActivity, IconAlertTriangle, IconBell, IconCheck } from "../ui/icons";
import { isolated } from "../ui/isolated";
import { clearNotices, type KeptNotice, keptMax, noticesSeen, useNotices } from "../ui/notices";
import { Timestamp } from "../ui/Timestamp";
import { dayName } from "../ui/time";
import classes from "./NoticeList.module.css";

/** Beyond this the number says less than that it is many. */
const countedMax = 99;

/** Everything that the window said since it was opened, for what went by too fast. */
export function NoticeList() {
  const { notices, seenId } = useNotices();
  const [opened, setOpened] = useState(false);
  /** What was new when the list was opened stays marked while it is open. */
  const [newSince, setNewSince] = useState(seenId);
  const unread = notices.filter(({ id }) => id > seenId).length;
  const unreadFailures = notices.some(({ id, kind }) => id > seenId && kind !== "done");
  const label = unread === 0 ? "Notices" : `Notices: ${unread} new`;

  const navigate = useNavigate();

  function openExtension(id: string) {
    toggle(false);
    void navigate({ to: "/extensions", search: { open: id } });
  }

  function toggle(open: boolean) {
    setOpened(open);
    if (open) setNewSince(seenId);
    noticesSeen();
  }

  return (
    <Popover opened={opened} onChange={toggle} position="bottom-end" width={420} shadow="md" trapFocus>
      <Popover.Target>
        <ActionIcon
          className={classes.bell ?? ""}
          variant="subtle"
          color="gray"
          size={28}
          title={label}
          aria-label={label}
          onClick={() => toggle(!opened)}
        >
          <IconBell size={16} stroke={1.7} aria-hidden />
          {unread > 0 && !opened && (
            <span className={classes.count} data-tone={unreadFailures ? "bad" : undefined} aria-hidden>
              {unread > countedMax ? `${countedMax}+` : unread}
            </span>
          )}
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown ?? ""} aria-label="Notices">
        <div className={classes.header}>
          <h2>Notices</h2>
          <Button
            size="compact-xs"
            variant="subtle"
            disabled={notices.length === 0}
            data-autofocus
            onClick={clearNotices}
          >
            Clear
          </Button>
        </div>
        {notices.length === 0 ? (
          <p className={classes.none}>
            What the window tells you, such as a switch or a failure, stays here while it is open.
          </p>
        ) : (
          <div className={classes.days}>
            {byDay(notices).map(({ day, notices: ofDay }) => (
              <section key={day} aria-label={day}>
                <h3>{day}</h3>
                <ul>
                  {ofDay.map((notice) => (
                    <Notice
                      key={notice.id}
                      notice={notice}
                      isNew={notice.id > newSince}
                      onOpen={openExtension}
                    />
                  ))}
                </ul>
              </section>
            ))}
            {notices.length === keptMax && <p className={classes.none}>Older notices are not kept.</p>}
          </div>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function byDay(notices: readonly KeptNotice[]): { day: string; notices: KeptNotice[] }[] {
  const now = new Date();
  const days: { day: string; notices: KeptNotice[] }[] = [];
  for (const notice of notices) {
    const day = dayName(new Date(notice.at), now);
    const last = days.at(-1);
    if (last?.day === day) last.notices.push(notice);
    else days.push({ day, notices: [notice] });
  }
  return days;
}

const looks = {
  done: { icon: IconCheck, word: "Done" },
  failure: { icon: IconAlertTriangle, word: "Failed" },
  trouble: { icon: IconActivity, word: "Trouble" },
} as const;

type NoticeProps = { notice: KeptNotice; isNew: boolean; onOpen: (extensionId: string) => void };

function Notice({ notice: { at, kind, text, error, extensionId }, isNew, onOpen }: NoticeProps) {
  const { icon: Icon, word } = looks[kind];
  return (
    <li className={classes.notice} data-kind={kind} data-new={isNew || undefined}>
      <Icon size={14} role="img" aria-label={word} aria-hidden={false} />
      <div className={classes.words}>
        {extensionId === undefined ? (
          <bdi className={classes.text}>{text}</bdi>
        ) : (
          <UnstyledButton
            className={classes.link}
            title={`Open ${isolated(extensionId)}`}
            onClick={() => onOpen(extensionId)}
          >
            <bdi>{text}</bdi>
          </UnstyledButton>
        )}
        {error && (
          <>
            <bdi className={classes.more}>
              {error.message} {error.action}
            </bdi>
            <span className={classes.line}>
              <span className={classes.code}>{error.code}</span>
              <CopyButton size="compact-xs" text={`${text}\n${failureDetails(error)}`}>
                Copy details
              </CopyButton>
            </span>
          </>
        )}
      </div>
      <span className={classes.time}>
        <Timestamp value={at} format="clock" />
      </span>
    </li>
  );
}
