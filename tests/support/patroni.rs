//! PostgreSQL servers that Patroni keeps, with etcd: it decides which is the primary.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use sqlx::ConnectOptions;

use crate::bundle::{built_program, installed_server, repository};
use crate::cluster::{SECRET, account, give_away, make_registry, superuser_at};
use crate::database::execute;
use crate::desktop::{Service, free_ports};
use crate::folder::TestFolder;
use crate::process::descendants;

/// How long the leader's key lives if it is not renewed: after so long at most, and a round, a dead leader is replaced.
pub const TTL_SECONDS: u32 = 5;

/// Two servers that replicate synchronously, each with its Patroni, and the etcd between them.
pub struct PatroniCluster {
    /// The servers.
    pub nodes: [PatroniNode; 2],
    programs: Programs,
    _etcd: Service,
}

/// A server and its Patroni.
pub struct PatroniNode {
    /// What Patroni calls it.
    pub name: &'static str,
    /// Where its PostgreSQL listens on 127.0.0.1.
    pub port: u16,
    folder: TestFolder,
    service: Option<Service>,
}

impl PatroniCluster {
    /// Starts them, with an empty database `registry` and the registry in it, and waits until the standby is synchronous.
    pub async fn start() -> Self {
        let programs = Programs::find();
        let [etcd_port, peer_port] = free_ports();
        let etcd = programs.start_etcd(etcd_port, peer_port);
        // Not `first`, which means something in `synchronous_standby_names`.
        let nodes = ["north", "south"].map(|name| PatroniNode::prepare(name, etcd_port));
        let mut cluster = Self {
            nodes,
            programs,
            _etcd: etcd,
        };
        for node in &mut cluster.nodes {
            node.start(&cluster.programs);
        }
        let (leader, _) = cluster.see_both().await;
        let superuser = superuser_at(cluster.nodes[leader].port);
        execute(
            &superuser.clone().database("postgres"),
            "CREATE DATABASE registry",
        )
        .await
        .expect("the database is made");
        make_registry(&superuser).await;
        cluster
    }

    /// Waits until one leads and the other is its synchronous standby; their places in `nodes`.
    pub async fn see_both(&self) -> (usize, usize) {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            let members = self.control(&["list", "--format", "json"]).await;
            let members = serde_json::from_str(&members).unwrap_or_default();
            if let (Some(leader), Some(standby)) = (
                self.find(&members, "Leader"),
                self.find(&members, "Sync Standby"),
            ) {
                return (leader, standby);
            }
            assert!(
                Instant::now() < deadline,
                "one leads and one follows: {}",
                self.logs()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Which of them has this role, as `patronictl list` says, and runs.
    fn find(&self, members: &Value, role: &str) -> Option<usize> {
        let found = members.as_array()?.iter().find(|member| {
            // A standby that streams is `streaming` in newer versions.
            member["Role"] == role
                && ["running", "streaming"]
                    .iter()
                    .any(|state| member["State"] == *state)
        })?;
        self.nodes
            .iter()
            .position(|node| found["Member"] == node.name)
    }

    /// Changes the roles, as an administrator does.
    pub async fn switch_over(&self, leader: usize, candidate: usize) {
        let output = self
            .control(&[
                "switchover",
                "--leader",
                self.nodes[leader].name,
                "--candidate",
                self.nodes[candidate].name,
                "--force",
            ])
            .await;
        assert!(
            output.contains("Successfully switched over"),
            "{output}\n{}",
            self.logs()
        );
    }

    async fn control(&self, arguments: &[&str]) -> String {
        let node = &self.nodes[0];
        let output = tokio::process::Command::from(self.programs.python(node.folder.path()))
            .args(["-c", "from patroni.ctl import ctl; ctl()"])
            .arg("--config-file")
            .arg(node.settings())
            .args(arguments)
            .output()
            .await
            .expect("Python runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Ends a node's PostgreSQL and its Patroni as a power failure would.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// Starts a node that was killed.
    pub fn resume(&mut self, node: usize) {
        self.nodes[node].start(&self.programs);
    }

    fn logs(&self) -> String {
        self.nodes
            .iter()
            .map(|node| std::fs::read_to_string(node.log()).unwrap_or_default())
            .collect()
    }
}

impl PatroniNode {
    fn prepare(name: &'static str, etcd_port: u16) -> Self {
        let folder = TestFolder::new();
        give_away(folder.path());
        let [port, rest_port] = free_ports();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let address = |port: u16| format!("127.0.0.1:{port}");
        let login = |name: &str| json!({ "username": name, "password": SECRET });
        let settings = json!({
            "scope": "registry",
            "name": name,
            "restapi": { "listen": address(rest_port), "connect_address": address(rest_port) },
            "etcd3": { "host": address(etcd_port) },
            "bootstrap": {
                "dcs": {
                    "ttl": TTL_SECONDS,
                    "loop_wait": 1,
                    "retry_timeout": 2,
                    "synchronous_mode": true,
                    "postgresql": { "use_pg_rewind": true, "parameters": { "wal_log_hints": "on" } },
                },
                "initdb": [{ "encoding": "UTF8" }, { "locale": "C" }],
            },
            "postgresql": {
                "listen": address(port),
                "connect_address": address(port),
                "data_dir": file("data"),
                "bin_dir": installed_server(),
                "pgpass": file("pgpass"),
                "authentication": {
                    "superuser": login("postgres"),
                    "replication": login("replicator"),
                    "rewind": login("rewinder"),
                },
                "pg_hba": [
                    "local all all trust",
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication all 127.0.0.1/32 scram-sha-256",
                ],
                "parameters": { "unix_socket_directories": folder.path(), "fsync": "off" },
            },
        });
        let node = Self {
            name,
            port,
            folder,
            service: None,
        };
        // What is JSON is YAML.
        std::fs::write(node.settings(), settings.to_string()).expect("the folder is ours");
        give_away(&node.settings());
        node
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("patroni.yml")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("patroni.log")
    }

    fn start(&mut self, programs: &Programs) {
        let patroni = programs.python(self.folder.path());
        // PostgreSQL leaves Patroni's process group and its session.
        let mut command = Command::new(built_program("end-with-parent"));
        if let Some(user) = account() {
            command
                .arg("setpriv")
                .arg(format!("--reuid={}", user.uid))
                .arg(format!("--regid={}", user.gid))
                .arg("--clear-groups");
        }
        command
            .arg(patroni.get_program())
            .args(["-m", "patroni"])
            .arg(self.settings())
            .current_dir(self.folder.path())
            .envs(
                patroni
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(self.log())
                    .expect("the folder is ours"),
            );
        self.service = Some(Service::start(command));
    }

    fn kill(&mut self) {
        let service = self.service.take().expect("it runs");
        for process in descendants(service.process_id()) {
            // A backend may have ended by itself.
            let _ = kill(process, Signal::SIGKILL);
        }
    }

    /// Whether a change is committed here within this time; it is none of the registry's.
    pub async fn takes_changes(&self, patience: Duration) -> bool {
        let superuser = superuser_at(self.port)
            .database("postgres")
            .disable_statement_logging();
        let change = execute(
            &superuser,
            "CREATE TABLE IF NOT EXISTS probe (); DROP TABLE probe",
        );
        matches!(tokio::time::timeout(patience, change).await, Ok(Ok(())))
    }
}

/// Where the programs are; `scripts/prerequisites.sh test` unpacks them.
struct Programs {
    etcd: PathBuf,
    /// Patroni and the libraries that it needs, where every account can read them; none if it is installed.
    packages: Option<PathBuf>,
    folder: TestFolder,
}

impl Programs {
    fn find() -> Self {
        let folder = TestFolder::new();
        let unpacked = repository().join("target/tools/patroni");
        let etcd = unpacked.join("usr/bin/etcd");
        let packages = unpacked.join("usr/lib/python3/dist-packages");
        let is_unpacked = packages.is_dir();
        if is_unpacked {
            let status = Command::new("cp")
                .arg("--archive")
                .arg(packages)
                .arg(folder.path())
                .status()
                .expect("cp runs");
            assert!(status.success(), "Patroni is copied");
        }
        Self {
            etcd: if etcd.is_file() {
                etcd
            } else {
                "/usr/bin/etcd".into()
            },
            packages: is_unpacked.then(|| folder.path().join("dist-packages")),
            folder,
        }
    }

    /// The distribution's Python, whose version the libraries are for, with Patroni; what it compiles goes to `folder`.
    fn python(&self, folder: &Path) -> Command {
        let mut command = Command::new("/usr/bin/python3");
        command
            .env("PYTHONPYCACHEPREFIX", folder.join("compiled"))
            .env("LC_ALL", "C.UTF-8");
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }

    fn start_etcd(&self, port: u16, peer_port: u16) -> Service {
        let [clients, peers] = [port, peer_port].map(|port| format!("http://127.0.0.1:{port}"));
        let mut command = Command::new(&self.etcd);
        command
            .arg("--data-dir")
            .arg(self.folder.path().join("etcd"))
            .args(["--listen-client-urls", &clients])
            .args(["--advertise-client-urls", &clients])
            .args(["--listen-peer-urls", &peers])
            .args(["--initial-advertise-peer-urls", &peers])
            .args(["--initial-cluster", &format!("default={peers}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let service = Service::start(command);
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "etcd listens");
            std::thread::sleep(Duration::from_millis(20));
        }
        service
    }
}
