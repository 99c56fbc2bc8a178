//! Opens the embedded registry: starts its server or joins the one that runs, migrates, logs in.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use super::StartStep;
use super::account::ServerAccount;
use super::binaries::ServerBinaries;
use super::cluster::{Cluster, Credentials, SUPERUSER, random_password};
use super::postmaster::{self, PidFile};
use super::process::ServerProcess;
use super::replacement;
use super::reserve::{DiskSpace, Reserve};
use crate::access::Role;
use crate::anchors::AnchorFile;
use crate::registry::os_user;
use crate::{Error, Registry, Result, migrations};

/// The database in the cluster.
pub(super) const DATABASE: &str = "registry";

/// The port names the socket's file; nothing listens on it.
const PORT: u16 = 5432;

/// `sun_path` has 108 bytes on Linux (104 on macOS), one of them the terminator.
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A new cluster takes about 40 MiB, and its log another 16 MiB at a time.
pub(super) const SPACE_FOR_A_NEW_CLUSTER_MIB: u64 = 128;

/// How long a server may take to accept connections, unless it is recovering.
const START_PATIENCE: Duration = Duration::from_mins(1);

/// What the server writes to its log when it begins to recover.
const RECOVERY: &str = "database system was not properly shut down";

/// How long to wait for the server of another program that holds the data directory: it may be
/// making its database just now.
const JOIN_PATIENCE: Duration = Duration::from_secs(20);

/// A log larger than this is set aside at the next start.
const LOG_SIZE_MAX: u64 = 8 << 20;

/// How many lines of what a failed program wrote are shown.
const LINES_SHOWN: usize = 20;

/// Where the data lies and which programs to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that holds everything; it is made if it doesn't exist.
    pub data_directory: PathBuf,
    /// An explicit choice of the folder with the PostgreSQL programs; nothing else is tried then.
    pub server_override: Option<PathBuf>,
    /// The PostgreSQL that is shipped with the program.
    pub bundled_server: Option<PathBuf>,
    /// `application_name` of the sessions: shown in the audit log and in `pg_stat_activity`.
    pub application_name: String,
    /// The role to work as instead of an editor's: less may be done then, by the same login.
    pub role: Option<Role>,
}

/// The embedded server behind an open registry. Dropping it stops the server, as [`Self::stop`] does.
#[derive(Debug)]
pub struct EmbeddedServer {
    /// None where the server belongs to another program.
    owned: Option<Owned>,
    folders: Folders,
    application_name: String,
    connection: PgConnectOptions,
    /// The server's version, for example `18.4`.
    pub version: String,
    /// The folder with the programs; none where the server belongs to another program.
    pub binaries: Option<PathBuf>,
    /// The login role that the registry works as.
    pub login: String,
}

#[derive(Debug)]
struct Owned {
    process: ServerProcess,
    /// For as long as the server runs.
    _held: Held,
}

impl EmbeddedServer {
    /// Whether another program started the server and this one joined it.
    pub fn is_shared(&self) -> bool {
        self.owned.is_none()
    }

    /// The name of the database.
    pub fn database(&self) -> &'static str {
        DATABASE
    }

    /// The server's process, where this program started it.
    pub fn process_id(&self) -> Option<u32> {
        self.owned.as_ref().map(|owned| owned.process.process_id())
    }

    /// How to log in to the registry as [`Self::login`].
    pub fn connect_options(&self) -> &PgConnectOptions {
        &self.connection
    }

    /// Turns true when the server that this program started ends; none where it is another's.
    pub fn ended(&self) -> Option<watch::Receiver<bool>> {
        self.owned
            .as_ref()
            .map(|owned| owned.process.ended_signal())
    }

    /// How to log in to the registry as the owner of its tables: to back it up and to move it, never to work with it.
    ///
    /// # Errors
    /// [`Error::Internal`] when the passwords can't be read.
    pub fn owner_options(&self) -> Result<PgConnectOptions> {
        let credentials = read_credentials(&self.folders.cluster())?;
        Ok(superuser_options(
            &self.folders,
            &self.application_name,
            &credentials.superuser_password,
        )
        .database(DATABASE))
    }

    /// The folder that holds everything.
    pub fn data_directory(&self) -> &Path {
        self.folders.base.parent().unwrap_or(&self.folders.base)
    }

    /// How much room its disk has. If there is room again for the reserve that a full disk took, it is set aside anew.
    pub fn disk_space(&self) -> DiskSpace {
        let reserve = self.folders.reserve();
        if self.owned.is_some() {
            reserve.hold();
        }
        reserve.disk_space()
    }

    /// Stops the server if this program started it, and waits until it is gone: under a second as
    /// a rule, 15 s at the most. Blocks.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.process.stop();
    }
}

/// Where the parts lie in the data directory.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    pub(super) base: PathBuf,
}

impl Folders {
    pub(super) fn new(data_directory: &Path) -> Self {
        Self {
            base: data_directory.join("postgresql"),
        }
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.base.join("lock")
    }

    pub(super) fn cluster(&self) -> Cluster {
        Cluster::new(self.base.join("cluster"))
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.base.join("socket")
    }

    fn log(&self) -> PathBuf {
        self.base.join("server.log")
    }

    fn server_copies(&self) -> PathBuf {
        self.base.join("server")
    }

    fn reserve(&self) -> Reserve {
        Reserve::in_folder(&self.base)
    }
}

/// Opens the embedded registry in `options.data_directory`: starts its server, or joins the one
/// that another program of this account runs there, brings the schema up to date and logs in.
/// `on_step` is told of each step as it begins.
///
/// The server ends with this program, also when it is killed (on Linux; elsewhere the next start
/// stops it). Every acknowledged change survives that.
///
/// # Errors
/// [`Error::DataDirectoryUnwritable`], [`Error::DiskFull`], [`Error::SocketPathTooLong`],
/// [`Error::ServerBinariesMissing`], [`Error::ServerBinariesUnusable`],
/// [`Error::ServerVersionMismatch`], [`Error::DataDirectoryInUse`],
/// [`Error::UnsafeServerSettings`], [`Error::ServerStartFailed`], and those of
/// [`migrations::migrate`] and [`Registry::connect`]. After an error no server is left running.
pub async fn open(
    options: &Options,
    on_step: impl Fn(StartStep) + Clone + Send + 'static,
) -> Result<(EmbeddedServer, Registry)> {
    let reserve = Folders::new(&options.data_directory).reserve();
    let opened = match open_once(options, on_step.clone()).await {
        // With the room that was set aside the server can replay its log and write its checkpoint.
        Err(Error::DiskFull { .. }) if reserve.release() => open_once(options, on_step).await,
        opened => opened,
    }?;
    opened.0.disk_space();
    Ok(opened)
}

async fn open_once(
    options: &Options,
    on_step: impl Fn(StartStep) + Clone + Send + 'static,
) -> Result<(EmbeddedServer, Registry)> {
    on_step(StartStep::FindingServer);
    let folders = Folders::new(&options.data_directory);
    let (owned, binaries) = match start_or_join(options, &folders, &on_step).await? {
        Started::Owned { owned, binaries } => {
            let data = folders.cluster().data();
            wait_until_ready(&owned.process, &folders, &data, &on_step).await?;
            (Some(owned), Some(binaries.directory))
        }
        Started::RunByAnother { process_id } => {
            info!(process_id, "joined the server of another program");
            (None, None)
        }
    };
    on_step(StartStep::Connecting);
    let cluster = folders.cluster();
    let superuser = superuser_options(
        &folders,
        &options.application_name,
        &read_credentials(&cluster)?.superuser_password,
    );
    let mut connection = connect(&superuser.clone().database("postgres")).await?;
    assert_safe(&mut connection).await?;
    let version = server_version(&mut connection).await?;
    // Held until this connection is closed: a program that joins must find the database complete.
    lock_provisioning(&mut connection).await?;
    ensure_database(&mut connection).await?;

    on_step(StartStep::Migrating);
    let superuser = superuser.database(DATABASE);
    migrations::migrate(&superuser).await?;

    let login = login_name(&os_user());
    let mut credentials = read_credentials(&cluster)?;
    if !credentials.logins.contains_key(&login) {
        let unwritable = |source| Error::DataDirectoryUnwritable {
            path: options.data_directory.clone(),
            source,
        };
        let password = random_password().map_err(unwritable)?;
        ensure_login(&superuser, &login, &password).await?;
        // Written last: a start that is cut short before makes a new password next time.
        credentials.logins.insert(login.clone(), password);
        cluster
            .write_credentials(&credentials)
            .map_err(unwritable)?;
    }
    if let Some(role) = options.role {
        grant(&mut connection, role, &login).await?;
    }
    close(connection).await?;
    let password = credentials
        .logins
        .get(&login)
        .map(String::as_str)
        .unwrap_or_default();
    let mut connection = superuser.username(&login).password(password);
    if let Some(role) = options.role {
        connection = connection.options([("role", role.name())]);
    }
    let anchors = AnchorFile::new(options.data_directory.join("anchors.jsonl"));
    let registry = Registry::connect(connection.clone())
        .await?
        .with_anchor_file(anchors);
    Ok((
        EmbeddedServer {
            owned,
            folders,
            application_name: options.application_name.clone(),
            connection,
            version,
            binaries,
            login,
        },
        registry,
    ))
}

/// How to log in as the superuser.
pub(super) fn superuser_options(
    folders: &Folders,
    application_name: &str,
    password: &str,
) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(folders.socket())
        .port(PORT)
        .username(SUPERUSER)
        .password(password)
        .application_name(application_name)
}

enum Started {
    Owned {
        owned: Owned,
        binaries: ServerBinaries,
    },
    RunByAnother {
        process_id: Option<u32>,
    },
}

/// Starts the server, or finds the running one of another program. A program that holds the data
/// directory may be starting its server just now, or be about to end: both are waited for.
async fn start_or_join(
    options: &Options,
    folders: &Folders,
    on_step: &(impl Fn(StartStep) + Clone + Send + 'static),
) -> Result<Started> {
    let deadline = Instant::now() + JOIN_PATIENCE;
    loop {
        let (options, on_step) = (options.clone(), on_step.clone());
        let data_directory = options.data_directory.clone();
        let start = tokio::task::spawn_blocking(move || start(&options, &on_step)).await;
        let started = start.map_err(|source| Error::Internal {
            attempted: "Starting the database",
            source: source.into(),
        })??;
        let Started::RunByAnother { process_id } = started else {
            return Ok(started);
        };
        let is_ready = PidFile::read(&folders.cluster().data()).is_some_and(|file| file.is_ready);
        if is_ready && folders.cluster().read_credentials().is_ok() {
            return Ok(started);
        }
        if Instant::now() > deadline {
            return Err(Error::DataDirectoryInUse {
                path: data_directory,
                process_id,
            });
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Everything up to the server's start.
fn start(options: &Options, on_step: &impl Fn(StartStep)) -> Result<Started> {
    let folders = Folders::new(&options.data_directory);
    let Some(held) = Held::take(&options.data_directory, &folders)? else {
        let process_id = fs::read_to_string(folders.lock())
            .ok()
            .and_then(|text| text.trim().parse().ok());
        return Ok(Started::RunByAnother { process_id });
    };
    replacement::finish(&folders, &options.data_directory)
        .map_err(|source| classify(source, &options.data_directory))?;

    let cluster = folders.cluster();
    let data_major = cluster.major_version()?;
    let binaries = ServerBinaries::find(
        options.server_override.as_deref(),
        options.bundled_server.as_deref(),
        data_major,
        &cluster.data(),
    )?;
    let binaries = within_reach(binaries, &folders, &held, || {
        on_step(StartStep::CopyingServer);
    })?;

    if data_major.is_some() {
        let leftover = postmaster::leftover(&cluster.data());
        if matches!(leftover, postmaster::Leftover::Running(_)) {
            on_step(StartStep::WaitingForPreviousServer);
        }
        postmaster::clear(&leftover, &cluster.data()).map_err(|error| {
            Error::ServerStartFailed {
                attempted: "Stopping the server of an earlier start",
                detail: error.to_string(),
            }
        })?;
    } else {
        on_step(StartStep::CreatingDatabase);
        check_free_space(&options.data_directory, SPACE_FOR_A_NEW_CLUSTER_MIB)?;
        cluster.create(&binaries, &held.account)?;
    }

    on_step(StartStep::StartingServer);
    let process = launch(&cluster, &binaries, &folders, &held)?;
    Ok(Started::Owned {
        owned: Owned {
            process,
            _held: held,
        },
        binaries,
    })
}

/// A data directory that this program has to itself for as long as the value lives.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) account: ServerAccount,
    data_directory: PathBuf,
    _lock: File,
}

impl Held {
    /// Prepares the folders and takes them; none if another program has them.
    pub(super) fn take(data_directory: &Path, folders: &Folders) -> Result<Option<Self>> {
        let classified = |source| classify(source, data_directory);
        let account =
            ServerAccount::for_this_process().map_err(|source| Error::DataDirectoryUnwritable {
                path: data_directory.to_owned(),
                source,
            })?;
        check_socket_path(&folders.socket())?;
        prepare_folders(data_directory, folders, &account).map_err(classified)?;
        let lock = take_lock(&folders.lock()).map_err(classified)?;
        Ok(lock.map(|lock| Self {
            account,
            data_directory: data_directory.to_owned(),
            _lock: lock,
        }))
    }
}

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

fn check_socket_path(folder: &Path) -> Result<()> {
    let path = folder.join(format!(".s.PGSQL.{PORT}"));
    let length = path.as_os_str().as_bytes().len();
    if length > SOCKET_PATH_LIMIT {
        return Err(Error::SocketPathTooLong {
            path,
            length,
            limit: SOCKET_PATH_LIMIT,
        });
    }
    Ok(())
}

fn prepare_folders(
    data_directory: &Path,
    folders: &Folders,
    account: &ServerAccount,
) -> io::Result<()> {
    if !data_directory.is_dir() {
        fs::create_dir_all(data_directory)?;
        account.take_over(data_directory)?;
    }
    for folder in [&folders.base, &folders.socket()] {
        if !folder.is_dir() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        // Made by this program or not, it must be private and the server's.
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        account.take_over(folder)?;
    }
    if let Some(barrier) = account.barrier(&folders.base) {
        return Err(io::Error::other(format!(
            "the account {}, which runs the server because root must not, can't enter {}",
            account.name,
            barrier.display()
        )));
    }
    Ok(())
}

/// Takes the data directory for this program; none if another one has it.
fn take_lock(path: &Path) -> io::Result<Option<File>> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())?;
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

pub(super) fn check_free_space(folder: &Path, needed_mib: u64) -> Result<()> {
    let Some(available_mib) = available_mib(folder) else {
        return Ok(());
    };
    if available_mib < needed_mib {
        return Err(Error::DiskFull {
            path: folder.to_owned(),
            available_mib,
            detail: Some(format!("A new database needs {needed_mib} MiB.")),
        });
    }
    Ok(())
}

/// What is left on the disk of `folder`, in MiB.
pub(super) fn available_mib(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok()?;
    Some((disk.blocks_available() * disk.fragment_size()) >> 20)
}

/// Full and forbidden are different things to do something about.
pub(super) fn classify(source: io::Error, data_directory: &Path) -> Error {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull {
            path: data_directory.to_owned(),
            available_mib: available_mib(data_directory).unwrap_or_default(),
            detail: Some(source.to_string()),
        },
        _ => Error::DataDirectoryUnwritable {
            path: data_directory.to_owned(),
            source,
        },
    }
}

/// The error for a server program that failed, from what it wrote. Before it accepts connections
/// there are no SQLSTATEs: the operating system's own words for a full disk are all there is, and
/// they are the same in every release because the program runs with `LC_ALL=C`.
pub(super) fn describe_failure(attempted: &'static str, detail: String, path: &Path) -> Error {
    if detail.contains("No space left on device") {
        return Error::DiskFull {
            path: path.to_owned(),
            available_mib: path.ancestors().find_map(available_mib).unwrap_or_default(),
            detail: Some(detail),
        };
    }
    Error::ServerStartFailed { attempted, detail }
}

/// The end of what a program wrote.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
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

pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    options
        .connect()
        .await
        .map_err(|source| Error::from_query("Logging in to the database", source))
}

pub(super) async fn close(connection: PgConnection) -> Result<()> {
    connection
        .close()
        .await
        .map_err(|source| Error::from_query("Closing a connection", source))
}

/// Checks in the running server what the start asked for.
pub(super) async fn assert_safe(connection: &mut PgConnection) -> Result<()> {
    let settings: [(&'static str, &str); 5] = [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("password_encryption", "scram-sha-256"),
    ];
    for (setting, wanted) in settings {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .map_err(|source| Error::from_query("Checking the server's settings", source))?;
        if value != wanted {
            return Err(Error::UnsafeServerSettings { setting, value });
        }
    }
    Ok(())
}

/// For example `18.4`; distributions append more words to it.
async fn server_version(connection: &mut PgConnection) -> Result<String> {
    let version: String = sqlx::query_scalar("SELECT current_setting('server_version')")
        .fetch_one(connection)
        .await
        .map_err(|source| Error::from_query("Reading the server's version", source))?;
    Ok(version
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned())
}

/// Lets one program at a time complete the database. The key is any number that nobody else uses.
async fn lock_provisioning(connection: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_lock(7305808869231650164)")
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| Error::from_query("Waiting for another program's start", source))
}

pub(super) fn read_credentials(cluster: &Cluster) -> Result<Credentials> {
    cluster
        .read_credentials()
        .map_err(|source| Error::Internal {
            attempted: "Reading the embedded database's passwords",
            source: source.into(),
        })
}

pub(super) async fn ensure_database(connection: &mut PgConnection) -> Result<()> {
    let failed = |source| Error::from_query("Creating the database", source);
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
    if !exists {
        // CREATE DATABASE takes no parameters; the name is the constant above.
        let statement = format!("CREATE DATABASE {DATABASE}");
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    // By this the database knows that it is a console's own (migrations/0040_history_of_health.sql).
    let statement =
        format!("COMMENT ON DATABASE {DATABASE} IS 'The embedded registry of a console'");
    sqlx::query(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

/// Makes the login that the console works as: an editor, not the superuser that migrates.
async fn ensure_login(superuser: &PgConnectOptions, login: &str, password: &str) -> Result<()> {
    let failed = |source| Error::from_query("Creating the database login", source);
    let mut connection = connect(superuser).await?;
    // The statements hold the password: they must not reach the server's log.
    sqlx::raw_sql("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    let statements: Vec<String> = sqlx::query_scalar(
        "SELECT unnest(ARRAY[
             CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
                 THEN format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2)
                 ELSE format('CREATE ROLE %I LOGIN PASSWORD %L', $1, $2)
             END,
             format('GRANT registry_editor TO %I', $1)])",
    )
    .bind(login)
    .bind(password)
    .fetch_all(&mut connection)
    .await
    .map_err(failed)?;
    for statement in statements {
        // Safe: the server itself quoted the name and the password.
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .map_err(failed)?;
    }
    info!(login, "created the database login");
    close(connection).await
}

/// Makes the login a member of the role, so that it may work as it.
async fn grant(connection: &mut PgConnection, role: Role, login: &str) -> Result<()> {
    let failed = |source| Error::from_query("Letting the login work as another role", source);
    let statement: String = sqlx::query_scalar("SELECT format('GRANT %I TO %I', $1, $2)")
        .bind(role.name())
        .bind(login)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    // Safe: the server itself quoted the names.
    sqlx::query(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

/// The login role for an operating system account: the same name, so that the audit log names the
/// person, except for the names that PostgreSQL and the registry keep for themselves.
fn login_name(os_user: &str) -> String {
    let is_reserved = os_user.starts_with("pg_")
        || os_user.starts_with("registry_")
        || ["public", "none", ""].contains(&os_user);
    let name = if is_reserved {
        format!("user_{os_user}")
    } else {
        os_user.to_owned()
    };
    // PostgreSQL cuts names at 63 bytes; cut here at a character instead.
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_is_the_account_unless_the_name_is_taken() {
        assert_eq!(login_name("editor"), "editor");
        assert_eq!(login_name("pg_read_all_data"), "user_pg_read_all_data");
        assert_eq!(login_name(SUPERUSER), "user_registry_admin");
        assert_eq!(login_name("public"), "user_public");
    }

    #[test]
    fn a_long_login_is_cut_between_characters() {
        let name = login_name(&"é".repeat(40));
        assert_eq!(name.len(), 62);
    }

    #[test]
    fn the_socket_path_is_measured_in_bytes_up_to_the_limit() {
        let suffix = "/.s.PGSQL.5432".len();
        let longest = format!("/{}", "x".repeat(SOCKET_PATH_LIMIT - suffix - 1));
        assert!(check_socket_path(Path::new(&longest)).is_ok());
        let error = check_socket_path(Path::new(&format!("{longest}x"))).unwrap_err();
        assert!(
            error.to_string().contains("108 bytes") || !cfg!(target_os = "linux"),
            "{error}"
        );
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures_of_the_server() {
        let detail = "FATAL:  could not write lock file: No space left on device".to_owned();
        let full = describe_failure("Starting PostgreSQL", detail, Path::new("/tmp"));
        assert!(matches!(full, Error::DiskFull { .. }));
        let other = describe_failure("Starting PostgreSQL", "FATAL: x".into(), Path::new("/tmp"));
        assert!(matches!(other, Error::ServerStartFailed { .. }));
    }

    #[test]
    fn only_the_last_lines_are_shown() {
        let text: String = (0..100).fold(String::new(), |text, line| {
            text + &format!("line {line}\n\n")
        });
        let shown = last_lines(&text);
        assert_eq!(shown.lines().count(), LINES_SHOWN);
        assert!(shown.ends_with("line 99"));
    }

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
