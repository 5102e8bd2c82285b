//! The lines that fill fields, as they are written: what the checks of the whole file look at.

use std::ops::Range;

use crate::path::Path;
use crate::transform::Transform;
use cara_domain::FieldId;

/// One line that fills a field.
pub(super) struct WrittenLine {
    pub id: FieldId,
    /// Where its field stands.
    pub key: Range<usize>,
    /// Where its block's `from` stands, if it is in one.
    pub block_from: Option<Range<usize>>,
    /// Its own paths.
    pub from: Vec<Path>,
    /// Those of its block.
    pub inside: Vec<Path>,
    /// What it always says.
    pub constant: Option<String>,
    pub apply: Vec<(Transform, Range<usize>)>,
    /// A transform of it does not fit the field, which has been told.
    pub unfit: bool,
    /// Index into the plan's lookups.
    pub lookup: Option<usize>,
    /// It names a lookup, be it there or not.
    pub looked_up: bool,
    pub joined: bool,
    /// It or its block has a `when`.
    pub conditional: bool,
    /// Date formats of its own, with their places.
    pub dates: Vec<(String, Range<usize>)>,
}

/// A path of the file, for looking whether any example has it.
pub(super) struct PathPlace {
    pub path: Path,
    /// Of the quoted text that holds it.
    pub quoted: Range<usize>,
    /// Where in that text it begins.
    pub offset: usize,
    /// Bytes that the compiler put before what the file says.
    pub prefix: usize,
    /// Paths of the block that it stands in; empty at the record.
    pub inside: Vec<Path>,
    /// From the top of the body, not from a record.
    pub top: bool,
}
