import { describe, expect, it } from "vitest";
import { extension } from "../../testing/fixtures";
import { completed, completionsAt } from "./searchCompletion";

const changed = (changed_by: string) => ({ action: "updated" as const, changed_by, timestamp: null });
const rows = [
  extension("a", { last_change: changed("anna") }),
  extension("b", { enabled: false, type: "pre", last_change: changed("ben") }),
  extension("c", { health: "failing", last_change: changed("ben") }),
  extension("d", { last_change: changed("two words") }),
].map((row) => ({ ...row, pending: false }));

function options(text: string, caret = text.length) {
  return completionsAt(text, caret, rows).options.map(({ insert, detail }) => `${insert} ${detail}`);
}

describe("what the search box offers", () => {
  it("is the kinds of terms that begin as what is typed, and nothing before that", () => {
    expect(options("")).toEqual([]);
    expect(options("zzz")).toEqual([]);
    expect(options("claude ty")).toEqual(["type: where in the router it runs"]);
    expect(options("I").map((option) => option.split(" ")[0])).toEqual(["is:", "id:"]);
  });

  it("is the values of a kind with how many extensions they find", () => {
    expect(options("type:")).toEqual(["pre 1", "validator 0", "post 0", "provider 3"]);
    expect(options("is:o")).toEqual(["on 3", "off 1"]);
    expect(options("health:f")).toEqual(["failing 1"]);
    expect(options("by:")).toEqual(["ben 2", "anna 1"]);
    expect(options("subject:")).toEqual([]);
  });

  it("goes on after a comma and inside the text, and ends with a whole value", () => {
    expect(options("type:pre,po")).toEqual(["post 0"]);
    expect(options("type:p is:on", 6)).toEqual(["pre 1", "post 0", "provider 3"]);
    expect(options("is:on")).toEqual([]);
  });

  it("replaces the part that was typed, and what comes next can be typed at once", () => {
    const take = (text: string, caret = text.length) => {
      const found = completionsAt(text, caret, rows);
      return found.options[0] && completed(text, found, found.options[0]);
    };
    expect(take("claude ty")).toEqual({ text: "claude type:", caret: 12 });
    expect(take("type:prov")).toEqual({ text: "type:provider ", caret: 14 });
    expect(take("type:pre,po is:on", 11)).toEqual({ text: "type:pre,post is:on", caret: 13 });
  });
});
