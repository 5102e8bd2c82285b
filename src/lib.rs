//! Everything of the CARA gateway that touches the world. ARCHITECTURE.md draws the rooms; each
//! may use only the rooms above it.

pub mod clock;
pub mod config;
pub mod metric;
pub mod supervisor;
pub mod vault;
pub mod tls;
pub mod store;
pub mod amqp;
pub mod delivery;
pub mod flow;
pub mod worker;
pub mod http;
pub mod app;
pub mod sandbox;
pub mod cli;
