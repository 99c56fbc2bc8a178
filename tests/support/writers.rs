//! Programs that change extensions until they are told to stop, and note what they asked for and were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use registry::extension_changes::ExtensionPatch;
use registry::{ChangeContext, ErrorCode, Registry};
use serde_json::json;
use tokio::task::JoinSet;

use crate::history::History;

/// What they change, each one of these.
pub const IDS: [&str; 4] = [
    "pii_guard",
    "mock_provider",
    "openai_gpt4",
    "normalize_text",
];

/// Changes one extension until it is told to stop, and notes what it asked for and was told.
async fn write(registry: Registry, id: &'static str, history: History, stop: Arc<AtomicBool>) {
    for count in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let Ok(seen) = registry.get_extension(id).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let timeout_ms = count % 500_000 + 8;
        let asked = history.ask(id, Some(json!({ "timeout_ms": timeout_ms })));
        let context = ChangeContext {
            request_id: Some(asked.request_id),
            ..ChangeContext::default()
        };
        let patch = ExtensionPatch {
            timeout_ms: Some(timeout_ms),
            ..ExtensionPatch::default()
        };
        match registry
            .update_extension(id, seen.revision, &patch, &context)
            .await
        {
            Ok(_) => asked.made(),
            Err(error) => {
                // All other errors promise that nothing was changed.
                if error.code() != ErrorCode::OutcomeUnknown {
                    asked.refused(format!("{error}: {:?}", error.detail()));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Writers of all the extensions, until they are told to stop.
pub struct Writers {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
    /// What they noted.
    pub history: History,
}

impl Writers {
    /// Starts them, by the core.
    pub fn start(registry: &Registry) -> Self {
        let (stop, history) = (Arc::new(AtomicBool::new(false)), History::default());
        let mut tasks = JoinSet::new();
        for id in IDS {
            tasks.spawn(write(
                registry.clone(),
                id,
                history.clone(),
                Arc::clone(&stop),
            ));
        }
        Self {
            stop,
            tasks,
            history,
        }
    }

    /// Ends them, when each has been told what became of its last change.
    pub async fn end(&mut self) -> History {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("writers don't panic");
        }
        self.history.clone()
    }
}
