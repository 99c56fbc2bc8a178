import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { startBackend } from "../../testing/backend";
import { forbidden, natsSetUp } from "../../testing/fixtures";
import { renderApp } from "../../testing/renderApp";

const section = async () => within(await screen.findByRole("region", { name: "NATS" }));

describe("the way to NATS", () => {
  it("is kept with its secret, which is never shown again", async () => {
    const backend = startBackend();
    backend.nats = { settings: null, secret: "not_needed" };
    const { user } = renderApp("/settings");
    const nats = await section();
    await user.type(await nats.findByLabelText("NATS server"), "nats://a:4222, nats://b:4222");
    await user.click(nats.getByRole("radio", { name: "Password" }));
    await user.type(nats.getByLabelText("NATS login name"), "console");
    await user.type(nats.getByLabelText("NATS password"), "hunter2");
    await user.click(nats.getByRole("button", { name: "Save" }));
    const kept = await (await section()).findByPlaceholderText(
      "kept until the console is closed, then asked for again",
    );
    expect(kept).toHaveValue("");
    expect(backend.callsOf("set_nats_settings")).toEqual([
      {
        request: {
          settings: {
            servers: ["nats://a:4222", "nats://b:4222"],
            authentication: { kind: "password", user: "console" },
            tls: { required: false, ca_file: null, certificate_file: null, key_file: null },
          },
          secret: "hunter2",
        },
      },
    ]);
  });

  it("can be tried before it is kept, and the secret that is kept is used", async () => {
    const backend = startBackend();
    const { user } = renderApp("/settings");
    const nats = await section();
    expect(await nats.findByLabelText("NATS password")).toHaveAttribute(
      "placeholder",
      "kept in the keychain",
    );
    await user.click(nats.getByRole("button", { name: "Test connection" }));
    expect(await nats.findByRole("status")).toHaveTextContent(
      "Connected in 3.2 msnats-1, NATS 2.9.10, not encrypted",
    );
    expect(backend.callsOf("test_nats_connection")).toEqual([
      { request: { settings: natsSetUp.settings, secret: null } },
    ]);
    expect(backend.callsOf("set_nats_settings")).toEqual([]);
  });

  it("says what is wrong with it, at the field", async () => {
    const backend = startBackend();
    backend.natsTest = {
      server: null,
      failure: {
        code: "settings_invalid",
        message: "The file /ca.pem can't be used.",
        action: "Name a PEM file.",
        detail: null,
        field: "ca_file",
      },
    };
    const { user } = renderApp("/settings");
    const nats = await section();
    await user.click(await nats.findByRole("button", { name: "Test connection" }));
    expect(await nats.findByRole("alert")).toHaveTextContent("Name a PEM file.");
    expect(nats.getByLabelText("File of the certificate authority")).toBeInvalid();
    // What is typed next is not wrong yet.
    await user.type(nats.getByLabelText("File of the certificate authority"), "x");
    expect(nats.queryByRole("alert")).not.toBeInTheDocument();
  });

  it("must be encrypted where a certificate is named", async () => {
    startBackend();
    const { user } = renderApp("/settings");
    const nats = await section();
    const required = () => nats.getByRole("switch", { name: "NATS encryption required" });
    await nats.findByRole("switch", { name: "NATS encryption required" });
    expect(required()).not.toBeChecked();
    await user.type(nats.getByLabelText("File of the certificate authority"), "/ca.pem");
    expect(required()).toBeChecked();
    expect(required()).toHaveAttribute("aria-disabled", "true");
  });

  it("keeps what was typed, and why it was refused, when the kept secret turns out to be lost", async () => {
    const backend = startBackend();
    const { user } = renderApp("/settings");
    const nats = await section();
    await user.type(await nats.findByLabelText("NATS server"), ",nats://b:4222");
    backend.nats = { ...backend.nats, secret: "missing" };
    backend.failures.set("set_nats_settings", forbidden);
    await user.click(nats.getByRole("button", { name: "Save" }));
    expect(await nats.findByPlaceholderText("not known any more: give it again")).toBeVisible();
    expect(nats.getByLabelText("NATS server")).toHaveValue("nats://localhost:4222,nats://b:4222");
    expect(nats.getByRole("alert")).toHaveTextContent(forbidden.message);
  });

  it("is forgotten, and says why it could not be kept", async () => {
    const backend = startBackend();
    const { user } = renderApp("/settings");
    backend.failures.set("set_nats_settings", forbidden);
    await user.click(await (await section()).findByRole("button", { name: "Save" }));
    expect(await (await section()).findByRole("alert")).toHaveTextContent(forbidden.message);
    await user.click((await section()).getByRole("button", { name: "Remove" }));
    await waitFor(async () =>
      expect((await section()).queryByRole("button", { name: "Remove" })).not.toBeInTheDocument(),
    );
    expect(backend.nats.settings).toBeNull();
  });
});
