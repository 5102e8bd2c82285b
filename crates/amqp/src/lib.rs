//! The only room that speaks AMQP: it declares what the design lists, publishes events with
//! confirms, and looks after the dead queues.
//!
//! Delivery is at least once. An event counts as sent when the broker acked it **and** did not
//! return it; whatever is in doubt is sent again under the same id.

mod channel;
pub mod consumer;
pub mod dead;
pub mod definitions;
mod dial;
mod link;
mod password;
mod publisher;
pub mod topology;
mod transport;
mod trim;
mod verdict;

use std::time::Duration;

use cara_clock::Backoff;

pub use consumer::Consumer;
pub use dial::Dialer;
pub use link::{EndCause, Ended, Link, LinkEvent};
pub use publisher::{Publisher, PublisherConnection};
pub use topology::Topology;
pub use verdict::Fate;

/// The logging target of the AMQP library, which writes whole returned messages, bodies included,
/// into its warnings. It must be off; [`Dialer::dial`] refuses to connect while it is not.
pub const LOG_DIRECTIVE: &str = "lapin=off";

/// Between two connections, up to ten seconds. It begins anew once a link has proved something: a
/// connection that was made and did nothing is no proof.
pub const BACKOFF: Backoff = Backoff::of(Duration::from_millis(200), Duration::from_millis(6_600));

/// Why the broker cannot be used. Never holds an address with a password or a message's content.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Time will mend it: every address was tried.
    #[error("no broker answers ({reasons}); it is tried again, and records are taken meanwhile")]
    Away { reasons: String },
    #[error("`broker.urls[{number}]` is no AMQP address; write amqps://host:port")]
    Address { number: usize },
    #[error("`broker.password` holds no line of text; write the password as its only line")]
    Password,
    #[error("`broker.ca` is not set, so no broker can be trusted; name the CA's PEM file")]
    NoCa,
    #[error(transparent)]
    Secret(#[from] cara_config::secret::Unusable),
    #[error(transparent)]
    Tls(#[from] cara_tls::Error),
    /// A person must decide; arguments of a queue never change.
    #[error(
        "{what} exists on the broker with other arguments than this gateway's ({said}). Stop what \
         uses it, move its messages and delete it; the gateway declares it again by itself"
    )]
    Mismatch { what: String, said: String },
    #[error("the broker refused {what}: {said}")]
    Refused { what: String, said: String },
    #[error(
        "the log filter lets `lapin` through, which would write personal data into the log; add \
         `{LOG_DIRECTIVE}` to it"
    )]
    LogsBodies,
    /// Time will mend it: the queue is declared again with the next connection.
    #[error("{queue} is not read any more: {why}")]
    Deaf { queue: String, why: &'static str },
    /// Time will mend it.
    #[error("the connection to the broker broke")]
    Broken(#[source] lapin::Error),
}

impl Error {
    /// Whether trying again can help without a person.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Away { .. } | Error::Broken(_) | Error::Deaf { .. })
    }
}
