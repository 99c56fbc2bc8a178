//! A way to a server over TCP that is slow, resets connections, swallows everything, or loses the answer to a COMMIT.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// Each piece arrives this much later, in both directions.
    Open(Duration),
    /// They are reset at once, those that are open too.
    Reset,
    /// They are accepted and nothing is passed on. What is under way on those that are open waits until they are let
    /// through again, as in a network that swallows packets and is mended.
    Silent,
    /// Before the COMMIT is passed on, or before its answer is, the connection is closed; in turn. Others pass.
    LosesCommits,
}

/// Stands between a client and a server.
pub struct TcpProxy {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    way: watch::Sender<Way>,
    lost_commits: Arc<AtomicU32>,
}

/// Knows the messages of one connection that commit a change: a simple query that begins with COMMIT, and the execution of
/// `registry_switch`, which is a whole transaction.
#[derive(Default)]
struct Commits {
    /// The name under which sqlx has prepared the switch.
    switch: Option<Vec<u8>>,
}

impl Commits {
    /// Whether a message commits. sqlx sends each by itself, so a piece begins with one.
    fn is_one(&mut self, piece: &[u8]) -> bool {
        // Each begins with a letter and four bytes of length.
        let (kind, content) = (piece.first(), piece.get(5..).unwrap_or_default());
        match kind {
            Some(b'Q') => content.starts_with(b"COMMIT"),
            Some(b'P') if contains(content, b"registry_switch(") => {
                self.switch = content.split(|byte| *byte == 0).next().map(<[u8]>::to_vec);
                false
            }
            // The portal, which has no name, then the statement.
            Some(b'B') => {
                let bound = content.split(|byte| *byte == 0).nth(1);
                bound.is_some() && bound == self.switch.as_deref()
            }
            _ => false,
        }
    }
}

impl TcpProxy {
    /// Opens a way to a port of this machine. It ends with the test's runtime.
    pub async fn before(server_port: u16, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (way, changes) = watch::channel(way);
        let lost_commits = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&lost_commits);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(
                    client,
                    server_port,
                    changes.clone(),
                    Arc::clone(&counted),
                ));
            }
        });
        Self {
            port,
            way,
            lost_commits,
        }
    }

    /// Changes what becomes of connections from now on.
    pub fn change_to(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// How many commits it has lost, before or after they were made.
    pub fn lost_commits(&self) -> u32 {
        self.lost_commits.load(Ordering::Relaxed)
    }
}

async fn connect(
    client: TcpStream,
    server_port: u16,
    mut way: watch::Receiver<Way>,
    lost_commits: Arc<AtomicU32>,
) {
    let now = *way.borrow();
    match now {
        Way::Reset => {
            // Closed with unread bytes or a linger of none, TCP resets it.
            client.set_zero_linger().expect("a socket");
            return;
        }
        Way::Silent => {
            // The client's end is held open.
            std::future::pending::<()>().await;
        }
        Way::Open(_) | Way::LosesCommits => {}
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (losing, mut is_losing) = watch::channel(false);
    let (mut way_forth, mut way_back) = (way.clone(), way.clone());
    let forth = async {
        let mut commits = Commits::default();
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            let piece = &buffer[..length];
            let way = passing(&mut way_forth).await;
            if let Way::Open(delay) = way {
                tokio::time::sleep(delay).await;
            }
            if commits.is_one(piece) && way == Way::LosesCommits {
                let count = lost_commits.fetch_add(1, Ordering::Relaxed);
                if count % 2 == 1 {
                    return;
                }
                losing.send_replace(true);
            }
            if to_server.write_all(piece).await.is_err() {
                return;
            }
        }
    };
    let back = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let Ok(length @ 1..) = from_server.read(&mut buffer).await else {
                return;
            };
            // The answer to the COMMIT is there: it was made.
            if *is_losing.borrow_and_update() {
                return;
            }
            let delay = match passing(&mut way_back).await {
                Way::Open(delay) => delay,
                _ => Duration::ZERO,
            };
            tokio::time::sleep(delay).await;
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = forth => {}
        () = back => {}
        () = cut(&mut way) => {}
    }
}

/// Waits while nothing is passed on.
async fn passing(way: &mut watch::Receiver<Way>) -> Way {
    let way = way
        .wait_for(|way| *way != Way::Silent)
        .await
        .map(|way| *way);
    match way {
        Ok(way) => way,
        // The test has ended.
        Err(_) => std::future::pending().await,
    }
}

/// Waits until connections are reset.
async fn cut(way: &mut watch::Receiver<Way>) {
    if way.wait_for(|way| *way == Way::Reset).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn contains(piece: &[u8], searched: &[u8]) -> bool {
    piece
        .windows(searched.len())
        .any(|window| window == searched)
}

/// A port of this machine that accepts nothing: its queue of waiting connections is full, and what comes more is
/// dropped, as by a firewall.
pub struct Blackhole {
    /// Where it is on 127.0.0.1.
    pub port: u16,
    _listener: std::net::TcpListener,
    _waiting: Vec<std::net::TcpStream>,
}

impl Blackhole {
    /// Makes one.
    pub fn open() -> Self {
        use nix::sys::socket::{
            AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen,
            socket,
        };
        use std::os::fd::AsRawFd;
        let socket = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .expect("a socket");
        bind(socket.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a free port");
        listen(&socket, Backlog::new(1).expect("a small queue")).expect("it listens");
        let address: SockaddrIn = getsockname(socket.as_raw_fd()).expect("its address");
        let port = address.port();
        let mut waiting = Vec::new();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        // Until one does not get in any more.
        while let Ok(stream) =
            std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300))
        {
            waiting.push(stream);
        }
        Self {
            port,
            _listener: socket.into(),
            _waiting: waiting,
        }
    }
}
