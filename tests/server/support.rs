//! What these tests share.

use registry::access::Role;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use system_tests::api_server::{ApiServer, token};
use system_tests::database::TestDatabase;
use system_tests::servers;

/// A server on a fresh registry, and a token of an editor called anna.
pub(crate) struct Setup {
    pub(crate) database: TestDatabase,
    pub(crate) server: ApiServer,
    pub(crate) editor: String,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create(servers::bundled()).await;
        database.migrate().await;
        Self::on(database).await
    }

    pub(crate) async fn on(database: TestDatabase) -> Self {
        let server = ApiServer::start(&database).await;
        let editor = token(&database, "anna", Role::RegistryEditor).await;
        Self {
            database,
            server,
            editor,
        }
    }

    pub(crate) async fn token(&self, owner: &str, role: Role) -> String {
        token(&self.database, owner, role).await
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.server.caller(&self.editor).get(path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.server.caller(&self.editor).post(path)
    }

    pub(crate) fn patch(&self, id: &str, etag: &str) -> RequestBuilder {
        self.server
            .caller(&self.editor)
            .request(reqwest::Method::PATCH, &format!("/api/v1/extensions/{id}"))
            .header("If-Match", etag)
    }

    pub(crate) fn delete(&self, id: &str, etag: &str) -> RequestBuilder {
        self.server
            .caller(&self.editor)
            .request(reqwest::Method::DELETE, &format!("/api/v1/extensions/{id}"))
            .header("If-Match", etag)
    }

    /// The login of the server, for another one.
    pub(crate) fn server_login(&self) -> PgConnectOptions {
        let login = format!(
            "{}_registry_rest_server",
            self.database.superuser().get_database().unwrap()
        );
        self.database.superuser().username(&login).password("test")
    }

    /// How many entries the audit log has.
    pub(crate) async fn entry_count(&self) -> i64 {
        let count = "SELECT count(*) FROM extension_audit_log";
        self.database.value(count).await.parse().unwrap()
    }
}

/// The answer's status and JSON.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

/// A problem's status and code; that it is a problem document, whole and of its media type, is asserted.
pub(crate) async fn problem(request: RequestBuilder) -> (u16, String) {
    problem_of(request.send().await.unwrap()).await
}

pub(crate) async fn problem_of(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let media_type = response.headers().get("content-type").cloned();
    let text = response.text().await.unwrap();
    assert_eq!(
        media_type.unwrap(),
        "application/problem+json",
        "{status} {text}"
    );
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status);
    for field in ["type", "title", "detail", "action"] {
        assert!(!problem[field].as_str().unwrap().is_empty(), "{text}");
    }
    (status, problem["code"].as_str().unwrap().to_owned())
}

pub(crate) fn etag_of(response: &Response) -> String {
    response.headers()["etag"].to_str().unwrap().to_owned()
}

/// A new extension.
pub(crate) fn new_extension(id: &str) -> Value {
    json!({ "id": id, "type": "pre", "subject": format!("test.{id}") })
}
