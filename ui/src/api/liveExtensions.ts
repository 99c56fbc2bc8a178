import type { QueryClient } from "@tanstack/react-query";
import { commands, type Extension } from "../bindings";
import { unwrap } from "./command";
import { type ChangedIds, inTurn } from "./inTurn";
import { keys } from "./keys";
import { markChangedByOthers } from "./othersChanges";
import { isOwn } from "./ownRequests";

/** More changed rows than these are read together with all others. Where so much changes, no row stands out. */
const rowsAtOnce = 1_000;
/** How often it is looked whether a reading of the whole list has ended, in milliseconds. */
const lookAgainMs = 20;

/** Keeps the list of extensions up to date; to be called with those that changed, whoever changed them. */
export function followExtensions(client: QueryClient): (ids: ChangedIds) => void {
  const queryKey = keys.extensions.list();
  const isReadWhole = () => client.isFetching({ queryKey, exact: true }) > 0;
  const readWhole = () => client.invalidateQueries({ queryKey, exact: true });

  async function read(ids: ChangedIds) {
    // What a reading brings that has already begun may be older than the change.
    while (isReadWhole()) await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    if (ids === null || ids.size > rowsAtOnce) return readWhole();
    try {
      const found = await unwrap(commands.readChangedExtensions([...ids]));
      // One that began meanwhile would lay older rows over these: they are read once more after it.
      if (isReadWhole()) return changed(ids);
      const newest = new Map(found.map(({ extension }) => [extension.id, extension]));
      const known = new Map(
        client.getQueryData<Extension[]>(queryKey)?.map(({ id, revision }) => [id, revision]),
      );
      client.setQueryData<Extension[]>(queryKey, (rows) => rows && withRows(rows, ids, newest));
      const news = found.filter(
        ({ extension: { id, revision }, request_id }) =>
          !isOwn(request_id) && revision > (known.get(id) ?? -1),
      );
      if (known.size > 0) markChangedByOthers(news.map(({ extension }) => extension.id));
    } catch {
      // The list's own reading tells what is wrong.
      await readWhole();
    }
  }

  const changed = inTurn(read);
  return changed;
}

/** The list with the rows that were read anew; of those that were asked for, the ones not found are gone. */
function withRows(
  rows: readonly Extension[],
  asked: ReadonlySet<string>,
  newest: Map<string, Extension>,
): Extension[] {
  const next = rows.flatMap((row) => {
    if (!asked.has(row.id)) return [row];
    const found = newest.get(row.id);
    newest.delete(row.id);
    return found ? [found] : [];
  });
  return [...next, ...newest.values()];
}
