//! What happens to the machine's clock, by libfaketime: the process sees another time of day, and its
//! timers go on as they were.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::outside::Mood;
use super::place::Place;
use super::row::{Act, Fault, TOLD_MAX};
use crate::world::TestGateway;

const JUMPED: &[&str] = &["incident clock_jumped"];
const WAITS: &[&str] = &["incident mail_not_leaving"];

pub const FAULTS: &[Fault] = &[
    fault("clock_forward", JUMPED, |place| set(place, "+3d"), set_right),
    fault("clock_back", JUMPED, |place| set(place, "-3h"), set_right),
    fault("mail_down", WAITS, |place| mail(place, Mood::Down), mail_again),
    fault("mail_refusing", WAITS, |place| mail(place, Mood::Failing), mail_again),
];

const fn fault(
    name: &'static str,
    told_by: &'static [&'static str],
    strike: Act,
    mend: Act,
) -> Fault {
    Fault { ready, ..Fault::of(name, told_by, strike, mend) }
}

fn ready(gateway: &mut TestGateway) {
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    let library = |place: &&str| Path::new(place).join("faketime/libfaketimeMT.so.1");
    let library = places.iter().map(library).find(|library| library.exists());
    let library = library.expect("is faketime installed? scripts/install");
    let control = gateway.folder.join("clock");
    std::fs::write(&control, "+0").unwrap();
    gateway.environment.extend(
        [
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", control.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
}

fn set<'p>(place: &'p mut Place, offset: &str) -> LocalBoxFuture<'p, ()> {
    let offset = offset.to_owned();
    async move {
        // Never seen half written.
        let (file, next) = ("clock", "clock.next");
        std::fs::write(place.gateway.folder.join(next), offset).unwrap();
        std::fs::rename(place.gateway.folder.join(next), place.gateway.folder.join(file)).unwrap();
    }
    .boxed_local()
}

fn set_right(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        set(place, "+0").await;
        place.order(&["clock", "accept", "--because", "the machine's clock was set right"]).await;
    }
    .boxed_local()
}

/// A mail begins to wait because of an incident, and twenty minutes pass. The clock stays there: one
/// that went back would be another fault.
fn mail(place: &mut Place, mood: Mood) -> LocalBoxFuture<'_, ()> {
    async move {
        place.postbox.be(mood).await;
        place.endpoint(Mood::Failing).await;
        let _opened = place.told(&["incident endpoint_failing"], &BTreeSet::new(), TOLD_MAX).await;
        let before = std::fs::read_to_string(place.gateway.folder.join("clock")).unwrap();
        let digits = before.trim_matches(|c: char| !c.is_ascii_digit());
        let minutes = digits.parse::<u32>().unwrap() + 20;
        set(place, &format!("+{minutes}m")).await;
    }
    .boxed_local()
}

fn mail_again(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        place.endpoint(Mood::Good).await;
        place.postbox.be(Mood::Good).await;
    }
    .boxed_local()
}
