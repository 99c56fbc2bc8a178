import { describe, expect, it } from "vitest";
import { remoteProfile } from "../../../testing/fixtures";
import { areOnThisMachine, defaultTlsMode, schemaText, tlsWeakness } from "../../../ui/connectionWords";
import { draftOf, newDraft, newId, profileOf } from "./connectionDraft";

describe("a profile as it is typed", () => {
  it("is the same again when nothing was typed", () => {
    const profile = remoteProfile("eu", { is_production: true, colour: "red" });
    expect(profileOf(draftOf(profile), "eu")).toEqual(profile);
  });

  it("has no empty names of files, and no port where none is typed", () => {
    const draft = newDraft();
    const { database } = profileOf(
      {
        ...draft,
        remote: draft.remote && { ...draft.remote, servers: [{ key: 1, host: " db ", port: "" }] },
      },
      "x",
    );
    expect(database).toMatchObject({
      kind: "remote",
      value: {
        servers: [{ host: "db", port: 0 }],
        tls: { ca_file: null, client_certificate_file: null, client_key_file: null },
        application_name: null,
      },
    });
  });
});

describe("an id", () => {
  it("is made of the label, and is no other's", () => {
    expect(newId("Produktion Süd (EU)", [])).toBe("produktion-sud-eu");
    expect(newId("Staging", ["staging", "staging-2"])).toBe("staging-3");
    expect(newId("本番", ["embedded"])).toBe("connection");
    expect(newId("x".repeat(200), []).length).toBeLessThanOrEqual(64);
  });
});

describe("encryption", () => {
  const servers = (...hosts: string[]) => hosts.map((host) => ({ host, port: 5432 }));

  it("is verified in full by default, but on this machine", () => {
    for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1", "/run/postgresql"]) {
      expect(defaultTlsMode(servers(host)), host).toBe("prefer");
      expect(tlsWeakness({ mode: "disable" }, servers(host)), host).toBeNull();
    }
    for (const hosts of [["db.example"], ["10.0.0.1"], ["localhost", "db.example"], []])
      expect(defaultTlsMode(servers(...hosts)), String(hosts)).toBe("verify-full");
    expect(areOnThisMachine([])).toBe(false);
  });

  it("says what a weaker one lets others do", () => {
    expect(tlsWeakness({ mode: null }, servers("db.example"))).toBeNull();
    for (const mode of ["verify-ca", "require", "prefer", "disable"] as const)
      expect(tlsWeakness({ mode }, servers("db.example")), mode).toMatch(/read and change all that is sent/);
  });
});

describe("what a database is", () => {
  it("is said in words", () => {
    expect(schemaText({ kind: "empty", value: { other_table_count: 0, migrations: [] } })).toMatch(
      /is empty/,
    );
    expect(schemaText({ kind: "empty", value: { other_table_count: 1, migrations: [] } })).toMatch(
      /1 other table:/,
    );
    expect(schemaText({ kind: "newer", value: { version: 20, known_version: 18 } })).toMatch(/read alone/);
  });
});
