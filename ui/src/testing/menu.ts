import { screen, waitFor } from "@testing-library/react";
import type { UserEvent } from "@testing-library/user-event";
import { expect } from "vitest";

/** Opens the panel's menu and chooses from it, as a person does who clicks again when nothing opened. */
export async function chooseMore(user: UserEvent, item: string): Promise<void> {
  await waitFor(async () => {
    if (!screen.queryByRole("menuitem", { name: item }))
      await user.click(screen.getByRole("button", { name: "More" }));
    expect(screen.getByRole("menuitem", { name: item })).toBeVisible();
  });
  await user.click(screen.getByRole("menuitem", { name: item }));
}
