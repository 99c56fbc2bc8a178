import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";

type GuardedButtonProps = ButtonProps & {
  /** Why it may not be used now; null if it may. It stays visible and says so. */
  forbidden: string | null;
  onClick: () => void;
  children: ReactNode;
  "aria-keyshortcuts"?: string;
};

export function GuardedButton({ forbidden, onClick, children, ...button }: GuardedButtonProps) {
  const off = forbidden !== null;
  return (
    <Tooltip label={forbidden} disabled={!off} multiline maw={320}>
      <Button
        size="xs"
        {...button}
        {...(off && { "data-disabled": true })}
        aria-disabled={off || undefined}
        onClick={() => {
          if (!off) onClick();
        }}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
