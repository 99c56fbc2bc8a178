import "@testing-library/jest-dom/vitest";
import { notifications } from "@mantine/notifications";
import { spotlight } from "@mantine/spotlight";
import { clearMocks } from "@tauri-apps/api/mocks";
import { act, cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";
import { endQuestion } from "../features/extensions/question";
import { reloadNotices } from "../ui/notices";
import { nameRegistry } from "../ui/registryStorage";

// How long anything may take to appear on a loaded machine.
configure({ asyncUtilTimeout: 10_000 });

// What jsdom lacks and Mantine asks for. Nothing moves: a transition waits for frames, and where one is replaced
// while a loaded machine is late with them, what it shows stays invisible.
window.matchMedia = (query) =>
  ({
    matches: query.includes("prefers-reduced-motion"),
    media: query,
    onchange: null,
    addListener: vi.fn(),
    removeListener: vi.fn(),
    addEventListener: vi.fn(),
    removeEventListener: vi.fn(),
    dispatchEvent: vi.fn(),
  }) as unknown as MediaQueryList;

class ResizeObserverWithoutLayout implements ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
window.ResizeObserver = ResizeObserverWithoutLayout;

window.scrollTo = () => {};
Element.prototype.scrollTo = () => {};
Element.prototype.scrollIntoView = () => {};

// Without a layout a list that draws only what is in sight would draw nothing, and a menu would hide because
// its button seems to be scrolled out of sight.
Object.defineProperties(Element.prototype, {
  clientHeight: { configurable: true, get: () => 800 },
  clientWidth: { configurable: true, get: () => 1280 },
});
Element.prototype.getBoundingClientRect = () => new DOMRect(10, 10, 100, 20);

Blob.prototype.text ??= function text(this: Blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsText(this);
  });
};

// The editor measures its text.
Range.prototype.getClientRects = () => [] as unknown as DOMRectList;
Range.prototype.getBoundingClientRect = () => new DOMRect();

Object.defineProperty(document, "fonts", {
  value: { addEventListener: () => {}, removeEventListener: () => {} },
});

afterEach(() => {
  act(() => {
    notifications.clean();
    spotlight.close();
    endQuestion();
  });
  cleanup();
  clearMocks();
  window.localStorage.clear();
  window.sessionStorage.clear();
  nameRegistry("embedded");
  reloadNotices();
});
