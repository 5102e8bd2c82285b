//! Many connections pushing records with as little work of their own as possible: both sides share
//! the machine, so the requests are made beforehand and the answers hardly read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::World;

/// The made-up record that is pushed, numbered.
const RECORD: &str = include_str!("../../mappings/hampshire/examples/full.xml");

pub struct Load {
    connector: TlsConnector,
    port: u16,
    connections: usize,
    next: Arc<AtomicU64>,
    template: Arc<Template>,
}

/// What one push showed.
pub struct Pushed {
    pub rate: f64,
    pub p50: Duration,
    pub p99: Duration,
}

impl Load {
    pub fn new(world: &World, connections: usize) -> anyhow::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(&world.ca)? {
            roots.add(certificate?)?;
        }
        let chain = CertificateDer::pem_file_iter(&world.certificate)?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(&world.key)?;
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Load {
            connector: TlsConnector::from(Arc::new(config)),
            port: world.api_port,
            connections,
            next: Arc::new(AtomicU64::new(1)),
            template: Arc::new(Template::of(RECORD)?),
        })
    }

    /// Pushes so many new records; at this rate in all, or as fast as answers come.
    pub async fn push(&mut self, records: u64, rate: Option<f64>) -> anyhow::Result<Pushed> {
        let last = self.next.load(Ordering::Relaxed) + records;
        let mut streams = Vec::new();
        for _ in 0..self.connections {
            let socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
            socket.set_nodelay(true)?;
            streams.push(self.connector.connect(ServerName::try_from("localhost")?, socket).await?);
        }
        let pace = rate.map(|rate| Duration::from_secs_f64(self.connections as f64 / rate));
        let started = Instant::now();
        // Spread over one beat, so that a pace is a pace and no burst of all connections at once.
        let connections = self.connections as f64;
        let workers: Vec<_> = (0..)
            .zip(streams)
            .map(|(index, stream)| {
                let (next, template) = (Arc::clone(&self.next), Arc::clone(&self.template));
                let first = pace.map(|pace| pace.mul_f64(f64::from(index) / connections));
                tokio::spawn(work(stream, next, last, template, first.zip(pace)))
            })
            .collect();
        let mut took = Vec::new();
        for worker in workers {
            took.extend(worker.await??);
        }
        let elapsed = started.elapsed();
        self.next.store(last, Ordering::Relaxed);
        took.sort_unstable();
        let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
        Ok(Pushed { rate: took.len() as f64 / elapsed.as_secs_f64(), p50: at(0.5), p99: at(0.99) })
    }
}

async fn work(
    mut stream: TlsStream<TcpStream>,
    next: Arc<AtomicU64>,
    last: u64,
    template: Arc<Template>,
    pace: Option<(Duration, Duration)>,
) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::new();
    let mut answer = vec![0; 16 * 1024];
    let mut due = Instant::now() + pace.map_or(Duration::ZERO, |(first, _)| first);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= last {
            return Ok(took);
        }
        if let Some((_, pace)) = pace {
            tokio::time::sleep_until(due.into()).await;
            due += pace;
        }
        let request = template.request(number);
        let started = Instant::now();
        stream.write_all(&request).await?;
        read_answer(&mut stream, &mut answer).await?;
        took.push(started.elapsed());
    }
}

async fn read_answer(stream: &mut TlsStream<TcpStream>, buffer: &mut [u8]) -> anyhow::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the gateway closed the connection");
        }
        filled += read;
        let text = &buffer[..filled];
        let Some(head) = find(text, b"\r\n\r\n") else { continue };
        if !text.starts_with(b"HTTP/1.1 202") {
            bail!("not a 202: {}", String::from_utf8_lossy(&text[..filled.min(400)]));
        }
        let headers = std::str::from_utf8(&text[..head])?.to_ascii_lowercase();
        let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.context("no length")?.trim().parse()?;
        if filled >= head + 4 + length {
            return Ok(());
        }
    }
}

/// A request whose record can be numbered: the digits stand for the occurrence's number.
struct Template {
    parts: Vec<Vec<u8>>,
    digits: usize,
}

/// The run of digits that makes a record its own case.
fn case_number(record: &str) -> anyhow::Result<&str> {
    let start = record.find("<OccurrenceNumber>").context("the example has no number")?;
    let text = &record[start + "<OccurrenceNumber>".len()..];
    Ok(&text[..text.find('<').context("the example has no number")?])
}

impl Template {
    fn of(record: &str) -> anyhow::Result<Self> {
        let number = case_number(record)?;
        let head = format!(
            "POST /v1/records HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/xml\r\n\
             content-length: {}\r\n\r\n",
            record.len()
        );
        let whole = format!("{head}{record}");
        let parts = whole.split(number).map(|part| part.as_bytes().to_vec()).collect();
        Ok(Template { parts, digits: number.len() })
    }

    fn request(&self, number: u64) -> Vec<u8> {
        let number = format!("{number:0width$}", width = self.digits);
        self.parts.join(number.as_bytes())
    }
}

fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|window| window == sought)
}
