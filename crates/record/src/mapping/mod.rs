//! A force's mapping file, compiled once into a `Plan`, and what the plan does to a record.

pub mod condition;
pub mod date;
pub mod fault;
pub mod path;
pub mod transform;
