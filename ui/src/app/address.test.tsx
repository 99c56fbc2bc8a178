import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../testing/backend";
import { renderApp } from "../testing/renderApp";
import { linkToExtension } from "../ui/link";
import { addressOf, storeAddress, storedAddress } from "./address";

const parse = (search: string) => Object.fromEntries(new URLSearchParams(search));

describe("the next start", () => {
  it("goes on with the page and its filters that were open", async () => {
    startBackend();
    const first = renderApp("/audit?actor=ben&range=7d");
    await screen.findByRole("heading", { level: 1, name: "Audit" });
    first.unmount();
    const { path, search } = renderApp("/");
    await screen.findByRole("heading", { level: 1, name: "Audit" });
    expect(path()).toBe("/audit");
    expect(search()).toEqual({ actor: "ben", range: "7d" });
  });

  it("opens no form by itself", async () => {
    startBackend();
    const first = renderApp("/extensions?open=pii_guard&form=edit");
    await screen.findByRole("dialog");
    first.unmount();
    const { search } = renderApp("/");
    await screen.findByRole("complementary", { name: "Extension pii_guard" });
    expect(search()).toEqual({ open: "pii_guard" });
  });

  it("takes of what was kept only what makes sense", () => {
    expect(storedAddress().to).toBe("/extensions");
    for (const value of [
      "nonsense",
      "[]",
      '{"to":"/nowhere"}',
      '{"to":"/extensions/$id","params":{}}',
      "7",
    ]) {
      localStorage.setItem("last-address", value);
      expect(storedAddress(), value).toEqual({ to: "/extensions", params: {}, search: {} });
    }
    storeAddress("/health", undefined, { range: "7d", evil: "x" });
    expect(storedAddress()).toEqual({ to: "/health", params: {}, search: { range: "7d" } });
    localStorage.setItem("last-address", '{"to":"/health","search":{"range":"constructor"}}');
    expect(storedAddress()).toEqual({ to: "/health", params: {}, search: {} });
  });
});

describe("an address from elsewhere", () => {
  it("names a page that there is, or nothing", () => {
    expect(addressOf("/extensions/a%2Fb%20c?tab=history", parse)).toEqual({
      to: "/extensions/$id",
      params: { id: "a/b c" },
      search: { tab: "history" },
    });
    expect(addressOf("/audit?extension=pii_guard&evil=1", parse)).toEqual({
      to: "/audit",
      params: {},
      search: { extension: "pii_guard" },
    });
    for (const path of ["/nowhere", "/extensions/%zz", "//evil.example/audit", "/extensions/a/b"])
      expect(addressOf(path, parse), path).toBeNull();
  });
});

describe("a link", () => {
  it("opens the page of its extension, at the start and later", async () => {
    const backend = startBackend();
    backend.link = linkToExtension("pii_guard");
    const { path } = renderApp("/");
    await screen.findByRole("region", { name: "Extension pii_guard" });
    expect(path()).toBe("/extensions/pii_guard");
    backend.link = linkToExtension("mock_provider");
    await backend.emitLink();
    await screen.findByRole("region", { name: "Extension mock_provider" });
  });

  it("that names no page says so", async () => {
    const backend = startBackend();
    backend.link = "beamline-registry://nowhere";
    const { path } = renderApp("/");
    expect(await screen.findByText("The link names no page of this application.")).toBeVisible();
    expect(path()).toBe("/extensions");
  });

  it("waits for an answer where a dialog is open", async () => {
    const backend = startBackend();
    const { path } = renderApp("/extensions?form=new");
    await screen.findByRole("dialog");
    backend.link = linkToExtension("pii_guard");
    await backend.emitLink();
    expect(await screen.findByText(/A link was not opened/)).toBeVisible();
    expect(path()).toBe("/extensions");
  });
});

describe("the page of one extension", () => {
  it("has a link to copy, and leads back to the list with the panel", async () => {
    startBackend();
    const { user, path, search } = renderApp("/extensions?open=pii_guard");
    await user.click(await screen.findByRole("button", { name: "Open as a page" }));
    await screen.findByRole("region", { name: "Extension pii_guard" });
    await user.click(screen.getByRole("button", { name: "Copy link" }));
    await expect(navigator.clipboard.readText()).resolves.toBe("beamline-registry://extensions/pii_guard");
    await user.click(screen.getByRole("tab", { name: "Configuration" }));
    await waitFor(() => expect(search()).toEqual({ tab: "configuration" }));
    await user.keyboard("{Escape}");
    await waitFor(() => expect(path()).toBe("/extensions"));
    expect(search()).toMatchObject({ open: "pii_guard" });
  });
});
