//! XML by quick-xml's tokens. Prefixes and namespaces are dropped; a DTD is refused; an element's
//! text is its own text and CDATA, each reference decoded exactly once.

use quick_xml::Reader;
use quick_xml::events::attributes::{AttrError, Attribute};
use quick_xml::events::{BytesRef, Event};

use super::tree::Builder;
use super::{Error, ErrorKind, Limits, Names, Text, Tree};

pub(super) fn read<'t>(text: &'t str, names: &Names, limits: &Limits) -> Result<Tree<'t>, Error> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    reader.config_mut().check_comments = true;
    let mut document = Document { text, builder: Builder::new(text, names, limits), roots: 0 };
    loop {
        let start = byte(reader.buffer_position());
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let at = byte(reader.error_position());
                return Err(Error::malformed(describe(&error)).at(text, at));
            }
        };
        let end = byte(reader.buffer_position());
        if matches!(event, Event::Eof) {
            return document.finish();
        }
        document.take(event, start, end)?;
    }
}

struct Document<'t, 'l> {
    text: &'t str,
    builder: Builder<'t, 'l>,
    roots: usize,
}

impl<'t> Document<'t, '_> {
    fn take(&mut self, event: Event<'t>, start: usize, end: usize) -> Result<(), Error> {
        match event {
            Event::Start(_) => self.open(start, end, 1),
            Event::Empty(_) => {
                self.open(start, end, 2)?;
                self.builder.close(end);
                Ok(())
            }
            Event::End(_) => {
                self.builder.close(end);
                Ok(())
            }
            Event::Text(_) => self.own_text(Text::Borrowed(&self.text[start..end]), start),
            Event::CData(cdata) => {
                if self.builder.depth() == 0 {
                    return Err(
                        Error::malformed("text outside the root element").at(self.text, start)
                    );
                }
                self.builder.text(cdata.into_inner());
                Ok(())
            }
            Event::GeneralRef(reference) => {
                let decoded = decoded(&reference);
                let decoded = decoded.ok_or_else(|| {
                    Error::malformed("an entity that XML does not define").at(self.text, start)
                })?;
                self.own_text(Text::Owned(decoded.to_string()), start)
            }
            Event::DocType(_) => Err(Error::new(
                ErrorKind::Dtd,
                "the body has a document type definition, which is never accepted",
            )
            .at(self.text, start)),
            Event::Decl(_) if start == 0 => Ok(()),
            Event::Decl(_) => {
                Err(Error::malformed("an XML declaration after the start").at(self.text, start))
            }
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn own_text(&mut self, text: Text<'t>, start: usize) -> Result<(), Error> {
        if self.builder.depth() == 0 {
            if text.trim().is_empty() {
                return Ok(());
            }
            return Err(Error::malformed("text outside the root element").at(self.text, start));
        }
        self.builder.text(text);
        Ok(())
    }

    /// `closing` is the length of what ends the tag: `>` or `/>`.
    fn open(&mut self, start: usize, end: usize, closing: usize) -> Result<(), Error> {
        if self.builder.depth() == 0 {
            self.roots += 1;
            if self.roots > 1 {
                return Err(Error::malformed("a second root element").at(self.text, start));
            }
        }
        let text: &'t str = self.text;
        let tag = &text[start + 1..end - closing];
        let name_end = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
        self.builder.open(Text::Borrowed(local(&tag[..name_end])), start)?;
        if name_end < tag.len() {
            self.attributes(&tag[name_end..], start + 1 + name_end)?;
        }
        Ok(())
    }

    fn attributes(&mut self, tag: &'t str, offset: usize) -> Result<(), Error> {
        for attribute in quick_xml::events::attributes::Attributes::new(tag, 0) {
            let attribute = attribute.map_err(|error| {
                Error::malformed(describe_attribute(&error)).at(self.text, offset)
            })?;
            let Attribute { key, value } = attribute;
            let name = key.as_ref();
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let value: Text<'t> = match value {
                Text::Borrowed(raw) => quick_xml::escape::unescape(raw).map_err(|_| {
                    Error::malformed("an attribute with an entity that XML does not define")
                        .at(self.text, offset)
                })?,
                Text::Owned(_) => unreachable!("attributes of a borrowed tag are borrowed"),
            };
            self.builder.attribute(
                Text::Borrowed(local(key.into_inner())),
                value,
                offset..offset + tag.len(),
            )?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Tree<'t>, Error> {
        let end = self.text.len();
        if self.builder.depth() > 0 {
            return Err(Error::malformed("an element that is not closed").at(self.text, end));
        }
        if self.roots == 0 {
            return Err(Error::malformed("no root element").at(self.text, end));
        }
        Ok(self.builder.finish())
    }
}

fn decoded(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten();
    }
    match &*reference.xml10_content() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn byte(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// What is wrong, without any name of the document.
fn describe(error: &quick_xml::Error) -> &'static str {
    use quick_xml::errors::IllFormedError;
    match error {
        quick_xml::Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => {
            "an end tag that does not fit its start tag"
        }
        quick_xml::Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => {
            "an end tag without a start tag"
        }
        quick_xml::Error::Syntax(_) => "markup that is not closed",
        quick_xml::Error::InvalidAttr(_) => "an attribute that cannot be read",
        quick_xml::Error::Escape(_) => "an entity that XML does not define",
        _ => "the XML is not well formed",
    }
}

fn describe_attribute(error: &AttrError) -> &'static str {
    match error {
        AttrError::Duplicated(..) => "an attribute that is given twice",
        AttrError::UnquotedValue(_) => "an attribute without quotes",
        _ => "an attribute that cannot be read",
    }
}
