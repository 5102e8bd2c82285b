//! `[internal]`: health and metrics, for the operators' machines only.

use std::net::SocketAddr;

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InternalSettings {
    /// No client certificate is asked for here: keep it on loopback or an operators' network.
    pub listen: SocketAddr,
}
