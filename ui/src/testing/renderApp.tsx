import { createMemoryHistory } from "@tanstack/react-router";
import { act, type RenderResult, render } from "@testing-library/react";
import userEvent, { type UserEvent } from "@testing-library/user-event";
import { followRegistry } from "../api/cache";
import { createQueryClient } from "../api/client";
import { followConnectionState } from "../api/connectionState";
import { monitorDatabase, refetchWhenDatabaseIsBack } from "../api/database";
import { prefetchExtensions } from "../api/extensions";
import { followHealthAlarms } from "../api/health";
import { App } from "../app/App";
import { createAppRouter } from "../app/router";
import { loadLater } from "../ui/later";

// As in a window that has been open for a moment.
await loadLater();

/** The whole window at a path, as main.tsx puts it together. The backend must have been started before. */
export function renderApp(path = "/"): RenderResult & {
  user: UserEvent;
  path: () => string;
  search: () => Record<string, unknown>;
  /** Goes to another page as a link or a key does. */
  goTo: (path: string) => Promise<void>;
} {
  const router = createAppRouter({ history: createMemoryHistory({ initialEntries: [path] }) });
  const database = monitorDatabase();
  const queryClient = createQueryClient();
  void prefetchExtensions(queryClient, database);
  refetchWhenDatabaseIsBack(queryClient, database);
  followRegistry(queryClient);
  followHealthAlarms(queryClient);
  followConnectionState(queryClient);
  const rendered = render(<App queryClient={queryClient} database={database} router={router} />);
  return {
    ...rendered,
    user: userEvent.setup(),
    path: () => router.state.location.pathname,
    search: () => router.state.location.search,
    goTo: async (to) => {
      // Not awaited: a question may come first.
      await act(async () => void router.history.push(to));
    },
  };
}
