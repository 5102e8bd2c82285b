//! Bytes to a plain tree with positions, one shape for XML, JSON, CSV and fixed width. Text stays
//! text: nothing is read as a number, a date or a truth value here.
//!
//! A reader is strict and bounded: what is not well formed, or over a limit, is an [`Error`] that
//! names the place and never a value.

use std::borrow::Cow;

pub mod csv;
mod decode;
mod excerpt;
pub mod fixed;
mod json;
mod limit;
mod place;
mod tree;
mod xml;

pub use decode::decode;
pub use excerpt::excerpt;
pub use limit::Limits;
pub use tree::{NameId, Names, NodeId, Tree};

/// The shape of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    Xml,
    Json,
    Csv(csv::Options),
    Fixed(fixed::Options),
}

/// Why a body was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Error {
    pub kind: ErrorKind,
    /// What is wrong, in words; never a value.
    pub reason: String,
    /// 1-based.
    pub line: Option<u32>,
    /// In characters, 1-based.
    pub column: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    Malformed,
    /// Over this limit.
    Limit(&'static str),
    Encoding,
    /// A document type definition: never followed, always refused.
    Dtd,
}

impl Error {
    fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Error { kind, reason: reason.into(), line: None, column: None }
    }

    fn malformed(reason: impl Into<String>) -> Self {
        Error::new(ErrorKind::Malformed, reason)
    }

    fn limit(name: &'static str) -> Self {
        Error::new(ErrorKind::Limit(name), format!("the body is over its limit of {name}"))
    }

    /// The place of this byte of the text.
    fn at(mut self, text: &str, byte: usize) -> Self {
        let (line, column) = place::of(text, byte);
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}

/// Reads a decoded text as a tree. Names that `names` does not hold become [`NameId::OTHER`].
pub fn parse<'t>(
    text: &'t str,
    format: &Format,
    names: &Names,
    limits: &Limits,
) -> Result<Tree<'t>, Error> {
    if text.len() > limits.text_bytes_max {
        return Err(Error::limit("bytes"));
    }
    match format {
        Format::Xml => xml::read(text, names, limits),
        Format::Json => json::read(text, names, limits),
        Format::Csv(options) => csv::read(text, options, names, limits),
        Format::Fixed(options) => fixed::read(text, options, names, limits),
    }
}

/// A text as it stands, or put together from parts.
type Text<'t> = Cow<'t, str>;

#[cfg(test)]
mod tests;
