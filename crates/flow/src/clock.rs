//! What falls due by the clock.

pub mod sweep;
