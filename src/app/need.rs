//! What a gateway with these settings needs of the machine.

use crate::worker;
use cara_config::Settings;

/// Of each worker thread: its poll, its wakers, the listener.
const WORKER: usize = 8;
/// Connections to the internal listener and to the operators' socket.
const INSIDERS: usize = 2 * 64;
/// The store's file, its log, its shared memory, for each connection; the locks beside it.
const STORE: usize = 16;
/// Connections to brokers of each provider: one for each direction, one that an operator needs.
const PROVIDER: usize = 4;
/// Standard streams, the runtime, files that are read again, what nobody thought of.
const RESERVE: usize = 64;

/// File descriptors, all at once in the worst moment.
pub(in crate::app) fn descriptors(settings: &Settings) -> u64 {
    let endpoints = settings.forces.iter().filter(|it| !it.delivery_endpoints.is_empty()).count();
    let broker = if settings.broker.publish { settings.providers.len() * PROVIDER } else { 0 };
    let mail = settings.mail.iter().count() * 2;
    let needed = settings.api.connections_max
        + settings.api.workers * WORKER
        + INSIDERS
        + STORE
        + broker
        + endpoints * worker::LETTERS_AT_ONCE
        + mail
        + RESERVE;
    needed as u64
}
