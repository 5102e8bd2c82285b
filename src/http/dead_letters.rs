//! The broker's dead queues, for operators.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use cara_flow::{OrderRefusal, Unfinished};

/// What the operators' API asks of the broker.
pub trait DeadLetters: Send + Sync + 'static {
    /// Every dead queue with the number of messages in it.
    fn list(&self) -> BoxFuture<'_, Vec<DeadQueue>>;

    /// Puts all messages of a dead queue back with the same ids; answers how many.
    fn give_back(&self, queue: String) -> BoxFuture<'_, Result<u64, Unfinished<OrderRefusal>>>;
}

/// A dead queue. One message in it is an incident. None: its broker could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadQueue {
    pub queue: String,
    pub messages: Option<u64>,
}
