import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { IconChartLine, IconZoomOut } from "../../ui/icons";
import { HealthCharts } from "./charts/HealthCharts";
import classes from "./ExtensionHealthPanel.module.css";
import { type RangeSearch, rangeOf } from "./healthSearch";
import { RangeChips } from "./RangeChips";

/** The same beside the list of extensions, with a range that is not kept. */
export function ExtensionHealthPanel({ id }: { id: string }) {
  const [search, setSearch] = useState<RangeSearch>({});
  const { range = "24h", from, until } = search;
  const own = from !== undefined && until !== undefined ? { from, until } : null;
  const asked = useMemo(() => rangeOf(search), [search]);
  const navigate = useNavigate();
  return (
    <>
      <div className={classes.tools}>
        <RangeChips
          chosen={own === null ? range : null}
          own={own}
          onChoose={(range) => setSearch({ range })}
          onOwn={(ends) => setSearch({ range, ...ends })}
        />
        {own !== null && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconZoomOut size={14} aria-hidden />}
            onClick={() => setSearch({ range })}
          >
            Zoom out
          </Button>
        )}
      </div>
      <HealthCharts
        ids={useMemo(() => [id], [id])}
        range={asked}
        source="traffic"
        onZoom={(ends) => setSearch({ range, ...ends })}
      />
      <Button
        size="xs"
        mt="sm"
        variant="default"
        leftSection={<IconChartLine size={14} aria-hidden />}
        onClick={() => void navigate({ to: "/health/$id", params: { id }, search })}
      >
        Open in Health
      </Button>
    </>
  );
}
