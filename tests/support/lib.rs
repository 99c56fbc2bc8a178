//! What the tests and benchmarks share: real PostgreSQL servers, databases of their own on them, folders that the
//! server's account can reach, and the application in its window on a desktop of its own.
//!
//! Everything here panics when it fails: a test has nothing better to do.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod api_server;
pub mod application;
pub mod bundle;
pub mod cluster;
pub mod database;
pub mod desktop;
pub mod faults;
pub mod folder;
pub mod health_history;
pub mod history;
pub mod log;
pub mod memory;
pub mod nats;
pub mod patroni;
pub mod pgbouncer;
mod process;
pub mod proxy;
pub mod reading;
pub mod servers;
pub mod tcp_proxy;
pub mod writers;

/// Makes a test of each function for each PostgreSQL that the product supports: the bundled one and
/// an installed one. The function takes a [`database::TestDatabase`].
#[macro_export]
macro_rules! on_each_server {
    ($($(#[$attribute:meta])* async fn $name:ident($database:ident: TestDatabase) $body:block)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                use super::*;

                async fn run($database: $crate::database::TestDatabase) $body

                #[tokio::test]
                async fn on_the_bundled_postgresql() {
                    run($crate::database::TestDatabase::create($crate::servers::bundled()).await).await;
                }

                #[tokio::test]
                async fn on_an_installed_postgresql() {
                    run($crate::database::TestDatabase::create($crate::servers::installed()).await).await;
                }
            }
        )*
    };
}
