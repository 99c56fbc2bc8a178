/**
 * The icons this program uses. Each comes from its own file: the package's index names six thousand,
 * which costs seconds in every test file and in the development server.
 */
export { default as IconActivity } from "@tabler/icons-react/dist/esm/icons/IconActivity.mjs";
export { default as IconAlertTriangle } from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
export { default as IconArrowBackUp } from "@tabler/icons-react/dist/esm/icons/IconArrowBackUp.mjs";
export { default as IconArrowBarRight } from "@tabler/icons-react/dist/esm/icons/IconArrowBarRight.mjs";
export { default as IconArrowBarToRight } from "@tabler/icons-react/dist/esm/icons/IconArrowBarToRight.mjs";
export { default as IconArrowUp } from "@tabler/icons-react/dist/esm/icons/IconArrowUp.mjs";
export { default as IconBraces } from "@tabler/icons-react/dist/esm/icons/IconBraces.mjs";
export { default as IconCalendarTime } from "@tabler/icons-react/dist/esm/icons/IconCalendarTime.mjs";
export { default as IconCheck } from "@tabler/icons-react/dist/esm/icons/IconCheck.mjs";
export { default as IconChevronDown } from "@tabler/icons-react/dist/esm/icons/IconChevronDown.mjs";
export { default as IconChevronRight } from "@tabler/icons-react/dist/esm/icons/IconChevronRight.mjs";
export { default as IconChevronUp } from "@tabler/icons-react/dist/esm/icons/IconChevronUp.mjs";
export { default as IconCircleCheck } from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
export { default as IconCircleDashed } from "@tabler/icons-react/dist/esm/icons/IconCircleDashed.mjs";
export { default as IconCircleOff } from "@tabler/icons-react/dist/esm/icons/IconCircleOff.mjs";
export { default as IconCircleX } from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
export { default as IconClockEdit } from "@tabler/icons-react/dist/esm/icons/IconClockEdit.mjs";
export { default as IconCloud } from "@tabler/icons-react/dist/esm/icons/IconCloud.mjs";
export { default as IconCopy } from "@tabler/icons-react/dist/esm/icons/IconCopy.mjs";
export { default as IconDatabase } from "@tabler/icons-react/dist/esm/icons/IconDatabase.mjs";
export { default as IconDeviceDesktop } from "@tabler/icons-react/dist/esm/icons/IconDeviceDesktop.mjs";
export { default as IconDots } from "@tabler/icons-react/dist/esm/icons/IconDots.mjs";
export { default as IconDownload } from "@tabler/icons-react/dist/esm/icons/IconDownload.mjs";
export { default as IconFilterOff } from "@tabler/icons-react/dist/esm/icons/IconFilterOff.mjs";
export { default as IconFolderOpen } from "@tabler/icons-react/dist/esm/icons/IconFolderOpen.mjs";
export { default as IconHistory } from "@tabler/icons-react/dist/esm/icons/IconHistory.mjs";
export { default as IconLayout2 } from "@tabler/icons-react/dist/esm/icons/IconLayout2.mjs";
export { default as IconLock } from "@tabler/icons-react/dist/esm/icons/IconLock.mjs";
export { default as IconMoon } from "@tabler/icons-react/dist/esm/icons/IconMoon.mjs";
export { default as IconPencil } from "@tabler/icons-react/dist/esm/icons/IconPencil.mjs";
export { default as IconPlus } from "@tabler/icons-react/dist/esm/icons/IconPlus.mjs";
export { default as IconPuzzle } from "@tabler/icons-react/dist/esm/icons/IconPuzzle.mjs";
export { default as IconRefresh } from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
export { default as IconRouter } from "@tabler/icons-react/dist/esm/icons/IconRouter.mjs";
export { default as IconSearch } from "@tabler/icons-react/dist/esm/icons/IconSearch.mjs";
export { default as IconSettings } from "@tabler/icons-react/dist/esm/icons/IconSettings.mjs";
export { default as IconShieldCheck } from "@tabler/icons-react/dist/esm/icons/IconShieldCheck.mjs";
export { default as IconShieldX } from "@tabler/icons-react/dist/esm/icons/IconShieldX.mjs";
export { default as IconStack2 } from "@tabler/icons-react/dist/esm/icons/IconStack2.mjs";
export { default as IconSun } from "@tabler/icons-react/dist/esm/icons/IconSun.mjs";
export { default as IconTable } from "@tabler/icons-react/dist/esm/icons/IconTable.mjs";
export { default as IconToggleRight } from "@tabler/icons-react/dist/esm/icons/IconToggleRight.mjs";
export { default as IconTrash } from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
export { default as IconX } from "@tabler/icons-react/dist/esm/icons/IconX.mjs";
