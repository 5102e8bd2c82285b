//! The listeners as a stranger meets them: only a connection that is answered proves that somebody
//! accepts and works.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::Edge;
use crate::metric::Part;

const EVERY: Duration = Duration::from_secs(10);
/// Until all listeners have answered once.
const EVERY_AT_START: Duration = Duration::from_millis(200);
const ANSWER: Duration = Duration::from_secs(10);
/// Misses in a row that are said.
const SAID: u32 = 2;
/// Misses in a row that end the process: about four minutes.
const LAST: u32 = 12;

/// No TLS record begins so: the answer is an alert, and it costs no signature.
const NO_TLS: &[u8] = b"KNOCK\r\n\r\n";
const LIVEZ: &[u8] = b"GET /livez HTTP/1.0\r\n\r\n";
const STATUS: &[u8] = b"GET /v1/status HTTP/1.0\r\n\r\n";

/// Where the listeners are.
#[derive(Clone, Debug)]
pub struct Doors {
    pub(in crate::http) api: SocketAddr,
    pub(in crate::http) internal: SocketAddr,
    pub(in crate::http) socket: PathBuf,
}

/// Knocks every ten seconds and says on the health board who answers. It ends when one has not
/// answered for minutes: then the process must end. A listener that answers forces while it is too
/// busy for the knock has answered.
pub async fn knock(doors: Doors, edge: Arc<Edge>) {
    let mut misses = 0;
    let mut answered = 0;
    loop {
        let silent = doors.silent().await;
        let now = edge.answered.load(Ordering::Relaxed);
        let busy = silent == Some(API) && now != answered;
        answered = now;
        match silent {
            Some(name) if !busy => {
                misses += 1;
                let what = format!("nobody answers on {name}; the process ends if that lasts");
                if misses >= SAID && edge.health.bad(Part::Listener, what) {
                    tracing::error!(listener = name, misses, "a listener does not answer");
                }
                if misses >= LAST {
                    tracing::error!(listener = name, misses, "a listener is dead; ending");
                    return;
                }
            }
            _ => {
                misses = 0;
                if edge.health.good(Part::Listener) {
                    tracing::info!("all listeners answer");
                }
            }
        }
        let starts = !edge.health.state(Part::Listener).is_good() && misses < SAID;
        tokio::time::sleep(if starts { EVERY_AT_START } else { EVERY }).await;
    }
}

const API: &str = "the API";

impl Doors {
    /// The first listener that does not answer.
    async fn silent(&self) -> Option<&'static str> {
        let api = async { ask(TcpStream::connect(reachable(self.api)).await, NO_TLS).await };
        let internal =
            async { ask(TcpStream::connect(reachable(self.internal)).await, LIVEZ).await };
        let operators = async { ask(UnixStream::connect(&self.socket).await, STATUS).await };
        let (api, internal, operators) = tokio::join!(
            tokio::time::timeout(ANSWER, api),
            tokio::time::timeout(ANSWER, internal),
            tokio::time::timeout(ANSWER, operators),
        );
        let all = [(API, api), ("the internal address", internal), ("the socket", operators)];
        all.into_iter().find(|(_, answer)| answer != &Ok(true)).map(|(name, _)| name)
    }
}

/// Whether somebody has taken the connection: an answer, or that it was closed.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    connected: std::io::Result<S>,
    question: &[u8],
) -> bool {
    let Ok(mut stream) = connected else { return false };
    let _ = stream.write_all(question).await;
    // A system that nobody accepts on keeps the connection and answers nothing.
    let _ = stream.read(&mut [0; 16]).await;
    true
}

/// An address that listens everywhere is reached on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}
