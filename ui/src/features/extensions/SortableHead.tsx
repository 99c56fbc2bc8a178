import { UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";
import { IconChevronDown, IconChevronUp } from "../../ui/icons";
import { roles } from "../../ui/tableRoles";
import classes from "./SortableHead.module.css";

type SortableHeadProps = {
  column: string;
  /** Figures stand at the right edge, and their head with them. */
  figure: boolean;
  direction: "ascending" | "descending" | "none";
  onSort: () => void;
  children: ReactNode;
};

export function SortableHead({ column, figure, direction, onSort, children }: SortableHeadProps) {
  const Icon = direction === "descending" ? IconChevronDown : IconChevronUp;
  return (
    <th {...roles.columnheader} scope="col" data-column={column} aria-sort={direction}>
      <UnstyledButton
        className={classes.button}
        data-figure={figure || undefined}
        data-direction={direction}
        onClick={onSort}
      >
        {children}
        <Icon className={classes.icon} size={13} stroke={2} aria-hidden />
      </UnstyledButton>
    </th>
  );
}
