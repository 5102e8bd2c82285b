//! A force's endpoint of which every byte is the test's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificate::Signed;
use crate::patience::eventually;

/// What is done once a request has been read.
#[derive(Clone)]
pub enum Behaviour {
    /// Says this and closes.
    Say(Vec<u8>),
    /// Says this and nothing more, until the other side goes.
    SayAndWait(Vec<u8>),
    /// Says the first once and the second for ever.
    Endless(Vec<u8>, Vec<u8>),
    /// Says what this makes of the request and closes; nothing: says nothing until the other goes.
    Choose(Choice),
}

type Choice = Arc<dyn Fn(&Seen) -> Vec<u8> + Send + Sync>;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub head: String,
    pub body: Vec<u8>,
    /// Of the client's certificate.
    pub serial: u64,
}

pub struct Server {
    pub url: String,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    connections: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
}

impl Server {
    /// `clients` signs whom it lets in.
    pub async fn start(own: &Signed, clients: &str, behaviour: Behaviour) -> Server {
        Server::at(0, own, clients, behaviour).await
    }

    /// At this port; 0 takes any.
    pub async fn at(port: u16, own: &Signed, clients: &str, behaviour: Behaviour) -> Server {
        let acceptor = acceptor(own, clients);
        // One that was there before may be about to go.
        let listener = eventually("the endpoint's port", async || {
            TcpListener::bind(("127.0.0.1", port)).await.ok()
        });
        let listener = listener.await;
        let url = format!("https://localhost:{}/inbox", listener.local_addr().unwrap().port());
        let log = Arc::new(Log::default());
        let log_of_task = Arc::clone(&log);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                log_of_task.connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, behaviour) = (acceptor.clone(), behaviour.clone());
                tokio::spawn(serve(stream, acceptor, behaviour, Arc::clone(&log_of_task)));
            }
        });
        Server { url, log, task }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.log.seen.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn acceptor(own: &Signed, clients: &str) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(clients.as_bytes()).unwrap()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, behaviour: Behaviour, log: Arc<Log>) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let serial = serial(&stream.get_ref().1.peer_certificates().unwrap()[0]);
    let mut bytes = Vec::new();
    let seen = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end + 4].to_vec()).unwrap();
            let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = announced.map_or(0, |digits| digits.parse().unwrap());
            if bytes.len() == end + 4 + length {
                break Seen { head, body: bytes[end + 4..].to_vec(), serial };
            }
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    };
    let behaviour = match behaviour {
        Behaviour::Choose(choice) => match choice(&seen) {
            nothing if nothing.is_empty() => Behaviour::SayAndWait(nothing),
            bytes => Behaviour::Say(bytes),
        },
        fixed => fixed,
    };
    log.seen.lock().unwrap().push(seen);
    match behaviour {
        Behaviour::Choose(_) => unreachable!("it has been chosen"),
        Behaviour::Say(bytes) => {
            // Said, or the client may choose this connection for its next letter.
            let end =
                bytes.iter().position(|it| *it == b'\n').filter(|_| bytes.starts_with(b"HTTP/"));
            let (line, rest) = bytes.split_at(end.map_or(0, |end| end + 1));
            let close: &[u8] = if line.is_empty() { b"" } else { b"connection: close\r\n" };
            stream.write_all(&[line, close, rest].concat()).await.unwrap();
            let _gone_already = stream.shutdown().await;
        }
        Behaviour::SayAndWait(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            stream.flush().await.unwrap();
        }
        Behaviour::Endless(first, again) => {
            stream.write_all(&first).await.unwrap();
            while stream.write_all(&again).await.is_ok() {}
            return;
        }
    }
    // The other side closes.
    let mut rest = Vec::new();
    let _ended = stream.read_to_end(&mut rest).await;
}

fn serial(certificate: &CertificateDer<'_>) -> u64 {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).unwrap();
    let digits = certificate.tbs_certificate.raw_serial();
    digits.iter().fold(0, |serial, digit| serial << 8 | u64::from(*digit))
}
