import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";
import type { Extension } from "../../bindings";
import { CopyButton } from "../../ui/CopyButton";
import { IconArrowLeft } from "../../ui/icons";
import { linkToExtension } from "../../ui/link";
import { PageHeader } from "../../ui/PageHeader";
import page from "../../ui/page.module.css";
import { useShortcuts } from "../../ui/useShortcuts";
import classes from "./ExtensionsPage.module.css";
import { useExtensionActions } from "./extensionActions";
import { ExtensionPanel, type ExtensionPanelProps } from "./panel/ExtensionPanel";
import { useBulkChanges } from "./useBulkChanges";

const route = getRouteApi("/extensions/$id");

/** One extension in the whole window, under an address of its own. */
export function ExtensionPage(parts: Pick<ExtensionPanelProps, "history" | "health" | "liveTest">) {
  const { id } = route.useParams();
  const { tab } = route.useSearch();
  const navigate = useNavigate();
  const actions = useExtensionActions();
  const toList = useCallback(
    () => void navigate({ to: "/extensions", search: { open: id } }),
    [navigate, id],
  );
  const { remove } = useBulkChanges(toList);
  const removeOne = useCallback((extension: Extension) => remove([extension]), [remove]);
  const { editing } = actions.allowed;
  useShortcuts({
    e: () => editing === null && actions.edit(id),
    h: () =>
      void navigate({ to: "/extensions/$id", params: { id }, search: { tab: "history" }, replace: true }),
    Escape: () => {
      // What lies over the page closes first.
      if (document.querySelector("[role=dialog]")) return false;
      toList();
      return true;
    },
  });

  return (
    <div className={`${page.filling} ${classes.page}`}>
      <PageHeader title="Extension">
        <CopyButton text={linkToExtension(id)}>Copy link</CopyButton>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconArrowLeft size={14} aria-hidden />}
          aria-keyshortcuts="Escape"
          onClick={toList}
        >
          Back to the list
        </Button>
      </PageHeader>
      <ExtensionPanel
        key={id}
        id={id}
        isPage
        tab={tab ?? "overview"}
        onTab={(next) =>
          void navigate({ to: "/extensions/$id", params: { id }, search: { tab: next }, replace: true })
        }
        onClose={toList}
        actions={actions}
        onDelete={removeOne}
        {...parts}
      />
    </div>
  );
}
