import { Modal } from "@mantine/core";
import { useTimeout } from "@mantine/hooks";
import { type ReactNode, useState } from "react";
import { SkeletonRows } from "../../ui/SkeletonRows";

/** A form that is there within this time shows nothing before it, in milliseconds. */
const patienceMs = 200;

type FormPlaceholderProps = { title: string; onClose: () => void; children?: ReactNode };

/** Where a form is to be that is not there yet, or can't be. */
export function FormPlaceholder({ title, onClose, children }: FormPlaceholderProps) {
  const [isLate, setLate] = useState(false);
  useTimeout(() => setLate(true), patienceMs, { autoInvoke: true });
  if (!isLate && !children) return null;
  return (
    <Modal opened onClose={onClose} title={title} size="min(1120px, 94vw)">
      {children || <SkeletonRows label="Opening the form" count={8} />}
    </Modal>
  );
}
