import { act, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { renderApp } from "../testing/renderApp";

async function withoutRights() {
  const backend = startBackend();
  backend.permissions = { ...backend.permissions, can_edit: false };
  const app = renderApp("/extensions");
  const button = await screen.findByRole("button", { name: "Import" });
  await waitFor(() => expect(button).toHaveAttribute("aria-disabled", "true"));
  return { ...app, button };
}

const reason = "The login editor may not change extensions: it needs the role registry_editor.";

describe("a button of what is not allowed", () => {
  it("looks off, and does nothing at a click, Enter or the space bar", async () => {
    const { user, button, path } = await withoutRights();
    expect(button).toHaveAttribute("data-disabled", "true");
    await user.click(button);
    // It is no disabled one: those can't be reached by keys, and nobody would learn why.
    expect(button).toHaveFocus();
    await user.keyboard("{Enter}");
    await user.keyboard(" ");
    expect(path()).toBe("/extensions");
  });

  it("says why to the pointer and to the keyboard", async () => {
    const { user, button } = await withoutRights();
    await user.hover(button);
    expect(await screen.findByText(reason)).toBeInTheDocument();
    await user.unhover(button);
    await waitFor(() => expect(screen.queryByText(reason)).not.toBeInTheDocument());
    act(() => button.focus());
    expect(await screen.findByText(reason)).toBeInTheDocument();
    expect(button).toHaveAccessibleDescription(reason);
  });
});

describe("a button of what is allowed", () => {
  it("looks on and acts", async () => {
    startBackend();
    const { user, path } = renderApp("/extensions");
    const button = await screen.findByRole("button", { name: "Import" });
    expect(button).not.toHaveAttribute("data-disabled");
    expect(button).not.toHaveAttribute("aria-disabled");
    button.focus();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(path()).toBe("/import"));
  });
});
