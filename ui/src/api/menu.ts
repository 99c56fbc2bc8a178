import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { commands, events, type MenuAction } from "../bindings";
import { keys } from "./keys";
import { keepTold } from "./told";

/** Calls `run` with each entry that is chosen from the application's menu, until the answer is called. */
export function followMenu(run: (action: MenuAction) => void): () => void {
  const listening = events.menuChosen.listen((event) => run(event.payload));
  return () => {
    listening.then((stop) => stop()).catch(() => undefined);
  };
}

/** Whether notices that nobody has to act on are held back; the menu, the tray and the page say so alike. */
export function useNoticesPaused(): boolean {
  const client = useQueryClient();
  const paused = useQuery({
    queryKey: keys.application.noticesPaused(),
    queryFn: () => commands.noticesPaused(),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    const listening = events.noticesPaused.listen((event) =>
      keepTold(client, keys.application.noticesPaused(), event.payload),
    );
    return () => {
      listening.then((stop) => stop()).catch(() => undefined);
    };
  }, [client]);
  return paused.data ?? false;
}

export function pauseNotices(isPaused: boolean): void {
  // The event that follows says what holds; if none comes, nothing has changed.
  commands.pauseNotices(isPaused).catch(() => undefined);
}
