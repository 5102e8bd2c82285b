//! Typed settings: one file for each section, `sample.toml` shows them all.
