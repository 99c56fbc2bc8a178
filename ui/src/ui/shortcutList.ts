export type ShortcutGroup = {
  title: string;
  shortcuts: readonly { keys: readonly string[]; does: string }[];
};

/** Every key of the window, for the list by `?` and for the settings page. */
export const shortcutGroups: readonly ShortcutGroup[] = [
  {
    title: "Everywhere",
    shortcuts: [
      { keys: ["Ctrl", "K"], does: "Find a page, an action or an extension" },
      { keys: ["?"], does: "This list of keys" },
      { keys: ["g", "e"], does: "Extensions" },
      { keys: ["g", "a"], does: "Audit" },
      { keys: ["g", "h"], does: "Health" },
      { keys: ["g", "r"], does: "Routers" },
      { keys: ["g", "b"], does: "Backups" },
      { keys: ["g", "s"], does: "Settings" },
      { keys: ["g", "c"], does: "Connections" },
      { keys: ["g", "t"], does: "Registry as of another time" },
      { keys: ["g", "i"], does: "Import a file of extensions" },
      { keys: ["/"], does: "Search the page" },
      { keys: ["Ctrl", "+"], does: "Everything larger" },
      { keys: ["Ctrl", "-"], does: "Everything smaller" },
      { keys: ["Ctrl", "0"], does: "As large as it comes" },
      { keys: ["z"], does: "Undo the last change, while it is on offer" },
    ],
  },
  {
    title: "Menu",
    shortcuts: [
      { keys: ["Ctrl", "N"], does: "New extension" },
      { keys: ["Ctrl", "1"], does: "Extensions" },
      { keys: ["Ctrl", "2"], does: "Audit" },
      { keys: ["Ctrl", "3"], does: "Health" },
      { keys: ["Ctrl", "4"], does: "Routers" },
      { keys: ["Ctrl", "5"], does: "Registry as of another time" },
      { keys: ["Ctrl", ","], does: "Settings" },
      { keys: ["F5"], does: "Read everything anew" },
      { keys: ["F1"], does: "Help" },
      { keys: ["Ctrl", "Q"], does: "Quit" },
    ],
  },
  {
    title: "Extensions",
    shortcuts: [
      { keys: ["n"], does: "New extension" },
      { keys: ["j", "k"], does: "Next and previous row, or panel" },
      { keys: ["Enter"], does: "Open beside the list" },
      { keys: ["Space"], does: "Switch on or off" },
      { keys: ["e"], does: "Edit" },
      { keys: ["h"], does: "History" },
      { keys: ["m"], does: "Send a test message" },
      { keys: ["Del"], does: "Delete, after a question" },
      { keys: ["x"], does: "Select the row, or not" },
      { keys: ["Shift", "↓"], does: "Select on to the next row" },
      { keys: ["Ctrl", "A"], does: "Select all that match" },
      { keys: ["Esc"], does: "Clear the selection, then close the panel" },
    ],
  },
  {
    title: "Audit",
    shortcuts: [
      { keys: ["j", "k"], does: "Next and previous change" },
      { keys: ["u"], does: "Undo the change or the group" },
    ],
  },
  {
    title: "Health",
    shortcuts: [
      { keys: ["j", "k"], does: "Next and previous extension" },
      { keys: ["Enter"], does: "Open its charts" },
      { keys: ["←", "→"], does: "In a chart: move the cursor, with Shift choose a range" },
      { keys: ["Enter"], does: "In a chart: zoom in on what is chosen" },
      { keys: ["Esc"], does: "Zoom out, then back to all" },
    ],
  },
  {
    title: "Forms",
    shortcuts: [
      { keys: ["Ctrl", "Enter"], does: "Review, then save; send a test message" },
      { keys: ["Esc"], does: "Back" },
      { keys: ["Ctrl", "Space"], does: "Keys and values that fit, in an editor of JSON" },
    ],
  },
];
