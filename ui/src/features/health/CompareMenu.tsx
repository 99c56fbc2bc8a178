import { Button, MultiSelect, Popover } from "@mantine/core";
import { useMemo } from "react";
import { useExtensions } from "../../api/extensions";
import { IconChartLine, IconChevronDown } from "../../ui/icons";
import { othersMax } from "./healthSearch";

type CompareMenuProps = { id: string; others: readonly string[]; onChange: (others: string[]) => void };

/** As many names are offered at once; more letters find the others. */
const offeredMax = 50;

/** Which other extensions stand in the same charts. */
export function CompareMenu({ id, others, onChange }: CompareMenuProps) {
  const rows = useExtensions().data;
  const names = useMemo(
    () =>
      (rows ?? [])
        .map((row) => row.id)
        .filter((other) => other !== id)
        .sort(),
    [rows, id],
  );
  return (
    <Popover position="bottom-end" width={320} trapFocus withinPortal>
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconChartLine size={14} aria-hidden />}
          rightSection={<IconChevronDown size={13} aria-hidden />}
        >
          {others.length === 0 ? "Compare" : `Compared with ${others.length}`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Compare">
        <MultiSelect
          size="xs"
          label={`Up to ${othersMax} others in the same charts`}
          placeholder={others.length < othersMax ? "an id" : ""}
          data={names}
          limit={offeredMax}
          maxValues={othersMax}
          searchable
          clearable
          comboboxProps={{ withinPortal: false }}
          value={[...others]}
          onChange={onChange}
        />
      </Popover.Dropdown>
    </Popover>
  );
}
