//! The loops: each looks, leases, works and settles.
