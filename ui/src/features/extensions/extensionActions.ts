import { useRouter } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Allowed, useAllowed } from "../../api/access";
import { toErrorReport } from "../../api/command";
import { useReadExtension } from "../../api/extensions";
import { copyText } from "../../ui/clipboard";
import { notifyFailure } from "../../ui/notify";
import { extensionAsJson } from "./extensionJson";
import { type ExtensionSearch, readExtensionSearch } from "./extensionSearch";
import { useSwitchExtension } from "./useSwitchExtension";

/** What can be done with extensions, from a row, the panel or the command palette. */
export type ExtensionActions = {
  allowed: Allowed;
  createNew: () => void;
  openImport: () => void;
  open: (id: string) => void;
  /** In the whole window. */
  openPage: (id: string) => void;
  openHistory: (id: string) => void;
  openTest: (id: string) => void;
  openHealth: (id: string) => void;
  edit: (id: string) => void;
  duplicate: (id: string) => void;
  setEnabled: (id: string, enabled: boolean) => void;
  copyJson: (id: string) => void;
};

/** Stays the same object while the login's rights do: ten thousand rows hang on it. */
export function useExtensionActions(): ExtensionActions {
  const router = useRouter();
  const allowed = useAllowed();
  const setEnabled = useSwitchExtension();
  const readExtension = useReadExtension();

  return useMemo(() => {
    function show(more: ExtensionSearch) {
      // What another page has in its address means nothing here.
      const { pathname, search } = router.state.location;
      const isHere = pathname === "/extensions";
      void router.navigate({
        to: "/extensions",
        search: isHere ? { ...readExtensionSearch(search), ...more } : more,
        replace: isHere,
      });
    }
    return {
      allowed,
      createNew: () => show({ form: "new" }),
      openImport: () => void router.navigate({ to: "/import" }),
      open: (id) => show({ open: id, form: undefined }),
      openPage: (id) => void router.navigate({ to: "/extensions/$id", params: { id }, search: {} }),
      openHistory: (id) => show({ open: id, tab: "history", form: undefined }),
      openTest: (id) => show({ open: id, tab: "test", form: undefined }),
      openHealth: (id) => void router.navigate({ to: "/health/$id", params: { id } }),
      edit: (id) => show({ open: id, form: "edit" }),
      duplicate: (id) => show({ open: id, form: "duplicate" }),
      setEnabled,
      copyJson: (id) => {
        readExtension(id)
          .then((detail) => copyText(extensionAsJson(detail)))
          .catch((thrown: unknown) => notifyFailure(`Could not copy ${id}`, toErrorReport(thrown)));
      },
    };
  }, [allowed, router, setEnabled, readExtension]);
}
