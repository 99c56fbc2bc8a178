//! The log: one file a day in the log folder, and standard error.

use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use registry_account::Folders;
use serde::{Deserialize, Serialize};
use specta::Type;
use tracing::{error, info, warn};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// Sets the level for one start, in the syntax of tracing's `EnvFilter`, such as `debug`.
const LOG_VARIABLE: &str = "BEAMLINE_REGISTRY_LOG";

/// How many days of log are kept.
const DAYS_KEPT: usize = 14;

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogLevel {
    /// What failed.
    Error,
    /// And what may.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And how.
    Debug,
    /// Everything, the queries included.
    Trace,
}

impl LogLevel {
    /// The own crates at this level, libraries at warnings until `debug`. The NATS client logs as errors what it also
    /// returns, and what is told where it is handled.
    fn filter(self) -> &'static str {
        match self {
            Self::Error => "error,async_nats=off",
            Self::Warn => "warn,async_nats=off",
            Self::Info => {
                "warn,async_nats=off,registry=info,registry_nats=info,beamline_registry=info"
            }
            Self::Debug => "info,registry=debug,registry_nats=debug,beamline_registry=debug",
            Self::Trace => "debug,registry=trace,registry_nats=trace,beamline_registry=trace",
        }
    }
}

impl FromStr for LogLevel {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        serde_json::from_value(serde_json::Value::String(name.to_ascii_lowercase())).map_err(drop)
    }
}

/// The running log.
pub(crate) struct Logging {
    level: Mutex<LogLevel>,
    filter: reload::Handle<EnvFilter, Registry>,
    writer: Mutex<Option<WorkerGuard>>,
}

impl Logging {
    /// Starts logging. Where the folder can't be written, standard error remains and says so.
    pub(crate) fn start(folders: &Folders, level_of_settings: LogLevel) -> Self {
        let named = std::env::var(LOG_VARIABLE)
            .ok()
            .filter(|text| !text.is_empty());
        let level = named
            .as_deref()
            .and_then(|name| LogLevel::from_str(name).ok())
            .unwrap_or(level_of_settings);
        let filter = named
            .filter(|name| LogLevel::from_str(name).is_err())
            .and_then(|directives| EnvFilter::try_new(directives).ok())
            .unwrap_or_else(|| EnvFilter::new(level.filter()));
        let (filter, handle) = reload::Layer::new(filter);

        let file = open_log(&folders.log);
        let (file_layer, guard, failure) = match file {
            Ok(appender) => {
                let (writer, guard) = tracing_appender::non_blocking(appender);
                (
                    Some(fmt::layer().with_ansi(false).with_writer(writer)),
                    Some(guard),
                    None,
                )
            }
            Err(error) => (None, None, Some(error)),
        };
        let console = fmt::layer().with_ansi(false).with_writer(io::stderr);
        let started = tracing_subscriber::registry()
            .with(filter)
            .with(console)
            .with(file_layer)
            .try_init();
        if let Err(error) = started {
            warn!(%error, "a log was started before");
        }
        // A panic is a fault of the program: what is known of it belongs in the log.
        std::panic::set_hook(Box::new(|panic| error!(%panic, "the program has a fault")));
        if let Some(error) = failure {
            warn!(
                log_directory = %folders.log.display(),
                %error,
                "the log file can't be written: logging to standard error alone"
            );
        }
        Self {
            level: level.into(),
            filter: handle,
            writer: guard.into(),
        }
    }

    pub(crate) fn level(&self) -> LogLevel {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes out what is buffered; what is logged later goes to standard error alone. The toolkit
    /// ends the process without dropping anything.
    pub(crate) fn finish(&self) {
        drop(
            self.writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    /// Changes the level now.
    pub(crate) fn set_level(&self, level: LogLevel) -> io::Result<()> {
        self.filter
            .reload(EnvFilter::new(level.filter()))
            .map_err(io::Error::other)?;
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = level;
        info!(?level, "log level changed");
        Ok(())
    }
}

fn open_log(folder: &Path) -> Result<RollingFileAppender, Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    Ok(RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("beamline-registry")
        .filename_suffix("log")
        .max_log_files(DAYS_KEPT)
        .build(folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_read_as_it_is_written() {
        for level in [
            LogLevel::Error,
            LogLevel::Warn,
            LogLevel::Info,
            LogLevel::Debug,
            LogLevel::Trace,
        ] {
            let name = serde_json::to_value(level).unwrap();
            assert_eq!(LogLevel::from_str(name.as_str().unwrap()), Ok(level));
            assert!(EnvFilter::try_new(level.filter()).is_ok());
        }
    }
}
