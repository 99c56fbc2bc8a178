declare module "@tabler/icons-react/dist/esm/icons/*.mjs" {
  import type { TablerIcon } from "@tabler/icons-react";

  const icon: TablerIcon;
  export const __iconNode: [string, Record<string, string>][];
  export default icon;
}

declare module "@tabler/icons-react/dist/esm/createReactComponent.mjs" {
  export { createReactComponent as default } from "@tabler/icons-react";
}
