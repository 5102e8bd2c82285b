//! The mappings: which are live, how one goes live, and what it would do to what is kept.

pub mod activate;
mod difference;
pub mod follow;
pub mod golive;
pub mod replay;
mod retained;

use cara_wire::api;

use crate::{Caller, Gateway};
use cara_store::MappingRef;

/// The page behind an `M` code.
pub fn mapping_page(code: &str) -> Option<api::ProblemPage> {
    let it = cara_mapping::code::MappingCode::find(code)?.page();
    Some(api::ProblemPage::of(it.id, it.name, [it.means, it.cause, it.fix, it.avoid]))
}

/// The forces a caller stands for, with the mappings that read their records.
pub fn forces_of(gateway: &Gateway, caller: &Caller) -> Vec<api::ForceView> {
    let own = caller.forces.iter().map(|code| gateway.forces.of(*code));
    own.map(|force| api::ForceView {
        code: force.code.to_string(),
        slug: force.slug.clone(),
        mappings: gateway
            .live
            .of(force.code)
            .iter()
            .map(|live| mapping_view(&live.reference))
            .collect(),
    })
    .collect()
}

pub(crate) fn mapping_view(reference: &MappingRef) -> api::MappingView {
    api::MappingView {
        name: reference.name.clone(),
        version: reference.version,
        sha256: reference.sha256.clone(),
    }
}
