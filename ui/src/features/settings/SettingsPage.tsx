import { PageHeader } from "../../ui/PageHeader";
import { AppearanceSection } from "./AppearanceSection";
import { ApplicationSections } from "./ApplicationSections";
import { DatabaseSection } from "./DatabaseSection";
import { KeyboardSection } from "./KeyboardSection";
import { ProtectionSection } from "./ProtectionSection";
import classes from "./Settings.module.css";

export function SettingsPage() {
  return (
    <>
      <PageHeader title="Settings" />
      <div className={classes.sections}>
        <div className={classes.column}>
          <AppearanceSection />
          <DatabaseSection />
          <ProtectionSection />
          <KeyboardSection />
        </div>
        <div className={classes.column}>
          <ApplicationSections />
        </div>
      </div>
    </>
  );
}
