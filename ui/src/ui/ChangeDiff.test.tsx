import { MantineProvider } from "@mantine/core";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { FieldChange } from "../bindings";
import { ChangeDiff } from "./ChangeDiff";
import { diffRuns } from "./diffRows";
import { sidesOf } from "./fieldChanges";

const changes: FieldChange[] = [
  { path: "/timeout_ms", before: "1000", after: "2000" },
  { path: "/config/model", before: '"a"', after: null },
];
const fields: FieldChange[] = [
  { path: "/subject", before: null, after: '"beamline.x"' },
  { path: "/timeout_ms", before: null, after: "2000" },
  { path: "/config", before: null, after: '{"rate": 1.00, "limits": {"day": 5, "none": {}}}' },
];

function show(diff: React.ReactNode) {
  const { unmount } = render(<MantineProvider>{diff}</MantineProvider>);
  return { user: userEvent.setup(), unmount, diff: within(screen.getByLabelText("Changes")) };
}

describe("a diff", () => {
  it("lies side by side at first, and as it was chosen from then on", async () => {
    const first = show(<ChangeDiff changes={changes} withLayoutSwitch />);
    const layout = () => screen.getByLabelText("Changes").parentElement?.dataset.layout;
    expect(layout()).toBe("side");
    await first.user.click(screen.getByRole("radio", { name: "Inline" }));
    expect(layout()).toBe("inline");
    first.unmount();
    show(<ChangeDiff changes={changes} />);
    expect(layout()).toBe("inline");
  });

  it("marks each side, and leaves a gap where one side has nothing", () => {
    const { diff } = show(<ChangeDiff changes={changes} />);
    expect(screen.getByLabelText("Changes")).toHaveTextContent(
      'Timeout (ms)−1000+2000Configuration › model−"a"',
    );
    expect(diff.getAllByRole("img", { name: "before" })).toHaveLength(2);
    expect(diff.getAllByRole("img", { name: "after" })).toHaveLength(1);
  });

  it("folds what is unchanged, and unfolds one run or all of them", async () => {
    const { user, diff } = show(<ChangeDiff changes={changes} fields={fields} />);
    expect(diff.queryByText("1.00")).not.toBeInTheDocument();
    await user.click(diff.getByRole("button", { name: /1 unchanged\s*Subject/ }));
    expect(diff.getByText('"beamline.x"')).toBeVisible();
    expect(diff.queryByText("1.00")).not.toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Show 4 unchanged" }));
    expect(diff.getByText("1.00"), "every digit is kept").toBeVisible();
    await user.click(screen.getByRole("button", { name: "Only what changed" }));
    expect(diff.queryByText("1.00")).not.toBeInTheDocument();
  });
});

describe("the rows of a diff", () => {
  it("stand in the order of the version, what it has not in the field it was in", () => {
    const rows = diffRuns(changes, fields).map((run) =>
      run.kind === "changed" ? run.change.path : run.rows.map(({ path }) => path),
    );
    expect(rows).toEqual([
      ["/subject"],
      "/timeout_ms",
      ["/config/rate", "/config/limits/day", "/config/limits/none"],
      "/config/model",
    ]);
  });

  it("name no place twice where a change lies above or below what the version has there", () => {
    const whole: FieldChange = { path: "/config/limits", before: null, after: '{"day": 5, "none": {}}' };
    const deeper: FieldChange = { path: "/config/limits/none/x", before: "1", after: null };
    for (const change of [whole, deeper]) {
      const places = diffRuns([change], fields).flatMap((run) =>
        run.kind === "changed" ? [run.change.path] : run.rows.map(({ path }) => path),
      );
      expect(new Set(places).size).toBe(places.length);
      expect(places).toContain(change.path);
      expect(places).not.toContain("/config/limits/none");
    }
  });
});

describe("two texts that are alike", () => {
  const stretches = (before: string, after: string) => {
    const sides = sidesOf({ path: "/subject", before: JSON.stringify(before), after: JSON.stringify(after) });
    return [sides.before, sides.after].map((parts) =>
      parts?.filter(({ kind }) => kind === "changed").map(({ text }) => text),
    );
  };

  it("show what differs, by whole letters", () => {
    expect(stretches("beamline.ext.one.v1", "beamline.ext.two.v1")).toEqual([["one"], ["two"]]);
    expect(stretches("a long text 😀 here", "a long text 😁 here")).toEqual([["😀"], ["😁"]]);
    expect(stretches("beamline.ext.v1", "beamline.ext.more.v1")).toEqual([[], ["more."]]);
  });

  it("show nothing of it where hardly anything is shared", () => {
    expect(stretches("a", "b")).toEqual([[], []]);
  });
});
