import type { TablerIcon } from "@tabler/icons-react";
import type { AuditAction } from "../bindings";
import { IconCircleCheck, IconCircleOff, IconPencil, IconPlus, IconTrash } from "./icons";

export const actionIcons: Record<AuditAction, TablerIcon> = {
  created: IconPlus,
  updated: IconPencil,
  deleted: IconTrash,
  enabled: IconCircleCheck,
  disabled: IconCircleOff,
};
