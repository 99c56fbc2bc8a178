import { spotlight } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useReloadCache } from "../api/cache";
import { toErrorReport } from "../api/command";
import { followMenu } from "../api/menu";
import type { MenuAction } from "../bindings";
import { useExtensionActions } from "../features/extensions/extensionActions";
import { notifyDone, notifyFailure, undoLast } from "../ui/notify";
import { useSampleTraffic } from "./useSampleTraffic";

/** Does what is chosen from the application's menu, as its key in the page would. */
export function useMenu({ onShowKeys }: { onShowKeys: () => void }): void {
  const navigate = useNavigate();
  const reload = useReloadCache();
  const { allowed, createNew } = useExtensionActions();
  const fillWithSampleTraffic = useSampleTraffic();

  const actions: Record<MenuAction, () => void> = {
    new_extension: () =>
      allowed.editing === null ? createNew() : notifyDone(allowed.editing, { stays: true }),
    find: spotlight.open,
    undo_last: undoLast,
    reload: () =>
      reload.mutate(undefined, {
        onError: (thrown) => notifyFailure("Could not read everything anew", toErrorReport(thrown)),
      }),
    sample_traffic: fillWithSampleTraffic,
    show_help: () => void navigate({ to: "/help" }),
    show_keys: onShowKeys,
    extensions: () => void navigate({ to: "/extensions" }),
    audit: () => void navigate({ to: "/audit" }),
    health: () => void navigate({ to: "/health" }),
    routers: () => void navigate({ to: "/routers" }),
    as_of: () => void navigate({ to: "/as-of" }),
    settings: () => void navigate({ to: "/settings" }),
  };
  const current = useRef(actions);
  useEffect(() => {
    current.current = actions;
  });

  useEffect(
    () =>
      followMenu((action) => {
        // A dialog has to be answered first: what was typed into it must not be lost.
        if (document.querySelector("[role=dialog]") === null) current.current[action]();
      }),
    [],
  );
}
