// First, before the code that its answers are waited for with is set up.
import { database, extensionsAsked, queryClient } from "./api/start";

import "./app/mantine.css";
import "./app/fonts.css";
import "./app/tokens.css";
import "./app/contrast.css";

// Here and not with the date pickers, which come later: it can't be set up once Object.prototype is frozen.
import "dayjs";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { createAppRouter } from "./app/router";

// No input can change what all objects have. Tauri's own switch for it freezes before the modules run, and
// dayjs, which the date pickers need, can't be set up then.
Object.freeze(Object.prototype);

const container = document.getElementById("root");
if (!container) throw new Error("index.html has no element with the id root");

/** How long the first page waits for what it is to show rather than be shown twice, in milliseconds. */
const patienceMs = 100;

const router = createAppRouter();
await Promise.race([
  Promise.all([database.answered, extensionsAsked, router.load()]),
  new Promise((resolve) => setTimeout(resolve, patienceMs)),
]);
createRoot(container).render(
  <StrictMode>
    <App queryClient={queryClient} database={database} router={router} />
  </StrictMode>,
);
