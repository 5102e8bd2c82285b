//! A case: what the provider reports and police decide about it, and who may look at it.

pub(crate) mod caused;
pub mod conclude;
pub mod consult;
pub(crate) mod decide;
