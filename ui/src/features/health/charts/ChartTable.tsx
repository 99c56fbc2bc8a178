import { useMemo } from "react";
import { shownMinute, utcDateTime } from "../../../ui/time";
import { type VirtualColumn, VirtualTable } from "../../../ui/VirtualTable";
import { type Chart, filledPlaces, type Steps, timeAt } from "./chartModel";
import classes from "./charts.module.css";

/** The figures of a chart, the newest first; steps without a call are left out. */
export function ChartTable({ chart, steps }: { chart: Chart; steps: Steps }) {
  const places = useMemo(() => filledPlaces(chart).reverse(), [chart]);
  const columns = useMemo<VirtualColumn<number>[]>(
    () => [
      {
        key: "from",
        name: "From, local time",
        width: 160,
        cell: (place) => shownMinute(new Date(timeAt(steps, place))),
      },
      {
        key: "utc",
        name: "UTC",
        width: 150,
        cell: (place) => (
          <span className={classes.utc}>{utcDateTime(new Date(timeAt(steps, place))).slice(0, 16)}</span>
        ),
      },
      ...chart.lines.map(
        ({ name, values }): VirtualColumn<number> => ({
          key: name,
          name: name === "rate" ? chart.name : name,
          kind: "figure",
          cell: (place) => {
            const value = values[place] ?? null;
            return value === null ? <span className={classes.utc}>no data</span> : chart.format(value);
          },
        }),
      ),
    ],
    [chart, steps],
  );
  return (
    <div className={classes.table}>
      <VirtualTable
        label={`${chart.name} in figures`}
        columns={columns}
        rows={places}
        rowKey={String}
        rowHeight={26}
      />
    </div>
  );
}
