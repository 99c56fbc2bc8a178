//! What can go wrong, and how it is made to.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use fastrand::Rng;
use nix::sys::signal::Signal;
use registry::backup;
use serde_json::{Value, json};
use system_tests::database::rows;
use system_tests::tcp_proxy::Way;

use crate::place::Place;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Disturbance {
    HttpServerKilled,
    SessionsEnded,
    BackendsKilled,
    PostmasterKilled,
    NetworkSwallows,
    NetworkCut,
    NetworkSlow,
    HttpServerStopped,
    CacheHolderStopped,
    DatabaseStopped,
    BackupTaken,
}

impl Disturbance {
    pub(crate) const ALL: [Self; 11] = [
        Self::HttpServerKilled,
        Self::SessionsEnded,
        Self::BackendsKilled,
        Self::PostmasterKilled,
        Self::NetworkSwallows,
        Self::NetworkCut,
        Self::NetworkSlow,
        Self::HttpServerStopped,
        Self::CacheHolderStopped,
        Self::DatabaseStopped,
        Self::BackupTaken,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HttpServerKilled => "soak: HTTP server killed and started again",
            Self::SessionsEnded => "soak: sessions ended by an administrator",
            Self::BackendsKilled => "soak: PostgreSQL backends killed",
            Self::PostmasterKilled => "soak: postmaster and all its processes killed",
            Self::NetworkSwallows => "soak: network swallows everything",
            Self::NetworkCut => "soak: network cuts every connection",
            Self::NetworkSlow => "soak: network slow",
            Self::HttpServerStopped => "soak: HTTP server held still",
            Self::CacheHolderStopped => "soak: program with a cache held still",
            Self::DatabaseStopped => "soak: PostgreSQL held still",
            Self::BackupTaken => "soak: backup taken and verified",
        }
    }

    /// Lets it happen, and mends it. Tells its figures.
    pub(crate) async fn happen(self, place: &mut Place, random: &mut Rng) -> Value {
        let duration = Duration::from_millis(random.u64(300..4_000));
        let begun_at = Instant::now();
        match self {
            Self::HttpServerKilled => {
                place.kill_http_server();
                tokio::time::sleep(duration / 4).await;
                place.start_http_server();
            }
            Self::SessionsEnded => {
                let sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                                WHERE usename IN ('console', 'server')";
                let ended = rows(&place.cluster.superuser(), sessions).await.len();
                return json!({ "ended_sessions": ended });
            }
            Self::BackendsKilled => {
                let killed = place.cluster.kill_backends(&["console", "server"]).await;
                return json!({ "killed_backends": killed });
            }
            Self::PostmasterKilled => {
                place.cluster.kill();
                tokio::time::sleep(duration / 2).await;
                place.cluster.resume().await;
            }
            Self::NetworkSwallows => {
                // Some are longer than anybody is patient with a silent server.
                place.proxy.change_to(Way::Silent);
                tokio::time::sleep(2 * duration).await;
                place.proxy.change_to(Way::Open(Duration::ZERO));
            }
            Self::NetworkCut => {
                place.proxy.change_to(Way::Reset);
                tokio::time::sleep(duration / 4).await;
                place.proxy.change_to(Way::Open(Duration::ZERO));
            }
            Self::NetworkSlow => {
                let delay = Duration::from_millis(random.u64(5..100));
                place.proxy.change_to(Way::Open(delay));
                tokio::time::sleep(duration).await;
                place.proxy.change_to(Way::Open(Duration::ZERO));
                return json!({ "delay_ms": delay.as_millis(), "lasted_ms": duration.as_millis() });
            }
            Self::HttpServerStopped => {
                place.steady_server.signal(Signal::SIGSTOP);
                tokio::time::sleep(duration).await;
                place.steady_server.signal(Signal::SIGCONT);
            }
            Self::CacheHolderStopped => {
                place.cache_holder.signal(Signal::SIGSTOP);
                tokio::time::sleep(duration).await;
                place.cache_holder.signal(Signal::SIGCONT);
            }
            Self::DatabaseStopped => {
                place.cluster.freeze();
                tokio::time::sleep(duration).await;
                place.cluster.thaw();
            }
            Self::BackupTaken => {
                let file = place.folder.path().join("soak.beamline-backup");
                let summary = backup::write(&place.cluster.superuser(), &file, |_| {
                    ControlFlow::Continue(())
                })
                .await
                .expect("a backup can be taken at any time");
                assert_eq!(summary.fault, None, "what it holds is whole");
                return json!({ "revision": summary.revision, "bytes": summary.size_bytes });
            }
        }
        json!({ "lasted_ms": begun_at.elapsed().as_millis() })
    }
}
