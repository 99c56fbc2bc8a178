//! The HTTP server from its start to its end.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use registry::Registry;
use registry::cache::{CacheOptions, Consumer, RegistryCache};
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::command_line::ServeOptions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::{self, Api, Gate, Metrics};
use crate::listener::Listener;
use crate::output::Output;
use crate::place::Place;

/// How long a client may take to send a request's headers.
const HEADERS_TIME_LIMIT: Duration = Duration::from_secs(15);

/// Serves until a signal says to end; then finishes what is under way.
pub(crate) async fn serve(options: ServeOptions, place: &Place) -> Result<(), Failure> {
    let listener = Listener::open(&options).await?;
    let servers = place.servers().await?;
    let registry = Registry::open(servers.clone())
        .await?
        .keeping_a_connection();
    check_rights(&registry).await?;
    let cache_options = CacheOptions {
        consumer: Some(Consumer::new(
            "registryctl serve",
            env!("CARGO_PKG_VERSION"),
        )),
        ..CacheOptions::default()
    };
    let cache = RegistryCache::connect(servers, cache_options).await?;
    let metrics = Metrics::new()
        .map_err(|error| Failure::of_system("The figures can't be set up", &error))?;
    let gate = Gate::new(options.requests_per_second);
    let api = Api::new(registry.clone(), cache.clone(), gate, metrics);

    let url = listener.url();
    let handle = Handle::new();
    let grace = Duration::from_secs(options.grace_seconds);
    tokio::spawn(end_at_signal(handle.clone(), api.clone(), grace)?);
    // For whoever started it: from here on it answers.
    let told = writeln!(io::stdout(), "listening on {url}").and_then(|()| io::stdout().flush());
    told.map_err(|error| Failure::of_system("Standard output can't be written", &error))?;
    info!(url, "serving");

    let time_limit = Duration::from_secs(options.time_limit_seconds);
    listen(listener, handle, http::router(api, time_limit)).await?;
    cache.close().await;
    registry.close().await;
    info!("ended");
    Ok(())
}

async fn listen(
    listener: Listener,
    handle: Handle<SocketAddr>,
    router: Router,
) -> Result<(), Failure> {
    let failed = |error| Failure::of_system("Serving failed", &error);
    let app = router.into_make_service();
    match listener.tls {
        None => {
            let mut server = axum_server::from_tcp(listener.socket)
                .map_err(failed)?
                .first_request_timeout(HEADERS_TIME_LIMIT)
                .handle(handle);
            server
                .http_builder()
                .http1()
                .header_read_timeout(HEADERS_TIME_LIMIT);
            server.serve(app).await.map_err(failed)
        }
        Some(tls) => {
            let mut server = axum_server::from_tcp_rustls(listener.socket, tls)
                .map_err(failed)?
                .first_request_timeout(HEADERS_TIME_LIMIT)
                .handle(handle);
            server
                .http_builder()
                .http1()
                .header_read_timeout(HEADERS_TIME_LIMIT);
            server.serve(app).await.map_err(failed)
        }
    }
}

/// Refuses a login for which the audit log would name the server and not who asked.
async fn check_rights(registry: &Registry) -> Result<(), Failure> {
    let rights = registry.server_rights().await?;
    if rights.are_complete() {
        return Ok(());
    }
    let missing: Vec<&str> = rights
        .missing_roles
        .iter()
        .map(|role| role.name())
        .collect();
    let login = rights.login;
    let reason = if !rights.has_tokens {
        "the database's schema has no tokens yet".to_owned()
    } else if rights.may_name_actors {
        format!("it can't take on {}", missing.join(", "))
    } else {
        "it is no direct member of registry_rest_server".to_owned()
    };
    Err(Failure::new(
        format!("The login {login} can't serve: {reason}"),
        format!(
            "Bring the schema up to date (registryctl migrate), and have an administrator of the database run: \
             GRANT registry_rest_server TO {login:?};"
        ),
    ))
}

/// Ends the server at the first signal: nobody new is let in, what is under way is finished, streams end.
fn end_at_signal(
    handle: Handle<SocketAddr>,
    api: Api,
    grace: Duration,
) -> Result<impl Future<Output = ()>, Failure> {
    let failed = |error| Failure::of_system("Signals can't be waited for", &error);
    let mut interrupted = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        info!(
            grace_s = grace.as_secs(),
            "ending: finishing what is under way"
        );
        api.ending().cancel();
        handle.graceful_shutdown(Some(grace));
    })
}

/// Prints the OpenAPI document.
pub(crate) fn print_document(output: &mut Output) -> Result<Exit, Failure> {
    let text = http::document()
        .to_pretty_json()
        .map_err(|error| Failure::of_system("The document can't be written", &error))?;
    output.line(&text)?;
    Ok(Exit::Done)
}
