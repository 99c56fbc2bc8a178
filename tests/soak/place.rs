//! Where it happens: a database, the way there, the programs on it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use registry::Registry;
use registry::connection::ServerAddress;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use system_tests::api_server::{ApiServer, run};
use system_tests::application::{Account, Window};
use system_tests::bundle::repository;
use system_tests::cluster::{Cluster, SECRET, remote, servers};
use system_tests::folder::TestFolder;
use system_tests::history::{Checked, History, Said};
use system_tests::tcp_proxy::{TcpProxy, Way};
use system_tests::writers::{IDS, Writers};
use tokio::task::{JoinHandle, JoinSet};

use crate::disturbances::Disturbance;
use crate::processes::Memory;
use crate::programs::{HttpWriter, command_line};

/// What is changed over HTTP by the server that is killed, and by the one that is not.
const OVER_HTTP: [&str; 4] = ["soak_a", "soak_b", "soak_c", "soak_d"];
const BY_COMMAND_LINE: &str = "soak_e";

/// From the start of the HTTP server until it listens, with a database that answers.
const STARTED_WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Place {
    pub(crate) cluster: Cluster,
    pub(crate) proxy: TcpProxy,
    pub(crate) folder: TestFolder,
    /// The server that is never killed, so that its memory can be watched.
    pub(crate) steady_server: ApiServer,
    pub(crate) cache_holder: CacheHolder,
    pub(crate) history: History,
    server: Option<ApiServer>,
    /// What the servers logged that were killed.
    log: String,
    server_login: PgConnectOptions,
    server_address: String,
    window: Option<(Account, Window)>,
    before: Said,
    stop: Arc<AtomicBool>,
    writers: Writers,
    over_http: JoinSet<()>,
    by_command_line: JoinHandle<usize>,
    _registry: Registry,
}

pub(crate) struct Ended {
    pub(crate) checked: Checked,
    pub(crate) command_line_changes: usize,
    pub(crate) health_recorded: u64,
    pub(crate) cache_loads: u64,
}

impl Place {
    pub(crate) async fn start(with_window: bool) -> Self {
        let cluster = Cluster::start(&["max_connections=200"]).await;
        cluster.make_registry().await;
        let superuser = cluster.superuser();
        let statements = format!(
            "CREATE ROLE server LOGIN PASSWORD 'test'; GRANT registry_rest_server TO server;
             CREATE ROLE owner LOGIN PASSWORD 'test'; GRANT registry_owner TO owner;
             INSERT INTO extensions (id, type, subject) SELECT id, 'pre', id FROM unnest('{{{},{BY_COMMAND_LINE}}}'::text[]) AS id",
            OVER_HTTP.join(",")
        );
        system_tests::database::execute(&superuser, &statements)
            .await
            .expect("the statements run");
        let proxy = TcpProxy::before(cluster.port, Way::Open(Duration::ZERO)).await;
        let through_proxy = |login: &str| {
            superuser
                .clone()
                .port(proxy.port)
                .username(login)
                .password("test")
        };
        let token = run(
            &superuser.clone().username("owner").password("test"),
            &["token", "create", "--owner", "soak", "--role", "editor"],
        );
        assert!(token.status.success(), "{token:?}");
        let token = String::from_utf8(token.stdout)
            .expect("text")
            .trim()
            .to_owned();
        let server_login = through_proxy("server");
        let server = ApiServer::start_as(&server_login, &[]);
        let steady_server = ApiServer::start_as(&server_login, &[]);
        let server_address = server.url.trim_start_matches("http://").to_owned();
        let console_url = format!(
            "postgres://console:{SECRET}@127.0.0.1:{}/registry?sslmode=disable",
            proxy.port
        );
        let cache_holder = CacheHolder::start(&console_url);
        let window = if with_window {
            Some(open_window(&console_url).await)
        } else {
            None
        };
        let mut database = remote(&[]);
        database.servers = vec![ServerAddress::new("127.0.0.1", proxy.port)];
        let registry = Registry::open(servers(&database))
            .await
            .expect("the registry opens");
        let before = Said::read(&superuser).await;
        let writers = Writers::start(&registry);
        let history = writers.history.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let mut over_http = JoinSet::new();
        for (number, id) in OVER_HTTP.into_iter().enumerate() {
            let writer = HttpWriter {
                url: if number < 2 {
                    server.url.clone()
                } else {
                    steady_server.url.clone()
                },
                token: token.clone(),
                id,
                history: history.clone(),
                stop: Arc::clone(&stop),
            };
            over_http.spawn(writer.run());
        }
        let by_command_line = tokio::spawn(command_line(
            console_url,
            BY_COMMAND_LINE,
            history.clone(),
            Arc::clone(&stop),
            7,
        ));
        Self {
            cluster,
            proxy,
            folder: TestFolder::new(),
            steady_server,
            cache_holder,
            history,
            server: Some(server),
            log: String::new(),
            server_login,
            server_address,
            window,
            before,
            stop,
            writers,
            over_http,
            by_command_line,
            _registry: registry,
        }
    }

    pub(crate) fn kill_http_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.signal(Signal::SIGKILL);
            server.wait();
            self.log.push_str(&server.log());
        }
    }

    /// Where the one before was.
    pub(crate) fn start_http_server(&mut self) {
        let begun_at = Instant::now();
        let server = ApiServer::start_as(&self.server_login, &["--listen", &self.server_address]);
        assert!(
            begun_at.elapsed() < STARTED_WITHIN,
            "it started after {:?}:\n{}",
            begun_at.elapsed(),
            server.log()
        );
        self.server = Some(server);
    }

    /// Keeps what the servers logged, for who looks for the reason of a failure.
    fn keep_logs(&self) {
        let folder = repository().join("target/soak");
        let killed_and_last = self.server.iter().map(ApiServer::log);
        let logs = [
            (
                "killed.log",
                self.log.clone() + &killed_and_last.collect::<String>(),
            ),
            ("steady.log", self.steady_server.log()),
        ];
        for (name, log) in logs {
            // Without it the failure itself is told all the same.
            let _ = std::fs::create_dir_all(&folder)
                .and_then(|()| std::fs::write(folder.join(name), log));
        }
    }

    pub(crate) fn sample(&self, memory: &mut Memory) {
        memory.sample("HTTP server", self.steady_server.process_id());
        memory.sample("program with a cache", self.cache_holder.process_id());
        if let Some((account, _)) = &self.window {
            let process_id = account
                .process_id()
                .try_into()
                .expect("process ids are small");
            memory.sample("window", Pid::from_raw(process_id));
        }
    }

    /// Waits until all writers have gone on since; how long that took.
    pub(crate) async fn see_all_go_on(
        &self,
        mended_at: Instant,
        within: Duration,
        after: Disturbance,
    ) -> Duration {
        let all: Vec<&str> = IDS
            .into_iter()
            .chain(OVER_HTTP)
            .chain([BY_COMMAND_LINE])
            .collect();
        loop {
            if let Some(recovered) = self.history.resumed_after(&all, mended_at) {
                return recovered;
            }
            if mended_at.elapsed() > within {
                let stuck: Vec<_> = all
                    .iter()
                    .filter(|id| self.history.resumed_after(&[**id], mended_at).is_none())
                    .collect();
                self.keep_logs();
                panic!(
                    "{stuck:?} have not gone on {within:?} after {after:?}: the logs are in target/soak"
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends all that write, and compares everything.
    pub(crate) async fn end(mut self) -> Ended {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.over_http.join_next().await {
            ended.expect("writers don't panic");
        }
        let command_line_changes = (&mut self.by_command_line).await.expect("it ends");
        let history = self.writers.end().await;
        // What was killed may have left a session that is still committing.
        let under_way = "SELECT count(*)::text FROM pg_stat_activity
                         WHERE usename IN ('console', 'server') AND state NOT LIKE 'idle' AND backend_xid IS NOT NULL";
        while system_tests::database::rows(&self.cluster.superuser(), under_way).await[0][0]
            .as_deref()
            != Some("0")
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.keep_logs();
        let checked = history.check(&self.before, &self.cluster.superuser()).await;
        let now = Said::read(&self.cluster.superuser()).await;
        let revision = now.entries.last().expect("entries").revision;
        if let Some((account, window)) = self.window.take() {
            // It shows what is.
            for id in IDS {
                let timeout_ms = now.extensions[id]["timeout_ms"].as_u64().expect("a number");
                see_timeout(&window, id, timeout_ms).await;
            }
            window.close(&account).await;
        }
        let told = self.cache_holder.end(revision);
        assert_eq!(told["diverged"], false);
        let cached = told["extensions"].as_object().expect("an object");
        assert_eq!(cached.len(), now.extensions.len());
        for (id, fields) in cached {
            for (name, value) in fields.as_object().expect("an object") {
                assert_eq!(
                    value, &now.extensions[id][name],
                    "{name} of {id} in the cache"
                );
            }
        }
        // Each call that was taken is counted once.
        let recorded = told["recorded"].as_u64().expect("a number");
        assert_eq!(told["unknown"], 0);
        let counted =
            "SELECT success_count::text FROM extension_health WHERE extension_id = 'pii_guard'";
        let counted = system_tests::database::rows(&self.cluster.superuser(), counted).await;
        assert_eq!(
            counted,
            [[Some(recorded.to_string())]],
            "health is counted once"
        );
        Ended {
            checked,
            command_line_changes,
            health_recorded: recorded,
            cache_loads: told["loads"].as_u64().expect("a number"),
        }
    }
}

async fn open_window(url: &str) -> (Account, Window) {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.go("/connections").await;
    window
        .click("//button[normalize-space()='New connection']")
        .await;
    window
        .write("//input[starts-with(@placeholder, 'postgres://')]", url)
        .await;
    window.click("//button[normalize-space()='Fill in']").await;
    window
        .see("//input[@aria-label='Host 1' and @value='127.0.0.1']")
        .await;
    window.write("//input[@data-autofocus]", "Soak").await;
    window.click("//button[normalize-space()='Save']").await;
    window
        .click("//li[@aria-label='Soak']//button[normalize-space()='Switch']")
        .await;
    window.see("//tr[@data-extension-id='soak_a']").await;
    (account, window)
}

/// Waits until the list shows a timeout, which it does in seconds where it can.
async fn see_timeout(window: &Window, id: &str, timeout_ms: u64) {
    let shown = format!(
        "return Math.round((() => {{
             const cell = document.querySelector('tr[data-extension-id={id}] td[data-column=timeout_ms]');
             const [, figure, unit] = /([\\d.]+).(ms|s|min)/.exec(cell.textContent.replaceAll('\\u202f', ''));
             return Number(figure) * {{ ms: 1, s: 1000, min: 60000 }}[unit];
         }})())"
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = window.run(&shown).await.as_f64().unwrap_or_default();
        // It rounds to three figures.
        if (found - timeout_ms as f64).abs() <= timeout_ms as f64 / 100.0 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{id} has {timeout_ms} ms, and the window shows {found}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The program with a cache.
pub(crate) struct CacheHolder {
    program: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl CacheHolder {
    fn start(url: &str) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hold-cache"))
            .env("DATABASE_URL", url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let input = program.stdin.take();
        let mut output = BufReader::new(program.stdout.take().expect("its output")).lines();
        let ready = output.next().expect("it is filled").expect("text");
        assert_eq!(ready, "ready");
        Self {
            program,
            input,
            output,
        }
    }

    pub(crate) fn process_id(&self) -> Pid {
        Pid::from_raw(self.program.id().try_into().expect("process ids are small"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.process_id(), signal).expect("it runs");
    }

    /// Has it follow to a revision, tell what it holds, and end.
    fn end(&mut self, revision: i64) -> Value {
        let mut input = self.input.take().expect("its input");
        writeln!(input, "{revision}").expect("it reads");
        drop(input);
        let line = self.output.next().expect("it tells").expect("text");
        self.program.wait().expect("it ends");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for CacheHolder {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
