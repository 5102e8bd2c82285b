//! Who may die: one rule for every loop, listener and thread.
//!
//! A panic ends the process, with the name of the loop or thread that it met and a non-zero code,
//! unless the work is [`contain`]ed: then that work alone fails, is counted, and everything else goes
//! on. A loop that ends before a stop was told ends the process too. A process that ends so has a
//! bounded time for what it promised.
//!
//! A panic's text may hold a value of a record; only its place, and a text that stands in the source,
//! are logged.

mod hook;
mod limit;
mod point;
mod tasks;

pub use hook::{Panicked, contain, contain_now, die, end_in_time, install};
pub use limit::{
    Descriptors, TooFew, disk_free_bytes, ensure_descriptors, is_memory_high, is_out_of_descriptors,
};
pub use point::{hang, point};
pub use tasks::Tasks;
