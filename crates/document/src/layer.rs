//! What a text carries inside, escaped: opened, and put into the tree below the node that carries
//! it, so that paths go on from there as if it had never been wrapped.
//!
//! - The node keeps its text; what was opened are its first children. An attribute has no
//!   children, so an element `@name` stands for it among the children of its element.
//! - The text of a node is decoded once by the reader that found it and read as it is here, so
//!   each layer is decoded exactly once.
//! - Positions of an opened text are moved into the body or the buffer of made texts where it
//!   stands, so nothing is copied but what its own escapes make.

use std::sync::OnceLock;

use super::name::NameTable;
use super::node::{Layer, Node, NodeId, Piece};
use super::tree::{Before, Builder, Tree};
use super::{BYTE_ORDER_MARK, Error, ErrorKind, Fail, Limits, Written, fixed, json, xml};

/// How a carried text is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    Xml,
    Json,
    /// Rows of these columns; see [`fixed`].
    Fixed(Vec<fixed::Column>),
}

/// What is opened, and what errors call it.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The mapping's own word for what carries the text, never a word of the body.
    pub label: &'a str,
    pub inside: &'a Inside,
}

/// A text that was read and is not yet in the tree.
struct Opened {
    carrier: NodeId,
    /// The node before which the new ones go.
    before: u32,
    /// An element stands for the carrier, which is an attribute and ends here in the text that
    /// holds it.
    stands_for: Option<u32>,
    /// The root first, which the tree does not get.
    nodes: Vec<Node>,
    made: String,
    text: Piece,
    /// Bytes of the text before the document.
    start: usize,
}

impl Opened {
    /// How many nodes the tree gets.
    fn node_count(&self) -> u32 {
        self.nodes.len() as u32 - 1 + u32::from(self.stands_for.is_some())
    }
}

/// Opens the texts of these nodes, which come in document order. One that is blank, or was opened
/// before, is left as it is. What is inside counts against the limits together with the body.
pub fn open(
    tree: &mut Tree<'_>,
    carriers: &[NodeId],
    opening: Opening<'_>,
    names: &NameTable,
    limits: &Limits,
) -> Result<(), Error> {
    let mut before: Vec<NodeId> = tree.layers.iter().map(|layer| layer.carrier).collect();
    before.sort_unstable();
    let texts = tree.layers.iter().map(|layer| layer.text.len as usize);
    let mut bytes = tree.source.len() + texts.sum::<usize>();
    let mut nodes = tree.len() - 1;
    let mut all = Vec::with_capacity(carriers.len());
    for carrier in carriers.iter().copied() {
        if tree.peek(carrier).is_empty() || before.binary_search(&carrier).is_ok() {
            continue;
        }
        bytes += tree.node(carrier).text.len as usize;
        if bytes > limits.text_bytes_max.min(1 << 30) {
            let reason = "the body is larger than the limit with what it carries";
            let fail = Fail::limit(0, "bytes", reason);
            return Err(inside(tree, carrier, opening.label, "", fail));
        }
        let opened = read(tree, carrier, opening, (names, limits), nodes)?;
        nodes += opened.node_count() as usize;
        all.push(opened);
    }
    if !all.is_empty() {
        splice(tree, all, opening.inside.written(), names);
    }
    Ok(())
}

fn read(
    tree: &Tree<'_>,
    carrier: NodeId,
    opening: Opening<'_>,
    (names, limits): (&NameTable, &Limits),
    nodes: usize,
) -> Result<Opened, Error> {
    let is_attribute = tree.is_attribute(carrier);
    let element = if is_attribute { tree.parent(carrier).unwrap_or(carrier) } else { carrier };
    let piece = tree.node(carrier).text;
    let whole = tree.read(piece);
    let start = opening.inside.start(whole);
    let depth = tree.depth(carrier) + usize::from(is_attribute);
    let before = Before { nodes: nodes + usize::from(is_attribute), depth };
    let builder = Builder::new(&whole[start..], names, limits, before);
    let built = match opening.inside {
        Inside::Xml => xml::read(builder),
        Inside::Json => json::read(builder),
        Inside::Fixed(columns) => fixed::rows(builder, columns),
    };
    let built = built.map_err(|mut fail| {
        fail.offset += start;
        inside(tree, carrier, opening.label, whole, fail)
    })?;
    Ok(Opened {
        carrier,
        before: element.0 + 1 + u32::from(tree.node(element).attribute_count),
        stands_for: is_attribute.then(|| {
            let value = tree.own_text(carrier);
            value.last().map_or(0, |value| value.end as u32 + 1)
        }),
        nodes: built.nodes,
        made: built.made,
        text: piece,
        start,
    })
}

/// A fail inside an opened text: its line there, and the carrier's line in the body.
fn inside(tree: &Tree<'_>, carrier: NodeId, label: &str, text: &str, fail: Fail) -> Error {
    let error = fail.placed(text);
    let line = match (error.kind, error.line) {
        (ErrorKind::Limit("bytes"), _) | (_, None) => String::new(),
        (_, Some(line)) => format!(", line {line}"),
    };
    Error {
        kind: error.kind,
        reason: format!("inside {label}{line}: {}", error.reason),
        line: Some(tree.line(carrier)),
        column: None,
    }
}

impl Inside {
    fn written(&self) -> Written {
        match self {
            Inside::Xml => Written::Xml,
            Inside::Json => Written::Json,
            Inside::Fixed(_) => Written::Fixed,
        }
    }

    /// The byte at which the document begins: behind blanks, a byte order mark, and comments that
    /// somebody put before the XML declaration.
    fn start(&self, text: &str) -> usize {
        let blank = |c: char| c == BYTE_ORDER_MARK || matches!(c, ' ' | '\t' | '\r' | '\n');
        let document = text.trim_start_matches(blank);
        match self {
            Inside::Fixed(_) => return 0,
            Inside::Json => return text.len() - document.len(),
            Inside::Xml => {}
        }
        let mut rest = document;
        while let Some(comment) = rest.strip_prefix("<!--") {
            let Some((inside, behind)) = comment.split_once("-->") else { break };
            if inside.contains("--") {
                break;
            }
            rest = behind.trim_start_matches(blank);
        }
        let declared = rest.starts_with("<?xml") && !rest.starts_with("<?xml-");
        text.len() - if declared { rest.len() } else { document.len() }
    }
}

/// Where nodes were put in: before which, and how many up to there.
struct Shifts(Vec<(u32, u32)>);

impl Shifts {
    /// How far this node, or this end of a subtree, is moved.
    fn of(&self, id: u32) -> u32 {
        let behind = self.0.partition_point(|(before, _)| *before <= id);
        behind.checked_sub(1).map_or(0, |last| self.0[last].1)
    }
}

/// Puts what was read into the arena: every node behind its carrier's attributes.
fn splice(tree: &mut Tree<'_>, mut all: Vec<Opened>, written: Written, names: &NameTable) {
    // What attributes carry comes before what their element carries.
    all.sort_by_key(|opened| (opened.before, opened.stands_for.is_none(), opened.carrier));
    let mut total = 0;
    let shifts = Shifts(
        all.iter()
            .map(|opened| {
                total += opened.node_count();
                (opened.before, total)
            })
            .collect(),
    );
    for layer in &mut tree.layers {
        layer.carrier.0 += shifts.of(layer.carrier.0);
        layer.first += shifts.of(layer.first);
        layer.end += shifts.of(layer.end);
    }
    let old = std::mem::take(&mut tree.nodes);
    tree.nodes.reserve(old.len() + total as usize);
    let mut all = all.into_iter().peekable();
    for (id, mut node) in old.into_iter().enumerate() {
        let id = id as u32;
        while let Some(opened) = all.next_if(|opened| opened.before <= id) {
            put(tree, opened, &shifts, written, names);
        }
        node.parent += shifts.of(node.parent);
        // What stands behind the last attribute is not inside it.
        node.end = if node.is_attribute {
            tree.nodes.len() as u32 + 1
        } else {
            node.end + shifts.of(node.end)
        };
        tree.nodes.push(node);
    }
    for opened in all {
        put(tree, opened, &shifts, written, names);
    }
    nest(&mut tree.layers);
}

fn put(tree: &mut Tree<'_>, opened: Opened, shifts: &Shifts, written: Written, names: &NameTable) {
    let carrier = opened.carrier.0 + shifts.of(opened.carrier.0);
    let mut parent = carrier;
    if let Some(span_end) = opened.stands_for {
        let of = tree.nodes[carrier as usize];
        let name = format!("@{}", tree.read(of.name_text));
        let id = names.find(&name);
        let name_text = tree.make(&name);
        parent = tree.nodes.len() as u32;
        let end = parent + opened.node_count();
        let text = Piece::default();
        let span = (of.span.0, span_end);
        tree.nodes.push(Node { name: id, name_text, end, text, span, is_attribute: false, ..of });
    }
    let first = tree.nodes.len() as u32;
    let made_before = tree.made.len() as u32;
    tree.made.push_str(&opened.made);
    let end = first + opened.nodes.len() as u32 - 1;
    let (text, start) = (opened.text, opened.start as u32);
    let document = text.from(opened.start);
    for node in opened.nodes.into_iter().skip(1) {
        tree.nodes.push(Node {
            // The root of what was opened was node 0 there.
            parent: node.parent.checked_sub(1).map_or(parent, |place| first + place),
            end: first + node.end - 1,
            name_text: node.name_text.moved(document, made_before),
            text: node.text.moved(document, made_before),
            span: (node.span.0 + start, node.span.1 + start),
            ..node
        });
    }
    let (carrier, lines) = (NodeId(carrier), OnceLock::new());
    tree.layers.push(Layer { carrier, first, end, text, written, outer: None, lines });
}

/// Sorts the layers and says which one is around each.
fn nest(layers: &mut [Layer]) {
    layers.sort_by_key(|layer| (layer.first, std::cmp::Reverse(layer.end)));
    let mut around: Vec<usize> = Vec::new();
    for index in 0..layers.len() {
        let first = layers[index].first;
        while around.last().is_some_and(|outer| layers[*outer].end <= first) {
            around.pop();
        }
        layers[index].outer = around.last().copied();
        around.push(index);
    }
}

impl Tree<'_> {
    /// Nodes around this one, the root not counted.
    fn depth(&self, node: NodeId) -> usize {
        let around = std::iter::successors(self.parent(node), |node| self.parent(*node));
        // An attribute is no level, and the node itself is one.
        around.count().saturating_sub(usize::from(self.is_attribute(node)))
    }
}
