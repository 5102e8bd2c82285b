//! The outside world for newcomers: forces, a charity, a broker.
