import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { followOpenedBackupNotices, followSafetyTroubles } from "../api/backups";
import { troubleText } from "../features/backups/backupWords";
import { notifyTrouble } from "../ui/notify";

/** Tells of each danger to the data as it begins, and opens the page that a notice of the desktop leads to. */
export function useSafetyNotices(): void {
  const client = useQueryClient();
  const navigate = useNavigate();

  useEffect(
    () =>
      followSafetyTroubles(client, (trouble) => {
        const { title, text } = troubleText(trouble);
        notifyTrouble(title, text, () => void navigate({ to: "/backups" }));
      }),
    [client, navigate],
  );

  useEffect(
    () =>
      followOpenedBackupNotices(() => {
        // A dialog has to be answered first: what was typed into it must not be lost.
        if (document.querySelector("[role=dialog]") === null) void navigate({ to: "/backups" });
      }),
    [navigate],
  );
}
