import { Skeleton } from "@mantine/core";
import classes from "./SkeletonRows.module.css";

/** The shape of a table that is on its way. Widths differ, so that it reads as text and not as bars. */
export function SkeletonRows({ label, count = 6 }: { label: string; count?: number }) {
  return (
    <div role="status" aria-label={label} aria-busy="true">
      {Array.from({ length: count }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity and never move
        <div key={row} className={classes.row}>
          <Skeleton animate={false} width={28} height={14} radius="xl" />
          <Skeleton animate={false} width={120 + ((row * 37) % 60)} height={9} />
          <Skeleton animate={false} width={64} height={9} />
          <Skeleton animate={false} width={220 + ((row * 53) % 90)} height={9} />
          <Skeleton animate={false} width={48} height={9} ml="auto" />
        </div>
      ))}
    </div>
  );
}
