//! The broker's dead queues, for operators.

use cara_wire::operators::DeadQueue;
use futures_util::future::BoxFuture;

use cara_flow::{OrderRefusal, Unfinished};

/// What the operators' API asks of the broker.
pub trait DeadLetters: Send + Sync + 'static {
    /// Every dead queue with the number of messages in it.
    fn list(&self) -> BoxFuture<'_, Vec<DeadQueue>>;

    /// Puts all messages of a dead queue back with the same ids; answers how many.
    fn give_back(&self, queue: String) -> BoxFuture<'_, Result<u64, Unfinished<OrderRefusal>>>;
}
