//! Where in the record a value came from.

/// Where a value came from: an index into the source paths of the `Plan` that made the draft.
/// Paths are the mapping's own text, so an origin never holds a value of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin(pub u16);

impl Origin {
    /// A person put the value right; it stands nowhere in the record.
    pub const OPERATOR: Origin = Origin(u16::MAX);
}
