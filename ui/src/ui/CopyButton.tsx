import { Button, type ButtonProps } from "@mantine/core";
import { IconCheck, IconCopy } from "./icons";
import { useCopy } from "./useCopy";

export function CopyButton({ text, children, ...button }: ButtonProps & { text: string }) {
  const { copied, copy } = useCopy();
  const Icon = copied ? IconCheck : IconCopy;
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<Icon size={14} aria-hidden />}
      {...button}
      onClick={() => copy(text)}
    >
      {copied ? "Copied" : children}
    </Button>
  );
}
