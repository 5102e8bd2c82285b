//! What every request of a force passes: certificate, rate, one log line.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError as _, web};

use super::Edge;
use super::activity::Activity;
use super::problem::{self, Counted, ProblemAnswer};
use super::standing::{Parked, Standing};
use cara_supervisor::Panicked;
use cara_tls::Presented;

/// Lets a request through if its certificate stands for an identity *now* and its force is within
/// its rate.
pub(in crate::http) async fn gate<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let edge = edge(&request);
    let started = edge.clock.monotonic();
    let _answering = request.conn_data::<Arc<Activity>>().map(Answering::of);
    let standing = admit(&edge, &request);
    let identity = standing.as_ref().ok().map(|standing| Arc::clone(&standing.identity));
    let response = match standing {
        Ok(standing) => {
            request.extensions_mut().insert(standing);
            contained(&edge, request, next).await?.map_into_boxed_body()
        }
        Err(refused) => {
            let payload = request.take_payload();
            Parked::keep(request.request(), payload);
            request.into_response(refused.error_response())
        }
    };
    let code = response.response().extensions().get::<Counted>().map(|counted| counted.0);
    if let Some(code) = code {
        edge.metric.refusal(code);
    }
    edge.answered.fetch_add(1, Ordering::Relaxed);
    let took = edge.clock.monotonic() - started;
    tracing::info!(
        http.method = %response.request().method(),
        http.route = response.request().match_pattern().as_deref().unwrap_or("none"),
        http.status = response.status().as_u16(),
        problem.code = code.unwrap_or(""),
        identity.name = identity.as_ref().map_or("", |identity| identity.name.as_str()),
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "http.request"
    );
    Ok(response)
}

/// A panic in one request is answered as a fault of ours; every other request goes on.
async fn contained<B: MessageBody + 'static>(
    edge: &Edge,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let answering = async {
        cara_supervisor::point(request.path());
        next.call(request).await
    };
    cara_supervisor::contain(answering).await.unwrap_or_else(|Panicked| {
        edge.metric.refusal(problem::INTERNAL.id);
        Err(ProblemAnswer::internal().into())
    })
}

/// The same for listeners that only let insiders in.
pub(in crate::http) async fn contain<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let edge = edge(&request);
    Ok(contained(&edge, request, next).await?.map_into_boxed_body())
}

fn edge(request: &ServiceRequest) -> Arc<Edge> {
    match request.app_data::<web::Data<Edge>>() {
        Some(edge) => Arc::clone(edge),
        None => unreachable!("every listener carries the edge"),
    }
}

/// The connection is busy while this lives.
struct Answering(Arc<Activity>);

impl Answering {
    fn of(activity: &Arc<Activity>) -> Self {
        activity.begin();
        Answering(Arc::clone(activity))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn admit(edge: &Edge, request: &ServiceRequest) -> Result<Standing, ProblemAnswer> {
    let presented = request.conn_data::<Arc<Presented>>().ok_or_else(unknown)?;
    let identity = edge.trust.check(presented).map_err(|denied| {
        tracing::warn!(
            cause = %denied,
            certificate.fingerprint = %presented.fingerprint(),
            "http.certificate_refused"
        );
        unknown()
    })?;
    let rates = edge.rates_of(&identity);
    edge.rates.count(rates.iter().copied()).map_err(|seconds| {
        rates.iter().for_each(|(force, _)| edge.refusals.count_force(*force));
        let per_s_max = rates.iter().map(|(_, per_s_max)| *per_s_max).fold(0, u32::saturating_add);
        let detail = format!("At most {per_s_max} requests in a second. Wait {seconds} s.");
        ProblemAnswer::new(&problem::TOO_MANY, detail).retry_after(seconds)
    })?;
    Ok(Standing::of(identity, presented))
}

/// One answer for every certificate that is not served; the log says which it was.
fn unknown() -> ProblemAnswer {
    let detail = "Send the fingerprint of its public key to the gateway's operators.";
    ProblemAnswer::new(&problem::CERTIFICATE, detail).closing()
}
