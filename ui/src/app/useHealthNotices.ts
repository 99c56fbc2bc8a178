import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { followCrossings, followOpenedNotices } from "../api/health";
import { isolated } from "../ui/isolated";
import { keepNotice } from "../ui/notices";
import { limitText, troubleWords, valueText } from "../ui/troubleWords";

/** Keeps a notice of each trouble that begins or is over, and opens what is clicked on the desktop. */
export function useHealthNotices(): void {
  const navigate = useNavigate();

  useEffect(
    () =>
      followCrossings(({ kind, value: alarm }) => {
        const { extension_id, trouble, limit } = alarm;
        const name = isolated(extension_id);
        const words = troubleWords[trouble];
        keepNotice({
          kind: kind === "raised" ? "trouble" : "done",
          message:
            kind === "raised"
              ? `${name} ${words.now}: ${valueText(alarm)}, the limit is ${limitText(trouble, limit)}`
              : `${name} ${words.over}`,
          extensionId: extension_id,
        });
      }),
    [],
  );

  useEffect(
    () =>
      followOpenedNotices((extensionId) => {
        // A dialog has to be answered first: what was typed into it must not be lost.
        if (document.querySelector("[role=dialog]") !== null) return;
        if (extensionId === null) void navigate({ to: "/health" });
        else void navigate({ to: "/extensions", search: { open: extensionId } });
      }),
    [navigate],
  );
}
