//! Ports that nobody listens on.

use std::net::TcpListener;

use anyhow::Context as _;

/// So many different free ports on loopback. They are free now, not reserved: whoever takes one
/// says so in its own error.
pub fn free(count: usize) -> anyhow::Result<Vec<u16>> {
    let listeners = (0..count)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect::<Result<Vec<_>, _>>()
        .context("no port is free on loopback")?;
    let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}
