//! The pure core of the CARA gateway: a force's bytes become a plain tree (`document`), a mapping
//! file compiled into a `Plan` turns the tree into a draft (`mapping`), the rules of the domain
//! turn the draft into a referral or list everything wrong with it (`domain`), and `wire` says
//! what crosses the broker and the API.
//!
//! Nothing here is async, reads a file, reads the clock, makes an id or writes a log line.

pub mod document;
pub mod domain;
pub mod mapping;
pub mod wire;
