//! The operators' API on a Unix socket: the operating system says who is at its other end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::{Extensions, Payload};
use actix_web::rt::net::UnixStream;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use jiff::Timestamp;
use nix::unistd::{Uid, User};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::internal::{self, Readiness};
use super::problem::{self, Refused};
use super::{Edge, answer, body};
use cara_flow::hold::{HoldLine, clear, list};
use cara_flow::operate::{self, Order};
use cara_flow::outbox::resend;
use cara_flow::{Operator, OrderRefusal, Role};

/// Body of every call that changes or uncovers something.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why; it stands in the audit chain.
    pub because: String,
}

/// Body of `POST /v1/dead/return`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveBack {
    /// `cara.intake.harbour.dead`
    pub queue: String,
}

/// Body of `POST /v1/resend`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resend {
    pub provider: String,
    pub since: Timestamp,
    /// Why; it stands in the audit chain.
    pub because: String,
}

/// Answer of `POST /v1/dead/return` and `POST /v1/resend`.
#[derive(Debug, Serialize, Deserialize)]
pub struct GivenBack {
    pub messages: u64,
}

/// Answer of `GET /v1/holds/{hold_id}` and `POST /v1/holds/{hold_id}/unmask`.
#[derive(Debug, Serialize, Deserialize)]
pub struct HoldShown {
    pub hold: HoldLine,
    /// The record as the force sent it; only when unmasked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<String>,
}

/// A mapping with all its examples fits.
const ORDER_BYTES_MAX: usize = 8 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    force: Option<String>,
    #[serde(default)]
    all: bool,
    after: Option<Uuid>,
}

#[derive(Debug, Serialize)]
struct Status {
    operator: String,
    #[serde(flatten)]
    readiness: Readiness,
    certificates: Vec<CertificateView>,
}

#[derive(Debug, Serialize)]
struct CertificateView {
    name: String,
    ends_at: String,
    days_left: i64,
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
enum Peer {
    Listed(Operator),
    NotListed,
    /// The operating system could not say.
    Unknown,
}

impl Peer {
    fn of(operators: &cara_config::OperatorSettings, user: std::io::Result<Option<User>>) -> Peer {
        match user {
            Ok(Some(user)) => listed(operators, &user.name).map_or(Peer::NotListed, Peer::Listed),
            Ok(None) => Peer::NotListed,
            Err(_) => Peer::Unknown,
        }
    }
}

/// Keeps the peer's operating-system user with a new connection.
pub(in crate::http) fn on_connect(
    operators: &cara_config::OperatorSettings,
    stream: &UnixStream,
    kept: &mut Extensions,
) {
    let uid = stream.peer_cred().map(|peer| Uid::from_raw(peer.uid()));
    let user = uid.and_then(|uid| User::from_uid(uid).map_err(Into::into));
    kept.insert(Peer::of(operators, user));
}

/// How many connections each user of the operating system has open on the socket.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Callers(Rc<RefCell<HashMap<u32, usize>>>);

/// Counts one connection of a user while it lives.
pub(in crate::http) struct Call {
    callers: Callers,
    user: u32,
}

impl Callers {
    /// Of one user; others always find room.
    const CALLS_MAX: usize = 16;

    /// An error closes the connection at once.
    pub(in crate::http) fn admit(&self, stream: &UnixStream) -> std::io::Result<()> {
        let open = self.0.borrow().get(&stream.peer_cred()?.uid()).copied().unwrap_or_default();
        if open >= Self::CALLS_MAX {
            tracing::warn!("http.operator_refused: the user has too many connections open");
            return Err(std::io::ErrorKind::ConnectionRefused.into());
        }
        Ok(())
    }

    pub(in crate::http) fn count(&self, stream: &UnixStream) -> Call {
        let user = stream.peer_cred().map_or(u32::MAX, |peer| peer.uid());
        *self.0.borrow_mut().entry(user).or_default() += 1;
        Call { callers: self.clone(), user }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut open = self.callers.0.borrow_mut();
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
        }
        open.retain(|_, count| *count > 0);
    }
}

fn listed(operators: &cara_config::OperatorSettings, name: &str) -> Option<Operator> {
    let user = operators.users.iter().find(|user| user.name == name)?;
    let role = match user.role {
        cara_config::OperatorRole::Look => Role::Look,
        cara_config::OperatorRole::Operate => Role::Operate,
        cara_config::OperatorRole::Administer => Role::Administer,
    };
    Some(Operator { name: user.name.clone(), role, victims: user.victims })
}

/// The operator who asks, as an argument of a handler.
struct By(Operator);

impl FromRequest for By {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.conn_data::<Peer>() {
            Some(Peer::Listed(operator)) => Ok(By(operator.clone())),
            Some(Peer::Unknown) => {
                tracing::error!("http.operator_unknown: the system does not say who the peer is");
                let detail = "The gateway's system could not say who you are: see whether file \
                              descriptors are left (`/readyz`), and try again.";
                Err(Refused::new(&problem::UNAVAILABLE, detail).retry_after(1).closing())
            }
            Some(Peer::NotListed) | None => {
                tracing::warn!("http.operator_refused: the socket's peer is not listed");
                let detail = "Its user is not under [[operators.user]] in gateway.toml.";
                Err(Refused::new(&problem::NOT_AN_OPERATOR, detail).closing())
            }
        })
    }
}

pub(in crate::http) fn configure(config: &mut ServiceConfig) {
    config
        .route("/v1/status", web::get().to(status))
        .route("/v1/holds", web::get().to(holds))
        .route("/v1/holds/{hold_id}", web::get().to(show))
        .route("/v1/holds/{hold_id}/unmask", web::post().to(unmask))
        .route("/v1/holds/{hold_id}/release", web::post().to(release))
        .route("/v1/holds/{hold_id}/return", web::post().to(return_hold))
        .route("/v1/dead", web::get().to(dead))
        .route("/v1/dead/return", web::post().to(dead_return))
        .route("/v1/resend", web::post().to(send_again))
        .route("/v1/orders", web::post().to(order))
        .default_service(web::route().to(absent));
}

async fn absent(_: By) -> Result<HttpResponse, Refused> {
    Err(Refused::new(&problem::ABSENT, "The operators' API has no such call."))
}

async fn status(edge: web::Data<Edge>, By(operator): By) -> Result<HttpResponse, Refused> {
    let now = edge.clock.now();
    let certificates = edge.trust.ends().into_iter().map(|end| CertificateView {
        days_left: end.days_left(now),
        ends_at: end.at.to_string(),
        name: end.name,
    });
    let certificates = certificates.collect();
    let readiness = internal::readiness(&edge);
    Ok(answer::ok(&Status { operator: operator.name, readiness, certificates }))
}

async fn holds(
    edge: web::Data<Edge>,
    By(operator): By,
    request: HttpRequest,
) -> Result<HttpResponse, Refused> {
    let listed = web::Query::<Listed>::from_query(request.query_string());
    let Listed { force, all, after } =
        listed.map_err(|_| Refused::parameter("the query"))?.into_inner();
    Ok(answer::ok(&list::holds(&edge.gateway, &operator, force, all, after).await?))
}

async fn show(
    edge: web::Data<Edge>,
    By(operator): By,
    hold: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let (hold, record) = list::hold_show(&edge.gateway, &operator, body::id(&hold)?, None).await?;
    Ok(answer::ok(&HoldShown { hold, record }))
}

async fn unmask(
    edge: web::Data<Edge>,
    By(operator): By,
    hold: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let why: Because = body::read_json(&edge, &request, payload).await?;
    let shown =
        list::hold_show(&edge.gateway, &operator, body::id(&hold)?, Some(why.because)).await?;
    Ok(answer::ok(&HoldShown { hold: shown.0, record: shown.1 }))
}

async fn release(
    edge: web::Data<Edge>,
    By(operator): By,
    hold: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let why: Because = body::read_json(&edge, &request, payload).await?;
    Ok(answer::ok(&clear::release(&edge.gateway, &operator, body::id(&hold)?, why.because).await?))
}

async fn return_hold(
    edge: web::Data<Edge>,
    By(operator): By,
    hold: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let why: Because = body::read_json(&edge, &request, payload).await?;
    clear::return_hold(&edge.gateway, &operator, body::id(&hold)?, why.because).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Looks at or orders what stands in [`Order`].
async fn order(
    edge: web::Data<Edge>,
    By(operator): By,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let order: Order = body::read_json_of(&edge, &request, payload, ORDER_BYTES_MAX).await?;
    Ok(answer::ok(&operate::order(&edge.gateway, &operator, order).await?))
}

async fn dead(edge: web::Data<Edge>, _: By) -> Result<HttpResponse, Refused> {
    Ok(answer::ok(&edge.dead_letters.list().await))
}

async fn dead_return(
    edge: web::Data<Edge>,
    By(operator): By,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let why: GiveBack = body::read_json(&edge, &request, payload).await?;
    if operator.role < Role::Operate {
        return Err(OrderRefusal::Forbidden.into());
    }
    let messages = edge.dead_letters.give_back(why.queue.clone()).await?;
    tracing::warn!(
        operator.name = %operator.name,
        queue = %why.queue,
        messages,
        "operator.dead_returned"
    );
    Ok(answer::ok(&GivenBack { messages }))
}

async fn send_again(
    edge: web::Data<Edge>,
    By(operator): By,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let Resend { provider, since, because } = body::read_json(&edge, &request, payload).await?;
    let messages = resend::resend(&edge.gateway, &operator, provider, since, because).await?;
    Ok(answer::ok(&GivenBack { messages }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listed_user_is_an_operator() {
        let user = |name: &str, role| cara_config::operators::User {
            name: name.to_owned(),
            role,
            victims: role == cara_config::OperatorRole::Operate,
        };
        let operators = cara_config::OperatorSettings {
            group: None,
            socket: "/run/x.sock".into(),
            users: vec![
                user("ann", cara_config::OperatorRole::Look),
                user("bo", cara_config::OperatorRole::Operate),
            ],
        };
        assert_eq!(
            listed(&operators, "bo").map(|it| (it.role, it.victims)),
            Some((Role::Operate, true))
        );
        assert_eq!(listed(&operators, "ann").map(|it| it.role), Some(Role::Look));
        assert_eq!(listed(&operators, "root"), None);
        assert_eq!(listed(&operators, ""), None);
        let of = |user| Peer::of(&operators, user);
        assert!(matches!(of(Ok(None)), Peer::NotListed));
        let none_left = std::io::Error::from_raw_os_error(nix::errno::Errno::EMFILE as i32);
        assert!(matches!(of(Err(none_left)), Peer::Unknown), "a fault of ours refuses nobody");
    }
}
