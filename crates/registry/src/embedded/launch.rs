//! Starts the server of a cluster and waits until it accepts connections; what its log says if it never does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::{info, warn};

use super::StartStep;
use super::account::ServerAccount;
use super::binaries::ServerBinaries;
use super::cluster::Cluster;
use super::failure::{classify, describe_failure, last_lines};
use super::folders::{Folders, Held, PORT};
use super::postmaster::PidFile;
use super::process::ServerProcess;
use crate::{Error, Result};

/// How long a server may take to accept connections, unless it is recovering.
const START_PATIENCE: Duration = Duration::from_mins(1);

/// What the server writes to its log when it begins to recover.
const RECOVERY: &str = "database system was not properly shut down";

/// A log larger than this is set aside at the next start.
const LOG_SIZE_MAX: u64 = 8 << 20;

/// The programs, copied if the server's account can't reach them where they are.
pub(super) fn within_reach(
    binaries: ServerBinaries,
    folders: &Folders,
    held: &Held,
    on_copy: impl FnOnce(),
) -> Result<ServerBinaries> {
    info!(version = binaries.version, folder = %binaries.directory.display(), "found PostgreSQL");
    if !binaries.out_of_reach(&held.account) {
        return Ok(binaries);
    }
    on_copy();
    binaries
        .copied_below(&folders.server_copies())
        .map_err(|source| classify(source, &held.data_directory))
}

/// Starts the server of a cluster.
pub(super) fn launch(
    cluster: &Cluster,
    binaries: &ServerBinaries,
    folders: &Folders,
    held: &Held,
) -> Result<ServerProcess> {
    let account = &held.account;
    let log = open_log(&folders.log(), account)
        .map_err(|source| classify(source, &held.data_directory))?;
    let error_log = log
        .try_clone()
        .map_err(|source| Error::DataDirectoryUnwritable {
            path: held.data_directory.clone(),
            source,
        })?;
    let mut command = account.command(&binaries.program("postgres"), &folders.base);
    command
        .arg("-D")
        .arg(cluster.data())
        .stdin(std::process::Stdio::null())
        .stdout(log)
        .stderr(error_log);
    for (name, value) in server_settings(&folders.socket()) {
        let mut setting = std::ffi::OsString::from(format!("{name}="));
        setting.push(value);
        command.arg("-c").arg(setting);
    }
    let process = ServerProcess::start(command).map_err(|error| Error::ServerBinariesUnusable {
        path: binaries.directory.clone(),
        reason: error.to_string(),
    })?;
    info!(
        process_id = process.process_id(),
        account = account.name,
        "started the server"
    );
    Ok(process)
}

/// `data` is the cluster's data directory.
pub(super) async fn wait_until_ready(
    process: &ServerProcess,
    folders: &Folders,
    data: &Path,
    on_step: &impl Fn(StartStep),
) -> Result<()> {
    let started_at = Instant::now();
    let mut recovering = false;
    loop {
        if let Some(status) = process.ended() {
            let log = log_since_start(folders, process.process_id());
            let detail = if log.trim().is_empty() {
                status
            } else {
                last_lines(&log)
            };
            return Err(describe_failure("Starting PostgreSQL", detail, data));
        }
        let is_ready = PidFile::read(data)
            .is_some_and(|file| file.process_id == process.process_id() && file.is_ready);
        if !recovering && log_since_start(folders, process.process_id()).contains(RECOVERY) {
            recovering = true;
            on_step(StartStep::Recovering);
        }
        if is_ready {
            info!(
                duration_ms = started_at.elapsed().as_millis(),
                recovering, "server is ready"
            );
            return Ok(());
        }
        // Replaying a long log takes as long as it takes: cutting it short would start it again.
        if !recovering && started_at.elapsed() > START_PATIENCE {
            process.stop();
            let log = log_since_start(folders, process.process_id());
            return Err(Error::ServerStartFailed {
                attempted: "Starting PostgreSQL within a minute",
                detail: last_lines(&log),
            });
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Settings on the command line win over the files in the data directory, so nothing that was
/// written there can turn off what the data's safety rests on, or open a port.
fn server_settings(socket: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
    // The value is a list with commas: a folder's name needs quotes.
    let mut quoted_socket = std::ffi::OsString::from("\"");
    quoted_socket.push(socket);
    quoted_socket.push("\"");
    vec![
        ("listen_addresses", "".into()),
        ("unix_socket_directories", quoted_socket),
        ("unix_socket_permissions", "0700".into()),
        ("port", PORT.to_string().into()),
        ("fsync", "on".into()),
        ("full_page_writes", "on".into()),
        ("password_encryption", "scram-sha-256".into()),
        ("max_connections", "100".into()),
        ("shared_buffers", "64MB".into()),
        ("timezone", "UTC".into()),
        ("log_timezone", "UTC".into()),
        ("logging_collector", "off".into()),
        ("log_destination", "stderr".into()),
        ("log_line_prefix", "%m [%p] %q%u@%d ".into()),
        // A refused row is told in the DETAIL of its error, and its values in the statement: both may
        // hold secrets.
        ("log_error_verbosity", "terse".into()),
        ("log_min_error_statement", "panic".into()),
    ]
}

fn open_log(path: &Path, account: &ServerAccount) -> io::Result<File> {
    if path
        .metadata()
        .is_ok_and(|metadata| metadata.len() > LOG_SIZE_MAX)
    {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    let mut log = OpenOptions::new().create(true).append(true).open(path)?;
    account.take_over(path)?;
    // What a failure shows starts here.
    log.seek(SeekFrom::End(0))?;
    Ok(log)
}

/// What the server has written since it was started; its end, if that is long.
fn log_since_start(folders: &Folders, process_id: u32) -> String {
    let mut text = String::new();
    if let Ok(mut file) = File::open(folders.log()) {
        let length = file
            .metadata()
            .map(|metadata| metadata.len())
            .unwrap_or_default();
        let read = file
            .seek(SeekFrom::Start(length.saturating_sub(64 << 10)))
            .and_then(|_| file.read_to_string(&mut text));
        if let Err(error) = read {
            warn!(%error, "the server's log couldn't be read");
        }
    }
    // Every line names the process that wrote it; the postmaster's first line begins the start.
    let marker = format!("[{process_id}]");
    match text.find(&marker) {
        Some(position) => {
            let line_start = text[..position]
                .rfind('\n')
                .map_or(0, |newline| newline + 1);
            text.split_off(line_start)
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_of_the_data_directory_can_turn_safety_off() {
        let settings = server_settings(Path::new("/s"));
        for name in [
            "fsync",
            "full_page_writes",
            "listen_addresses",
            "unix_socket_permissions",
            "log_error_verbosity",
            "log_min_error_statement",
        ] {
            assert!(
                settings.iter().any(|(setting, _)| *setting == name),
                "{name} is on the command line"
            );
        }
    }
}
