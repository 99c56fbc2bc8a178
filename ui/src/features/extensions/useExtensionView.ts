import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { nextOrder, orderText, parseOrder, type SortColumn } from "./extensionOrder";
import { type ExtensionSearch, type HideableColumn, storeView, withColumn } from "./extensionSearch";

/** The address follows the search box after this pause, in milliseconds: each letter would be a navigation. */
const addressDelayMs = 200;

/** What the page shows, as the address has it; the list's view is also kept for the next start. */
export function useExtensionView() {
  const search = useSearch({ from: "/extensions" });
  const navigate = useNavigate({ from: "/extensions" });
  const [text, setText] = useState(search.text ?? "");
  const sentText = useRef(text);
  const order = useMemo(() => parseOrder(search.sort), [search.sort]);

  // Also what came by a link or a key: the next start goes on from here.
  useEffect(() => storeView(search), [search]);

  // The address changed by other means than the search box: it counts.
  useEffect(() => {
    const addressText = search.text ?? "";
    if (addressText === sentText.current) return;
    sentText.current = addressText;
    setText(addressText);
  }, [search.text]);

  const change = useCallback(
    (more: ExtensionSearch | ((current: ExtensionSearch) => ExtensionSearch)) =>
      void navigate({
        replace: true,
        search: (current: ExtensionSearch) => {
          const next = { ...current, ...(typeof more === "function" ? more(current) : more) };
          storeView(next);
          return next;
        },
      }),
    [navigate],
  );

  useEffect(() => {
    if (text === sentText.current) return;
    const timer = setTimeout(() => {
      sentText.current = text;
      change({ text: text || undefined });
    }, addressDelayMs);
    return () => clearTimeout(timer);
  }, [text, change]);

  const showColumn = useCallback(
    (column: HideableColumn, shown: boolean) =>
      change(({ hide }) => ({ hide: withColumn(hide, column, shown) })),
    [change],
  );
  const sort = (column: SortColumn) => change({ sort: orderText(nextOrder(order, column)) });
  return { search, change, text, setText, order, sort, showColumn };
}
