import { Button, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { chooseFolder } from "../../api/backups";
import fonts from "../../ui/fonts.module.css";
import classes from "./Backups.module.css";

type FolderFieldProps = {
  label: string;
  placeholder?: string;
  value: string;
  error?: ReactNode;
  onChange: (folder: string) => void;
};

/** A folder by its path, or by the desktop's dialog. */
export function FolderField({ label, placeholder, value, error, onChange }: FolderFieldProps) {
  return (
    <div className={classes.folder}>
      <TextInput
        size="xs"
        aria-label={label}
        spellCheck={false}
        classNames={{ input: fonts.mono ?? "" }}
        placeholder={placeholder}
        value={value}
        error={error}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Button
        size="xs"
        variant="default"
        aria-label={`Choose: ${label}`}
        onClick={() =>
          void chooseFolder(label)
            .then((folder) => {
              if (folder !== null) onChange(folder);
            })
            // The path can still be typed.
            .catch(() => undefined)
        }
      >
        Choose…
      </Button>
    </div>
  );
}
