//! A way to a server that can be cut, and that can go silent.

use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::folder::TestFolder;

/// What becomes of the bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mode {
    /// They are passed on.
    Open,
    /// They are swallowed; connections stay open, as behind a firewall that forgot them.
    Silent,
    /// Connections are closed and new ones are refused, as without a server.
    Cut,
}

/// Stands between a client and a server's unix socket.
pub struct Proxy {
    mode: watch::Sender<Mode>,
    options: PgConnectOptions,
    _folder: TestFolder,
}

impl Proxy {
    /// Opens a way to where `options` lead. It ends with the test's runtime.
    pub fn before(options: &PgConnectOptions) -> Self {
        let folder = TestFolder::new();
        let name = format!(".s.PGSQL.{}", options.get_port());
        let server = options
            .get_socket()
            .expect("the tests' servers have sockets")
            .join(&name);
        let (mode, changes) = watch::channel(Mode::Open);
        let options = options.clone().socket(folder.path());
        tokio::spawn(listen(folder.path().join(name), server, changes));
        Self {
            mode,
            options,
            _folder: folder,
        }
    }

    /// How to log in through it.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Closes all connections and refuses new ones.
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// Swallows everything.
    pub fn silence(&self) {
        self.mode.send_replace(Mode::Silent);
    }

    /// Lets everything through again.
    pub fn restore(&self) {
        self.mode.send_replace(Mode::Open);
    }
}

async fn listen(path: PathBuf, server: PathBuf, mut mode: watch::Receiver<Mode>) {
    let of_connections = mode.clone();
    loop {
        let listener = UnixListener::bind(&path).expect("a short path in a folder of our own");
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (client, _) = accepted.expect("a connection");
                    tokio::spawn(connect(client, server.clone(), of_connections.clone()));
                }
                cut = mode.wait_for(|mode| *mode == Mode::Cut) => {
                    if cut.is_err() {
                        return;
                    }
                    break;
                }
            }
        }
        drop(listener);
        std::fs::remove_file(&path).expect("our socket");
        if mode.wait_for(|mode| *mode != Mode::Cut).await.is_err() {
            return;
        }
    }
}

async fn connect(client: UnixStream, server: PathBuf, mut mode: watch::Receiver<Mode>) {
    if mode.wait_for(|mode| *mode != Mode::Silent).await.is_err() {
        return;
    }
    let Ok(server) = UnixStream::connect(server).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, mode.clone()) => {}
        () = pass(from_server, to_client, mode.clone()) => {}
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        if mode.wait_for(|mode| *mode != Mode::Silent).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}
