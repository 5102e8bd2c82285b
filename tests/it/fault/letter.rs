//! What happens at a force's endpoint.

use futures_util::FutureExt as _;

use super::outside::Mood;
use super::place::Place;
use super::row::Fault;

const FAILING: &[&str] = &["incident endpoint_failing"];

pub const FAULTS: &[Fault] = &[
    Fault::of("endpoint_down", FAILING, |place| place.endpoint(Mood::Down).boxed_local(), good),
    Fault::of(
        "endpoint_failing",
        FAILING,
        |place| place.endpoint(Mood::Failing).boxed_local(),
        good,
    ),
    Fault::of("endpoint_slow", FAILING, |place| place.endpoint(Mood::Slow).boxed_local(), good),
    Fault::of(
        "letter_refused",
        &["incident letter_refused"],
        |place| place.endpoint(Mood::RefusesOne).boxed_local(),
        good,
    ),
];

fn good(place: &mut Place) -> futures_util::future::LocalBoxFuture<'_, ()> {
    place.endpoint(Mood::Good).boxed_local()
}
