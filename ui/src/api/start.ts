import { followRegistry } from "./cache";
import { createQueryClient, refetchWhenWindowIsFocused } from "./client";
import { followConnectionState } from "./connectionState";
import { monitorDatabase, refetchWhenDatabaseIsBack } from "./database";
import { prefetchExtensions } from "./extensions";
import { followHealthAlarms } from "./health";

// The first that main.tsx imports: what the first page shows is asked for while the rest of the code is still being set up.
// Changes are followed before anything is read, so that none falls between the two.

export const queryClient = createQueryClient();
followRegistry(queryClient);
followHealthAlarms(queryClient);
followConnectionState(queryClient);
export const database = monitorDatabase();
/** Resolves when the extensions are there, or can't be yet. */
export const extensionsAsked = prefetchExtensions(queryClient, database);
refetchWhenDatabaseIsBack(queryClient, database);
refetchWhenWindowIsFocused();
