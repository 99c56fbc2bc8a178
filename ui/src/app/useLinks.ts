import { useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { followLinks } from "../api/links";
import { addressOfLink } from "../ui/link";
import { notifyDone } from "../ui/notify";
import { addressOf } from "./address";

/** Opens the links that the application is handed, where they name a page that there is, and the backups (a path). */
export function useLinks(): void {
  const router = useRouter();
  useEffect(
    () =>
      followLinks((link) => {
        const path = addressOfLink(link);
        const address = link.startsWith("/")
          ? { to: "/backups" as const, state: { backup: link } }
          : path === null
            ? null
            : addressOf(path, router.options.parseSearch);
        if (address === null) notifyDone("The link names no page of this application.", { stays: true });
        // A dialog has to be answered first: what was typed into it must not be lost.
        else if (document.querySelector("[role=dialog]") !== null)
          notifyDone("A link was not opened: answer the dialog first, then open it again.", { stays: true });
        else void router.navigate(address);
      }),
    [router],
  );
}
