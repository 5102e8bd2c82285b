//! Columns of a fixed width.

use super::Compiler;
use super::table::Quoted;
use crate::code::MappingCode;
use cara_document::fixed;

/// A column of a line, or of rows that are opened.
pub(super) fn column(compiler: &mut Compiler<'_>, (text, span): &Quoted) -> Option<fixed::Column> {
    fixed::Column::parse(text).map_err(|error| phrase(compiler, error, span)).ok()
}

pub(super) fn phrase(
    compiler: &mut Compiler<'_>,
    error: fixed::PhraseError,
    span: &std::ops::Range<usize>,
) {
    let place = super::quoted::piece_of(compiler.text, span, error.at);
    compiler.report(MappingCode::LINE, place, error.reason);
}
