import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { notifyUndoable, undoLast } from "./notify";

beforeEach(() => {
  vi.useFakeTimers();
  render(
    <MantineProvider env="test">
      <Notifications />
    </MantineProvider>,
  );
});
afterEach(() => {
  vi.useRealTimers();
});

const button = () => screen.queryByRole("button", { name: "Undo" });
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

it("offers an undo for ten seconds and no longer, by the button and by the key", async () => {
  const undo = vi.fn();
  act(() => notifyUndoable({ subjects: ["pii_guard"], message: "Switched off pii_guard", undo }));
  await pass(9_500);
  expect(button()).not.toBeNull();
  await pass(1_000);
  expect(button()).toBeNull();
  undoLast();
  expect(undo, "what is not on offer any more is not undone").not.toHaveBeenCalled();
});

it("is undone by the key while it is on offer, and once", async () => {
  const undo = vi.fn();
  act(() => notifyUndoable({ subjects: ["pii_guard"], message: "Switched off pii_guard", undo }));
  await pass(9_500);
  act(() => {
    undoLast();
    undoLast();
  });
  expect(undo).toHaveBeenCalledTimes(1);
  await pass(500);
  expect(button()).toBeNull();
});

it("ends an older offer for the same extension, and leaves those for others", async () => {
  const [older, other, newer] = [vi.fn(), vi.fn(), vi.fn()];
  act(() => notifyUndoable({ subjects: ["pii_guard"], message: "Switched off pii_guard", undo: older }));
  act(() => notifyUndoable({ subjects: ["mock_provider"], message: "Saved mock_provider", undo: other }));
  act(() => notifyUndoable({ subjects: ["a", "pii_guard"], message: "Switched 2", undo: newer }));
  await pass(500);
  expect(screen.getAllByRole("button", { name: "Undo" })).toHaveLength(2);
  act(() => {
    undoLast();
    undoLast();
    undoLast();
  });
  expect(newer).toHaveBeenCalledTimes(1);
  expect(other).toHaveBeenCalledTimes(1);
  expect(older).not.toHaveBeenCalled();
});
