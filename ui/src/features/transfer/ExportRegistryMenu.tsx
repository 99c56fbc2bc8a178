import { Button, Menu } from "@mantine/core";
import { counted } from "../../ui/figures";
import { IconDownload } from "../../ui/icons";
import { useRegistryExport } from "./useRegistryExport";

/** Saves extensions to a file: those with these ids, or the whole registry. */
export function ExportRegistryMenu({ ids }: { ids: readonly string[] | null }) {
  const { write, isPending } = useRegistryExport();
  return (
    <Menu position="bottom-end" width={280} withinPortal>
      <Menu.Target>
        <Button
          size="xs"
          variant="default"
          loading={isPending}
          leftSection={<IconDownload size={14} aria-hidden />}
        >
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {ids === null ? "The whole registry" : counted(ids.length, "selected extension")}, secrets hidden
        </Menu.Label>
        <Menu.Item onClick={() => write(ids, "yaml")}>YAML, to read and compare</Menu.Item>
        <Menu.Item onClick={() => write(ids, "json")}>JSON, for programs</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
