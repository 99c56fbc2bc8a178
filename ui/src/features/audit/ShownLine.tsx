import { Button, CloseButton } from "@mantine/core";
import classes from "./AuditFilters.module.css";
import { type AuditSearch, type SearchChange, searchParts } from "./auditSearch";

type ShownLineProps = {
  search: AuditSearch;
  onChange: (change: SearchChange) => void;
  onClear: () => void;
};

/** What the timeline shows, in words, each part of which can be taken away. */
export function ShownLine({ search, onChange, onClear }: ShownLineProps) {
  const parts = searchParts(search);
  if (parts.length === 0) return null;
  return (
    <div className={classes.shown} data-testid="shown">
      Only changes
      {parts.map((part) => (
        <span key={part.name} className={classes.part}>
          <span className={classes.partName}>{part.name}</span>
          <bdi data-code={part.isCode || undefined} title={part.value}>
            {part.value}
          </bdi>
          <CloseButton
            size={16}
            aria-label={`Don't filter: ${part.name} ${part.value}`}
            onClick={() => onChange(part.without)}
          />
        </span>
      ))}
      <Button size="compact-xs" variant="subtle" onClick={onClear}>
        Clear
      </Button>
    </div>
  );
}
