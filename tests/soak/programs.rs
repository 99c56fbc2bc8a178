//! Who changes extensions meanwhile: over HTTP and by the command line. By the core do [`system_tests::writers`].

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use system_tests::api_server::registryctl;
use system_tests::history::History;
use tokio::process::Command;

const PAUSE: Duration = Duration::from_millis(50);

/// One who changes an extension over HTTP.
pub(crate) struct HttpWriter {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) id: &'static str,
    pub(crate) history: History,
    pub(crate) stop: Arc<AtomicBool>,
}

impl HttpWriter {
    pub(crate) async fn run(self) {
        // Longer than the server takes before it says that it doesn't know.
        let client = Client::builder()
            .timeout(Duration::from_secs(40))
            .build()
            .unwrap();
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            number += 1;
            if self.change(&client, number).await.is_none() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    fn request(&self, client: &Client, method: Method, path: &str) -> reqwest::RequestBuilder {
        client
            .request(method, format!("{}/api/v1/extensions{path}", self.url))
            .bearer_auth(&self.token)
    }

    /// Reads the extension and changes it; every eighth time makes another one and deletes it. None where that failed.
    async fn change(&self, client: &Client, number: u32) -> Option<()> {
        if number.is_multiple_of(8) {
            let id = format!("{}_{number}", self.id);
            let fields =
                json!({ "id": id, "type": "pre", "subject": format!("soak.{id}"), "retry": 3 });
            let created = self
                .asked(
                    &id,
                    Some(fields.clone()),
                    self.request(client, Method::POST, "").json(&fields),
                )
                .await?;
            let etag = etag_of(&created)?;
            let request = self
                .request(client, Method::DELETE, &format!("/{id}"))
                .header("If-Match", etag);
            self.asked(&id, None, request).await?;
            return Some(());
        }
        let path = format!("/{}", self.id);
        let read = self.request(client, Method::GET, &path).send().await.ok()?;
        let etag = etag_of(&read)?;
        let fields = json!({ "timeout_ms": number % 500_000 + 1 });
        let request = self
            .request(client, Method::PATCH, &path)
            .header("If-Match", etag)
            .json(&fields);
        self.asked(self.id, Some(fields), request).await?;
        Some(())
    }

    async fn asked(
        &self,
        id: &str,
        fields: Option<Value>,
        request: reqwest::RequestBuilder,
    ) -> Option<Response> {
        let asked = self.history.ask(id, fields);
        let answer = request
            .header("Idempotency-Key", asked.request_id.to_string())
            .send()
            .await;
        match answer {
            Ok(answer) if answer.status().is_success() => {
                asked.made();
                Some(answer)
            }
            Ok(answer) => {
                // A problem without a code, or with this one, promises nothing.
                let problem: Value = answer.json().await.unwrap_or_default();
                if problem["code"].is_string() && problem["code"] != "outcome_unknown" {
                    asked.refused(problem.to_string());
                }
                None
            }
            Err(error) => {
                // Nobody was there to ask.
                if error.is_connect() {
                    asked.refused(format!("{error:?}"));
                }
                None
            }
        }
    }
}

fn etag_of(answer: &Response) -> Option<String> {
    Some(answer.headers().get("etag")?.to_str().ok()?.to_owned())
}

/// One who changes an extension by the command line, and kills one command in eight. Tells how many changes were made.
pub(crate) async fn command_line(
    database_url: String,
    id: &'static str,
    history: History,
    stop: Arc<AtomicBool>,
    seed: u64,
) -> usize {
    let mut random = Rng::with_seed(seed);
    let mut made = 0;
    for number in 1_u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let asked = history.ask(id, Some(json!({ "timeout_ms": number })));
        let mut child = Command::new(registryctl())
            .args(["update", id, "--timeout-ms", &number.to_string()])
            .args(["--request-id", &asked.request_id.to_string()])
            .env("DATABASE_URL", &database_url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the command starts");
        if random.u8(..8) == 0 {
            tokio::time::sleep(Duration::from_millis(random.u64(..150))).await;
            // It may have ended by itself, which nobody hears of.
            let _ = child.start_kill();
            let _ = child.wait().await;
            continue;
        }
        match child.wait().await.expect("it ends").code() {
            Some(0) => {
                asked.made();
                made += 1;
            }
            // It couldn't be reached, or it isn't known.
            Some(69) | None => tokio::time::sleep(PAUSE).await,
            Some(code) => asked.refused(format!("exit code {code}")),
        }
    }
    made
}
