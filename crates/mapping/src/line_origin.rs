//! Where a line of an effective mapping comes from.

use std::fmt;
use std::sync::Arc;

/// Where one line of a mapping comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOrigin {
    /// The base, as diagnostics name it; absent when the line is the file's own.
    pub base: Option<Arc<str>>,
    /// 1-based.
    pub line: usize,
}

impl fmt::Display for LineOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            Some(base) => write!(f, "{base}:{}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}
