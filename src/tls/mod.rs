//! The rustls configurations, and who a certificate stands for.
