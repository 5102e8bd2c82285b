//! One record of a body alone, as the force wrote it: what is kept of a record, so that it can be
//! translated again.

use std::borrow::Cow;
use std::ops::Range;

use super::{Format, NodeId, Tree};

/// The body with every other record cut out, still parseable, with everything around the records
/// as it was. `keep` is the index of the record among `records`.
pub fn excerpt<'t>(
    text: &'t str,
    format: &Format,
    tree: &Tree<'t>,
    records: &[NodeId],
    keep: usize,
) -> Cow<'t, str> {
    if records.len() <= 1 {
        return Cow::Borrowed(text);
    }
    let others = records.iter().enumerate().filter(|(index, _)| *index != keep);
    let mut cuts: Vec<Range<usize>> =
        others.flat_map(|(_, record)| spans(format, tree, *record)).collect();
    cuts.sort_unstable_by_key(|cut| cut.start);
    let instead = match format {
        // Null is nothing, so the commas around it may stay.
        Format::Json => "null",
        _ => "",
    };
    let mut kept = String::new();
    let mut from = 0;
    for cut in cuts {
        kept.push_str(&text[from..cut.start.max(from)]);
        kept.push_str(instead);
        from = cut.end.max(from);
    }
    kept.push_str(&text[from..]);
    Cow::Owned(kept)
}

/// What a record takes up: its rows one by one where they need not stand together.
fn spans(format: &Format, tree: &Tree<'_>, record: NodeId) -> Vec<Range<usize>> {
    match format {
        Format::Csv(options) if options.group.is_some() => {
            tree.children(record).map(|row| tree.span(row)).collect()
        }
        _ => vec![tree.span(record)],
    }
}
