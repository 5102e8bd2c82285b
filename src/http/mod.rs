//! The API for forces, the operators' API, health.
