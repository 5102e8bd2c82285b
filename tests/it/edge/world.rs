//! A listening edge whose stories are told by the test, and connections on which bytes are written
//! by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cara_clock::Clock;
use cara_config::Settings;
use cara_flow::record::{Accepted, Submission};
use cara_flow::{Caller, Failure, OrderRefusal, RecordRefusal, Unfinished};
use cara_gateway::app;
use cara_gateway::http::{DeadLetters, Edge, Listening, Stopper, TakesRecords};
use cara_metric::{Health, Metric};
use cara_tls::Trust;
use cara_wire::api;
use cara_wire::operators::DeadQueue;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::certs_example::{Folder, settings};
use crate::patience::PATIENCE;

/// Answers what the body says, and remembers what it was asked.
#[derive(Default)]
pub struct Told {
    pub asked: Mutex<Vec<(Caller, Submission)>>,
    pub go_on: tokio::sync::Notify,
}

fn answer() -> api::RecordsAnswer {
    api::RecordsAnswer { records: Vec::new() }
}

impl TakesRecords for Told {
    fn take<'a>(
        &'a self,
        caller: &'a Caller,
        submission: Submission,
    ) -> BoxFuture<'a, Result<Accepted, Unfinished<RecordRefusal>>> {
        async move {
            let asked = Submission { room: None, ..submission.clone() };
            self.asked.lock().unwrap().push((caller.clone(), asked));
            match &submission.body[..] {
                _ if submission.dry_run => Ok(Accepted::DryRun(answer())),
                b"fault" => Ok(Accepted::AllAtFault(answer())),
                b"panic" => panic!("a story that breaks"),
                b"full" => Err(Failure::Passing { reason: "disk full", retry_after_s: 7 }.into()),
                body if body.starts_with(b"wait") => {
                    self.go_on.notified().await;
                    Ok(Accepted::Taken(answer()))
                }
                _ => Ok(Accepted::Taken(answer())),
            }
        }
        .boxed()
    }
}

impl DeadLetters for Told {
    fn list(&self) -> BoxFuture<'_, Vec<DeadQueue>> {
        ready(Vec::new()).boxed()
    }

    fn give_back(&self, _: String) -> BoxFuture<'_, Result<u64, Unfinished<OrderRefusal>>> {
        ready(Ok(3)).boxed()
    }
}

/// A listening edge.
pub struct World {
    pub folder: Folder,
    pub listening: (SocketAddr, SocketAddr),
    pub told: Arc<Told>,
    pub health: Health,
    pub metric: Metric,
    runtime: tokio::runtime::Runtime,
    stopper: Stopper,
}

impl World {
    pub fn with(name: &str, change: impl FnOnce(&mut Settings)) -> World {
        let folder = Folder::made(name);
        let mut settings = settings(&folder.0);
        settings.api.listen.set_port(0);
        settings.internal.listen.set_port(0);
        settings.operators.socket = folder.0.join("run/operators.sock");
        cara_vault::create_secrets(&folder.0.join("secrets")).unwrap();
        let secrets = folder.0.join("secrets");
        settings.vault = crate::house::secrets(&secrets);
        settings.store.path = folder.0.join("gateway.db");
        settings.store.anchor = folder.0.join("secrets/store.anchor");
        change(&mut settings);
        let (clock, metric, health) = (Clock::system(), Metric::default(), Health::default());
        let trust = Trust::open(&settings, clock.clone(), metric.clone()).unwrap();
        let trust = Arc::new(trust);
        let told = Arc::new(Told::default());
        let gateway = app::gateway(&settings, clock, metric.clone()).unwrap();
        let edge = Edge::assemble(
            settings,
            health.clone(),
            Arc::clone(&trust),
            gateway,
            Arc::clone(&told) as Arc<dyn TakesRecords>,
            Arc::clone(&told) as Arc<dyn DeadLetters>,
        );
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let opened = Listening::open(&edge).unwrap();
        let listening = (opened.api, opened.internal);
        let stopper = opened.stopper();
        runtime.spawn(cara_tls::watch(trust));
        runtime.spawn(opened.run());
        World { folder, listening, told, health, metric, runtime, stopper }
    }

    pub fn of(name: &str) -> World {
        World::with(name, |_| {})
    }

    /// A connection with this client certificate (a file's stem), or none.
    pub fn connect(&self, certificate: Option<&str>) -> Wire<impl Read + Write + use<>> {
        let mut roots = rustls::RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(self.folder.0.join("ca.pem")).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match certificate {
            None => config.with_no_client_auth(),
            Some(stem) => {
                let file = |ending: &str| self.folder.0.join(format!("{stem}.{ending}"));
                let own = CertificateDer::from_pem_file(file("pem")).unwrap();
                let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
                config.with_client_auth_cert(vec![own], key).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(self.listening.0).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Wire { stream: rustls::StreamOwned::new(client, socket) }
    }

    /// One request on a new connection; `None`: it was not served.
    pub fn ask(&self, certificate: &str) -> Option<Reply> {
        self.connect(Some(certificate)).try_ask("/v1/whoami")
    }

    pub fn hampshire(&self) -> Wire<impl Read + Write + use<>> {
        self.connect(Some("forces/hampshire"))
    }

    pub fn norfolk(&self) -> Wire<impl Read + Write + use<>> {
        self.connect(Some("forces/norfolk"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.told.go_on.notify_waiters();
        let stopper = self.stopper.clone();
        self.runtime.block_on(async move { stopper.stop().await });
    }
}

/// A connection on which bytes are written by hand.
pub struct Wire<S> {
    pub stream: S,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
    pub fn closes(&self) -> bool {
        self.head.to_ascii_lowercase().contains("connection: close")
    }
}

impl<S: Read + Write> Wire<S> {
    pub fn write(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.write_all(text.as_bytes())?;
        self.stream.flush()
    }

    pub fn try_read(&mut self) -> std::io::Result<Reply> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let mut one = [0];
            self.stream.read_exact(&mut one)?;
            bytes.push(one[0]);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.to_ascii_lowercase();
        let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        self.stream.read_exact(&mut body)?;
        Ok(Reply { status, head, body: String::from_utf8(body).unwrap() })
    }

    pub fn read(&mut self) -> Reply {
        self.try_read().unwrap()
    }

    pub fn try_ask(&mut self, path: &str) -> Option<Reply> {
        self.write(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).ok()?;
        self.try_read().ok()
    }

    /// Nothing comes any more.
    pub fn is_closed(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0]), Ok(1))
    }

    pub fn get(&mut self, path: &str, headers: &str) -> Reply {
        self.write(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).unwrap();
        self.read()
    }

    pub fn post(&mut self, path: &str, headers: &str, body: &str) -> Reply {
        self.send(path, headers, body);
        self.read()
    }

    pub fn send(&mut self, path: &str, headers: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        self.write(&head).unwrap();
        self.write(body).unwrap();
    }
}

/// Looks until it holds.
#[track_caller]
pub fn eventually(holds: impl FnMut() -> bool) {
    crate::patience::blocking(PATIENCE, "what the test waits for", holds);
}
