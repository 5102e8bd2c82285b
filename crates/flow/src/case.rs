//! A case: what the provider reports about it, and where it is.

pub mod conclude;
pub mod day;
pub mod referral;
