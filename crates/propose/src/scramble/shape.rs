//! Bodies written again with other texts in the same shape.

use std::ops::Range;

use super::Swap;
use cara_document::{BodyFormat, NodeId, Tree};

/// The body with every text swapped. Nothing that is not an element, a member, a column or a line
/// is carried over: comments and declarations may hold anything.
pub(super) fn swapped(tree: &Tree<'_>, text: &str, format: &BodyFormat, swaps: &[Swap]) -> String {
    match format {
        BodyFormat::Xml => {
            let mut out = String::new();
            for child in tree.children(tree.root()) {
                element(tree, child, swaps, 0, &mut out);
            }
            out
        }
        BodyFormat::Json => in_place(text, swaps, |swap| {
            let at = value(text, tree.span(swap.node))?;
            let is_text = text[at.clone()].starts_with('"');
            let is_literal = matches!(&text[at.clone()], "true" | "false" | "null");
            match (is_text, is_literal) {
                (_, true) => None,
                (true, _) => Some((at, json_text(&swap.made))),
                (false, _) => Some((at, json_number(&swap.made))),
            }
        }),
        BodyFormat::Csv(_) => in_place(text, swaps, |swap| {
            let at = tree.span(swap.node);
            Some((at, swap.made.replace('"', "'")))
        }),
        BodyFormat::Fixed(_) => in_place(text, swaps, |swap| {
            let at = tree.span(swap.node);
            let width = text[at.clone()].chars().count();
            let left = text[at.clone()].chars().take_while(|c| c.is_whitespace()).count();
            let padded = format!("{}{}", " ".repeat(left), swap.made);
            let cut: String = padded.chars().take(width).collect();
            Some((at, format!("{cut:width$}")))
        }),
    }
}

/// Whether a node's value is a word of JSON itself.
pub(super) fn is_literal(tree: &Tree<'_>, text: &str, node: NodeId) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    value(text, tree.span(node)).is_some_and(|at| matches!(&text[at], "true" | "false" | "null"))
}

fn in_place(
    text: &str,
    swaps: &[Swap],
    place: impl Fn(&Swap) -> Option<(Range<usize>, String)>,
) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut places: Vec<(Range<usize>, String)> = swaps.iter().filter_map(place).collect();
    places.sort_by_key(|(at, _)| at.start);
    let mut out = String::with_capacity(text.len());
    let mut until = 0;
    for (at, made) in places {
        if at.start < until {
            continue;
        }
        out.push_str(&text[until..at.start]);
        out.push_str(&made);
        until = at.end;
    }
    out.push_str(&text[until..]);
    out
}

/// Where the value stands in a member, or in an array's element, which is its value.
fn value(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let member = text.get(span.clone())?;
    let start = match member.strip_prefix('"') {
        None => 0,
        Some(inner) => {
            let mut escaped = false;
            let end = inner.find(|c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })?;
            let behind = &inner[end + 1..];
            match behind.trim_start().strip_prefix(':') {
                Some(value) => member.len() - value.trim_start().len(),
                None => 0,
            }
        }
    };
    let end = span.start + member.trim_end().len();
    Some(span.start + start..end)
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A number stays one.
fn json_number(text: &str) -> String {
    let is_number = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if is_number { text.to_owned() } else { json_text(text) }
}

fn element(tree: &Tree<'_>, node: NodeId, swaps: &[Swap], depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let made = |node: NodeId| {
        let found = swaps.binary_search_by_key(&node, |swap| swap.node);
        found.map_or("", |index| swaps[index].made.as_str())
    };
    out.push_str(&indent);
    out.push('<');
    out.push_str(tree.name_text(node));
    for attribute in tree.attributes(node) {
        out.push_str(&format!(" {}=\"{}\"", tree.name_text(attribute), escaped(made(attribute))));
    }
    let has_children = tree.children(node).next().is_some();
    if !has_children && made(node).is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push('>');
    out.push_str(&escaped(made(node)));
    if has_children {
        out.push('\n');
        for child in tree.children(node) {
            element(tree, child, swaps, depth + 1, out);
        }
        out.push_str(&indent);
    }
    out.push_str(&format!("</{}>\n", tree.name_text(node)));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
