//! Who is at the other end of the operators' socket: the operating system says it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::net::UnixStream;
use actix_web::{Error, HttpMessage as _};
use nix::unistd::{Uid, User};

use crate::http::problem::{self, ProblemAnswer};
use cara_flow::{Operator, Role};

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

/// Lets a request through whose peer is listed; the handlers find the operator with it.
pub(in crate::http) async fn admit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let refused = match request.conn_data::<Peer>() {
        Some(Peer::Listed(operator)) => {
            let operator = operator.clone();
            request.extensions_mut().insert(operator);
            return next.call(request).await;
        }
        Some(Peer::Unknown) => {
            tracing::error!("http.operator_unknown: the system does not say who the peer is");
            let detail = "The gateway's system could not say who you are: see whether file \
                          descriptors are left (`/readyz`), and try again.";
            ProblemAnswer::new(&problem::UNAVAILABLE, detail).retry_after(1)
        }
        Some(Peer::NotListed) | None => {
            tracing::warn!("http.operator_refused: the socket's peer is not listed");
            let detail = "Its user is not under [[operators.user]] in gateway.toml.";
            ProblemAnswer::new(&problem::NOT_AN_OPERATOR, detail)
        }
    };
    Err(refused.closing().into())
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
