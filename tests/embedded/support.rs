//! What these tests share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use registry::embedded::{self, EmbeddedServer, Options, StartStep};
use registry::{Registry, Result};
use system_tests::bundle::bundled_server;

pub(crate) fn options(data_directory: &Path) -> Options {
    Options {
        data_directory: data_directory.to_owned(),
        server_override: None,
        bundled_server: Some(bundled_server()),
        application_name: "system-tests".into(),
        role: None,
    }
}

/// Opens the registry in `data_directory` on the bundled server; also tells the steps.
pub(crate) async fn open(
    data_directory: &Path,
) -> (Result<(EmbeddedServer, Registry)>, Vec<StartStep>) {
    open_with(&options(data_directory)).await
}

pub(crate) async fn open_with(
    options: &Options,
) -> (Result<(EmbeddedServer, Registry)>, Vec<StartStep>) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let opened = embedded::open(options, move |step| seen.lock().unwrap().push(step)).await;
    let steps = steps.lock().unwrap().clone();
    (opened, steps)
}

pub(crate) fn postmaster_pid(data_directory: &Path) -> PathBuf {
    data_directory.join("postgresql/cluster/data/postmaster.pid")
}

/// The processes of the server on this data directory: those whose working directory it is.
pub(crate) fn server_processes(data_directory: &Path) -> Vec<u32> {
    let data = data_directory
        .join("postgresql/cluster/data")
        .canonicalize()
        .unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let process_id = entry.file_name().to_str()?.parse().ok()?;
            (std::fs::read_link(entry.path().join("cwd")).ok()? == data).then_some(process_id)
        })
        .collect()
}

/// Waits until no server process is left; returns how long that took.
pub(crate) async fn until_no_server_is_left(data_directory: &Path, patience: Duration) -> Duration {
    let started_at = Instant::now();
    loop {
        let left = server_processes(data_directory);
        if left.is_empty() {
            return started_at.elapsed();
        }
        assert!(
            started_at.elapsed() < patience,
            "server processes {left:?} are still there"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
