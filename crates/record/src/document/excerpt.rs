//! A body cut down to one of its records, so that a held record can be kept, and later translated
//! again, without the other people who came with it.

use std::borrow::Cow;
use std::ops::Range;

use super::{BYTE_ORDER_MARK, Format, NodeId, Tree};

/// The body with every other record cut out. It parses by the same format, and holds the kept
/// record and what stood around the records (header row, header lines, enclosing elements).
///
/// `tree` is what `text` was parsed to, `records` are all matches of the record path in document
/// order, `keep` is an index into them. A record that holds the kept one, or stands inside it, is
/// not cut.
///
/// The result is text and is read by [`super::parse`]; its bytes are UTF-8. An XML declaration
/// that says otherwise is left out.
pub fn excerpt<'t>(
    text: &'t str,
    format: &Format,
    tree: &Tree<'t>,
    records: &[NodeId],
    keep: usize,
) -> Cow<'t, str> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut cuts = Vec::with_capacity(records.len());
    if matches!(format, Format::Xml) {
        cuts.extend(foreign_declaration(text));
    }
    let kept = records.get(keep).copied();
    let others = records.iter().copied().filter(|record| {
        kept.is_none_or(|kept| !tree.is_within(kept, *record) && !tree.is_within(*record, kept))
    });
    match format {
        Format::Csv(options) if options.group.is_some() => {
            let rows = others.flat_map(|record| tree.children(record));
            cuts.extend(rows.map(|row| tree.span(row)));
            cuts.sort_unstable_by_key(|cut| cut.start);
        }
        Format::Json => {
            for record in others {
                cut_with_comma(text.as_bytes(), tree.span(record), &mut cuts);
            }
        }
        Format::Xml | Format::Csv(_) | Format::Fixed(_) => {
            cuts.extend(others.map(|record| tree.span(record)));
        }
    }
    if cuts.is_empty() && !text.starts_with(BYTE_ORDER_MARK) {
        return Cow::Borrowed(text);
    }
    let mut rest = String::new();
    let mut at = 0;
    for cut in cuts {
        // A record inside one that was cut already begins before its end.
        if cut.start > at {
            rest.push_str(&text[at..cut.start]);
        }
        at = at.max(cut.end);
    }
    rest.push_str(&text[at..]);
    // What comes first now is a text of the record: only a mark before it is left out.
    if rest.starts_with(BYTE_ORDER_MARK) {
        rest.insert(0, BYTE_ORDER_MARK);
    }
    Cow::Owned(rest)
}

/// An XML declaration that names another encoding than the text is kept in.
fn foreign_declaration(text: &str) -> Option<Range<usize>> {
    let end = text.strip_prefix("<?xml").and_then(|rest| rest.find("?>"))? + "<?xml?>".len();
    let declaration = text[..end].to_ascii_lowercase();
    (declaration.contains("encoding") && !declaration.contains("utf-8")).then_some(0..end)
}

/// Cuts an element or member with the comma behind it, or the one before it when it is the last
/// that is left. Spans come in rising order.
fn cut_with_comma(bytes: &[u8], span: Range<usize>, cuts: &mut Vec<Range<usize>>) {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let mut end = span.end;
    while bytes.get(end).is_some_and(|byte| is_space(*byte)) {
        end += 1;
    }
    if bytes.get(end) == Some(&b',') {
        cuts.push(span.start..end + 1);
        return;
    }
    let mut start = span.start;
    loop {
        if cuts.last().is_some_and(|cut| cut.end == start) {
            start = cuts.pop().map_or(start, |cut| cut.start);
        } else if start > 0 && is_space(bytes[start - 1]) {
            start -= 1;
        } else {
            break;
        }
    }
    if start > 0 && bytes[start - 1] == b',' {
        start -= 1;
    }
    cuts.push(start..span.end);
}
