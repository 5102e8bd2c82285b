//! The stories: what happens to a record, told once, whoever asks. Edges speak only to this room.

pub mod audit;
mod caller;
pub mod case;
mod case_file;
pub mod clock;
mod context;
mod failure;
mod fault;
mod force;
pub mod hold;
pub mod incident;
mod live;
pub mod mapping;
pub mod notice;
pub mod outbox;
pub mod probe;
pub mod record;
mod write;

pub use caller::{Caller, Operator, Role};
pub use context::Gateway;
pub use failure::{
    Failure, ForceRefusal, OrderRefusal, RecordRefusal, Refusal, Unfinished, WrongState,
};
pub use force::{Force, Forces, Provider};
pub use live::{Live, LivePlan};
