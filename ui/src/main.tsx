import "@mantine/core/styles.css";
import "@mantine/dates/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./app/fonts.css";
import "./app/tokens.css";
import "./app/contrast.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { followRegistry } from "./api/cache";
import { createQueryClient, refetchWhenWindowIsFocused } from "./api/client";
import { followConnectionState } from "./api/connectionState";
import { monitorDatabase, refetchWhenDatabaseIsBack } from "./api/database";
import { prefetchExtensionsWhenReady } from "./api/extensions";
import { followHealthAlarms } from "./api/health";
import { App } from "./app/App";
import { createAppRouter } from "./app/router";

// No input can change what all objects have. Tauri's own switch for it freezes before the modules run, and
// dayjs, which the date pickers need, can't be set up then.
Object.freeze(Object.prototype);

const container = document.getElementById("root");
if (!container) throw new Error("index.html has no element with the id root");

// Asked before anything renders: the answer is on its way while React starts.
const database = monitorDatabase();
const queryClient = createQueryClient();
prefetchExtensionsWhenReady(queryClient, database);
refetchWhenDatabaseIsBack(queryClient, database);
refetchWhenWindowIsFocused();
followRegistry(queryClient);
followHealthAlarms(queryClient);
followConnectionState(queryClient);

createRoot(container).render(
  <StrictMode>
    <App queryClient={queryClient} database={database} router={createAppRouter()} />
  </StrictMode>,
);
