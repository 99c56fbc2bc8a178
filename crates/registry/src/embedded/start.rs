//! Opens the embedded registry: starts its server or joins the one that runs, migrates, logs in.

use std::fs;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::info;

use super::StartStep;
use super::binaries::ServerBinaries;
use super::cluster::{SPACE_FOR_A_NEW_CLUSTER_MIB, random_password};
use super::failure::{check_free_space, classify};
use super::folders::{Folders, Held};
use super::launch::{launch, wait_until_ready, within_reach};
use super::postmaster::{self, PidFile};
use super::provisioning::{
    DATABASE, assert_safe, close, connect, ensure_database, ensure_login, grant, lock_provisioning,
    login_name, read_credentials, server_version, superuser_options,
};
use super::replacement;
use super::server::{EmbeddedServer, Options, Owned};
use crate::anchors::AnchorFile;
use crate::registry::os_user;
use crate::{Error, Registry, Result, migrations};

/// How long to wait for the server of another program that holds the data directory: it may be
/// making its database just now.
const JOIN_PATIENCE: Duration = Duration::from_secs(20);

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

    let login = login_name(os_user());
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
