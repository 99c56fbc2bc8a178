// Runs before the first paint, so that a window never flashes in the wrong colours.
// The key is the one that src/app/theme.ts hands to Mantine.
(() => {
  let chosen = null;
  try {
    chosen = window.localStorage.getItem("beamline-color-scheme");
  } catch {
    // Storage can be off; the system's preference then decides.
  }
  const scheme =
    chosen === "light" || chosen === "dark"
      ? chosen
      : window.matchMedia("(prefers-color-scheme: dark)").matches
        ? "dark"
        : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
