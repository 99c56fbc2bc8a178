import type { ReactNode } from "react";
import { PageHeader } from "../../ui/PageHeader";
import { AppearanceSection } from "./AppearanceSection";
import { ApplicationSections } from "./ApplicationSections";
import { DatabaseSection } from "./DatabaseSection";
import { HealthLimitsSection } from "./HealthLimitsSection";
import { HealthRetentionSection } from "./HealthRetentionSection";
import { KeyboardSection } from "./KeyboardSection";
import { NatsSection } from "./NatsSection";
import { Section } from "./Section";
import classes from "./Settings.module.css";

/** What another feature says on this page is put in by who puts pages together. */
export function SettingsPage({ backups }: { backups: ReactNode }) {
  return (
    <>
      <PageHeader title="Settings" />
      <div className={classes.sections}>
        <div className={classes.column}>
          <AppearanceSection />
          <DatabaseSection />
          <Section title="Backups">{backups}</Section>
          <KeyboardSection />
        </div>
        <div className={classes.column}>
          <NatsSection />
          <HealthLimitsSection />
          <HealthRetentionSection />
          <ApplicationSections />
        </div>
      </div>
    </>
  );
}
