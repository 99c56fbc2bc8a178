import { useLocalStorage } from "@mantine/hooks";

/** How the sides of a diff lie: beside each other, or one below the other. */
export type DiffLayout = "side" | "inline";

/** The layout that was chosen last: it holds for all diffs, also after a restart. */
export function useDiffLayout(): [DiffLayout, (layout: DiffLayout) => void] {
  const [layout, setLayout] = useLocalStorage<DiffLayout>({
    key: "diff-layout",
    defaultValue: "side",
    getInitialValueInEffect: false,
    deserialize: (value) => (value === "inline" ? "inline" : "side"),
    serialize: (value) => value,
  });
  return [layout, setLayout];
}
