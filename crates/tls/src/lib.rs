//! The rustls configurations, and who a certificate stands for.
//!
//! [`Trust`] holds the server's certificate, the CAs with their revocation lists, and the
//! identities of `gateway.toml`. It looks at their files again every two seconds; a file that cannot
//! be used is named and the last good one stays. A handshake proves that some trusted CA signed
//! the client's certificate; **every request** then asks [`Trust::check`], so that a revocation, a
//! lapse or a removed identity also ends connections that are open.
//!
//! A certificate stands for an identity by its public key, or by a name *under that identity's
//! own CA*: otherwise any trusted CA could mint another force.

mod authority;
mod client;
mod connector;
mod directory;
mod expiry;
mod file;
mod identity;
mod presented;
mod provider;
mod reload;
mod server;
mod snapshot;
mod trust;
mod watched;

#[cfg(test)]
mod tests;

pub use client::{Outgoing, outgoing, roots_pem};
pub use connector::Connector;
pub use expiry::Expiry;
pub use file::Error;
pub use identity::{Denied, Identity};
pub use presented::Presented;
pub use reload::watch;
pub use trust::Trust;
