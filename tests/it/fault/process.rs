//! What happens to the gateway's own process.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use nix::sys::signal::Signal;

use super::place::Place;
use super::row::Fault;

pub const FAULTS: &[Fault] = &[
    Fault::of(
        "kill_nine",
        &["livez"],
        |place| async { place.gateway.kill() }.boxed_local(),
        start_again,
    )
    .in_smoke(),
    Fault::of("stop", &["livez"], stop, start_again).in_smoke(),
    Fault::of(
        "paused",
        &["livez"],
        |place| async { place.signal(Signal::SIGSTOP) }.boxed_local(),
        |place| async { place.signal(Signal::SIGCONT) }.boxed_local(),
    )
    .in_smoke(),
    Fault::of(
        "descriptors_at_limit",
        &["incident descriptors_high", "readyz descriptors", "readyz listener", "exit", "livez"],
        few,
        many,
    ),
    // An allocation that fails ends the process; nothing else could be done with half an answer.
    Fault::of("memory_at_limit", &["exit"], no_memory, |_| async {}.boxed_local()),
];

fn start_again(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    place.start_again().boxed_local()
}

fn stop(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        let status = tokio::task::block_in_place(|| place.gateway.stop());
        assert!(status.success(), "an ordinary stop ended with {status}");
    }
    .boxed_local()
}

fn prlimit(place: &Place, limit: &str) {
    let mut command = std::process::Command::new("prlimit");
    command.args(["--pid", &place.gateway.pid().to_string(), limit]);
    assert!(command.status().unwrap().success());
}

/// No file or connection more than there are now.
fn few(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        let open = std::fs::read_dir(format!("/proc/{}/fd", place.gateway.pid())).unwrap();
        prlimit(place, &format!("--nofile={}:", open.count()));
    }
    .boxed_local()
}

fn many(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        if place.gateway.has_ended().is_none() {
            prlimit(place, "--nofile=1024:");
        }
    }
    .boxed_local()
}

/// As much memory as there is now; bodies of a megabyte ask for more.
fn no_memory(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        let status = std::fs::read_to_string(format!("/proc/{}/statm", place.gateway.pid()));
        let pages: u64 = status.unwrap().split(' ').next().unwrap().parse().unwrap();
        prlimit(place, &format!("--as={}", pages * 4096));
        let started = std::time::Instant::now();
        while place.gateway.has_ended().is_none() && started.elapsed().as_secs() < 30 {
            let force = place.gateway.force("hampshire");
            let body = format!("<OccurrenceExport>{}", "<a/>".repeat(250_000));
            let _refused = force.send("application/xml", body, "", &[]).await;
        }
    }
    .boxed_local()
}
