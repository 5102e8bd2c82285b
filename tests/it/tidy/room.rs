//! The rooms, who may use whom, and who owns which library (ARCHITECTURE.md, "Rooms").

/// A crate that reads no clock and no file, waits for nothing and writes no line.
pub const PURE: &[&str] = &["domain", "document", "mapping", "propose", "wire"];

/// A room of the gateway's own package with what it may use; the order of crates is Cargo's to keep.
pub struct Room {
    pub name: &'static str,
    pub may_use: &'static [&'static str],
}

const fn room(name: &'static str, may_use: &'static [&'static str]) -> Room {
    Room { name, may_use }
}

/// In order: a room is used only by rooms below it.
pub const GATEWAY: &[Room] = &[
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
            "store_sqlite",
            "amqp",
            "delivery",
            "flow",
            "worker",
            "http",
        ],
    ),
    // Of amqp only the definitions that a broker's operator loads.
    room(
        "cli",
        &["app", "amqp", "clock", "flow", "config", "domain", "mapping", "propose", "wire"],
    ),
];

/// Who may name a library in its code.
pub enum Owner {
    /// A word of the vocabulary: everybody.
    Free,
    /// Everybody but the pure crates.
    Impure,
    /// These rooms.
    Rooms(&'static [&'static str]),
}

/// Every library of all packages, tests' own left out. A library that is not here is a failure.
pub const LIBRARIES: &[(&str, Owner)] = &[
    ("bytes", Owner::Free),
    ("jiff", Owner::Free),
    ("serde", Owner::Free),
    ("serde_json", Owner::Free),
    ("thiserror", Owner::Free),
    ("uuid", Owner::Free),
    ("schemars", Owner::Rooms(&["domain", "wire", "http"])),
    ("encoding_rs", Owner::Rooms(&["document"])),
    ("quick_xml", Owner::Rooms(&["document"])),
    ("strsim", Owner::Rooms(&["mapping"])),
    ("toml", Owner::Rooms(&["mapping", "propose"])),
    ("toml_edit", Owner::Rooms(&["mapping"])),
    ("anyhow", Owner::Rooms(&["flow", "app", "sandbox", "cli", "bin"])),
    ("futures_util", Owner::Impure),
    ("nix", Owner::Impure),
    ("tokio", Owner::Impure),
    ("tracing", Owner::Impure),
    ("config", Owner::Rooms(&["config"])),
    // Hexadecimal and base64, wherever bytes are written as text.
    ("data_encoding", Owner::Rooms(&["config", "vault", "store", "store_sqlite", "amqp"])),
    ("prometheus_client", Owner::Rooms(&["metric"])),
    // The AEAD; the digest of a public key; the salted digest of a broker user's password.
    ("ring", Owner::Rooms(&["vault", "tls", "amqp"])),
    // The outsiders only name the cryptography that their HTTP client takes.
    ("rustls", Owner::Rooms(&["tls", "sandbox", "cli"])),
    ("x509_parser", Owner::Rooms(&["tls"])),
    ("rusqlite", Owner::Rooms(&["store_sqlite"])),
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
    ("clap", Owner::Rooms(&["cli", "bin"])),
    ("tikv_jemallocator", Owner::Rooms(&["bin"])),
    // The contract's tests, behind a feature.
    ("proptest", Owner::Rooms(&["store"])),
];

/// Words of a room that walk on with the work: whoever holds one may name it.
pub const WALKING: &[(&str, &str)] =
    &[("store", "ForceNumber"), ("store", "Lease"), ("store", "Settled")];

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
pub fn misuse(room: &str, path: &[String]) -> Option<String> {
    let first = path.first()?.as_str();
    let second = path.get(1).map(String::as_str);
    if PURE.contains(&room) && is_under_any(path, IMPURE) {
        return Some(format!("`{}` is of the world; `{room}` is pure", path.join("::")));
    }
    match (first, first.strip_prefix("cara_")) {
        ("crate" | "cara_gateway", _) => second.and_then(|used| uses_room(room, used)),
        (_, Some(used)) => match second.is_some_and(|word| WALKING.contains(&(used, word))) {
            true => None,
            false => uses_room(room, used),
        },
        (library, None) => uses_library(room, library),
    }
}

fn is_under_any(path: &[String], prefixes: &[&[&str]]) -> bool {
    prefixes.iter().any(|prefix| {
        path.len() >= prefix.len() && path.iter().zip(*prefix).all(|(step, name)| step == name)
    })
}

/// Only of the gateway's own rooms: what a crate may use stands in its manifest.
fn uses_room(room: &str, used: &str) -> Option<String> {
    let own = GATEWAY.iter().find(|candidate| candidate.name == room)?;
    let allowed = used == room || own.may_use.contains(&used);
    (!allowed).then(|| format!("room `{room}` may not use room `{used}`"))
}

/// Says what is wrong with `library` in `room`.
pub fn uses_library(room: &str, library: &str) -> Option<String> {
    let (_, owner) = LIBRARIES.iter().find(|(name, _)| *name == library)?;
    match owner {
        Owner::Free => None,
        Owner::Impure => {
            PURE.contains(&room).then(|| format!("`{room}` is pure and may not use `{library}`"))
        }
        Owner::Rooms(owners) if owners.contains(&room) => None,
        Owner::Rooms(owners) => {
            Some(format!("`{library}` belongs to {}; not to `{room}`", owners.join(", ")))
        }
    }
}
