import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactElement, type ReactNode, useRef } from "react";
import table from "./table.module.css";
import { roles } from "./tableRoles";
import classes from "./VirtualTable.module.css";

/** As high as the head in VirtualTable.module.css, in pixels. */
const headHeight = 33;
/** Rows made beyond each edge, so that none is missing while the wheel turns. */
const overscan = 12;

export type VirtualColumn<Row> = {
  key: string;
  name: ReactNode;
  /** In pixels; a column without takes what is left. */
  width?: number;
  /** How the cell stands: a figure at the right edge, a name that may reach into the gap. */
  kind?: "figure" | "name";
  cell: (row: Row) => ReactNode;
};

type VirtualTableProps<Row> = {
  label: string;
  columns: readonly VirtualColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** In pixels. */
  rowHeight?: number;
  /** The least width at which all columns have room, in pixels. */
  minWidth?: number;
  /** A click on a row that is on none of its buttons. */
  onOpen?: (row: Row) => void;
  /** Attributes by which a row is found. */
  attributesOf?: (row: Row) => Record<`data-${string}`, string>;
};

/** A table of any length, of which only the rows in sight are made. */
export function VirtualTable<Row>({
  label,
  columns,
  rows,
  rowKey,
  rowHeight = 36,
  minWidth = 0,
  onOpen,
  attributesOf,
}: VirtualTableProps<Row>) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan,
    scrollMargin: headHeight,
    scrollPaddingStart: headHeight,
  });
  return (
    <div ref={scroller} className={classes.scroller}>
      <table
        {...roles.table}
        className={`${table.table} ${classes.table}`}
        style={{ minWidth }}
        aria-label={label}
        aria-rowcount={rows.length + 1}
      >
        <thead {...roles.rowgroup}>
          <tr {...roles.row}>
            {columns.map(({ key, name, width, kind }) => (
              <th
                {...roles.columnheader}
                key={key}
                scope="col"
                data-kind={kind}
                style={width === undefined ? undefined : { flex: "none", width }}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...roles.rowgroup} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            return (
              row !== undefined && (
                <VirtualRow
                  key={rowKey(row)}
                  row={row}
                  index={index}
                  top={start - headHeight}
                  height={rowHeight}
                  columns={columns}
                  onOpen={onOpen}
                  attributesOf={attributesOf}
                />
              )
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

type VirtualRowProps<Row> = {
  row: Row;
  index: number;
  top: number;
  height: number;
  columns: readonly VirtualColumn<Row>[];
  onOpen: ((row: Row) => void) | undefined;
  attributesOf: ((row: Row) => Record<`data-${string}`, string>) | undefined;
};

const VirtualRow = memo(function VirtualRow<Row>({
  row,
  index,
  top,
  height,
  columns,
  onOpen,
  attributesOf,
}: VirtualRowProps<Row>) {
  return (
    // The keyboard's way is the link in the row.
    <tr
      {...roles.row}
      className={classes.row}
      style={{ height, transform: `translateY(${top}px)` }}
      {...attributesOf?.(row)}
      data-index={index}
      data-opens={onOpen !== undefined || undefined}
      aria-rowindex={index + 2}
      onClick={(event) => {
        const target = event.target as Element;
        if (target.closest("button, a") || !document.getSelection()?.isCollapsed) return;
        onOpen?.(row);
      }}
    >
      {columns.map(({ key, width, kind, cell }) => (
        <td
          {...roles.cell}
          key={key}
          data-kind={kind}
          data-column={key}
          className={kind && table[kind]}
          style={width === undefined ? undefined : { flex: "none", width }}
        >
          {cell(row)}
        </td>
      ))}
    </tr>
  );
}) as <Row>(props: VirtualRowProps<Row>) => ReactElement;
