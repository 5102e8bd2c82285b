//! A gateway that was stopped and goes on: whoever was sending meanwhile is answered.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::world::Wire;
use crate::world::{TestGateway, World};

type Stream = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

fn connect(gateway: &TestGateway) -> Wire<Stream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(gateway.authority.pem.as_bytes()).unwrap()).unwrap();
    let signed = gateway.authority.client("records.hampshire.example", 7);
    let folder = gateway.folder.join("certs");
    signed.write(&folder, "stalling");
    let own = CertificateDer::from_pem_file(folder.join("stalling.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("stalling.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![own], key)
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let address = gateway.api.trim_start_matches("https://localhost:");
    let socket = TcpStream::connect(("127.0.0.1", address.parse().unwrap())).unwrap();
    Wire { stream: rustls::StreamOwned::new(client, socket) }
}

/// Longer than every deadline that these settings have, and than the handshake's.
const STOPPED: Duration = Duration::from_secs(12);

#[tokio::test]
async fn a_stall_of_the_gateway_is_nobody_elses_fault() {
    let api = "body_deadline_s = 2".to_owned();
    let gateway = World { api, ..World::default() }.start().await;
    let record = crate::record::hampshire(77, 1);
    let head = |length: usize| {
        format!(
            "POST /v1/records?dry_run=true HTTP/1.1\r\nHost: l\r\nContent-Length: {length}\r\n\
             Content-Type: application/xml\r\n\r\n"
        )
    };
    // One in each place where a deadline runs: the handshake, a head, a body, between two requests.
    let mut shaking = connect(&gateway);
    let (mut in_head, mut in_body, mut idle) =
        (connect(&gateway), connect(&gateway), connect(&gateway));
    let head = head(record.len());
    let (first, rest) = head.split_at(20);
    let (start, end) = record.split_at(record.len() / 2);
    in_head.write(first).unwrap();
    in_body.write(&head).unwrap();
    in_body.write(start).unwrap();
    assert_eq!(idle.get("/v1/whoami", "").status, 200);

    let pid = Pid::from_raw(i32::try_from(gateway.pid()).unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    let going_on = std::thread::spawn(move || {
        std::thread::sleep(STOPPED);
        kill(pid, Signal::SIGCONT).unwrap();
    });
    // Sent into the socket of a process that stands still; the handshake ends after it goes on.
    in_head.write(rest).unwrap();
    in_head.write(&record).unwrap();
    in_body.write(end).unwrap();
    idle.write(&head).unwrap();
    idle.write(&record).unwrap();
    shaking.write(&head).unwrap();
    shaking.write(&record).unwrap();
    shaking.stream.flush().unwrap();
    going_on.join().unwrap();
    for (wire, place) in
        [(shaking, "handshake"), (in_head, "head"), (in_body, "body"), (idle, "idle")]
    {
        let mut wire = wire;
        let reply = wire.try_read();
        assert_eq!(reply.unwrap().status, 200, "{place}");
    }
}
