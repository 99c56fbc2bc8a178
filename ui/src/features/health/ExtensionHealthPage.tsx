import { Button, SegmentedControl } from "@mantine/core";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useRef } from "react";
import { useExtensions } from "../../api/extensions";
import { IconArrowLeft, IconPuzzle, IconZoomOut } from "../../ui/icons";
import { isolated } from "../../ui/isolated";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { useShortcuts } from "../../ui/useShortcuts";
import { CompareMenu } from "./CompareMenu";
import { HealthCharts } from "./charts/HealthCharts";
import classes from "./ExtensionHealthPage.module.css";
import {
  type ExtensionHealthSearch,
  type LastRange,
  type OwnRange,
  rangeOf,
  readExtensionHealthSearch,
} from "./healthSearch";
import { RangeChips } from "./RangeChips";

/** How the calls of one extension went over time. */
export function ExtensionHealthPage() {
  const { id } = useParams({ from: "/health/$id" });
  return <OfExtension key={id} id={id} />;
}

function OfExtension({ id }: { id: string }) {
  const address = useSearch({ from: "/health/$id" });
  const search = useMemo(() => readExtensionHealthSearch({ ...address }), [address]);
  const navigate = useNavigate({ from: "/health/$id" });
  const rows = useExtensions().data;
  const { from, until, ...whole } = search;
  const { range: name = "24h" } = whole;
  const own = from !== undefined && until !== undefined ? { from, until } : null;
  const range = useMemo(() => rangeOf(search), [search]);
  const ids = useMemo(() => [id, ...(search.with ?? []).filter((other) => other !== id)], [id, search.with]);
  /** What was shown before each zoom; an address that came by a link has nothing before it. */
  const zoomedFrom = useRef<OwnRange[]>([]);

  const show = useCallback(
    (next: ExtensionHealthSearch) =>
      void navigate({ params: { id }, search: readExtensionHealthSearch(next) }),
    [navigate, id],
  );
  const zoom = useCallback(
    (ends: OwnRange) => {
      const { from, until } = search;
      if (from !== undefined && until !== undefined) zoomedFrom.current.push({ from, until });
      show({ ...search, ...ends });
    },
    [show, search],
  );
  const zoomOut = () => show({ ...whole, ...zoomedFrom.current.pop() });
  function showRange(range: LastRange) {
    zoomedFrom.current = [];
    show({ ...whole, range });
  }
  const toAll = () =>
    void navigate({ to: "/health", search: { ...(whole.range && { range: whole.range }) } });
  useShortcuts({
    Escape: () => {
      if (document.querySelector("[role=dialog]")) return false;
      if (own) zoomOut();
      else toAll();
      return true;
    },
  });

  return (
    <>
      <PageHeader title={isolated(id)} summary={rows && summary(rows.find((row) => row.id === id))}>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconArrowLeft size={14} aria-hidden />}
          onClick={toAll}
        >
          All health
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPuzzle size={14} aria-hidden />}
          onClick={() => void navigate({ to: "/extensions", search: { open: id } })}
        >
          Extension
        </Button>
      </PageHeader>
      <div className={classes.tools}>
        <RangeChips chosen={own === null ? name : null} own={own} onChoose={showRange} onOwn={zoom} />
        {own !== null && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconZoomOut size={14} aria-hidden />}
            aria-keyshortcuts="Escape"
            onClick={zoomOut}
          >
            Zoom out
          </Button>
        )}
        <span className={classes.space} />
        <CompareMenu id={id} others={ids.slice(1)} onChange={(chosen) => show({ ...search, with: chosen })} />
        <SegmentedControl
          size="xs"
          aria-label="Whose calls"
          value={search.source ?? "traffic"}
          data={[
            { value: "traffic", label: "Traffic" },
            { value: "test", label: "Test messages" },
          ]}
          onChange={(value) => {
            const { source: _left, ...rest } = search;
            show(value === "test" ? { ...rest, source: "test" } : rest);
          }}
        />
      </div>
      <Panel>
        <div className={classes.charts}>
          <HealthCharts ids={ids} range={range} source={search.source ?? "traffic"} onZoom={zoom} />
        </div>
      </Panel>
    </>
  );
}

function summary(row: { type: string; enabled: boolean } | undefined): string {
  return row ? `${row.type} · ${row.enabled ? "on" : "off"}` : "deleted, or never there";
}
