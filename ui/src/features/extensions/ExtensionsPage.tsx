import { Button, VisuallyHidden } from "@mantine/core";
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo } from "react";
import { reportTableShown } from "../../api/application";
import { toErrorReport } from "../../api/command";
import { useDatabaseAway } from "../../api/database";
import { type ExtensionRow, useExtensionDetail, useExtensions } from "../../api/extensions";
import { useHealthSparklines } from "../../api/health";
import type { Extension } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { counted, groupedCount } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { IconFileImport, IconFilterOff, IconPlus, IconPuzzle } from "../../ui/icons";
import { isolated } from "../../ui/isolated";
import { later } from "../../ui/later";
import { PageHeader } from "../../ui/PageHeader";
import page from "../../ui/page.module.css";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { useShortcuts } from "../../ui/useShortcuts";
import { BulkBar } from "./BulkBar";
import { ExtensionChips } from "./ExtensionChips";
import classes from "./ExtensionsPage.module.css";
import { ExtensionTable, focusedExtensionId } from "./ExtensionTable";
import { type ExtensionActions, useExtensionActions } from "./extensionActions";
import { extensionColumns } from "./extensionColumns";
import { sortExtensions } from "./extensionOrder";
import { countRows, matches, parseQuery } from "./extensionQuery";
import { SearchBox } from "./SearchBox";
import { SparklinesContext } from "./sparklines";
import { useBulkChanges } from "./useBulkChanges";
import { useExtensionView } from "./useExtensionView";
import { useSelection } from "./useSelection";
import { ViewMenu } from "./ViewMenu";

const ExtensionPanel = later(async () => (await import("./panel/ExtensionPanel")).ExtensionPanel);
const FormPlaceholder = later(async () => (await import("./FormPlaceholder")).FormPlaceholder);
/** The form brings an editor along, which no start needs. */
const ExtensionForm = lazy(() =>
  import("./form/ExtensionForm").then(({ ExtensionForm }) => ({ default: ExtensionForm })),
);

const noRows: ExtensionRow[] = [];

type ExtensionsPageProps = {
  history: (id: string) => ReactNode;
  /** Tries an extension with a message. */
  liveTest: (extension: Extension) => ReactNode;
  /** The charts of an extension. */
  health: (id: string) => ReactNode;
  /** Saves these extensions to a file, or all of them. */
  exportMenu: (ids: readonly string[] | null) => ReactNode;
};

export function ExtensionsPage({ history, liveTest, health, exportMenu }: ExtensionsPageProps) {
  const extensions = useExtensions();
  const { data: rows, error } = extensions;
  const refetch = () => void extensions.refetch();
  const { search, change, text, setText, order, sort, showColumn } = useExtensionView();
  const actions = useExtensionActions();
  const { editing } = actions.allowed;
  const isAway = useDatabaseAway() !== null;
  const openId = search.open;

  const loaded = rows !== undefined;
  useEffect(() => {
    if (loaded) reportTableShown();
  }, [loaded]);

  // In the same frame as the letter: put off, the rows would be made in slices with a frame drawn between each two.
  const query = useMemo(() => parseQuery(text), [text]);
  const columns = useMemo(() => {
    const hidden = search.hide?.split(",") ?? [];
    return extensionColumns.filter(({ column }) => !hidden.includes(column));
  }, [search.hide]);
  // After the table: what it waits for is not kept waiting by small charts.
  const sparklines = useHealthSparklines(loaded && columns.some(({ column }) => column === "health")).data;
  const counts = useMemo(() => countRows(rows ?? []), [rows]);
  // Sorted first: what one types then only looks through them.
  const sorted = useMemo(() => sortExtensions(rows ?? [], order), [rows, order]);
  const shown = useMemo(() => sorted.filter((row) => matches(row, query)), [sorted, query]);
  const selection = useSelection(shown);
  const { selected, selectAll, clear } = selection;
  const selectedRows = useMemo(
    () => (selected.size === 0 ? [] : sorted.filter((row) => selected.has(row.id))),
    [sorted, selected],
  );
  const hiddenCount = selectedRows.filter((row) => !matches(row, query)).length;

  const closeForm = useCallback(() => change({ form: undefined }), [change]);
  const close = useCallback(() => change({ open: undefined, tab: undefined, form: undefined }), [change]);
  const onDeleted = useCallback(
    (ids: readonly string[]) => {
      clear();
      if (openId !== undefined && ids.includes(openId)) close();
    },
    [clear, close, openId],
  );
  const bulk = useBulkChanges(onDeleted);
  const { remove } = bulk;
  const removeOne = useCallback((extension: Extension) => remove([extension]), [remove]);

  usePageShortcuts({ rows, openId, actions, close, selectedRows, clear, remove });

  return (
    <div className={`${page.filling} ${classes.page}`}>
      <PageHeader title="Extensions" summary={rows && rows.length > 0 ? summary(counts, shown) : undefined}>
        {rows?.length !== 0 && <SearchBox value={text} rows={rows ?? noRows} onChange={setText} />}
        {rows?.length !== 0 && (
          <ViewMenu
            view={{ text: text || undefined, sort: search.sort, hide: search.hide }}
            onShowColumn={showColumn}
            onChoose={({ text, sort, hide }) => change({ text, sort, hide })}
          />
        )}
        {rows && rows.length > 0 && exportMenu(null)}
        <GuardedButton
          variant="default"
          forbidden={editing}
          leftSection={<IconFileImport size={14} aria-hidden />}
          onClick={actions.openImport}
        >
          Import
        </GuardedButton>
        <GuardedButton
          forbidden={editing}
          leftSection={<IconPlus size={14} aria-hidden />}
          aria-keyshortcuts="n"
          onClick={actions.createNew}
        >
          New
        </GuardedButton>
      </PageHeader>
      {rows && rows.length > 0 && (
        <ExtensionChips text={text} query={query} counts={counts} onChange={setText} />
      )}
      {/* What a search leaves, for those who can't see the table shrink. */}
      <VisuallyHidden role="status">
        {rows && text.trim() !== "" ? `${counted(shown.length, "extension")} shown` : ""}
      </VisuallyHidden>
      {rows && error && !isAway && (
        <StaleNotice error={toErrorReport(error)} shownSince={extensions.dataUpdatedAt} onRetry={refetch} />
      )}
      <div className={classes.body} data-split={openId !== undefined || undefined}>
        <div className={classes.list}>
          {rows === undefined ? (
            error ? (
              <ErrorState
                tried="The extensions could not be read"
                error={toErrorReport(error)}
                onRetry={refetch}
              />
            ) : (
              <SkeletonRows label="Reading the extensions" />
            )
          ) : rows.length === 0 ? (
            <NoneYet forbidden={editing} onCreate={actions.createNew} />
          ) : shown.length === 0 ? (
            <NoMatch text={text} unknown={query.unknown} count={rows.length} onClear={() => setText("")} />
          ) : (
            <SparklinesContext value={sparklines}>
              <ExtensionTable
                rows={shown}
                columns={columns}
                order={order}
                onSort={sort}
                selection={selection}
                openId={openId}
                actions={actions}
                onDelete={removeOne}
              />
            </SparklinesContext>
          )}
          {selectedRows.length > 0 && (
            <BulkBar
              rows={selectedRows}
              hiddenCount={hiddenCount}
              matchingCount={shown.length}
              allowed={actions.allowed}
              exportMenu={exportMenu(selectedRows.map(({ id }) => id))}
              onSetEnabled={bulk.setEnabled}
              onDelete={remove}
              onSelectAll={selectAll}
              onClear={clear}
            />
          )}
        </div>
        {openId !== undefined && (
          <ExtensionPanel
            key={openId}
            id={openId}
            tab={search.tab ?? "overview"}
            onTab={(tab) => change({ tab })}
            onClose={close}
            actions={actions}
            onDelete={removeOne}
            history={history}
            liveTest={liveTest}
            health={health}
          />
        )}
      </div>
      {search.form !== undefined && (editing === null || isAway) && (
        <Suspense fallback={<FormPlaceholder title="Opening the form" onClose={closeForm} />}>
          <FormOf
            form={search.form}
            openId={openId}
            onClose={(savedId) => change({ form: undefined, ...(savedId !== null && { open: savedId }) })}
          />
        </Suspense>
      )}
    </div>
  );
}

type FormOfProps = {
  form: "new" | "edit" | "duplicate";
  openId: string | undefined;
  onClose: (savedId: string | null) => void;
};

function FormOf({ form, openId, onClose }: FormOfProps) {
  if (form === "new") return <ExtensionForm target={{ kind: "create", from: null }} onClose={onClose} />;
  return openId === undefined ? null : <FormFrom key={openId} kind={form} id={openId} onClose={onClose} />;
}

/** The form over an extension that is there. */
function FormFrom({
  kind,
  id,
  onClose,
}: {
  kind: "edit" | "duplicate";
  id: string;
  onClose: FormOfProps["onClose"];
}) {
  const { data: detail, error, refetch } = useExtensionDetail(id);
  if (!detail) {
    return (
      <FormPlaceholder
        title={error ? "The form can't be opened" : "Opening the form"}
        onClose={() => onClose(null)}
      >
        {error && (
          <ErrorState
            tried={`${isolated(id)} could not be read`}
            error={toErrorReport(error)}
            onRetry={() => void refetch()}
          />
        )}
      </FormPlaceholder>
    );
  }
  return (
    <ExtensionForm
      target={kind === "edit" ? { kind, detail } : { kind: "create", from: detail }}
      onClose={onClose}
    />
  );
}

type PageShortcuts = {
  rows: readonly ExtensionRow[] | undefined;
  openId: string | undefined;
  actions: ExtensionActions;
  close: () => void;
  selectedRows: readonly ExtensionRow[];
  clear: () => void;
  remove: (rows: readonly Extension[]) => void;
};

function usePageShortcuts(page: PageShortcuts) {
  const { rows, openId, actions, close, selectedRows, clear, remove } = page;
  const { switching, editing } = actions.allowed;
  /** Does it with the row that has the focus, else with the extension whose panel is open. */
  const withOne = (run: (id: string) => void, forbidden: string | null) => () => {
    const id = focusedExtensionId() ?? openId;
    if (id === undefined || forbidden !== null) return false;
    run(id);
    return true;
  };
  useShortcuts({
    n: () => editing === null && actions.createNew(),
    e: withOne(actions.edit, editing),
    h: withOne(actions.openHistory, null),
    m: withOne(actions.openTest, null),
    Delete: () => {
      const id = focusedExtensionId() ?? openId;
      const meant = selectedRows.length > 0 ? selectedRows : (rows?.filter((row) => row.id === id) ?? []);
      if (meant.length === 0 || editing !== null) return false;
      remove(meant);
      return true;
    },
    Space: () => {
      const row = rows?.find(({ id }) => id === openId);
      // A button that has the focus takes the key for itself.
      if (!row || document.activeElement !== document.body || switching !== null) return false;
      actions.setEnabled(row.id, !row.enabled);
      return true;
    },
    Escape: () => {
      // What lies over the page closes first.
      if (document.querySelector("[role=dialog]")) return false;
      if (selectedRows.length > 0) clear();
      else if (openId !== undefined) close();
      else return false;
      return true;
    },
  });
}

function NoneYet({ forbidden, onCreate }: { forbidden: string | null; onCreate: () => void }) {
  return (
    <EmptyState
      icon={IconPuzzle}
      title="No extensions yet"
      action={
        <GuardedButton forbidden={forbidden} variant="default" onClick={onCreate}>
          New extension
        </GuardedButton>
      }
    >
      An extension appears here as soon as somebody makes one, or a program registers one in this database.
    </EmptyState>
  );
}

type NoMatchProps = { text: string; unknown: readonly string[]; count: number; onClear: () => void };

function NoMatch({ text, unknown, count, onClear }: NoMatchProps) {
  return (
    <EmptyState
      icon={IconFilterOff}
      title={`Nothing matches “${text.trim()}”`}
      action={
        <Button size="xs" variant="default" onClick={onClear}>
          Clear filter
        </Button>
      }
    >
      {unknown.length > 0
        ? `There is no ${unknown.join(", ")}. Known are type:pre, validator, post, provider; is:on, off; health:failing, degraded, healthy, no-data.`
        : `None of ${counted(count, "extension")} has all of it in its id, type or subject.`}
    </EmptyState>
  );
}

function summary(counts: { all: number; on: number; off: number }, shown: readonly ExtensionRow[]): string {
  const states = `${groupedCount(counts.on)} on · ${groupedCount(counts.off)} off`;
  return shown.length === counts.all ? states : `${groupedCount(shown.length)} shown · ${states}`;
}
