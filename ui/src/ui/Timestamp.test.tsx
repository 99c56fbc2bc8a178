import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Timestamp } from "./Timestamp";

function show(value: string | null) {
  render(
    <MantineProvider>
      <Timestamp value={value} format="full" />
    </MantineProvider>,
  );
}

describe("Timestamp", () => {
  it("says local time, and UTC on hover", async () => {
    show("2026-07-01T12:00:00Z");
    await userEvent.hover(screen.getByText("2026-07-01 14:00:00"));
    expect(await screen.findByRole("tooltip")).toHaveTextContent("UTC2026-07-01 12:00:00");
  });

  it("says never for no time, and shows what is not a time as it came", () => {
    show(null);
    expect(screen.getByText("never")).toBeVisible();
    show("infinity");
    expect(screen.getByText("infinity")).toBeVisible();
  });
});
