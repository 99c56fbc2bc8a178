import { Button } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { usePermissions } from "../../api/access";
import { reportTableShown } from "../../api/application";
import { toErrorReport } from "../../api/command";
import { type ExtensionRow, useExtensions } from "../../api/extensions";
import type { Extension } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { counted } from "../../ui/figures";
import { IconFilterOff, IconPlus, IconPuzzle } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { useShortcuts } from "../../ui/useShortcuts";
import { DeleteDialog } from "./DeleteDialog";
import { ExtensionChips } from "./ExtensionChips";
import { ExtensionTable } from "./ExtensionTable";
import { filterExtensions } from "./extensionOrder";
import type { ExtensionSearch } from "./extensionSearch";
import { FilterBox } from "./FilterBox";
import { ExtensionForm, type FormTarget } from "./form/ExtensionForm";
import { ExtensionPanel } from "./panel/ExtensionPanel";
import { useSwitchExtension } from "./useSwitchExtension";

export function ExtensionsPage({ history }: { history: (id: string) => ReactNode }) {
  const extensions = useExtensions();
  const search = useSearch({ from: "/extensions" });
  const navigate = useNavigate({ from: "/extensions" });
  const permissions = usePermissions().data;
  const switchExtension = useSwitchExtension();
  const [form, setForm] = useState<FormTarget | null>(null);
  const [deleting, setDeleting] = useState<Extension | null>(null);
  const { data: rows, error, dataUpdatedAt } = extensions;
  const refetch = () => void extensions.refetch();
  const set = useCallback(
    (more: ExtensionSearch) =>
      void navigate({ search: (current: ExtensionSearch) => ({ ...current, ...more }), replace: true }),
    [navigate],
  );
  const open = useCallback((id: string) => set({ open: id }), [set]);
  const close = useCallback(() => set({ open: undefined, tab: undefined }), [set]);
  const createNew = () => setForm({ kind: "create", from: null });
  const mayCreate = permissions?.can_edit !== false;
  useShortcuts({
    n: () => mayCreate && !form && createNew(),
    h: () => search.open && set({ tab: "history" }),
  });

  const loaded = rows !== undefined;
  useEffect(() => {
    if (loaded) reportTableShown();
  }, [loaded]);

  return (
    <>
      <PageHeader title="Extensions" summary={rows && rows.length > 0 ? summary(rows) : undefined}>
        {rows?.length !== 0 && (
          <FilterBox value={search.text ?? ""} onChange={(text) => set({ text: text || undefined })} />
        )}
        <Button
          size="xs"
          leftSection={<IconPlus size={14} aria-hidden />}
          aria-keyshortcuts="n"
          disabled={!mayCreate}
          title={mayCreate ? undefined : `The login ${permissions?.login} may not create extensions`}
          onClick={createNew}
        >
          New
        </Button>
      </PageHeader>
      {rows && rows.length > 0 && <ExtensionChips rows={rows} search={search} onChange={set} />}
      {rows && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      <Panel>
        {rows ? (
          <Rows
            rows={rows}
            search={search}
            onClearFilter={() => set({ text: undefined, state: undefined, type: undefined })}
            onRefresh={refetch}
            onOpen={open}
            onSwitch={switchExtension}
          />
        ) : error ? (
          <ErrorState
            tried="The extensions could not be read"
            error={toErrorReport(error)}
            onRetry={refetch}
          />
        ) : (
          <SkeletonRows label="Reading the extensions" />
        )}
      </Panel>
      {search.open !== undefined && (
        <ExtensionPanel
          key={search.open}
          id={search.open}
          tab={search.tab ?? "overview"}
          onTab={(tab) => set({ tab })}
          onClose={close}
          onSwitch={switchExtension}
          onEdit={(detail) => setForm({ kind: "edit", detail })}
          onDuplicate={(detail) => setForm({ kind: "create", from: detail })}
          onDelete={({ extension }) => setDeleting(extension)}
          history={history}
        />
      )}
      {form && (
        <ExtensionForm
          target={form}
          onClose={(savedId) => {
            setForm(null);
            if (savedId !== null) open(savedId);
          }}
        />
      )}
      {deleting && (
        <DeleteDialog
          extension={deleting}
          onClose={(done) => {
            setDeleting(null);
            if (done) close();
          }}
        />
      )}
    </>
  );
}

type RowsProps = {
  rows: readonly ExtensionRow[];
  search: ExtensionSearch;
  onClearFilter: () => void;
  onRefresh: () => void;
  onOpen: (id: string) => void;
  onSwitch: (id: string, enabled: boolean) => void;
};

function Rows({ rows, search, onClearFilter, onRefresh, onOpen, onSwitch }: RowsProps) {
  const matching = useMemo(() => filterExtensions(rows, search), [rows, search]);
  if (rows.length === 0) {
    return (
      <EmptyState
        icon={IconPuzzle}
        title="No extensions yet"
        action={
          <Button size="xs" variant="default" onClick={onRefresh}>
            Look again
          </Button>
        }
      >
        An extension appears here as soon as somebody makes one with New, or a program registers one in this
        database.
      </EmptyState>
    );
  }
  if (matching.length === 0) {
    return (
      <EmptyState
        icon={IconFilterOff}
        title={search.text ? `Nothing matches “${search.text.trim()}”` : "No extension matches this filter"}
        action={
          <Button size="xs" variant="default" onClick={onClearFilter}>
            Clear filter
          </Button>
        }
      >
        The filter looks at the id, the type and the subject of {counted(rows.length, "extension")}.
      </EmptyState>
    );
  }
  return <ExtensionTable rows={matching} openId={search.open} onOpen={onOpen} onSwitch={onSwitch} />;
}

function summary(rows: readonly ExtensionRow[]): string {
  const onCount = rows.filter((row) => row.enabled).length;
  return `${onCount} on · ${rows.length - onCount} off`;
}
