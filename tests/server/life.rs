//! The server's life: what keeps it from starting, how it ends, and what a sudden death leaves.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use registry::access::Role;
use serde_json::{Value, json};
use sqlx::Connection;
use system_tests::api_server::{ApiServer, database_url, owner, registryctl, run, token};
use system_tests::database::{TestDatabase, rows};
use system_tests::faults;
use system_tests::folder::TestFolder;
use system_tests::history::{History, Said};
use system_tests::servers;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{Setup, answer, etag_of, problem};

#[tokio::test]
async fn what_was_acknowledged_before_a_sudden_death_is_made_and_audited() {
    let mut setup = Setup::new().await;
    setup
        .database
        .execute("INSERT INTO extensions (id, type, subject) SELECT 'e' || n, 'pre', 'e' || n FROM generate_series(0, 7) AS n")
        .await;
    let before = Said::read(&setup.database.superuser()).await;
    let history = History::default();
    let mut writers = JoinSet::new();
    for writer in 0..8_u64 {
        let history = history.clone();
        let url = setup.server.url.clone();
        let token = setup.editor.clone();
        writers.spawn(async move {
            let client = reqwest::Client::new();
            let id = format!("e{writer}");
            let path = format!("{url}/api/v1/extensions/{id}");
            let read = client.get(&path).bearer_auth(&token).send().await.unwrap();
            let mut etag = etag_of(&read);
            for number in 1_u64.. {
                let fields = json!({ "timeout_ms": number });
                let asked = history.ask(&id, Some(fields.clone()));
                let request = client
                    .patch(&path)
                    .bearer_auth(&token)
                    .header("If-Match", &etag)
                    .header("Idempotency-Key", asked.request_id.to_string())
                    .json(&fields);
                let Ok(response) = request.send().await else {
                    return;
                };
                assert_eq!(response.status(), 200);
                etag = etag_of(&response);
                // Acknowledged is what has come whole.
                let Ok(body) = response.json::<Value>().await else {
                    return;
                };
                assert_eq!(body["timeout_ms"], number);
                asked.made();
            }
        });
    }
    while history.acknowledged_count() < 100 {
        tokio::task::yield_now().await;
    }
    setup.server.signal(Signal::SIGKILL);
    let killed_at = Instant::now();
    setup.server.wait();
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    let again = ApiServer::start_as(&setup.server_login(), &[]);
    let recovered = killed_at.elapsed();

    // Sessions that the server left may still be committing: those of the new one are the younger.
    let others = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE '%rest_server'
         AND backend_start < now() - interval '{} ms' AND state <> 'idle'",
        recovered.as_millis()
    );
    while setup.database.value(&others).await != "0" {
        tokio::task::yield_now().await;
    }
    let checked = history.check(&before, &setup.database.superuser()).await;
    assert!(
        checked.untold <= 8,
        "what was under way, one of each writer"
    );
    faults::report_checked(
        "HTTP server killed",
        checked,
        json!({ "writers": 8, "recovered_ms": recovered.as_millis() }),
    );
    let (_, verified) = answer(again.caller(&setup.editor).get("/api/v1/audit/verify")).await;
    assert_eq!(verified["is_whole"], true);
}

#[tokio::test]
async fn the_end_finishes_what_is_under_way_and_lets_nobody_new_in() {
    let mut setup = Setup::new().await;
    // What holds the row holds the request up.
    let mut holder = sqlx::PgConnection::connect_with(&setup.database.superuser())
        .await
        .unwrap();
    sqlx::raw_sql("BEGIN; UPDATE extensions SET retry = 9 WHERE id = 'pii_guard'")
        .execute(&mut holder)
        .await
        .unwrap();
    let mut stream = setup.get("/api/v1/events").send().await.unwrap();
    let under_way = tokio::spawn(answer(setup.post("/api/v1/extensions/pii_guard/disable")));
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while setup.database.value(waiting).await == "0" {
        tokio::task::yield_now().await;
    }
    setup.server.signal(Signal::SIGTERM);
    // The stream ends at once, and nobody new is let in.
    while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
    while reqwest::get(format!("{}/healthz", setup.server.url))
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    assert!(!under_way.is_finished());
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    let (status, body) = under_way.await.unwrap();
    assert_eq!((status, &body["enabled"]), (200, &json!(false)));
    assert!(setup.server.wait().success());
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE '%rest_server'";
    while setup.database.value(sessions).await != "0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(setup.entry_count().await, 2);
}

#[tokio::test]
async fn what_takes_too_long_is_answered_and_not_done() {
    let database = TestDatabase::create(servers::bundled()).await;
    migrated(&database).await;
    let server = ApiServer::start_with(&database, &["--time-limit-seconds", "1"]).await;
    let editor = token(&database, "anna", Role::RegistryEditor).await;
    let mut holder = sqlx::PgConnection::connect_with(&database.superuser())
        .await
        .unwrap();
    sqlx::raw_sql("BEGIN; SELECT FROM extensions WHERE id = 'pii_guard' FOR UPDATE")
        .execute(&mut holder)
        .await
        .unwrap();
    let caller = server.caller(&editor);
    let disable = || {
        caller
            .post("/api/v1/extensions/pii_guard/disable")
            .timeout(Duration::from_secs(30))
    };
    // More than there are connections: none may be kept by what was given up.
    for _ in 0..10 {
        assert_eq!(problem(disable()).await, (504, "request_timed_out".into()));
    }
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    // What was given up is over before anything else is done on its connection.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE '%rest_server' AND state = 'active'";
    while database.value(waiting).await != "0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        database
            .value("SELECT count(*) FROM extension_audit_log")
            .await,
        "0"
    );
    assert_eq!(answer(disable()).await.0, 200);
    assert_eq!(
        database
            .value("SELECT count(*) FROM extension_audit_log")
            .await,
        "1"
    );
}

#[tokio::test]
async fn a_login_for_which_the_log_would_name_the_server_is_refused() {
    let database = TestDatabase::create(servers::bundled()).await;
    let owner = owner(migrated(&database).await).await;
    let empty = TestDatabase::create(servers::bundled()).await;
    for (login, missing) in [
        (owner, "no direct member of registry_rest_server"),
        (
            database.login_of_member("registry_editor").await,
            "no direct member of registry_rest_server",
        ),
        (
            empty.login_of_member("registry_rest_server").await,
            "no tokens yet",
        ),
    ] {
        let output = run(&login, &["serve", "--listen", "127.0.0.1:0"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            said.contains(missing) && said.contains("GRANT registry_rest_server TO"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
}

async fn migrated(database: &TestDatabase) -> &TestDatabase {
    database.migrate().await;
    database
}

#[tokio::test]
async fn the_command_migrates_an_empty_database_and_tells_what_is_wrong() {
    let database = TestDatabase::create(servers::bundled()).await;
    let name = database.value("SELECT current_database()").await;
    database
        .execute(&format!(
            "CREATE ROLE {name}_admin LOGIN SUPERUSER PASSWORD 'test'"
        ))
        .await;
    let admin = database
        .superuser()
        .username(&format!("{name}_admin"))
        .password("test");
    assert!(run(&admin, &["migrate"]).status.success());
    assert_eq!(
        rows(&database.superuser(), "SELECT id FROM extensions")
            .await
            .len(),
        6
    );

    let nowhere = std::process::Command::new(registryctl())
        .args(["token", "list"])
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    assert_eq!(nowhere.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("Set DATABASE_URL to"));
    let usage = run(&admin, &["token", "create", "--role", "editor"]);
    assert_eq!(usage.status.code(), Some(64), "the owner is missing");
    let viewer = database.login_of_member("registry_viewer").await;
    let refused = run(
        &viewer,
        &["token", "create", "--owner", "a", "--role", "editor"],
    );
    assert_eq!(refused.status.code(), Some(77));
    assert!(
        !String::from_utf8_lossy(&refused.stderr).contains(":test@"),
        "no password is told"
    );
}

#[tokio::test]
async fn elsewhere_it_listens_with_tls_or_when_told_that_plain_will_do() {
    let database = TestDatabase::create(servers::bundled()).await;
    let login = migrated(&database)
        .await
        .login_of_member("registry_rest_server")
        .await;
    // One that served would never end.
    let refused = tokio::process::Command::new(registryctl())
        .args(["serve", "--listen", "0.0.0.0:0"])
        .env("DATABASE_URL", database_url(&login))
        .kill_on_drop(true)
        .output();
    let refused = timeout(Duration::from_secs(30), refused)
        .await
        .expect("it ends")
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("--tls-certificate") && said.contains("--allow-plain-http"),
        "{said}"
    );
    let plain = ApiServer::start_as(&login, &["--listen", "0.0.0.0:0", "--allow-plain-http"]);
    assert!(plain.url.starts_with("http://0.0.0.0:"), "{}", plain.url);

    let folder = TestFolder::new();
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let file = |name: &str, content: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let certificate_file = file("certificate.pem", certificate.cert.pem());
    let key_file = file("key.pem", certificate.signing_key.serialize_pem());
    let secured = ApiServer::start_as(
        &login,
        &[
            "--listen",
            "0.0.0.0:0",
            "--tls-certificate",
            &certificate_file,
            "--tls-key",
            &key_file,
        ],
    );
    let port = secured.url.rsplit(':').next().unwrap();
    let editor = token(&database, "anna", Role::RegistryEditor).await;
    let output = std::process::Command::new("curl")
        .args([
            "--silent",
            "--fail",
            "--cacert",
            &certificate_file,
            "--oauth2-bearer",
            &editor,
        ])
        .arg(format!(
            "https://localhost:{port}/api/v1/extensions/pii_guard"
        ))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?} {}", secured.log());
    assert!(String::from_utf8_lossy(&output.stdout).contains("pii_guard"));
    let plain = reqwest::get(format!("http://127.0.0.1:{port}/healthz")).await;
    assert!(plain.is_err(), "it speaks TLS alone");
}

#[tokio::test]
async fn a_place_or_a_certificate_that_can_not_be_had_is_named_before_anybody_is_let_in() {
    let database = TestDatabase::create(servers::bundled()).await;
    let login = migrated(&database)
        .await
        .login_of_member("registry_rest_server")
        .await;
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let folder = TestFolder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [one, other] = ["one", "other"].map(|name| {
        let certificate = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        std::fs::write(path(name), certificate.cert.pem()).unwrap();
        std::fs::write(
            path(&format!("{name}.key")),
            certificate.signing_key.serialize_pem(),
        )
        .unwrap();
        path(name)
    });
    let nowhere = path("nowhere");
    for (listen, certificate_and_key, said) in [
        (
            taken.as_str(),
            None,
            format!("{taken} can't be listened on"),
        ),
        // One that served would never end.
        (
            "127.0.0.1:0",
            Some((&one, format!("{other}.key"))),
            "The certificate or its key can't be used".to_owned(),
        ),
        (
            "127.0.0.1:0",
            Some((&nowhere, format!("{one}.key"))),
            "The certificate or its key can't be used".to_owned(),
        ),
    ] {
        let mut command = tokio::process::Command::new(registryctl());
        command.args(["serve", "--listen", listen]);
        if let Some((certificate, key)) = certificate_and_key {
            command.args(["--tls-certificate", certificate, "--tls-key", &key]);
        }
        command
            .env("DATABASE_URL", database_url(&login))
            .kill_on_drop(true);
        let output = timeout(Duration::from_secs(30), command.output())
            .await
            .expect("it ends")
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(&said), "{told}");
        assert!(output.stdout.is_empty(), "nobody is told that it listens");
    }
}

#[tokio::test]
async fn no_secret_is_in_the_finest_log() {
    let database = TestDatabase::create(servers::bundled()).await;
    let login = migrated(&database)
        .await
        .login_of_member("registry_rest_server")
        .await;
    let server = ApiServer::start_logging(&login, "trace");
    let editor = token(&database, "anna", Role::RegistryEditor).await;
    let caller = server.caller(&editor);
    let new = json!({ "id": "a", "type": "pre", "subject": "a", "config": { "api_key": "sk-planted-2" } });
    assert_eq!(
        answer(caller.post("/api/v1/extensions").json(&new)).await.0,
        201
    );
    assert_eq!(
        answer(server.caller("blr_planted-token").get("/api/v1/stats"))
            .await
            .0,
        401
    );
    let log = server.log();
    assert!(log.len() > 10_000, "it is the finest");
    for secret in [
        &editor[4..],
        "sk-planted-2",
        "planted-token",
        &database_url(&login),
    ] {
        assert!(!log.contains(secret), "{secret}");
    }
}
