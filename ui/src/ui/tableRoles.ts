/**
 * Rows lie freely on their list, so that one that comes or goes moves no other. Laid out like that, the elements
 * of a table are none any more for those who can't see it; their roles say what they are.
 */
export const roles = {
  table: { role: "table" },
  rowgroup: { role: "rowgroup" },
  row: { role: "row" },
  columnheader: { role: "columnheader" },
  cell: { role: "cell" },
} as const;
