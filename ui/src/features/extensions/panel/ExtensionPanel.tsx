import { ActionIcon, Tabs } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useExtensionDetail, useExtensions } from "../../../api/extensions";
import type { Extension, ExtensionDetail } from "../../../bindings";
import { CopyButton } from "../../../ui/CopyButton";
import { ErrorState } from "../../../ui/ErrorState";
import { ExtensionTypeBadge } from "../../../ui/ExtensionTypeBadge";
import { Fact, Facts } from "../../../ui/Facts";
import { exactDuration, groupedCount } from "../../../ui/figures";
import { GuardedButton } from "../../../ui/GuardedButton";
import { Identifier } from "../../../ui/Identifier";
import { IconDots, IconPencil, IconX } from "../../../ui/icons";
import { isolated } from "../../../ui/isolated";
import { SkeletonRows } from "../../../ui/SkeletonRows";
import { Switch } from "../../../ui/Switch";
import { Timestamp } from "../../../ui/Timestamp";
import { ExtensionMenu } from "../ExtensionMenu";
import type { ExtensionActions } from "../extensionActions";
import type { PanelTab } from "../extensionSearch";
import { HealthCell } from "../HealthCell";
import { LastChangeCell } from "../LastChangeCell";
import classes from "./ExtensionPanel.module.css";
import { JsonView } from "./JsonView";

export type ExtensionPanelProps = {
  id: string;
  tab: PanelTab;
  onTab: (tab: PanelTab) => void;
  onClose: () => void;
  actions: ExtensionActions;
  onDelete: (extension: Extension) => void;
  /** The extension's history, which another feature shows. */
  history: (id: string) => ReactNode;
};

/** One extension beside the list. */
export function ExtensionPanel(props: ExtensionPanelProps) {
  const { id, onClose } = props;
  const extension = useExtensionDetail(id);
  const error = extension.error ? toErrorReport(extension.error) : null;
  const isGone = error?.code === "extension_not_found";

  return (
    <aside className={classes.panel} aria-label={`Extension ${id}`}>
      {extension.data && !isGone ? (
        <Content {...props} detail={extension.data} />
      ) : (
        <>
          <header className={classes.header}>
            <span className={classes.id}>{id}</span>
            <span className={classes.space} />
            <CloseButton onClose={onClose} />
          </header>
          {isGone ? (
            <div className={classes.content}>
              <p className={classes.gone}>
                There is no extension {isolated(id)} now. Its history can bring it back.
              </p>
              {props.history(id)}
            </div>
          ) : error ? (
            <ErrorState
              tried={`${isolated(id)} could not be read`}
              error={error}
              onRetry={() => void extension.refetch()}
            />
          ) : (
            <SkeletonRows label={`Reading ${id}`} />
          )}
        </>
      )}
    </aside>
  );
}

function Content({ detail, tab, onTab, actions, ...on }: ExtensionPanelProps & { detail: ExtensionDetail }) {
  const { extension } = detail;
  const [menuOpened, setMenuOpened] = useState(false);
  // The list knows what was asked for last, before the answer is there.
  const enabled = useExtensions().data?.find(({ id }) => id === extension.id)?.enabled ?? extension.enabled;
  return (
    <>
      <header className={classes.header}>
        <Switch
          name={`${extension.id} enabled, in the panel`}
          on={enabled}
          forbidden={actions.allowed.switching}
          onChange={(enabled) => actions.setEnabled(extension.id, enabled)}
        />
        <span className={classes.id}>
          <Identifier label="id" value={extension.id} />
        </span>
        <ExtensionTypeBadge type={extension.type} />
        <span className={classes.space} />
        <GuardedButton
          size="compact-sm"
          variant="default"
          leftSection={<IconPencil size={14} aria-hidden />}
          forbidden={actions.allowed.editing}
          aria-keyshortcuts="e"
          onClick={() => actions.edit(extension.id)}
        >
          Edit
        </GuardedButton>
        <ExtensionMenu
          extension={{ ...extension, enabled }}
          actions={actions}
          onDelete={on.onDelete}
          opened={menuOpened}
          onOpenedChange={setMenuOpened}
          button={
            <ActionIcon variant="default" size={26} aria-label="More">
              <IconDots size={15} aria-hidden />
            </ActionIcon>
          }
        />
        <CloseButton onClose={on.onClose} />
      </header>
      <Tabs
        className={classes.tabs}
        classNames={{ panel: classes.content }}
        value={tab}
        onChange={(value) => value && onTab(value as PanelTab)}
        keepMounted={false}
      >
        <Tabs.List>
          <Tabs.Tab value="overview">Overview</Tabs.Tab>
          <Tabs.Tab value="configuration">Configuration</Tabs.Tab>
          <Tabs.Tab value="history">History</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview">
          <Overview detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="configuration">
          <section className={classes.json}>
            <div className={classes.heading}>
              <h3>Configuration</h3>
              <CopyButton size="compact-xs" text={detail.config ?? ""}>
                Copy as JSON
              </CopyButton>
            </div>
            <JsonView json={detail.config} />
            <div className={classes.heading}>
              <h3>Metadata</h3>
            </div>
            <JsonView json={detail.metadata} />
          </section>
        </Tabs.Panel>
        <Tabs.Panel value="history">{on.history(extension.id)}</Tabs.Panel>
      </Tabs>
    </>
  );
}

function Overview({ detail: { extension } }: { detail: ExtensionDetail }) {
  return (
    <Facts>
      <Fact name="State">
        {extension.enabled ? "on: the router uses it" : "off: the router does not use it"}
      </Fact>
      <Fact name="Subject">
        <Identifier label="subject" value={extension.subject} />
      </Fact>
      <Fact name="Timeout">{exactDuration(extension.timeout_ms)}</Fact>
      <Fact name="Retries">{extension.retry === 0 ? "none" : extension.retry}</Fact>
      <Fact name="Health">
        <HealthCell health={extension.health} scorePercent={extension.health_score_percent} />
      </Fact>
      <Fact name="Last change">
        <LastChangeCell change={extension.last_change} />
      </Fact>
      <Fact name="Revision">#{groupedCount(extension.revision)}</Fact>
      <Fact name="Created">
        <Timestamp value={extension.created_at} format="full" absent="not recorded" />
      </Fact>
      <Fact name="Updated">
        <Timestamp value={extension.updated_at} format="full" absent="not recorded" />
      </Fact>
    </Facts>
  );
}

function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <ActionIcon variant="subtle" size={26} aria-label="Close" aria-keyshortcuts="Escape" onClick={onClose}>
      <IconX size={15} aria-hidden />
    </ActionIcon>
  );
}
