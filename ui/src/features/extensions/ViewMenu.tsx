import { ActionIcon, Button, Checkbox, Popover, TextInput, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { IconColumns3, IconX } from "../../ui/icons";
import { extensionColumns } from "./extensionColumns";
import { type HideableColumn, hideableColumns, type ListView } from "./extensionSearch";
import { useSavedViews } from "./savedViews";
import classes from "./ViewMenu.module.css";

type ViewMenuProps = {
  /** The view as it is now. */
  view: ListView;
  onShowColumn: (column: HideableColumn, shown: boolean) => void;
  onChoose: (view: ListView) => void;
};

/** Which columns are shown, and the views that were saved: query, order and columns under a name. */
export function ViewMenu({ view, onShowColumn, onChoose }: ViewMenuProps) {
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" width={260} shadow="md" trapFocus>
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconColumns3 size={14} aria-hidden />}
          onClick={() => setOpened(!opened)}
        >
          View
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="View" className={classes.dropdown ?? ""}>
        <Columns hide={view.hide} onShowColumn={onShowColumn} />
        <SavedViews
          view={view}
          onChoose={(chosen) => {
            setOpened(false);
            onChoose(chosen);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}

type ColumnsProps = Pick<ViewMenuProps, "onShowColumn"> & { hide: string | undefined };

function Columns({ hide, onShowColumn }: ColumnsProps) {
  const hidden = hide?.split(",") ?? [];
  return (
    <fieldset className={classes.group}>
      <legend>Columns</legend>
      {hideableColumns.map((column) => (
        <Checkbox
          key={column}
          size="xs"
          label={extensionColumns.find((each) => each.column === column)?.name}
          checked={!hidden.includes(column)}
          onChange={(event) => onShowColumn(column, event.currentTarget.checked)}
        />
      ))}
    </fieldset>
  );
}

function SavedViews({ view, onChoose }: Pick<ViewMenuProps, "view" | "onChoose">) {
  const { views, save, remove } = useSavedViews();
  const [name, setName] = useState("");
  const trimmed = name.trim();
  return (
    <fieldset className={classes.group}>
      <legend>Saved views</legend>
      {views.map((saved) => (
        <div key={saved.name} className={classes.saved}>
          <UnstyledButton
            className={classes.choose}
            title={saved.view.text ?? "All extensions"}
            onClick={() => onChoose(saved.view)}
          >
            {saved.name}
          </UnstyledButton>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={20}
            aria-label={`Remove the view ${saved.name}`}
            onClick={() => remove(saved.name)}
          >
            <IconX size={13} aria-hidden />
          </ActionIcon>
        </div>
      ))}
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (trimmed === "") return;
          save(trimmed, view);
          setName("");
        }}
      >
        <TextInput
          size="xs"
          aria-label="Name of the view"
          placeholder="Save this view as"
          maxLength={60}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button size="xs" variant="default" type="submit" disabled={trimmed === ""}>
          {views.some((saved) => saved.name === trimmed) ? "Replace" : "Save"}
        </Button>
      </form>
    </fieldset>
  );
}
