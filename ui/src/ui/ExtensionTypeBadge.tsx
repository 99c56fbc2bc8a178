import type { TablerIcon } from "@tabler/icons-react";
import type { ExtensionType } from "../bindings";
import classes from "./ExtensionTypeBadge.module.css";
import { IconArrowBarRight, IconArrowBarToRight, IconCloud, IconShieldCheck } from "./icons";

const icons: Record<ExtensionType, TablerIcon> = {
  pre: IconArrowBarToRight,
  validator: IconShieldCheck,
  post: IconArrowBarRight,
  provider: IconCloud,
};

export function ExtensionTypeBadge({ type }: { type: ExtensionType }) {
  const Icon = icons[type];
  return (
    <span className={classes.badge}>
      <Icon size={13} stroke={1.8} aria-hidden />
      {type}
    </span>
  );
}
