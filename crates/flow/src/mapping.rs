//! The mappings: which are live, how one goes live, and what it would do to what is kept.

pub mod activate;
mod difference;
pub mod follow;
pub mod golive;
mod kept;
pub(crate) mod live;
pub mod replay;

pub use live::{Live, LivePlan};

use cara_wire::api;

/// The page behind an `M` code.
pub fn mapping_page(code: &str) -> Option<api::ProblemPage> {
    let it = cara_mapping::code::MappingCode::find(code)?.page();
    Some(api::ProblemPage::of(it.id, it.name, [it.means, it.cause, it.fix, it.avoid]))
}
