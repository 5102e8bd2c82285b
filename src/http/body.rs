//! Reading a body within bounds: bytes, bytes in flight, deadline, lowest rate.

use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Edge;
use super::activity::STALL;
use super::limit::Share;
use super::problem::{self, ProblemAnswer};
use super::standing::{Parked, Standing};
use cara_flow::ForceRefusal;

/// A body may stand still for so long in all before its rate counts.
const GRACE: Duration = Duration::from_secs(5);

/// A JSON body of the forces' API is never longer.
const JSON_BYTES_MAX: usize = 16 << 10;

/// A wait is counted in steps of so long.
const STEP: Duration = Duration::from_secs(1);

/// A body that is read whole, with its share of the bytes in flight.
#[derive(Debug)]
pub(in crate::http) struct Body {
    pub(in crate::http) bytes: Bytes,
    /// Held while the bytes are worked on.
    pub(in crate::http) share: Share,
}

/// Reads the body of a request, at most `bytes_max` of it.
pub(in crate::http) async fn read(
    edge: &Edge,
    request: &HttpRequest,
    payload: Payload,
    bytes_max: usize,
) -> Result<Body, ProblemAnswer> {
    let mut payload = payload;
    match read_within(edge, request, &mut payload, bytes_max).await {
        Ok(body) => Ok(body),
        Err(refused) => {
            // The rest is not read: the payload outlives the answer, so that the connection ends.
            Parked::keep(request, payload.into_inner());
            Err(refused.closing())
        }
    }
}

async fn read_within(
    edge: &Edge,
    request: &HttpRequest,
    payload: &mut Payload,
    bytes_max: usize,
) -> Result<Body, ProblemAnswer> {
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(ProblemAnswer::new(&problem::CONTENT_ENCODING, "Send the body as it is."));
    }
    let announced = announced(request)?;
    let mut share = share(edge, request);
    within(edge, announced, bytes_max, &mut share)?;
    let mut bytes = BytesMut::with_capacity(announced.min(bytes_max));
    let mut waited = Duration::ZERO;
    loop {
        let patience = patience(edge, bytes.len(), waited);
        if patience.is_zero() {
            return Err(too_slow());
        }
        let (step, began) = (patience.min(STEP), edge.clock.monotonic());
        let next = tokio::time::timeout(step, payload.next()).await;
        let took = edge.clock.monotonic().saturating_sub(began);
        // A wait that was overslept is a stall of the gateway's own, not the sender's slowness.
        if took < step + STALL {
            waited += if next.is_err() { step } else { took };
        }
        let chunk = match next {
            Err(_elapsed) => continue,
            Ok(None) => return Ok(Body { bytes: bytes.freeze(), share }),
            Ok(Some(Err(_))) => return Err(cut_off()),
            Ok(Some(Ok(chunk))) => chunk,
        };
        within(edge, bytes.len() + chunk.len(), bytes_max, &mut share)?;
        bytes.extend_from_slice(&chunk);
    }
}

/// What Content-Length says; 0 for a chunked body.
fn announced(request: &HttpRequest) -> Result<usize, ProblemAnswer> {
    let Some(header) = request.headers().get(CONTENT_LENGTH) else { return Ok(0) };
    let length = header.to_str().ok().and_then(|text| text.parse().ok());
    length.ok_or_else(|| ProblemAnswer::parameter("Content-Length"))
}

fn share(edge: &Edge, request: &HttpRequest) -> Share {
    let kept = request.extensions();
    let forces = kept.get::<Standing>().map_or(&[][..], |standing| &standing.identity.forces);
    edge.budget.share(forces)
}

fn within(
    edge: &Edge,
    bytes: usize,
    bytes_max: usize,
    share: &mut Share,
) -> Result<(), ProblemAnswer> {
    if bytes > bytes_max {
        let detail = format!("A body may hold {bytes_max} bytes. Send it in parts.");
        return Err(ProblemAnswer::new(&problem::TOO_LARGE, detail));
    }
    if !share.grow_to(bytes) {
        if let Some(force) = share.holder() {
            edge.refusals.count_force(force);
        }
        let detail = "Too many bodies are being read at once. Send all of it again.";
        return Err(ProblemAnswer::new(&problem::UNAVAILABLE, detail).retry_after(1));
    }
    Ok(())
}

/// How long the next byte may take, so that neither the deadline nor the lowest rate is missed.
fn patience(edge: &Edge, bytes_read: usize, elapsed: Duration) -> Duration {
    let api = &edge.settings.api;
    let rate = f64::from(api.body_rate_bytes_per_s_min);
    let by_rate = GRACE + Duration::from_secs_f64(bytes_read as f64 / rate);
    let deadline = Duration::from_secs(u64::from(api.body_deadline_s));
    by_rate.min(deadline).saturating_sub(elapsed)
}

fn too_slow() -> ProblemAnswer {
    ProblemAnswer::new(&problem::TOO_SLOW, "Send it again on a new connection.")
}

fn cut_off() -> ProblemAnswer {
    ProblemAnswer::new(
        &problem::UNREADABLE,
        "The body ended before its announced end. Send it again.",
    )
}

/// Reads a small JSON body of the API's own.
pub(in crate::http) async fn read_json<T: DeserializeOwned>(
    edge: &Edge,
    request: &HttpRequest,
    payload: Payload,
) -> Result<T, ProblemAnswer> {
    parse(&read(edge, request, payload, JSON_BYTES_MAX).await?.bytes)
}

pub(in crate::http) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProblemAnswer> {
    serde_json::from_slice(bytes).map_err(|_| ProblemAnswer::parameter("the JSON body"))
}

/// An id in an address. What is no id looks like one that is not there.
pub(in crate::http) fn id(text: &str) -> Result<Uuid, ProblemAnswer> {
    text.parse().map_err(|_| ForceRefusal::Absent.into())
}
