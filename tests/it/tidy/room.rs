//! The rooms, who may use whom, and who owns which library (ARCHITECTURE.md, "Rooms").

/// A room with the rooms that it may use; those of `cara-record` and of the gateway share a list.
pub struct Room {
    pub name: &'static str,
    pub may_use: &'static [&'static str],
}

const fn room(name: &'static str, may_use: &'static [&'static str]) -> Room {
    Room { name, may_use }
}

/// In order: a room is used only by rooms below it.
pub const RECORD: &[Room] = &[
    room("domain", &[]),
    room("document", &[]),
    room("mapping", &["domain", "document"]),
    room("wire", &["domain"]),
];

pub const GATEWAY: &[Room] = &[
    room("clock", &[]),
    room("config", &["domain"]),
    room("metric", &[]),
    room("supervisor", &["metric"]),
    room("vault", &["clock", "config", "domain"]),
    room("tls", &["clock", "config", "domain", "metric", "supervisor"]),
    room("store", &["clock", "config", "domain", "metric", "supervisor", "vault"]),
    room("amqp", &["clock", "config", "metric", "tls", "wire"]),
    room("delivery", &["clock", "config", "domain", "mapping", "metric", "supervisor", "tls"]),
    room(
        "flow",
        &[
            "domain",
            "document",
            "mapping",
            "wire",
            "clock",
            "config",
            "metric",
            "supervisor",
            "vault",
            "store",
        ],
    ),
    room(
        "worker",
        &["amqp", "clock", "config", "delivery", "domain", "flow", "metric", "supervisor", "wire"],
    ),
    room("http", &["clock", "config", "domain", "flow", "metric", "supervisor", "tls", "wire"]),
    room(
        "app",
        &[
            "domain",
            "document",
            "mapping",
            "wire",
            "clock",
            "config",
            "metric",
            "supervisor",
            "vault",
            "tls",
            "store",
            "amqp",
            "delivery",
            "flow",
            "worker",
            "http",
        ],
    ),
    // Of amqp only the definitions that a broker's operator loads, of vault only the secrets that
    // are made once.
    room("sandbox", &["app", "amqp", "clock", "config", "domain", "vault", "wire"]),
    room("cli", &["app", "amqp", "sandbox", "flow", "config", "domain", "mapping", "wire"]),
];

/// Who may name a library in its code.
pub enum Owner {
    /// A word of the vocabulary: everybody.
    Free,
    /// Everybody in the gateway, nobody in `cara-record`.
    Gateway,
    /// These rooms.
    Rooms(&'static [&'static str]),
}

/// Every library of both packages, tests' own left out. A library that is not here is a failure.
pub const LIBRARIES: &[(&str, Owner)] = &[
    ("bytes", Owner::Free),
    ("jiff", Owner::Free),
    ("serde", Owner::Free),
    ("serde_json", Owner::Free),
    ("thiserror", Owner::Free),
    ("uuid", Owner::Free),
    ("schemars", Owner::Rooms(&["domain", "wire", "http"])),
    ("csv", Owner::Rooms(&["document"])),
    ("encoding_rs", Owner::Rooms(&["document"])),
    ("quick_xml", Owner::Rooms(&["document"])),
    ("strsim", Owner::Rooms(&["mapping"])),
    ("toml", Owner::Rooms(&["mapping"])),
    ("toml_edit", Owner::Rooms(&["mapping"])),
    ("anyhow", Owner::Rooms(&["flow", "app", "sandbox", "cli"])),
    ("futures_util", Owner::Gateway),
    ("nix", Owner::Gateway),
    ("tokio", Owner::Gateway),
    ("tracing", Owner::Gateway),
    ("cara_record", Owner::Gateway),
    ("config", Owner::Rooms(&["config"])),
    ("prometheus_client", Owner::Rooms(&["metric"])),
    // The AEAD; the digest of a public key; the salted digest of a broker user's password.
    ("ring", Owner::Rooms(&["vault", "tls", "amqp"])),
    // The outsiders only name the cryptography that their HTTP client takes.
    ("rustls", Owner::Rooms(&["tls", "sandbox", "cli"])),
    ("x509_parser", Owner::Rooms(&["tls"])),
    ("rusqlite", Owner::Rooms(&["store"])),
    // Handshakes within the edge's own permits; the sandbox plays a force's endpoint.
    ("tokio_rustls", Owner::Rooms(&["tls", "http", "sandbox"])),
    ("lapin", Owner::Rooms(&["amqp", "sandbox"])),
    // lapin's own TLS would bring its own roots; the broker room hands it streams of the tls room.
    ("async_rs", Owner::Rooms(&["amqp"])),
    ("async_compat", Owner::Rooms(&["amqp"])),
    // The sandbox plays the forces' systems; commands are outsiders of our own socket.
    ("reqwest", Owner::Rooms(&["delivery", "sandbox", "cli"])),
    ("lettre", Owner::Rooms(&["delivery"])),
    // An endpoint's address is read once, with the settings that allow it.
    ("url", Owner::Rooms(&["config"])),
    ("actix_http", Owner::Rooms(&["http"])),
    ("actix_server", Owner::Rooms(&["http"])),
    ("actix_service", Owner::Rooms(&["http"])),
    ("actix_web", Owner::Rooms(&["http"])),
    ("governor", Owner::Rooms(&["http"])),
    ("tracing_subscriber", Owner::Rooms(&["app"])),
    ("rcgen", Owner::Rooms(&["sandbox"])),
    ("clap", Owner::Rooms(&["cli"])),
    // The root of the binary, which tidy counts to the commands.
    ("tikv_jemallocator", Owner::Rooms(&["cli"])),
];

/// Words of a room that walk on with the work: whoever holds one may name it.
pub const WALKING: &[(&str, &str)] =
    &[("store", "ForceCode"), ("store", "Lease"), ("store", "Settled")];

/// What the pure core never names: the world. A prefix of a path.
pub const IMPURE: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
    &["std", "io", "stderr"],
    &["std", "env"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["jiff", "Timestamp", "now"],
    &["jiff", "Zoned", "now"],
    &["uuid", "Uuid", "now_v7"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["Uuid", "now_v7"],
    &["Uuid", "new_v4"],
];

/// Macros that write somewhere.
pub const LOUD: &[&str] = &["print", "println", "eprint", "eprintln", "dbg", "include", "env"];

/// Says what is wrong with the use of `path` in `room`; `None`: nothing.
pub fn misuse(pure: bool, room: &str, path: &[String]) -> Option<String> {
    let first = path.first()?.as_str();
    let second = path.get(1).map(String::as_str);
    if pure && is_under_any(path, IMPURE) {
        return Some(format!("`{}` is of the world; cara-record is pure", path.join("::")));
    }
    let walks = |(room, word): &(&str, &str)| {
        first == "crate" && second == Some(*room) && path.get(2).is_some_and(|name| name == word)
    };
    if !pure && WALKING.iter().any(walks) {
        return None;
    }
    match first {
        "crate" => {
            second.and_then(|used| uses_room(if pure { RECORD } else { GATEWAY }, room, used))
        }
        "cara_gateway" => second.and_then(|used| uses_room(GATEWAY, room, used)),
        "cara_record" if !pure => second.and_then(|used| uses_room(RECORD, room, used)),
        library => uses_library(pure, room, library),
    }
}

fn is_under_any(path: &[String], prefixes: &[&[&str]]) -> bool {
    prefixes.iter().any(|prefix| {
        path.len() >= prefix.len() && path.iter().zip(*prefix).all(|(step, name)| step == name)
    })
}

fn uses_room(rooms: &[Room], room: &str, used: &str) -> Option<String> {
    let known = rooms.iter().any(|room| room.name == used);
    // The roots see everything: they only name the rooms.
    if !known || used == room || room.is_empty() {
        return None;
    }
    let own = RECORD.iter().chain(GATEWAY).find(|candidate| candidate.name == room);
    let allowed = own.is_some_and(|own| own.may_use.contains(&used));
    (!allowed).then(|| format!("room `{room}` may not use room `{used}`"))
}

fn uses_library(pure: bool, room: &str, library: &str) -> Option<String> {
    let (_, owner) = LIBRARIES.iter().find(|(name, _)| *name == library)?;
    match owner {
        Owner::Free => None,
        Owner::Gateway => pure.then(|| format!("cara-record is pure and may not use `{library}`")),
        Owner::Rooms(owners) if owners.contains(&room) => None,
        Owner::Rooms(owners) => {
            Some(format!("`{library}` belongs to {}; not to `{room}`", owners.join(", ")))
        }
    }
}
