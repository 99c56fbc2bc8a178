// The second animation frame begins after the first one has been painted, as where the console tells it.
requestAnimationFrame(() => requestAnimationFrame(() => window.__TAURI_INTERNALS__.invoke("report_painted")));
