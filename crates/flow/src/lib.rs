//! The stories: what happens to a record, told once, whoever asks. Edges speak only to this room.

pub mod audit;
mod caller;
pub mod case;
pub mod clock;
mod context;
mod force;
pub mod hold;
pub mod mapping;
pub mod notice;
pub mod operate;
pub mod outbox;
pub mod probe;
pub mod record;
mod refusal;

pub use caller::{Caller, Operator, Role};
pub use context::Gateway;
pub use force::{Force, Forces, Provider};
pub use refusal::Refusal;
