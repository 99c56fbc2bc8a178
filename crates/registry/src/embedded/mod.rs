//! A PostgreSQL of the program's own, for those who have none: started, watched and stopped here.
//!
//! Why not a library: the data's safety is the point, and the one that exists turns `fsync` off and
//! deletes the data when dropped (ARCHITECTURE.md, "Embedded PostgreSQL").
//!
//! The folder `postgresql` in the data directory, mode 0700, holds
//!
//! | name               | what it is                                                        |
//! |--------------------|-------------------------------------------------------------------|
//! | `lock`             | locked by the process that owns the server; holds its process id   |
//! | `cluster/data`     | the cluster                                                        |
//! | `cluster/credentials.json` | the passwords, mode 0600                                   |
//! | `socket`           | the unix socket; the server listens nowhere else                   |
//! | `server.log`       | what the server writes                                             |
//! | `reserve`          | room set aside for a full disk                                    |
//! | `cluster-until-…`  | what was there before a restore or an upgrade, until it is deleted  |
//! | `server`           | a copy of the server's programs, where its account can't read the original |
//!
//! Beside it, `anchors.jsonl` notes the end of the audit chain after each change ([`crate::anchors`]).

mod account;
mod binaries;
mod cluster;
mod daily_backups;
mod failure;
mod folders;
mod launch;
mod postmaster;
mod process;
mod provisioning;
mod replacement;
mod reserve;
mod server;
mod start;

use serde::{Deserialize, Serialize};
use specta::Type;

pub use account::data_directory;
pub use daily_backups::{DailyBackups, DailyOutcome, retained};
pub use replacement::{
    KeptCluster, PendingUpgrade, Replaced, delete_kept_cluster, kept_clusters, pending_upgrade,
    restore, upgrade,
};
pub use reserve::{DiskSpace, LOW_BELOW_MIB};
pub use server::{EmbeddedServer, Options};
pub use start::open;

/// What the start is doing now, in the order in which steps may come; most starts skip some.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum StartStep {
    /// Another database is put in the place of the one that was there: from a backup, or with a newer PostgreSQL.
    Replacing,
    /// Looking for the PostgreSQL programs and preparing the folders.
    FindingServer,
    /// The server of a program that ended is still shutting down.
    WaitingForPreviousServer,
    /// Copying the programs to where the server's account can read them.
    CopyingServer,
    /// Making a new cluster.
    CreatingDatabase,
    /// Starting the server.
    StartingServer,
    /// The server was not shut down cleanly and replays its log.
    Recovering,
    /// Logging in.
    Connecting,
    /// Bringing the schema up to date.
    Migrating,
}
