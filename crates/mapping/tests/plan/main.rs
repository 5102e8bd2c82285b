//! A mapping from its text to what it does: diagnostics, translation, the tests inside it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod damage;
mod diagnostics;
mod layer;
#[path = "../shared/mistakes.rs"]
mod mistakes;
#[path = "../shared/slips.rs"]
mod slips;
mod source;
#[path = "../shared/told.rs"]
mod told;
mod translation;
mod trial;

use cara_mapping::{Compiled, Plan, compile};

/// A small mapping that has no mistake, and its example.
const BASE: &str = include_str!("base.toml");
const FULL: &str = include_str!("full.xml");

/// Compiles a mapping whose folder holds `full.xml`.
fn compiled(text: &str) -> Compiled<Plan> {
    compile("referral.toml", text, &|name| (name == "full.xml").then(|| FULL.into()))
}
