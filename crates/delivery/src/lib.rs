//! One letter to one force endpoint, and mail. Knows nothing of cases, leases or the store.
//!
//! [`Push`] carries a [`Parcel`] to an [`Endpoint`], which only the force's own list in
//! `gateway.toml` can make, and says in an [`Answer`] who must act next. [`Mailer`] writes to a
//! person. Both are at least once: ids stay the same over all attempts.
//!
//! *Invariant:* no body, no header's value, no mail address and nothing that the other side said
//! stands in a log line or an error.

mod answer;
mod endpoint;
mod mail;
mod parcel;
mod push;

pub use answer::Answer;
pub use endpoint::{Endpoint, NotAllowed};
pub use mail::{Lasting, Mailer, Undelivered, words};
pub use parcel::Parcel;
pub use push::Push;

use cara_config::secret::Unusable;

/// Why nothing can be delivered with these settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Tls(#[from] cara_tls::Error),
    #[error(transparent)]
    Secret(#[from] Unusable),
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    #[error("the way to the mail server cannot be set up; check `mail.ca` and `mail.server`")]
    Mail(#[source] lettre::transport::smtp::Error),
    #[error("`{setting}` cannot be used")]
    Setting { setting: &'static str },
}
