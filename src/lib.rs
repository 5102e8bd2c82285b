//! The gateway itself: its edges and what puts them together. ARCHITECTURE.md draws the rooms; the
//! other rooms are the crates of this workspace.

pub mod worker;
pub mod http;
pub mod app;
pub mod cli;
