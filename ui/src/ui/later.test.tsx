import { act, render, screen } from "@testing-library/react";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import { later, loadLater } from "./later";

function Counted({ step }: { step: number }) {
  const [count, setCount] = useState(0);
  return (
    <button type="button" onClick={() => setCount((before) => before + step)}>
      count {count}
    </button>
  );
}

describe("a part whose code comes later", () => {
  it("has something in its place until its code is there, and keeps its state from then on", async () => {
    const load = vi.fn(async () => Counted);
    const Part = later(load, <p>on its way</p>);
    expect(load).not.toHaveBeenCalled();
    const { rerender } = render(<Part step={2} />);
    expect(screen.getByText("on its way")).toBeVisible();
    const button = await screen.findByRole("button", { name: "count 0" });
    act(() => button.click());
    rerender(<Part step={3} />);
    act(() => button.click());
    expect(button).toHaveTextContent("count 5");
    expect(load).toHaveBeenCalledOnce();
  });

  it("is there at once where all of them were loaded before", async () => {
    const Part = later(async () => Counted, <p>on its way</p>);
    await loadLater();
    render(<Part step={1} />);
    expect(screen.getByRole("button", { name: "count 0" })).toBeVisible();
  });

  it("is asked for again after it could not be loaded", async () => {
    const load = vi.fn<() => Promise<typeof Counted>>();
    load.mockRejectedValueOnce(new Error("no such file")).mockResolvedValue(Counted);
    later(load);
    await expect(loadLater()).rejects.toThrow("no such file");
    await loadLater();
    expect(load).toHaveBeenCalledTimes(2);
  });
});
