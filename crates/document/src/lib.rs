//! Bytes to a plain tree with positions, one shape for XML, JSON, CSV and fixed width. Text stays
//! text: nothing is read as a number, a date or a truth value here.
//!
//! Every reader is one pass without recursion, refuses what its format does not allow, and stops
//! at [`Limits`]. An [`Error`] names a place and a rule, never what stood there. What a text carries
//! inside is opened afterwards, by [`open`], and becomes part of the same tree.

pub mod csv;
mod decode;
mod excerpt;
pub mod fixed;
mod json;
mod layer;
mod line;
mod name;
mod node;
mod place;
mod space;
mod tree;
pub mod write;
mod xml;

pub use decode::decode;
pub use excerpt::excerpt;
pub use layer::{Inside, Opening, open};
pub use name::{NameId, NameTable, SPACES_MAX};
pub use node::NodeId;
pub use tree::{Children, Tree};

/// The shape of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    Xml,
    Json,
    Csv(csv::CsvOptions),
    Fixed(fixed::FixedOptions),
}

/// How a text is written that holds nodes; what it takes to cut or replace a piece of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Xml,
    Json,
    Csv,
    Fixed,
}

/// Bytes of memory that reading takes at most for a byte of the body: the decoded text, the tree while
/// it grows, and beside it the tree of the mapping that was tried before. `tests/expansion.rs` finds
/// and holds them with the worst bodies.
pub mod expansion {
    use super::Limits;

    /// `<a/>` again and again.
    pub const XML: usize = 40;
    /// `1,` again and again.
    pub const JSON: usize = 72;
    /// Rows of empty cells, each a record of its own.
    pub const CSV: usize = 320;
    /// Columns of one character.
    pub const FIXED: usize = 128;
    /// Of a format that nobody knows.
    pub const WORST: usize = CSV;

    /// For a byte of text, whatever the number of nodes.
    const TEXT: usize = 6;
    /// For a node.
    const NODE: usize = 208;

    /// The most that reading a body takes with one of these constants, within these limits.
    pub fn most(body_bytes: usize, expansion: usize, limits: &Limits) -> usize {
        let nodes = limits.nodes_max.saturating_mul(NODE);
        let bounded = body_bytes.saturating_mul(TEXT).saturating_add(nodes);
        body_bytes.saturating_mul(expansion).min(bounded)
    }
}

impl BodyFormat {
    fn written(&self) -> Written {
        match self {
            BodyFormat::Xml => Written::Xml,
            BodyFormat::Json => Written::Json,
            BodyFormat::Csv(_) => Written::Csv,
            BodyFormat::Fixed(_) => Written::Fixed,
        }
    }
}

/// What a body may cost before it is refused, together with all that is opened inside it. All are
/// inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Elements, objects or arrays inside each other.
    pub depth_max: usize,
    /// Nodes of one tree, attributes included; a node costs 40 bytes.
    pub nodes_max: usize,
    /// Attributes of one element.
    pub attributes_max: usize,
    /// Bytes of the body as UTF-8, and of every text inside it that is opened. Never above 1 GiB, the reach of a position.
    pub text_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { depth_max: 128, nodes_max: 250_000, attributes_max: 256, text_bytes_max: 16 << 20 }
    }
}

/// What kind of wrong a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Not what its format allows.
    Malformed,
    /// Over the named limit: `bytes`, `depth`, `nodes`, `attributes`.
    Limit(&'static str),
    /// Bytes that are not text in the encoding that the body has or declares.
    Encoding,
    /// XML with a document type definition, which is never read.
    Dtd,
}

/// Why a body could not be read, and where. It never holds a piece of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Error {
    pub kind: ErrorKind,
    /// The rule that was broken, in a few words without a full stop.
    pub reason: String,
    /// 1-based.
    pub line: Option<u32>,
    /// 1-based, in characters.
    pub column: Option<u32>,
}

/// An error that still counts in bytes; the reader's caller turns it into line and column once.
#[derive(Debug)]
pub(crate) struct Fail {
    kind: ErrorKind,
    reason: String,
    offset: usize,
}

impl Fail {
    fn malformed(offset: usize, reason: impl Into<String>) -> Self {
        Fail { kind: ErrorKind::Malformed, reason: reason.into(), offset }
    }

    fn limit(offset: usize, limit: &'static str, reason: impl Into<String>) -> Self {
        Fail { kind: ErrorKind::Limit(limit), reason: reason.into(), offset }
    }

    fn placed(self, text: &str) -> Error {
        let mut offset = self.offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |n: usize| u32::try_from(n).ok().and_then(|n| n.checked_add(1));
        Error {
            kind: self.kind,
            reason: self.reason,
            line: count(before.bytes().filter(|byte| *byte == b'\n').count()),
            column: count(before[line_start..].chars().count()),
        }
    }
}

/// What a decoded text may begin with; never part of the document.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a decoded body. Names are resolved against `names` on the way, so every path of the plan
/// must have been compiled before.
pub fn parse<'t>(
    text: &'t str,
    format: &BodyFormat,
    names: &NameTable,
    limits: &Limits,
) -> Result<Tree<'t>, Error> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.len() > limits.text_bytes_max.min(1 << 30) {
        return Err(Error {
            kind: ErrorKind::Limit("bytes"),
            reason: "the body is larger than the limit".into(),
            line: None,
            column: None,
        });
    }
    let builder = tree::Builder::new(text, names, limits, tree::Before::default());
    let built = match format {
        BodyFormat::Xml => xml::read(builder),
        BodyFormat::Json => json::read(builder),
        BodyFormat::Csv(options) => csv::read(builder, options),
        BodyFormat::Fixed(options) => fixed::read(builder, options),
    };
    let mut tree = built.map_err(|fail| fail.placed(text))?;
    tree.written = format.written();
    Ok(tree)
}

#[cfg(test)]
mod tests;
