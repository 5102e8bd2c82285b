//! The edge alone, through its sockets: bounds, statuses, certificates.

mod connection;
mod stall;
mod world;

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use cara_config::{OperatorRole, operators};
use cara_gateway::http::{operator, route};
use cara_metric::Part;
use cara_wire::api;
use uuid::Uuid;

use self::world::{Reply, Wire, World, eventually};

const XML: &str = "Content-Type: Application/XML; charset=utf-8\r\n";

#[test]
fn a_body_goes_to_the_flow_with_who_sent_it() {
    let world = World::of("taken");
    let mut wire = world.hampshire();
    let key = format!("{XML}Idempotency-Key: k1\r\n");
    let reply = wire.post("/v1/records?mapping=referral", &key, "<a/>");
    assert_eq!((reply.status, reply.body.as_str()), (202, r#"{"records":[]}"#));
    assert!(!reply.head.to_ascii_lowercase().contains("\r\nserver:"), "{}", reply.head);
    let (caller, submission) = world.told.asked.lock().unwrap()[0].clone();
    assert_eq!(caller.identity, "hampshire-records");
    assert_eq!(caller.forces, [44.into()]);
    assert_eq!(submission.media_type, "application/xml");
    assert_eq!(submission.mapping.as_deref(), Some("referral"));
    assert_eq!(submission.idempotency_key.as_deref(), Some("k1"));
    assert!(!submission.dry_run);

    assert_eq!(wire.post("/v1/records?dry_run=true", XML, "<a/>").status, 200);
    let at_fault = wire.post("/v1/records", XML, "fault");
    assert_eq!((at_fault.status, at_fault.code().as_str()), (422, "P422"));
    assert!(at_fault.body.contains(r#""records":[]"#));
    let full = wire.post("/v1/records", XML, "full");
    assert_eq!((full.status, full.code().as_str()), (503, "P503"));
    assert!(full.head.to_ascii_lowercase().contains("retry-after: 7"), "{}", full.head);
    let broken = wire.post("/v1/records", XML, "panic");
    assert_eq!((broken.status, broken.code().as_str()), (500, "P500"));
    assert_eq!(wire.post("/v1/records", XML, "<a/>").status, 202, "the connection lives on");
}

#[test]
fn what_is_not_as_described_is_refused_before_the_flow() {
    let world = World::of("described");
    let refused = |path: &str, headers: &str, status: u16, code: &str| {
        let reply = world.hampshire().post(path, headers, "<a/>");
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path} {headers}");
        assert!(reply.head.contains("application/problem+json"), "{}", reply.head);
    };
    refused("/v1/records?dryrun=true", XML, 400, "P460");
    refused("/v1/records?dry_run=yes", XML, 400, "P460");
    refused("/v1/records", "", 415, "P415");
    refused("/v1/records", &format!("{XML}Content-Encoding: gzip\r\n"), 415, "P466");
    refused("/v1/records", &format!("{XML}Idempotency-Key: {}\r\n", "k".repeat(256)), 400, "P460");
    refused(
        "/v1/records",
        &format!("{XML}Idempotency-Key: a\r\nIdempotency-Key: b\r\n"),
        400,
        "P460",
    );
    refused("/v1/referrals/find", "", 400, "P460");
    refused("/v1/whoami", "", 405, "P405");
    refused("/v2/records", XML, 404, "P404");
    assert!(world.told.asked.lock().unwrap().is_empty());
    let mut wire = world.hampshire();
    assert_eq!(wire.get("/v1/reconciliation", "").code(), "P460");
    assert_eq!(wire.get("/v1/reconciliation?day=2026-02-30", "").code(), "P460");
    assert_eq!(wire.get("/v1/reconciliation?day=2026-02-28", "").status, 200);
    let (no_id, absent) = ("not-an-id", Uuid::nil().to_string());
    let replies = [no_id, &absent].map(|id| wire.get(&format!("/v1/referrals/{id}"), ""));
    assert_eq!(replies[0].status, 404);
    assert_eq!(replies[0].body, replies[1].body);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let world = World::of("large");
    let mut wire = world.hampshire();
    wire.write(&format!(
        "POST /v1/records HTTP/1.1\r\nHost: l\r\nContent-Length: 4194305\r\n{XML}\r\n"
    ))
    .unwrap();
    let reply = wire.read();
    assert_eq!((reply.status, reply.code().as_str()), (413, "P413"));
    assert!(reply.closes() && wire.is_closed());

    let mut wire = world.hampshire();
    let chunked =
        format!("POST /v1/records HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n{XML}\r\n");
    wire.write(&chunked).unwrap();
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    let started = Instant::now();
    while wire.write(&chunk).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(10), "it is read on and on");
    }
}

#[test]
fn a_trickled_body_is_cut_off_and_its_connection_with_it() {
    let world = World::with("trickle", |settings| settings.api.body_deadline_s = 1);
    for body in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut wire = world.hampshire();
        wire.write(&format!("POST /v1/records HTTP/1.1\r\nHost: l\r\n{body}\r\n{XML}\r\n"))
            .unwrap();
        let started = Instant::now();
        let chunked = body.contains("chunked");
        let reply = loop {
            let _ = wire.write(if chunked { "1\r\n \r\n" } else { " " });
            if started.elapsed() > Duration::from_millis(1200) {
                break wire.read();
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!((reply.status, reply.code().as_str()), (408, "P408"), "{body}");
        let closed = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            wire.write(if chunked { "1\r\n \r\n" } else { " " }).is_err()
        });
        assert!(closed, "{body}: the connection is still read");
    }
}

#[test]
fn bodies_in_flight_share_one_budget() {
    let world = World::with("flight", |settings| {
        settings.api.in_flight_bytes_max = 16;
        settings.forces.iter_mut().for_each(|force| force.body_bytes_max = None);
    });
    let mut first = world.hampshire();
    first.send("/v1/records", XML, "wait");
    eventually(|| world.told.asked.lock().unwrap().len() == 1);
    let refused = world.hampshire().post("/v1/records", XML, "12345");
    assert_eq!((refused.status, refused.code().as_str()), (503, "P503"));
    assert_eq!(world.hampshire().post("/v1/records", XML, "1234").status, 202);
    assert_eq!(world.norfolk().post("/v1/records", XML, "123456").status, 202, "another's share");
    world.told.go_on.notify_one();
    assert_eq!(first.read().status, 202);
    assert_eq!(world.hampshire().post("/v1/records", XML, "12345678").status, 202);
}

#[test]
fn large_bodies_of_one_force_wait_for_each_other_and_for_nobody_elses() {
    let world = World::of("large-waits");
    let asked = || world.told.asked.lock().unwrap().len();
    let large = |text: &str| format!("{text}{}", " ".repeat(200 << 10));
    let mut first = world.hampshire();
    first.send("/v1/records", XML, &large("wait"));
    eventually(|| asked() == 1);
    let mut second = world.hampshire();
    second.send("/v1/records", XML, &large("second"));
    for body in ["small".to_owned(), large("large")] {
        assert_eq!(world.norfolk().post("/v1/records", XML, &body).status, 202);
    }
    assert_eq!(world.hampshire().post("/v1/records", XML, "small").status, 202);
    assert_eq!(asked(), 4, "the second stands behind the first");
    let refused = second.read();
    assert_eq!((refused.status, refused.code().as_str()), (503, "P503"));
    assert!(refused.head.to_ascii_lowercase().contains("retry-after: 5"), "{}", refused.head);
    world.told.go_on.notify_waiters();
    assert_eq!(first.read().status, 202);
    assert_eq!(second.post("/v1/records", XML, &large("second")).status, 202);
}

#[test]
fn a_force_over_its_rate_is_slowed_down_alone() {
    let world = World::with("rate", |settings| {
        let norfolk = settings.forces.iter_mut().find(|force| force.slug == "norfolk");
        norfolk.unwrap().requests_per_s_max = Some(2);
    });
    let mut wire = world.norfolk();
    let replies: Vec<Reply> = (0..8).map(|_| wire.get("/v1/whoami", "")).collect();
    let slowed = replies.iter().find(|reply| reply.status == 429).expect("one is slowed down");
    assert_eq!(slowed.code(), "P429");
    assert!(slowed.head.to_ascii_lowercase().contains("retry-after: 1"), "{}", slowed.head);
    let mut other = world.hampshire();
    assert!((0..8).all(|_| other.get("/v1/whoami", "").status == 200));
}

#[test]
fn without_a_known_certificate_nothing_is_answered() {
    let world = World::of("strangers");
    let mut nobody = world.connect(None);
    let asked = nobody.write("GET /v1/whoami HTTP/1.1\r\nHost: l\r\n\r\n");
    assert!(asked.is_err() || nobody.try_read().is_err(), "the handshake fails");
    // The gateway's own certificate: a trusted CA, but no identity.
    for path in ["/v1/whoami", "/openapi.json", "/problems/P463", "/nowhere"] {
        let mut stranger = world.connect(Some("gateway"));
        let reply = stranger.get(path, "");
        assert_eq!((reply.status, reply.code().as_str()), (403, "P463"), "{path}");
        assert!(reply.closes() && stranger.is_closed(), "{path}");
    }
}

#[test]
fn a_revocation_ends_open_connections_and_refuses_new_ones() {
    let world = World::of("revoked");
    let (mut open, mut other) = (world.hampshire(), world.norfolk());
    assert_eq!(open.get("/v1/whoami", "").status, 200);
    world.folder.revoke("hampshire");
    let mut last = None;
    eventually(|| {
        let reply = open.get("/v1/whoami", "");
        let refused = reply.status == 403;
        last = Some(reply);
        refused
    });
    let reply = last.unwrap();
    assert!(reply.code() == "P463" && reply.closes() && open.is_closed());
    let mut again = world.hampshire();
    let asked = again.write("GET /v1/whoami HTTP/1.1\r\nHost: l\r\n\r\n");
    assert!(asked.is_err() || again.try_read().is_err(), "the handshake fails");
    assert_eq!(other.get("/v1/whoami", "").status, 200);
}

#[test]
fn every_code_has_its_page_and_the_contract_is_served() {
    let world = World::of("pages");
    let mut wire = world.hampshire();
    let page = wire.get("/problems/P413", "Accept: text/plain\r\n");
    assert!(page.body.starts_with("P413 too_large\n"), "{}", page.body);
    let page = wire.get("/problems/V101", "Accept: text/html\r\n");
    assert!(page.head.contains("text/html") && page.body.contains("<h1>V101 missing</h1>"));
    assert_eq!(wire.get("/problems/V101", "").code(), "V101");
    assert_eq!(wire.get("/problems/M111", "").code(), "M111");
    assert_eq!(wire.get("/problems/V999", "").status, 404);
    assert_eq!(wire.get("/openapi.json", "").body, route::DOCUMENT.text());
    let who: api::Whoami = serde_json::from_str(&wire.get("/v1/whoami", "").body).unwrap();
    assert_eq!((who.identity.as_str(), who.mode.as_str()), ("hampshire-records", "live"));
    assert!(who.certificate_ends_at.ends_with('Z'));
}

#[test]
fn health_is_told_on_the_internal_listener_only() {
    let world = World::of("health");
    let internal = || Wire { stream: TcpStream::connect(world.listening.1).unwrap() };
    assert_eq!(internal().get("/livez", "").status, 200);
    assert_eq!(internal().get("/readyz", "").status, 503);
    for part in [Part::Start, Part::Listener, Part::Store, Part::Mappings] {
        world.health.good(part);
    }
    world.health.bad(Part::Broker, "no address answers");
    let ready = internal().get("/readyz", "");
    assert_eq!(ready.status, 200);
    assert!(ready.body.contains("no address answers"), "{}", ready.body);
    let mut wire = world.hampshire();
    assert_eq!(wire.get("/metrics", "").status, 404);
    let metrics = internal().get("/metrics", "").body;
    assert!(metrics.contains("cara_refusals_total{code=\"P404\"} 1"), "{metrics}");
    assert!(metrics.contains("cara_connections 1"), "{metrics}");
    drop(wire);
    eventually(|| world.metric.encode().contains("cara_connections 0"));
}

#[test]
fn the_socket_serves_listed_users_only() {
    let output = std::process::Command::new("id").arg("-un").output().unwrap();
    let me = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let user = |role| vec![operators::User { name: me.clone(), role, victims: false }];
    let socket = |folder: &Path| Wire {
        stream: UnixStream::connect(folder.join("run/operators.sock")).unwrap(),
    };
    let look = user(OperatorRole::Look);
    let world = World::with("operators", move |settings| settings.operators.users = look);
    let mut wire = socket(&world.folder.0);
    let status = wire.get("/v1/status", "");
    assert!(status.status == 200 && status.body.contains("\"api\""), "{}", status.body);
    assert_eq!(wire.get("/v1/holds?all=true", "").body, r#"{"holds":[],"next":null}"#);
    assert_eq!(wire.get("/v1/holds?al=true", "").code(), "P460");
    let hold = format!("/v1/holds/{}", Uuid::nil());
    assert_eq!(wire.get(&hold, "").code(), "P404");
    assert_eq!(wire.get("/v1/holds/nobody", "").code(), "P460");
    assert_eq!(wire.get("/v1/nothing", "").code(), "P404");
    assert_eq!(wire.get("/v1/dead/return", "").code(), "P405");
    assert_eq!(wire.get("/openapi.json", "").body, operator::table::DOCUMENT.text());
    assert_eq!(wire.get("/problems/broker_away", "").status, 200);
    let why = r#"{"because":"x"}"#;
    let back = r#"{"queue":"cara.intake.harbour.dead"}"#;
    let (release, return_hold) = (format!("{hold}/release"), format!("{hold}/return"));
    for (path, body) in [(&*release, why), (&*return_hold, why), ("/v1/dead/return", back)] {
        let refused = wire.post(path, "", body);
        assert_eq!(refused.code(), "P403", "who looks changes nothing");
        assert!(refused.body.contains("`operate`; yours is `look`"), "{}", refused.body);
    }

    let operate = user(OperatorRole::Operate);
    let world = World::with("operate", move |settings| settings.operators.users = operate);
    let mut wire = socket(&world.folder.0);
    assert_eq!(wire.post("/v1/dead/return", "", back).body, r#"{"messages":3}"#);
    assert_eq!(wire.post(&release, "", why).code(), "P404");
    assert_eq!(wire.post(&return_hold, "", why).code(), "P404");
    let unmasked = wire.post(&format!("{hold}/unmask"), "", why);
    assert_eq!(unmasked.code(), "P403", "it may hold what is a victim's");
    for (force, because, answer) in [
        ("hampshire", "", "P460"),
        ("hampshire", "planned work", ""),
        ("hampshire", "planned work", "P464"),
        ("nowhere", "planned work", "P460"),
    ] {
        let body = format!(r#"{{"because":"{because}"}}"#);
        let reply = wire.post(&format!("/v1/deliveries/{force}/pause"), "", &body);
        match answer {
            "" => assert_eq!(reply.status, 204),
            code => assert_eq!(reply.code(), code, "{force}"),
        }
    }

    let world = World::with("unlisted", |settings| settings.operators.users.clear());
    for path in ["/v1/status", "/v1/holds", "/v1/dead", "/v1/nothing"] {
        let mut wire = socket(&world.folder.0);
        let reply = wire.get(path, "");
        assert_eq!((reply.status, reply.code().as_str()), (403, "P467"), "{path}");
        assert!(wire.is_closed());
    }
}
