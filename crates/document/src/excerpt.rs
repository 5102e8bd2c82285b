//! A body cut down to one of its records, so that a held record can be kept, and later translated
//! again, without the other people who came with it.

use std::borrow::Cow;
use std::ops::Range;

use super::{BYTE_ORDER_MARK, BodyFormat, NodeId, Tree, Written};

/// The body with every other record cut out. It parses by the same format, and holds the kept
/// record and what stood around the records (header row, header lines, enclosing elements).
///
/// `tree` is what `text` was parsed to, `records` are all matches of the record path in document
/// order, `keep` is an index into them. A record that holds the kept one, or stands inside it, is
/// not cut. A record inside an opened text is cut out of that text, which is then put back, escaped
/// as its carrier needs it; one of which nothing is left is put back empty.
///
/// The result is text and is read by [`super::parse`] and [`super::open`]; its bytes are UTF-8. An
/// XML declaration that says otherwise is left out.
pub fn excerpt<'t>(
    text: &'t str,
    format: &BodyFormat,
    tree: &Tree<'t>,
    records: &[NodeId],
    keep: usize,
) -> Cow<'t, str> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let kept = records.get(keep).copied();
    let others = records.iter().copied().filter(|record| {
        kept.is_none_or(|kept| !tree.is_within(kept, *record) && !tree.is_within(*record, kept))
    });
    // The body's own first, then those of each layer.
    let mut cut = vec![Vec::new(); tree.layers.len() + 1];
    for record in others {
        cut[tree.layer_of(record).map_or(0, |layer| layer + 1)].push(record);
    }
    let mut edits = vec![Vec::new(); cut.len()];
    if matches!(format, BodyFormat::Xml) {
        edits[0].extend(foreign_declaration(text).map(Edit::cut));
    }
    // A layer comes behind the one around it, so the innermost is done first.
    for layer in (0..tree.layers.len()).rev() {
        let own = std::mem::take(&mut edits[layer + 1]);
        put_back(tree, layer, &cut[layer + 1], own, &mut edits);
    }
    let mut own = std::mem::take(&mut edits[0]);
    match format {
        BodyFormat::Csv(options) if options.group.is_some() => {
            let rows = cut[0].iter().flat_map(|record| tree.children(*record));
            own.extend(rows.map(|row| Edit::cut(tree.span(row))));
        }
        _ => own.extend(cuts(tree, None, text, &cut[0])),
    }
    if own.is_empty() && !text.starts_with(BYTE_ORDER_MARK) {
        return Cow::Borrowed(text);
    }
    let mut rest = edited(text, own);
    // What comes first now is a text of the record: only a mark before it is left out.
    if rest.starts_with(BYTE_ORDER_MARK) {
        rest.insert(0, BYTE_ORDER_MARK);
    }
    Cow::Owned(rest)
}

/// A piece of a text, and what stands there instead.
#[derive(Clone)]
struct Edit {
    at: Range<usize>,
    instead: String,
}

impl Edit {
    fn cut(at: Range<usize>) -> Self {
        Edit { at, instead: String::new() }
    }
}

fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.at.start, std::cmp::Reverse(edit.at.end)));
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        // What stands inside something that was cut went with it.
        if edit.at.start < at {
            at = at.max(edit.at.end);
            continue;
        }
        rest.push_str(&text[at..edit.at.start]);
        rest.push_str(&edit.instead);
        at = edit.at.end;
    }
    rest.push_str(&text[at..]);
    // Many are kept at once, each far smaller than the body.
    rest.shrink_to_fit();
    rest
}

/// What cuts these records out of the text that holds them.
fn cuts(tree: &Tree<'_>, layer: Option<usize>, text: &str, records: &[NodeId]) -> Vec<Edit> {
    let spans = records.iter().map(|record| tree.span(*record));
    if tree.written_in(layer) != Written::Json {
        return spans.map(Edit::cut).collect();
    }
    let mut cuts = Vec::new();
    for span in spans {
        cut_with_comma(text.as_bytes(), span, &mut cuts);
    }
    cuts.into_iter().map(Edit::cut).collect()
}

/// Edits one opened text, and asks for the result to stand where it was carried.
fn put_back(
    tree: &Tree<'_>,
    layer: usize,
    records: &[NodeId],
    mut own: Vec<Edit>,
    edits: &mut [Vec<Edit>],
) {
    let text = tree.holding(Some(layer));
    own.extend(cuts(tree, Some(layer), text, records));
    if own.is_empty() {
        return;
    }
    let carrier = tree.layers[layer].carrier;
    let is_root =
        |record: &NodeId| tree.parent(*record).and_then(|it| tree.layer_of(it)) != Some(layer);
    let is_gone = tree.written_in(Some(layer)) == Written::Xml && records.iter().any(is_root);
    let left = if is_gone { String::new() } else { edited(text, own) };
    let outer = tree.layer_of(carrier);
    let around = tree.holding(outer);
    let escaped = escaped(&left, tree, carrier, around);
    let mut pieces = tree.own_text(carrier).into_iter();
    let into = &mut edits[outer.map_or(0, |outer| outer + 1)];
    into.extend(pieces.next().map(|at| Edit { at, instead: escaped }));
    into.extend(pieces.map(Edit::cut));
}

/// A text as the place of this node has to write it.
fn escaped(text: &str, tree: &Tree<'_>, carrier: NodeId, around: &str) -> String {
    let span = tree.span(carrier);
    match tree.written_in(tree.layer_of(carrier)) {
        Written::Xml => escaped_xml(text, tree.is_attribute(carrier)),
        Written::Json => serde_json::Value::from(text).to_string(),
        Written::Csv if around[..span.start].ends_with('"') => text.replace('"', "\"\""),
        Written::Csv => text.to_owned(),
        Written::Fixed => {
            // The columns behind it stay where they are.
            let width = around[span].chars().count();
            format!("{text:<width$}")
        }
    }
}

fn escaped_xml(text: &str, in_attribute: bool) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 4);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            '"' if in_attribute => escaped.push_str("&quot;"),
            '\'' if in_attribute => escaped.push_str("&apos;"),
            '\n' if in_attribute => escaped.push_str("&#10;"),
            '\t' if in_attribute => escaped.push_str("&#9;"),
            other => escaped.push(other),
        }
    }
    escaped
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
