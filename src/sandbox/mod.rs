//! The outside world for newcomers: forces, a charity, a broker.

pub mod broker;
pub mod certificate;
pub mod port;
