//! What happens to the disk below the store: a small library, loaded before libc, answers for it.
//! It needs no right that an ordinary user lacks.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::place::Place;
use super::row::Fault;
use crate::world::TestGateway;

/// The store says so, and so does the probe that a balancer asks.
const REFUSES: &[&str] = &["incident store_refusing", "readyz store"];

/// What was written cannot be trusted after such a fault: the process may end by itself.
const ENDS: &[&str] = &["incident store_refusing", "readyz store", "exit"];

pub const FAULTS: &[Fault] = &[
    fault("disk_below_reserve", &["incident disk_low"], |place| set(place, "low")),
    fault("disk_full", REFUSES, |place| set(place, "full")),
    fault("disk_read_only", ENDS, |place| set(place, "read-only")),
    fault("disk_sync_fails", ENDS, |place| set(place, "broken")),
];

const fn fault(
    name: &'static str,
    told_by: &'static [&'static str],
    strike: super::row::Act,
) -> Fault {
    Fault { ready, ..Fault::of(name, told_by, strike, good) }
}

fn library() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fault/disk.c");
        let library = folder.join("libdisk.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        assert!(compiler.status().unwrap().success());
        library
    };
    MADE.get_or_init(make).clone()
}

fn ready(gateway: &mut TestGateway) {
    let control = gateway.folder.join("disk");
    std::fs::write(&control, "good").unwrap();
    gateway.environment.extend([
        ("LD_PRELOAD".to_owned(), library().display().to_string()),
        ("CARA_DISK".to_owned(), control.display().to_string()),
    ]);
}

fn good(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    set(place, "good")
}

fn set<'p>(place: &'p mut Place, state: &'static str) -> LocalBoxFuture<'p, ()> {
    async move { std::fs::write(place.gateway.folder.join("disk"), state).unwrap() }.boxed_local()
}
