//! Who may hold a connection, through the sockets: one force, one address or one user at its limits
//! never stops the others.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use cara_config::{ApiSettings, OperatorRole, operators};
use cara_metric::alert;

use super::world::{Wire, World, eventually};

/// 64 connections: 16 for handshakes, 16 for each force.
fn few_connections(api: &mut ApiSettings) {
    api.connections_max = 64;
    (api.connections_per_source_max, api.connections_per_force_max) = (Some(64), None);
}

fn is_told(world: &World, about: &str) -> bool {
    world.metric.troubles().now().contains_key(&(alert::FORCE_AT_LIMITS, about.to_owned()))
}

/// How long one request of this force takes on a connection of its own; again until it is served.
fn served(world: &World, certificate: &str) -> Duration {
    let started = Instant::now();
    eventually(|| world.ask(certificate).is_some());
    started.elapsed()
}

#[test]
fn kept_alive_connections_of_one_force_lock_nobody_out() {
    let world = World::with("hoard", |settings| few_connections(&mut settings.api));
    let mut kept = Vec::new();
    for _ in 0..64 {
        let mut wire = world.connect(Some("forces/hampshire"));
        let asked = wire.write("GET /v1/whoami HTTP/1.1\r\nHost: l\r\n\r\n");
        if asked.is_ok() && wire.try_read().is_ok() {
            kept.push(wire);
        }
    }
    assert!(kept.len() >= 16, "its share is its own: {}", kept.len());
    assert!(served(&world, "forces/norfolk") < Duration::from_secs(2));
    let open = world.metric.encode();
    let open = open.lines().find_map(|line| line.strip_prefix("cara_connections "));
    assert!(open.unwrap().parse::<u32>().unwrap() <= 17, "{open:?}: its share is its share");
    served(&world, "forces/hampshire");
    eventually(|| kept.iter_mut().any(|wire| wire.try_ask("/v1/whoami").is_none()));
}

#[test]
fn a_force_that_keeps_every_connection_busy_is_refused_and_told_of() {
    let world = World::with("busy", |settings| settings.api.connections_per_force_max = Some(4));
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let mut wire = world.hampshire();
            wire.send("/v1/records", super::XML, "wait");
            wire
        })
        .collect();
    eventually(|| world.told.asked.lock().unwrap().len() == 4);
    assert!(world.ask("forces/hampshire").is_none());
    assert!(is_told(&world, "44"));
    assert!(world.ask("forces/norfolk").is_some());
    world.told.go_on.notify_waiters();
    for mut wire in busy {
        assert_eq!(wire.read().status, 202, "none of them was cut off");
    }
    eventually(|| world.ask("forces/hampshire").is_some());
}

#[test]
fn silent_connections_delay_no_handshake() {
    let world = World::with("silent", |settings| few_connections(&mut settings.api));
    let silent: Vec<_> =
        (0..400).filter_map(|_| TcpStream::connect(world.listening.0).ok()).collect();
    assert!(silent.len() > 300);
    let took = served(&world, "forces/norfolk");
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(is_told(&world, "source"));
}

#[test]
fn one_address_holds_so_many_connections() {
    let world = World::with("source", |settings| {
        settings.api.connections_per_source_max = Some(2);
    });
    let mut busy = world.hampshire();
    busy.send("/v1/records", super::XML, "wait");
    eventually(|| world.told.asked.lock().unwrap().len() == 1);
    let mut idle = world.norfolk();
    assert_eq!(idle.get("/v1/whoami", "").status, 200);
    eventually(|| world.ask("forces/norfolk").is_some());
    assert!(idle.try_ask("/v1/whoami").is_none(), "the idle one gave way");
    world.told.go_on.notify_one();
    assert_eq!(busy.read().status, 202);
}

#[test]
fn one_user_holds_so_many_calls_and_the_socket_is_not_everybodys() {
    let me = nix::unistd::User::from_uid(nix::unistd::Uid::current()).unwrap().unwrap().name;
    let user = operators::User { name: me, role: OperatorRole::Look, victims: false };
    let world = World::with("calls", |settings| settings.operators.users = vec![user]);
    let socket = world.folder.0.join("run/operators.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let call = || Wire { stream: UnixStream::connect(&socket).unwrap() };
    let mut open: Vec<_> = (0..16).map(|_| call()).collect();
    assert!(open.iter_mut().all(|wire| wire.get("/v1/status", "").status == 200));
    assert!(call().try_ask("/v1/status").is_none());
    open.pop();
    eventually(|| call().try_ask("/v1/status").is_some());
}

#[test]
fn slow_bodies_of_one_force_leave_room_for_others() {
    let world = World::of("slow-bodies");
    let announced = "POST /v1/records HTTP/1.1\r\nHost: l\r\nContent-Type: application/xml\r\n\
                     Content-Length: 1048576\r\n\r\n<";
    let slow: Vec<_> = (0..32)
        .map(|_| {
            let mut wire = world.hampshire();
            wire.write(announced).unwrap();
            wire
        })
        .collect();
    eventually(|| is_told(&world, "44"));
    let large = " ".repeat(1 << 20);
    assert_eq!(world.norfolk().post("/v1/records", super::XML, &large).status, 202);
    drop(slow);
    eventually(|| world.hampshire().post("/v1/records", super::XML, &large).status == 202);
}
