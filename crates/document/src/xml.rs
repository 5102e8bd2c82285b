//! XML 1.0 as a plain tree, on quick-xml, which finds the borders of tags and text; this file
//! checks what it leaves to its callers and keeps nothing but positions.
//!
//! - A DTD is refused, so the five predefined entities and character references are all there
//!   are; each is decoded exactly once.
//! - Prefixes are dropped from names and namespace declarations are no attributes. That a prefix
//!   is declared is not checked: forces send fragments cut out of larger messages. Which namespace
//!   a node is in is noted only when the plan declares some.
//! - An element's text is its own text and CDATA joined, not its descendants'. Comments and
//!   processing instructions are skipped.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::node::Piece;
use super::space::Scope;
use super::tree::{Builder, Tree};
use super::{BYTE_ORDER_MARK, ErrorKind, Fail};

const NAME_START: u8 = 1;
const NAME: u8 = 2;
const SPACE: u8 = 4;
const INK: u8 = 8;
const RETURN: u8 = 16;
const GREATER: u8 = 32;

/// What a byte may be part of; bytes of characters beyond ASCII count as name characters, and
/// [`name_at`] looks at such names closely.
static CLASS: [u8; 256] = {
    let mut class = [INK; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 {
            class[byte] |= NAME_START | NAME;
        } else if b.is_ascii_digit() || b == b'-' || b == b'.' {
            class[byte] |= NAME;
        } else if b == b'>' {
            class[byte] |= GREATER;
        } else if matches!(b, b' ' | b'\t' | b'\n') {
            class[byte] = SPACE;
        } else if b == b'\r' {
            class[byte] = SPACE | RETURN;
        }
        byte += 1;
    }
    class
};

fn classes(text: &str) -> u8 {
    text.bytes().fold(0, |found, byte| found | CLASS[byte as usize])
}

pub(crate) fn read<'t>(mut builder: Builder<'_, 't>) -> Result<Tree<'t>, Fail> {
    let source = builder.source;
    refuse_forbidden_characters(source)?;
    // The library would skip it and count from behind it; the one that may stand here is gone.
    if source.starts_with(BYTE_ORDER_MARK) {
        return Err(Fail::malformed(0, "text outside the root element"));
    }
    let mut reader = Reader::from_str(source);
    reader.config_mut().check_comments = true;
    let mut seen =
        Seen { attributes: Vec::new(), scope: builder.names().has_spaces().then(Scope::default) };
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event();
        let end = reader.buffer_position() as usize;
        match event {
            Ok(Event::Start(_)) => open(&mut builder, start, end - 1, &mut seen)?,
            Ok(Event::Empty(_)) => {
                open(&mut builder, start, end - 2, &mut seen)?;
                builder.close(end);
            }
            Ok(Event::End(_)) => builder.close(end),
            Ok(Event::Text(_)) => text(&mut builder, start..end)?,
            Ok(Event::CData(_)) => {
                if builder.depth() == 0 {
                    return Err(Fail::malformed(start, "text outside the root element"));
                }
                literal(&mut builder, start + 9..end - 3);
            }
            Ok(Event::GeneralRef(_)) => {
                if builder.depth() == 0 {
                    return Err(Fail::malformed(start, "text outside the root element"));
                }
                let character = reference(&source[start + 1..end - 1], start)?;
                builder.add_made(character.encode_utf8(&mut [0; 4]));
            }
            Ok(Event::Comment(_)) => {}
            Ok(Event::PI(_)) => instruction(source, start + 2..end - 2)?,
            Ok(Event::Decl(_)) => declaration(source, start, start + 5..end - 2)?,
            Ok(Event::DocType(_)) => return Err(dtd(start)),
            Ok(Event::Eof) if builder.depth() > 0 => {
                return Err(Fail::malformed(source.len(), "an element is not closed"));
            }
            Ok(Event::Eof) if !builder.has_content() => {
                return Err(Fail::malformed(source.len(), "there is no root element"));
            }
            Ok(Event::Eof) => return Ok(builder.finish()),
            Err(error) => return Err(explained(&error, source, start, reader.error_position())),
        }
    }
}

fn dtd(offset: usize) -> Fail {
    Fail {
        kind: ErrorKind::Dtd,
        reason: "a document type definition (<!DOCTYPE) is not accepted".into(),
        offset,
    }
}

fn explained(error: &quick_xml::Error, source: &str, start: usize, position: u64) -> Fail {
    if source[start..].get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("<!d")) {
        return dtd(start);
    }
    let reason = match error {
        quick_xml::Error::Syntax(SyntaxError::UnclosedComment) => "a comment is not closed",
        quick_xml::Error::Syntax(SyntaxError::UnclosedCData) => "a CDATA section is not closed",
        quick_xml::Error::Syntax(_) => "a tag is not closed, or is no tag",
        quick_xml::Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => {
            "the end tag does not match the element that is open"
        }
        quick_xml::Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => {
            "an end tag without an open element"
        }
        quick_xml::Error::IllFormed(IllFormedError::DoubleHyphenInComment) => {
            "two hyphens inside a comment"
        }
        quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => {
            "an ampersand that begins no reference; write &amp;"
        }
        _ => "not well-formed XML",
    };
    Fail::malformed(position as usize, reason)
}

/// XML 1.0 section 2.2: no control characters but tab and line ends, no U+FFFE and U+FFFF.
fn refuse_forbidden_characters(source: &str) -> Result<(), Fail> {
    let is_forbidden = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    let any = |chunk: &[u8]| chunk.iter().fold(false, |any, byte| any | is_forbidden(*byte));
    for (index, chunk) in source.as_bytes().chunks(1024).enumerate() {
        if any(chunk) {
            let within = chunk.iter().position(|byte| is_forbidden(*byte)).unwrap_or_default();
            let reason = "a control character that XML does not allow";
            return Err(Fail::malformed(index * 1024 + within, reason));
        }
    }
    if !source.is_ascii()
        && let Some(offset) = source.find(['\u{fffe}', '\u{ffff}'])
    {
        return Err(Fail::malformed(offset, "a character that XML does not allow"));
    }
    Ok(())
}

/// What is kept from one start tag to the next.
struct Seen {
    /// Names of the attributes of the tag that is read.
    attributes: Vec<Range<usize>>,
    /// Only when the plan declares namespaces.
    scope: Option<Scope>,
}

/// Reads a start tag from `<` to before `>` or `/>`.
fn open(
    builder: &mut Builder<'_, '_>,
    start: usize,
    end: usize,
    Seen { attributes: seen, scope }: &mut Seen,
) -> Result<(), Fail> {
    let source = builder.source;
    if builder.depth() == 0 && builder.has_content() {
        return Err(Fail::malformed(start, "a second root element"));
    }
    let name = name_at(source, start + 1, end)?;
    let depth = builder.depth();
    builder.open_at(name.local.clone(), start)?;
    let element_prefix = name.prefix();
    let mut at = name.local.end;
    seen.clear();
    if let Some(scope) = scope {
        scope.enter(depth);
    }
    while let Some(attribute) = attribute(source, at, end)? {
        at = attribute.end;
        let name = attribute.name;
        let whole = name.start..name.local.end;
        if seen.iter().any(|other| source[other.clone()] == source[whole.clone()]) {
            return Err(Fail::malformed(whole.start, "an attribute twice in one element"));
        }
        if seen.len() >= builder.limits.attributes_max {
            let reason = format!("more than {} attributes", builder.limits.attributes_max);
            return Err(Fail::limit(whole.start, "attributes", reason));
        }
        let written = &source[whole.clone()];
        let is_namespace = written == "xmlns" || written.starts_with("xmlns:");
        seen.push(whole.clone());
        let value = attribute_text(source, attribute.value.clone())?;
        if let Some(scope) = scope {
            match is_namespace {
                true => scope.declare(builder, depth, whole, &value),
                false => scope.attribute(name.prefix()),
            }
        }
        if !is_namespace {
            let piece = match value {
                Cow::Borrowed(_) => Piece::at(attribute.value.start, attribute.value.len()),
                Cow::Owned(made) => builder.make(&made),
            };
            builder.attribute(name.local, piece)?;
        }
    }
    if let Some(scope) = scope {
        scope.resolve(builder, element_prefix);
    }
    Ok(())
}

/// A name, from its prefix on.
struct Name {
    start: usize,
    local: Range<usize>,
}

impl Name {
    /// Without its colon; empty when there is none.
    fn prefix(&self) -> Range<usize> {
        self.start..self.local.start.saturating_sub(1).max(self.start)
    }
}

/// Namespaces in XML 1.0: one colon at most, with a name on both sides.
fn name_at(source: &str, start: usize, end: usize) -> Result<Name, Fail> {
    let bytes = &source.as_bytes()[..end];
    let mut at = start;
    let mut local = start;
    let mut found = 0;
    loop {
        match bytes.get(at) {
            Some(b':') if local == start && at > start => local = at + 1,
            Some(byte) if CLASS[*byte as usize] & NAME != 0 => found |= *byte,
            _ => break,
        }
        at += 1;
    }
    let starts = |at: usize| bytes.get(at).is_some_and(|b| CLASS[*b as usize] & NAME_START != 0);
    if !starts(start) || !starts(local) {
        return Err(Fail::malformed(start, "a name is expected here"));
    }
    if found >= 0x80 {
        let mut first = true;
        for character in source[start..at].chars() {
            if !is_name_character(character, first) {
                return Err(Fail::malformed(start, "a name holds a character it may not hold"));
            }
            first = character == ':';
        }
    }
    Ok(Name { start, local: local..at })
}

/// XML 1.0 fifth edition, productions 4 and 4a.
pub(super) fn is_name_character(character: char, first: bool) -> bool {
    let starts = matches!(character,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
        | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}');
    starts
        || !first
            && matches!(character,
                '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}'
                | '\u{203f}'..='\u{2040}')
}

struct Attribute {
    name: Name,
    value: Range<usize>,
    end: usize,
}

/// The next `name="value"` before `end`, with the white space that has to stand before it.
fn attribute(source: &str, from: usize, end: usize) -> Result<Option<Attribute>, Fail> {
    let bytes = &source.as_bytes()[..end];
    let skip_space = |mut at: usize| {
        while bytes.get(at).is_some_and(|byte| CLASS[*byte as usize] & SPACE != 0) {
            at += 1;
        }
        at
    };
    let start = skip_space(from);
    if start == end {
        return Ok(None);
    }
    if start == from {
        return Err(Fail::malformed(start, "white space or the end of the tag is expected here"));
    }
    let name = name_at(source, start, end)?;
    let equals = skip_space(name.local.end);
    if bytes.get(equals) != Some(&b'=') {
        return Err(Fail::malformed(equals, "an attribute without a value"));
    }
    let open = skip_space(equals + 1);
    let quote = match bytes.get(open) {
        Some(quote @ (b'"' | b'\'')) => *quote,
        _ => return Err(Fail::malformed(open, "an attribute's value without quotes")),
    };
    let value = open + 1;
    match bytes[value..].iter().position(|byte| *byte == quote) {
        Some(len) => Ok(Some(Attribute { name, value: value..value + len, end: value + len + 1 })),
        None => Err(Fail::malformed(open, "an attribute's value is not closed")),
    }
}

/// XML 1.0 section 3.3.3: references are decoded, literal white space becomes a space each.
fn attribute_text(source: &str, at: Range<usize>) -> Result<Cow<'_, str>, Fail> {
    let value = &source[at.clone()];
    if !value.bytes().any(|byte| matches!(byte, b'<' | b'&' | b'\t' | b'\n' | b'\r')) {
        return Ok(Cow::Borrowed(value));
    }
    let mut made = String::with_capacity(value.len());
    let mut offset = 0;
    while let Some(character) = value[offset..].chars().next() {
        let place = at.start + offset;
        offset += character.len_utf8();
        match character {
            '<' => return Err(Fail::malformed(place, "a < inside an attribute")),
            '\r' if value[offset..].starts_with('\n') => {}
            '\r' | '\n' | '\t' => made.push(' '),
            '&' => {
                let Some(len) = value[offset..].find(';') else {
                    let reason = "an ampersand that begins no reference; write &amp;";
                    return Err(Fail::malformed(place, reason));
                };
                made.push(reference(&value[offset..offset + len], place)?);
                offset += len + 1;
            }
            other => made.push(other),
        }
    }
    Ok(Cow::Owned(made))
}

/// The character that stands for what is between `&` and `;`. Escaped content is full of them, and
/// bytes are compared without a call.
fn reference(name: &str, offset: usize) -> Result<char, Fail> {
    let digits = |text: &str, radix: u32| {
        let all_digits = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
        all_digits.then(|| u32::from_str_radix(text, radix).ok()).flatten()
    };
    let number = match name.as_bytes() {
        b"amp" => return Ok('&'),
        b"lt" => return Ok('<'),
        b"gt" => return Ok('>'),
        b"quot" => return Ok('"'),
        b"apos" => return Ok('\''),
        _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(hex), _) => digits(hex, 16),
            (None, Some(decimal)) => digits(decimal, 10),
            (None, None) => {
                let reason = "an entity that is not one of amp, lt, gt, quot, apos";
                return Err(Fail::malformed(offset, reason));
            }
        },
    };
    number
        .and_then(char::from_u32)
        .filter(|character| {
            matches!(character, '\t' | '\n' | '\r')
                || (*character >= ' ' && !matches!(character, '\u{fffe}' | '\u{ffff}'))
        })
        .ok_or_else(|| Fail::malformed(offset, "a character reference to no XML character"))
}

fn text(builder: &mut Builder<'_, '_>, at: Range<usize>) -> Result<(), Fail> {
    let text = &builder.source[at.clone()];
    let found = classes(text);
    if builder.depth() == 0 {
        if found & INK != 0 {
            return Err(Fail::malformed(at.start, "text outside the root element"));
        }
        return Ok(());
    }
    if found & GREATER != 0
        && let Some(offset) = text.find("]]>")
    {
        return Err(Fail::malformed(at.start + offset, "]]> outside a CDATA section"));
    }
    add(builder, at, found);
    Ok(())
}

fn literal(builder: &mut Builder<'_, '_>, at: Range<usize>) {
    let found = classes(&builder.source[at.clone()]);
    add(builder, at, found);
}

fn add(builder: &mut Builder<'_, '_>, at: Range<usize>, found: u8) {
    if found & INK == 0 && builder.is_textless() {
        return;
    }
    if found & RETURN == 0 {
        builder.add_text(at);
    } else {
        // XML 1.0 section 2.11: every line end is one line feed.
        let lines = builder.source[at].replace("\r\n", "\n").replace('\r', "\n");
        builder.add_made(&lines);
    }
}

fn instruction(source: &str, at: Range<usize>) -> Result<(), Fail> {
    let name = name_at(source, at.start, at.end)?;
    let target = &source[name.start..name.local.end];
    if target.eq_ignore_ascii_case("xml") {
        return Err(Fail::malformed(at.start, "an XML declaration that is not at the very start"));
    }
    match source[name.local.end..at.end].bytes().next() {
        Some(byte) if CLASS[byte as usize] & SPACE == 0 => {
            Err(Fail::malformed(name.local.end, "a processing instruction's name is not closed"))
        }
        _ => Ok(()),
    }
}

/// XML 1.0 section 2.8: version, then encoding and standalone if they are there, in this order.
fn declaration(source: &str, start: usize, at: Range<usize>) -> Result<(), Fail> {
    if start != 0 {
        return Err(Fail::malformed(start, "an XML declaration that is not at the very start"));
    }
    let mut expected = ["version", "encoding", "standalone"].iter();
    let mut position = at.start;
    let mut has_version = false;
    while let Some(attribute) = attribute(source, position, at.end)? {
        position = attribute.end;
        let name = &source[attribute.name.start..attribute.name.local.end];
        if !expected.any(|known| *known == name) {
            return Err(Fail::malformed(attribute.name.start, "not part of an XML declaration"));
        }
        let value = &source[attribute.value.clone()];
        let is_right = match name {
            "version" => {
                has_version = true;
                let digits = value.strip_prefix("1.");
                digits.is_some_and(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
            }
            "encoding" => {
                let follows = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
                value.starts_with(|first: char| first.is_ascii_alphabetic())
                    && value.bytes().all(follows)
            }
            _ => matches!(value, "yes" | "no"),
        };
        if !is_right {
            let reason = "an XML declaration with a value that it may not have";
            return Err(Fail::malformed(attribute.value.start, reason));
        }
    }
    if has_version {
        Ok(())
    } else {
        Err(Fail::malformed(start, "an XML declaration without version"))
    }
}
