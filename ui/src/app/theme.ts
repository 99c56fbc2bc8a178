import {
  Button,
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
  Menu,
  Modal,
  Notification,
  SegmentedControl,
  Tooltip,
} from "@mantine/core";
import notification from "./Notification.module.css";

const beam: MantineColorsTuple = [
  "#e4f4f5",
  "#c9e7e9",
  "#9bd5d9",
  "#6cc3c9",
  "#4bbcc5",
  "#27a0aa",
  "#128089",
  "#0b757f",
  "#075f68",
  "#044a51",
];

const slate: MantineColorsTuple = [
  "#f7f8fa",
  "#eff1f4",
  "#e4e7eb",
  "#d9dde3",
  "#cfd4db",
  "#9ba3af",
  "#6c7580",
  "#56606c",
  "#363d47",
  "#1c2128",
];

const night: MantineColorsTuple = [
  "#dfe3e8",
  "#b9c0c9",
  "#9da6b1",
  "#6a7480",
  "#3a424d",
  "#272d35",
  "#1a1f25",
  "#15191e",
  "#101418",
  "#0b0e11",
];

const calendarLabels = {
  previousMonth: "Previous month",
  nextMonth: "Next month",
  previousYear: "Previous year",
  nextYear: "Next year",
  previousDecade: "Previous decade",
  nextDecade: "Next decade",
};

export const theme = createTheme({
  primaryColor: "beam",
  primaryShade: { light: 7, dark: 6 },
  colors: { beam, gray: slate, dark: night },
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: '"JetBrains Mono", ui-monospace, monospace',
  fontSizes: { xs: "12px", sm: "13px", md: "13px", lg: "14px", xl: "16px" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.5" },
  defaultRadius: "sm",
  radius: { xs: "3px", sm: "5px", md: "8px", lg: "12px", xl: "24px" },
  headings: { fontFamily: '"Inter Variable", system-ui, sans-serif' },
  cursorType: "default",
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ styles: { label: { fontWeight: 500 }, section: { marginInlineEnd: 6 } } }),
    Modal: Modal.extend({
      defaultProps: {
        // It lies outside of the page's main part, where a header would be one of the whole window.
        attributes: { header: { role: "presentation" } },
        transitionProps: { duration: 80 },
        closeButtonProps: { "aria-label": "Close the dialog" },
      },
      styles: {
        content: { background: "var(--surface)" },
        header: { background: "var(--surface)" },
        title: { fontSize: 14, fontWeight: 600 },
      },
    }),
    Menu: Menu.extend({
      // The first entry takes the focus itself. The window has a landmark for menus: nothing lies outside of all.
      defaultProps: { withInitialFocusPlaceholder: false, portalProps: { target: "#menus" } },
    }),
    // Not imported, so that calendars come with what shows one.
    DatePicker: { defaultProps: { ariaLabels: calendarLabels } },
    DateTimePicker: { defaultProps: { ariaLabels: calendarLabels } },
    Notification: Notification.extend({
      classNames: notification,
      defaultProps: { closeButtonProps: { "aria-label": "Close the notice" } },
    }),
    SegmentedControl: SegmentedControl.extend({
      defaultProps: { size: "xs", transitionDuration: 120, withItemsBorders: false },
      styles: { label: { padding: "3px 12px", fontWeight: 500 } },
    }),
    Tooltip: Tooltip.extend({
      defaultProps: {
        openDelay: 350,
        portalProps: { target: "#menus" },
        transitionProps: { duration: 80 },
        events: { hover: true, focus: true, touch: false },
      },
    }),
  },
});

/** Hands the colours of tokens.css to Mantine's own parts. */
export const cssVariables: CSSVariablesResolver = () => {
  const shared = {
    "--mantine-color-body": "var(--canvas)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-dimmed": "var(--text-quiet)",
    "--mantine-color-placeholder": "var(--text-faint)",
    "--mantine-color-default": "var(--surface)",
    "--mantine-color-default-hover": "var(--hover)",
    "--mantine-color-default-color": "var(--text)",
    "--mantine-color-default-border": "var(--line-strong)",
    "--mantine-color-error": "var(--bad)",
  };
  return { variables: {}, light: shared, dark: shared };
};

/** public/color-scheme.js reads the same key before the first paint. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: "beamline-color-scheme" });
