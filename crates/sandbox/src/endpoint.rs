//! Hampshire's endpoint: takes the letters that the gateway pushes, over mutual TLS, and is away
//! for a while now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use super::certificate::Certificates;
use super::ledger::Ledger;

/// The force whose letters are pushed; the others fetch theirs.
pub const FORCE: &str = "hampshire";

/// Where it listens, below the port.
pub const PATH: &str = "/cara/inbox";

/// Up for so long, then down for so long.
const UP: Duration = Duration::from_secs(8);
const DOWN: Duration = Duration::from_secs(4);

/// A letter is never longer.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

const TAKEN_OVER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A listening endpoint; dropping it ends it.
#[derive(Debug)]
pub struct LetterEndpoint {
    pub url: String,
    state: Arc<State>,
    _listener: JoinSet<()>,
}

#[derive(Debug, Default)]
struct State {
    is_down: AtomicBool,
    times_down: AtomicU64,
    ledger: Ledger,
}

impl LetterEndpoint {
    /// Listens on a free port of loopback and lets in whoever the sandbox's CA has signed.
    pub async fn open(
        certificates: &Certificates,
        ledger: &Ledger,
    ) -> anyhow::Result<LetterEndpoint> {
        let acceptor = acceptor(certificates)?;
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("no port for the endpoint")?;
        let url = format!("https://localhost:{}{PATH}", listener.local_addr()?.port());
        let state = Arc::new(State { ledger: ledger.clone(), ..State::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, acceptor, Arc::clone(&state)));
        Ok(LetterEndpoint { url, state, _listener: tasks })
    }

    /// Comes and goes, for ever.
    pub async fn come_and_go(&self) {
        loop {
            tokio::time::sleep(UP).await;
            self.state.is_down.store(true, Ordering::SeqCst);
            self.state.times_down.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(DOWN).await;
            self.stay();
        }
    }

    /// Is up from now on.
    pub fn stay(&self) {
        self.state.is_down.store(false, Ordering::SeqCst);
    }

    pub fn times_down(&self) -> u64 {
        self.state.times_down.load(Ordering::SeqCst)
    }
}

fn acceptor(certificates: &Certificates) -> anyhow::Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificates.ca())?)?;
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let server = certificates.paths("server");
    let chain = vec![CertificateDer::from_pem_file(server.certificate)?];
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier.build()?)
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(server.key)?)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                if state.is_down.load(Ordering::SeqCst) {
                    continue;
                }
                connections.spawn(serve(stream, acceptor.clone(), Arc::clone(&state)));
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// One letter; the gateway opens another connection for the next.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<State>) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut bytes = Vec::new();
    let notice_id = loop {
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) if bytes.len() > REQUEST_BYTES_MAX => return,
            Ok(_) => {}
        }
        if let Some(read) = whole(&bytes) {
            break read;
        }
    };
    let answer = match notice_id {
        Some(notice_id) => {
            state.ledger.open().way_back.letters.insert(notice_id);
            TAKEN_OVER
        }
        None => NOT_FOUND,
    };
    // A gateway that has gone away sends it again.
    let _sent = stream.write_all(answer).await;
    let _closed = stream.shutdown().await;
}

/// The notice of a request that has arrived whole, if it is a letter.
fn whole(bytes: &[u8]) -> Option<Option<Uuid>> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length: usize = header("content-length")?.parse().ok()?;
    if bytes.len() < end + length {
        return None;
    }
    let is_letter = head.starts_with(&format!("POST {PATH} "));
    Some(header("notice-id").filter(|_| is_letter).and_then(|id| id.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_read_when_it_is_whole() {
        let id = Uuid::from_u128(7);
        let text =
            format!("POST {PATH} HTTP/1.1\r\nNotice-Id: {id}\r\ncontent-length: 4\r\n\r\nbody");
        assert_eq!(whole(text.as_bytes()), Some(Some(id)));
        assert_eq!(whole(&text.as_bytes()[..text.len() - 1]), None);
        let elsewhere = text.replace(PATH, "/other");
        assert_eq!(whole(elsewhere.as_bytes()), Some(None));
    }
}
