//! What a body may cost at most.

/// Bounds on one body, whatever its format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Elements, members or lines inside each other.
    pub depth_max: usize,
    /// Elements and attributes, members and items, or rows and cells.
    pub nodes_max: usize,
    /// Of the decoded text.
    pub text_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { depth_max: 64, nodes_max: 200_000, text_bytes_max: 16 * 1024 * 1024 }
    }
}
