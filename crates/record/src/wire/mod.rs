//! What crosses the broker and the API, and nothing else.

pub mod api;
