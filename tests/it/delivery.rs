//! Pushing letters to endpoints of forces, and mail, against real servers on loopback.

pub mod endpoint;
pub mod postbox;

use std::path::{Path, PathBuf};
use std::time::Duration;

use cara_clock::Clock;
use cara_config::mail::Encryption;
use cara_config::{SecretFile, Settings};
use cara_delivery::{Answer, Lasting, Mailer, NotAllowed, Parcel, Push};
use endpoint::{Behaviour, Server};
use postbox::{Guard, Postbox};
use uuid::Uuid;

use crate::certificate::Authority;
use crate::world::{scratch, write_secret};

/// For endpoints that never answer: long enough for all that comes before, on a busy machine.
const SHORT: Duration = Duration::from_secs(3);

/// A gateway's side: its certificate, whom it trusts, and a clock that the test moves.
struct Gateway {
    folder: PathBuf,
    /// Signs the gateway's certificates.
    own: Authority,
    /// Signs the forces' servers.
    forces: Authority,
    clock: Clock,
}

impl Gateway {
    fn make() -> Gateway {
        let folder = scratch("delivery");
        let (own, forces) = (Authority::make("gateway authority"), Authority::make("forces"));
        own.client("gateway.example", 1).write(&folder, "gateway");
        std::fs::write(folder.join("forces.pem"), &forces.pem).unwrap();
        let clock = Clock::manual("2026-03-01T12:00:00Z".parse().unwrap());
        Gateway { folder, own, forces, clock }
    }

    fn push(&self) -> Push {
        Push::open(&self.settings(), &self.clock).unwrap()
    }

    fn settings(&self) -> cara_config::DeliverySettings {
        cara_config::DeliverySettings {
            certificate: self.folder.join("gateway.pem"),
            key: SecretFile::at(self.folder.join("gateway.key"), "delivery.key"),
            ca: self.folder.join("forces.pem"),
            timeout_s: 20,
        }
    }

    /// An endpoint that trusts this gateway and is trusted by it.
    async fn server(&self, behaviour: Behaviour) -> Server {
        Server::start(&self.forces.server(2), &self.own.pem, behaviour).await
    }

    /// Pushes one parcel to an endpoint that answers so.
    async fn answer(&self, behaviour: Behaviour) -> Answer {
        let server = self.server(behaviour).await;
        send(&self.push(), &server, parcel()).await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn send(push: &Push, server: &Server, parcel: Parcel) -> Answer {
    at(push, &server.url, parcel).await
}

async fn at(push: &Push, url: &str, parcel: Parcel) -> Answer {
    let endpoint = push.endpoint(&force(&[url]), url).unwrap();
    push.push(&endpoint, parcel).await
}

/// A force with these endpoints.
pub fn force(endpoints: &[&str]) -> cara_config::ForceSettings {
    let sample = include_str!("../../crates/config/src/sample.toml");
    let settings = Settings::read(sample, Path::new("/gateway.toml"), &Default::default()).unwrap();
    let mut force = settings.forces[0].clone();
    force.delivery_endpoints = endpoints.iter().map(|it| (*it).to_owned()).collect();
    force
}

fn parcel() -> Parcel {
    Parcel {
        notice_id: Uuid::from_u128(0x0195_5555_0000_7000_8000_0000_0000_0001),
        sequence: 41,
        media_type: "application/xml".to_owned(),
        body: b"<Notice>1</Notice>".to_vec(),
        headers: vec![("X-Interface".to_owned(), "CARA".to_owned())],
        delivered: vec![200, 202],
        taken_over: vec![201, 409],
        timeout: Duration::from_secs(20),
    }
}

/// A whole answer of HTTP with this status line and these further header lines.
fn says(status: &str, headers: &str) -> Behaviour {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}");
    Behaviour::Say(format!("{head}Content-Length: 2\r\n\r\nok").into_bytes())
}

fn again(reason: &'static str, after_s: Option<u64>) -> Answer {
    Answer::Again { reason, after: after_s.map(Duration::from_secs) }
}

fn refused(status: u16, reason: &'static str) -> Answer {
    Answer::Refused { status: Some(status), reason }
}

#[tokio::test]
async fn the_letter_arrives_with_its_labels_and_the_gateways_certificate() {
    let gateway = Gateway::make();
    let server = gateway.server(says("200 OK", "")).await;
    assert_eq!(send(&gateway.push(), &server, parcel()).await, Answer::Delivered);

    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].head.starts_with("POST /inbox HTTP/1.1\r\n"), "{}", seen[0].head);
    for line in [
        "notice-id: 01955555-0000-7000-8000-000000000001",
        "notice-sequence: 41",
        "content-type: application/xml",
        "content-length: 18",
        "x-interface: CARA",
    ] {
        assert_eq!(seen[0].head.lines().filter(|it| *it == line).count(), 1, "{line}");
    }
    assert_eq!(seen[0].body, b"<Notice>1</Notice>");
    assert_eq!(seen[0].serial, 1);
}

#[tokio::test]
async fn only_a_declared_status_is_a_success() {
    let gateway = Gateway::make();
    let after = "Retry-After: 120\r\n";
    let date = "Retry-After: Sun, 01 Mar 2026 12:05:00 GMT\r\n";
    for (status, headers, expected) in [
        ("202 Accepted", "", Answer::Delivered),
        ("201 Created", "", Answer::TakenOver),
        ("409 Conflict", "", Answer::TakenOver),
        ("204 No Content", "", refused(204, "undeclared_success")),
        ("400 Bad Request", after, refused(400, "refused")),
        ("401 Unauthorized", "", refused(401, "not_authorised")),
        ("404 Not Found", "", refused(404, "not_found")),
        ("410 Gone", after, Answer::Gone),
        ("408 Request Timeout", "", again("request_timeout", None)),
        ("425 Too Early", "", again("too_early", None)),
        ("429 Too Many Requests", after, again("too_many_requests", Some(120))),
        ("429 Too Many Requests", date, again("too_many_requests", Some(300))),
        ("500 Internal Server Error", "", again("server_fault", None)),
        ("503 Service Unavailable", "", again("unavailable", None)),
        ("503 Service Unavailable", "Retry-After: soon\r\n", again("unavailable", None)),
        ("503 Service Unavailable", "Retry-After: 9999999\r\n", again("unavailable", Some(86_400))),
    ] {
        assert_eq!(gateway.answer(says(status, headers)).await, expected, "{status} {headers}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let gateway = Gateway::make();
    let target = gateway.server(says("200 OK", "")).await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let server = gateway.server(says(status, &format!("Location: {}\r\n", target.url))).await;
        let code = status[..3].parse().unwrap();
        assert_eq!(send(&gateway.push(), &server, parcel()).await, refused(code, "redirect"));
        assert_eq!(server.seen().len(), 1);
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn the_status_decides_whatever_the_body_says() {
    let gateway = Gateway::make();
    let garbage = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    assert_eq!(gateway.answer(says("200 OK", garbage)).await, Answer::Delivered);
    let bytes = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\xff\x00\xfe<html>".to_vec();
    assert_eq!(gateway.answer(Behaviour::Say(bytes)).await, Answer::Delivered);
}

#[tokio::test]
async fn a_success_that_does_not_end_is_tried_again() {
    let gateway = Gateway::make();
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = Behaviour::Endless(head.into(), "5\r\nagain\r\n".into());
    assert_eq!(gateway.answer(endless).await, again("answer_too_long", None));

    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\nx".to_vec();
    let announced = Behaviour::SayAndWait(announced);
    assert_eq!(gateway.answer(announced).await, again("answer_too_long", None));

    let cut_off = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx".to_vec();
    assert_eq!(
        gateway.answer(Behaviour::Say(cut_off.clone())).await,
        again("answer_cut_off", None)
    );

    let server = gateway.server(Behaviour::SayAndWait(cut_off)).await;
    let short = Parcel { timeout: SHORT, ..parcel() };
    let answer = send(&gateway.push(), &server, short).await;
    assert_eq!(answer, again("answer_unfinished", None));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_is_silent_or_talks_nonsense_is_tried_again() {
    let gateway = Gateway::make();
    let server = gateway.server(Behaviour::SayAndWait(Vec::new())).await;
    let short = Parcel { timeout: SHORT, ..parcel() };
    assert_eq!(send(&gateway.push(), &server, short).await, again("timeout", None));
    assert_eq!(server.seen().len(), 1, "it was there and said nothing");

    let push = Push::open(
        &cara_config::DeliverySettings { timeout_s: 1, ..gateway.settings() },
        &gateway.clock,
    );
    let server = gateway.server(Behaviour::SayAndWait(Vec::new())).await;
    let answer = send(&push.unwrap(), &server, parcel()).await;
    assert_eq!(answer, again("timeout", None), "the settings bound what a letter asks for");

    let nonsense = Behaviour::Say(b"220 smtp.example ESMTP\r\n".to_vec());
    assert_eq!(gateway.answer(nonsense).await, again("no_answer", None));
    assert_eq!(gateway.answer(Behaviour::Say(Vec::new())).await, again("no_answer", None));

    let closed = closed();
    let url = format!("https://{}/inbox", closed.local_addr().unwrap());
    assert_eq!(at(&gateway.push(), &url, parcel()).await, again("unreachable", None));

    // Connections are taken, and then nobody is there to shake hands.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/inbox", deaf.local_addr().unwrap());
    let short = Parcel { timeout: SHORT, ..parcel() };
    assert_eq!(at(&gateway.push(), &url, short).await, again("timeout", None));
}

/// A port that nobody else gets and on which nobody listens.
fn closed() -> tokio::net::TcpSocket {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

#[tokio::test]
async fn both_sides_must_know_each_other() {
    let gateway = Gateway::make();
    let stranger = Authority::make("forces");
    let impostor = Server::start(&stranger.server(2), &gateway.own.pem, says("200 OK", "")).await;
    assert_eq!(send(&gateway.push(), &impostor, parcel()).await, again("tls", None));
    assert!(impostor.seen().is_empty());

    let elsewhere = gateway.forces.client("other.example", 3);
    let elsewhere = Server::start(&elsewhere, &gateway.own.pem, says("200 OK", "")).await;
    assert_eq!(send(&gateway.push(), &elsewhere, parcel()).await, again("tls", None));

    let shut = Server::start(&gateway.forces.server(2), &stranger.pem, says("200 OK", "")).await;
    let answer = send(&gateway.push(), &shut, parcel()).await;
    assert!(matches!(answer, Answer::Again { .. }), "{answer:?}");
    assert!(shut.seen().is_empty());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let gateway = Gateway::make();
    let server = gateway.server(says("200 OK", "")).await;
    let push = gateway.push();
    let shown = async || {
        assert_eq!(send(&push, &server, parcel()).await, Answer::Delivered);
        server.seen().last().unwrap().serial
    };
    assert_eq!(shown().await, 1);
    gateway.own.client("gateway.example", 2).write(&gateway.folder, "gateway");
    assert_eq!(shown().await, 1, "not looked at again within a second");
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(shown().await, 2);

    write_secret(&gateway.folder.join("gateway.key"), "half a key");
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(shown().await, 2, "the last good one stays");

    gateway.own.client("gateway.example", 3).write(&gateway.folder, "gateway");
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(shown().await, 3);

    std::fs::write(gateway.folder.join("forces.pem"), &gateway.own.pem).unwrap();
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(send(&push, &server, parcel()).await, again("tls", None));
}

#[tokio::test]
async fn unusable_files_stop_the_start() {
    let gateway = Gateway::make();
    gateway.own.client("gateway.example", 2).write(&gateway.folder, "other");
    let other = SecretFile::at(gateway.folder.join("other.key"), "delivery.key");
    for settings in [
        cara_config::DeliverySettings { key: other, ..gateway.settings() },
        cara_config::DeliverySettings {
            ca: gateway.folder.join("nowhere.pem"),
            ..gateway.settings()
        },
    ] {
        assert!(Push::open(&settings, &gateway.clock).is_err());
    }
}

#[tokio::test]
async fn nothing_goes_where_the_forces_list_does_not_say() {
    let gateway = Gateway::make();
    let push = gateway.push();
    let listed = ["https://notices.example/in/", "https://other.example:8443/inbox"];
    let force = force(&listed);
    for url in ["https://notices.example/in/box", "https://other.example:8443/inbox"] {
        assert_eq!(push.endpoint(&force, url).unwrap().as_str(), url);
    }
    for url in [
        "https://notices.example/inner",
        "https://notices.example/",
        "https://notices.example.evil.example/in/box",
        "https://notices.example.:443/in/box",
        "https://xnotices.example/in/box",
        "https://other.example/inbox",
        "https://other.example:8443/inbox/more",
    ] {
        let refused = push.endpoint(&force, url).unwrap_err();
        assert_eq!(refused, NotAllowed::NotListed { force: "hampshire".to_owned() }, "{url}");
    }
    for url in [
        "http://notices.example/in/box",
        "https://notices.example/in/../admin",
        "https://notices.example/in/%2e%2e/admin",
        "https://notices.example/in/box?to=hunter2",
        "https://notices.example@evil.example/in/box",
        "https://notices.example\\@evil.example/in/box",
        "https://notices.ex\u{430}mple/in/box",
    ] {
        let refused = push.endpoint(&force, url).unwrap_err();
        assert!(matches!(refused, NotAllowed::Unfit { .. }), "{url}: {refused}");
        assert!(!refused.to_string().contains("hunter2"));
    }
}

#[tokio::test]
async fn a_header_that_http_cannot_carry_sends_nothing() {
    let gateway = Gateway::make();
    let server = gateway.server(says("200 OK", "")).await;
    let headers = vec![("X-A".to_owned(), "a\r\nNotice-Id: 1".to_owned())];
    let answer = send(&gateway.push(), &server, Parcel { headers, ..parcel() }).await;
    assert_eq!(answer, Answer::Refused { status: None, reason: "unfit_header" });
    assert_eq!(server.connections(), 0);
}

fn mail(server: String) -> cara_config::MailSettings {
    cara_config::MailSettings {
        server,
        tls: Encryption::None,
        ca: None,
        from: "cara-gateway@gateway.example".to_owned(),
        user: None,
        password: None,
        operators: vec!["ops@gateway.example".to_owned()],
    }
}

fn to(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

const MESSAGE_ID: Uuid = Uuid::from_u128(0x0195_5555_0000_7000_8000_0000_0000_0002);
const SUBJECT: &str = "CARA: notice 41 waits – please look";
const TEXT: &str = "Notice 41 has not been taken over.\n.\nLook by 4 o’clock.\n";

async fn write(
    settings: &cara_config::MailSettings,
    recipients: &[&str],
) -> Result<(), (Lasting, &'static str, Vec<usize>)> {
    let clock = Clock::manual("2026-03-01T12:00:00Z".parse().unwrap());
    let mail = Mailer::open(settings, &clock).unwrap();
    mail.send(&to(recipients), MESSAGE_ID, SUBJECT, TEXT).await.map_err(|undelivered| {
        assert!(!undelivered.to_string().contains('@'), "{undelivered}");
        (undelivered.lasting, undelivered.reason, undelivered.missed)
    })
}

#[tokio::test]
async fn mail_arrives_at_each_recipient_apart() {
    let mut postbox = Postbox::start(Guard::None).await;
    let settings = mail(postbox.address());
    assert_eq!(write(&settings, &["ops@gateway.example", "night@gateway.example"]).await, Ok(()));
    for recipient in ["ops@gateway.example", "night@gateway.example"] {
        let letter = postbox.next().await;
        assert_eq!(letter["to"], serde_json::json!([recipient]));
        assert_eq!(letter["from"], "cara-gateway@gateway.example");
        let text = letter["text"].as_str().unwrap().replace("\r\n", "\n");
        assert_eq!(text.trim_end(), TEXT.trim_end());
        let headers = &letter["headers"];
        assert_eq!(headers["to"], recipient);
        assert_eq!(headers["from"], "cara-gateway@gateway.example");
        assert_eq!(headers["subject"], SUBJECT);
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert_eq!(headers["message-id"], format!("<{MESSAGE_ID}@gateway.example>"));
        assert_eq!(headers["date"], "Sun, 01 Mar 2026 12:00:00 +0000");
        assert_eq!(headers["content-type"], "text/plain; charset=\"utf-8\"");
    }
}

#[tokio::test]
async fn a_refused_recipient_keeps_mail_from_nobody_else() {
    let mut postbox = Postbox::start(Guard::None).await;
    let settings = mail(postbox.address());
    let nobody = "nobody@gateway.example";
    let all = [nobody, "ops@gateway.example", "hunter2"];
    let said = write(&settings, &all).await.unwrap_err();
    assert_eq!(said, (Lasting::Permanent, "refused", vec![0, 2]));
    assert_eq!(postbox.next().await["to"], serde_json::json!(["ops@gateway.example"]));

    let said = write(&settings, &[nobody, "later@gateway.example"]).await.unwrap_err();
    assert_eq!(said, (Lasting::Passing, "put_off", vec![0, 1]));
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_passing() {
    let closed = closed();
    let address = closed.local_addr().unwrap().to_string();
    let said = write(&mail(address), &["a@gateway.example", "b@gateway.example"]).await;
    assert_eq!(said, Err((Lasting::Passing, "unreachable", vec![0, 1])));
}

#[tokio::test]
async fn mail_is_encrypted_and_signed_on() {
    let gateway = Gateway::make();
    let folder = &gateway.folder;
    gateway.forces.server(4).write(folder, "mail");
    write_secret(&folder.join("mail.password"), "hunter2\n");
    let guard =
        Guard::StartTls { certificate: folder.join("mail.pem"), key: folder.join("mail.key") };
    let mut postbox = Postbox::start(guard).await;
    let settings = cara_config::MailSettings {
        tls: Encryption::Required,
        ca: Some(folder.join("forces.pem")),
        user: Some("cara-gateway".to_owned()),
        password: Some(SecretFile::at(folder.join("mail.password"), "mail.password")),
        ..mail(postbox.address())
    };
    assert_eq!(write(&settings, &["ops@gateway.example"]).await, Ok(()));
    assert_eq!(postbox.next().await["tls"], true);

    std::fs::write(folder.join("own.pem"), &gateway.own.pem).unwrap();
    let untrusted =
        cara_config::MailSettings { ca: Some(folder.join("own.pem")), ..settings.clone() };
    let said = write(&untrusted, &["ops@gateway.example"]).await.unwrap_err();
    assert_eq!((said.0, said.1), (Lasting::Passing, "tls"));

    write_secret(&folder.join("mail.password"), "hunter3\n");
    let said = write(&settings, &["ops@gateway.example"]).await.unwrap_err();
    assert_eq!((said.0, said.1), (Lasting::Passing, "not_authenticated"));

    let clear = Postbox::start(Guard::None).await;
    let stripped = cara_config::MailSettings { server: clear.address(), ..settings };
    let said = write(&stripped, &["ops@gateway.example"]).await.unwrap_err();
    assert_eq!((said.0, said.1), (Lasting::Passing, "not_offered"), "never without TLS");
}
