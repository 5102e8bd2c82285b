//! Who made a request, and what is kept with a connection.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::{Extensions, Payload};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use super::connection::Connection;
use super::problem::{self, ProblemAnswer};
use cara_flow::Caller;
use cara_metric::Metric;
use cara_tls::{Identity, Presented};

/// Who is calling, checked for this request.
#[derive(Clone, Debug)]
pub(in crate::http) struct Standing {
    pub(in crate::http) caller: Caller,
    pub(in crate::http) identity: Arc<Identity>,
    pub(in crate::http) certificate_ends_at: jiff::Timestamp,
}

impl Standing {
    pub(in crate::http) fn of(identity: Arc<Identity>, presented: &Presented) -> Self {
        let caller = Caller {
            identity: identity.name.clone(),
            forces: identity.forces.iter().copied().map(Into::into).collect(),
            test: identity.test,
            victims: identity.victims,
        };
        Standing { caller, identity, certificate_ends_at: presented.not_after() }
    }
}

impl FromRequest for Standing {
    type Error = ProblemAnswer;
    type Future = Ready<Result<Self, ProblemAnswer>>;

    /// The gate put it there; a route outside the gate has nobody standing before it.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let standing = request.extensions().get::<Standing>().cloned();
        ready(
            standing
                .ok_or_else(|| ProblemAnswer::new(&problem::CERTIFICATE, "Nobody was checked.")),
        )
    }
}

/// The body of a refused request. While it lives, the listener neither reads it to its end nor
/// keeps the connection: an endless body cannot hold it open.
#[derive(Default)]
pub(in crate::http) struct Parked(RefCell<Option<Payload>>);

impl Parked {
    pub(in crate::http) fn keep(request: &HttpRequest, payload: Payload) {
        if let Some(parked) = request.conn_data::<Parked>() {
            *parked.0.borrow_mut() = Some(payload);
        }
    }
}

/// Counts a connection while it is open.
struct Open(Metric);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

/// Keeps with a new connection of a force what its requests need.
pub(in crate::http) fn on_connect(metric: &Metric, connection: &Connection, kept: &mut Extensions) {
    metric.connection_opened();
    kept.insert(Open(metric.clone()));
    kept.insert(Parked::default());
    kept.insert(Arc::clone(connection.activity()));
    if let Some(presented) = &connection.presented {
        kept.insert(Arc::clone(presented));
    }
}
