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
