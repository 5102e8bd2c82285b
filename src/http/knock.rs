//! The listeners as a stranger meets them: only a connection that is answered proves that somebody
//! accepts and works.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::Edge;
use cara_metric::{Health, Part};

const TIMES: Times = Times {
    every: Duration::from_secs(10),
    at_start: Duration::from_millis(200),
    answer: Duration::from_secs(10),
};
/// Misses in a row that are said.
const SAID: u32 = 2;
/// Misses in a row that end the process: about four minutes.
const LAST: u32 = 12;

/// No TLS record begins so: the answer is an alert, and it costs no signature.
const NO_TLS: &[u8] = b"KNOCK\r\n\r\n";
const LIVEZ: &[u8] = b"GET /livez HTTP/1.0\r\n\r\n";
const STATUS: &[u8] = b"GET /v1/status HTTP/1.0\r\n\r\n";

#[derive(Clone, Copy)]
struct Times {
    every: Duration,
    /// Between two knocks until all listeners have answered once.
    at_start: Duration,
    /// What an answer may take.
    answer: Duration,
}

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
    knock_on(&doors, TIMES, &edge.health, &edge.answered).await;
}

async fn knock_on(doors: &Doors, times: Times, health: &Health, requests: &AtomicU64) {
    let mut misses = 0;
    let mut answered = 0;
    loop {
        let silent = doors.silent(times.answer).await;
        let now = requests.load(Ordering::Relaxed);
        let busy = silent == Some(API) && now != answered;
        answered = now;
        match silent {
            Some(name) if !busy => {
                misses += 1;
                let what = format!("nobody answers on {name}; the process ends if that lasts");
                if misses >= SAID && health.bad(Part::Listener, what) {
                    tracing::error!(listener = name, misses, "a listener does not answer");
                }
                if misses >= LAST {
                    tracing::error!(listener = name, misses, "a listener is dead; ending");
                    return;
                }
            }
            _ => {
                misses = 0;
                if health.good(Part::Listener) {
                    tracing::info!("all listeners answer");
                }
            }
        }
        let starts = !health.state(Part::Listener).is_good() && misses < SAID;
        tokio::time::sleep(if starts { times.at_start } else { times.every }).await;
    }
}

const API: &str = "the API";

impl Doors {
    /// The first listener that does not answer.
    async fn silent(&self, within: Duration) -> Option<&'static str> {
        let api = async { ask(TcpStream::connect(reachable(self.api)).await, NO_TLS).await };
        let internal =
            async { ask(TcpStream::connect(reachable(self.internal)).await, LIVEZ).await };
        let operators = async { ask(UnixStream::connect(&self.socket).await, STATUS).await };
        let (api, internal, operators) = tokio::join!(
            tokio::time::timeout(within, api),
            tokio::time::timeout(within, internal),
            tokio::time::timeout(within, operators),
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

#[cfg(test)]
mod tests {
    use super::*;
    use cara_metric::State;

    const SHORT: Times = Times {
        every: Duration::from_millis(1),
        at_start: Duration::from_millis(1),
        answer: Duration::from_millis(50),
    };

    /// Listeners of which `silent` take connections and never answer.
    async fn listeners(silent: bool) -> (Doors, Arc<AtomicU64>) {
        let mut addresses = Vec::new();
        let knocks = Arc::new(AtomicU64::new(0));
        for is_silent in [silent, false] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(listener.local_addr().unwrap());
            let knocks = Arc::clone(&knocks);
            tokio::spawn(async move {
                let mut kept = Vec::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    if is_silent {
                        knocks.fetch_add(1, Ordering::Relaxed);
                        kept.push(stream);
                    }
                }
            });
        }
        let name = format!("cara-knock-{}-{silent}.sock", std::process::id());
        let socket = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&socket);
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        (Doors { api: addresses[0], internal: addresses[1], socket }, knocks)
    }

    #[tokio::test]
    async fn a_listener_that_is_silent_for_minutes_ends_the_probe_and_so_the_process() {
        let (doors, knocks) = listeners(true).await;
        let (health, requests) = (Health::default(), AtomicU64::new(0));
        knock_on(&doors, SHORT, &health, &requests).await;
        assert_eq!(knocks.load(Ordering::Relaxed), 12);
        let state = health.state(Part::Listener);
        assert!(matches!(&state, State::Bad(what) if what.contains("the API")), "{state:?}");
    }

    #[tokio::test]
    async fn listeners_that_answer_are_good() {
        let (doors, _) = listeners(false).await;
        let (health, requests) = (Health::default(), AtomicU64::new(0));
        let good = async {
            while !health.state(Part::Listener).is_good() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = knock_on(&doors, TIMES, &health, &requests) => panic!("it ended"),
            () = good => {}
        }
    }
}
