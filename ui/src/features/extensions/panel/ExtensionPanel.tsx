import { ActionIcon, Tabs } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useExtensionDetail, useExtensions } from "../../../api/extensions";
import type { Extension, ExtensionDetail } from "../../../bindings";
import { ErrorState } from "../../../ui/ErrorState";
import { ExtensionTypeBadge } from "../../../ui/ExtensionTypeBadge";
import { Fact, Facts } from "../../../ui/Facts";
import { exactDuration, groupedCount } from "../../../ui/figures";
import { GuardedButton } from "../../../ui/GuardedButton";
import { Identifier } from "../../../ui/Identifier";
import { IconArrowsMaximize, IconDots, IconPencil, IconX } from "../../../ui/icons";
import { isolated } from "../../../ui/isolated";
import { SkeletonRows } from "../../../ui/SkeletonRows";
import { Switch } from "../../../ui/Switch";
import { Timestamp } from "../../../ui/Timestamp";
import { ExtensionMenu } from "../ExtensionMenu";
import type { ExtensionActions } from "../extensionActions";
import type { PanelTab } from "../extensionSearch";
import { HealthCell } from "../HealthCell";
import { LastChangeCell } from "../LastChangeCell";
import { ConfigurationView } from "./ConfigurationView";
import { ExtensionLimits } from "./ExtensionLimits";
import classes from "./ExtensionPanel.module.css";

export type ExtensionPanelProps = {
  id: string;
  tab: PanelTab;
  onTab: (tab: PanelTab) => void;
  /** Leaves it: the panel goes, the page gives way to the list. */
  onClose: () => void;
  /** It is a page of its own, not beside the list. */
  isPage?: boolean;
  actions: ExtensionActions;
  onDelete: (extension: Extension) => void;
  /** The extension's history, which another feature shows. */
  history: (id: string) => ReactNode;
  /** A message to try the extension with, which another feature sends. */
  liveTest: (extension: Extension) => ReactNode;
  /** Its charts, which another feature shows. */
  health: (id: string) => ReactNode;
};

/** One extension, beside the list or as a page of its own. */
export function ExtensionPanel(props: ExtensionPanelProps) {
  const { id, onClose, isPage = false } = props;
  const Container = isPage ? "section" : "aside";
  const extension = useExtensionDetail(id);
  const error = extension.error ? toErrorReport(extension.error) : null;
  const isGone = error?.code === "extension_not_found";

  return (
    <Container className={classes.panel} data-page={isPage || undefined} aria-label={`Extension ${id}`}>
      {extension.data && !isGone ? (
        <Content {...props} detail={extension.data} />
      ) : (
        <>
          <header className={classes.header}>
            <span className={classes.id}>{id}</span>
            <span className={classes.space} />
            {!isPage && <CloseButton onClose={onClose} />}
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
    </Container>
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
        {!on.isPage && (
          <>
            <ActionIcon
              variant="subtle"
              size={26}
              aria-label="Open as a page"
              title="Open as a page"
              onClick={() => actions.openPage(extension.id)}
            >
              <IconArrowsMaximize size={15} aria-hidden />
            </ActionIcon>
            <CloseButton onClose={on.onClose} />
          </>
        )}
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
          <Tabs.Tab value="health">Health</Tabs.Tab>
          <Tabs.Tab value="test">Test</Tabs.Tab>
          <Tabs.Tab value="history">History</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview">
          <Overview detail={detail} limitsForbidden={actions.allowed.limits} />
        </Tabs.Panel>
        <Tabs.Panel value="configuration">
          <ConfigurationView detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="health">{on.health(extension.id)}</Tabs.Panel>
        <Tabs.Panel value="test">{on.liveTest({ ...extension, enabled })}</Tabs.Panel>
        <Tabs.Panel value="history">{on.history(extension.id)}</Tabs.Panel>
      </Tabs>
    </>
  );
}

type OverviewProps = { detail: ExtensionDetail; limitsForbidden: string | null };

function Overview({ detail: { extension }, limitsForbidden }: OverviewProps) {
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
      <Fact name="Limits">
        <ExtensionLimits
          key={extension.id}
          id={extension.id}
          type={extension.type}
          forbidden={limitsForbidden}
        />
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
