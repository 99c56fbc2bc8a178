import { focusManager, MutationCache, QueryClient, type QueryKey } from "@tanstack/react-query";

declare module "@tanstack/react-query" {
  interface Register {
    mutationMeta: {
      /** What this mutation changes on the server; refetched when it settles, whichever way. */
      invalidates: readonly QueryKey[];
    };
  }
}

/** How often an open page asks again, in milliseconds, because other programs write the same rows. */
export const refetchIntervalMs = 10_000;

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    mutationCache: new MutationCache({
      // Not awaited: a switch is settled when the server said so, not when the lists are fresh again.
      onSettled: (_data, _error, _variables, _result, mutation) => {
        for (const queryKey of mutation.options.meta?.invalidates ?? []) {
          void client.invalidateQueries({ queryKey });
        }
      },
    }),
    defaultOptions: {
      // The server is on this machine: being offline must stop nothing, and a second try tells nothing new.
      queries: { networkMode: "always", retry: false, staleTime: 1_000 },
      mutations: { networkMode: "always", retry: false },
    },
  });
  return client;
}

/** A desktop window is often visible without being focused, so focus counts as well as visibility. */
export function refetchWhenWindowIsFocused(): void {
  focusManager.setEventListener((onFocus) => {
    const focused = () => onFocus();
    window.addEventListener("focus", focused);
    window.addEventListener("visibilitychange", focused);
    return () => {
      window.removeEventListener("focus", focused);
      window.removeEventListener("visibilitychange", focused);
    };
  });
}
