import { ActionIcon, Tooltip } from "@mantine/core";
import { useEffect } from "react";
import { pauseNotices, useNoticesPaused } from "../api/menu";
import { IconBellOff } from "../ui/icons";
import { holdNotices } from "../ui/notify";

/** Says in the header that notices are held back, and lets them through again. */
export function NoticesPaused() {
  const isPaused = useNoticesPaused();
  useEffect(() => holdNotices(isPaused), [isPaused]);
  if (!isPaused) return null;
  return (
    <Tooltip label="Notices that need nothing from you are held back. Click to let them through.">
      <ActionIcon
        variant="subtle"
        color="gray"
        size={28}
        aria-label="Notices are held back. Let them through"
        onClick={() => pauseNotices(false)}
      >
        <IconBellOff size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
