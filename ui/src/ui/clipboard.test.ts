import { afterEach, describe, expect, it, vi } from "vitest";
import { copyText } from "./clipboard";

afterEach(() => vi.unstubAllGlobals());

describe("copyText", () => {
  it("copies by a selection where the asynchronous clipboard is refused, and gives the focus back", async () => {
    vi.stubGlobal("navigator", {
      clipboard: { writeText: () => Promise.reject(new Error("not allowed")) },
    });
    let copied: string | undefined;
    document.execCommand = (command) => {
      if (command === "copy") copied = document.querySelector("textarea")?.value;
      return true;
    };
    const button = document.createElement("button");
    document.body.append(button);
    button.focus();

    await copyText("beamline.v1");
    expect(copied).toBe("beamline.v1");
    expect(document.querySelector("textarea"), "the helper element is gone again").toBeNull();
    expect(document.activeElement).toBe(button);
    button.remove();
  });
});
