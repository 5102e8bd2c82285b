//! JSON as a plain tree: RFC 8259 without any tolerance, in one pass without recursion; the
//! document is an object or an array.
//!
//! - Members of an object are children. The top-level object is the root itself.
//! - An array is no level: its elements repeat the member's name; those of a top-level array are
//!   named `item`. An array inside an array is taken apart the same way.
//! - `null` is absent: no node. Numbers keep their text, so `1E2` stays `1E2`.
//! - A key twice in one object is refused, also when one of them is written with escapes.

use std::borrow::Cow;

use super::Fail;
use super::name::NameId;
use super::node::Piece;
use super::tree::{Builder, Tree};

/// Where a value goes: the name of its node, and where the node begins.
#[derive(Clone, Copy)]
struct Slot {
    name: NameId,
    text: Piece,
    start: usize,
}

enum Frame {
    /// Its keys are those of [`Reader::keys`] from here on.
    Object {
        keys_from: usize,
    },
    Array {
        element: Slot,
    },
}

struct Reader<'b, 't> {
    builder: Builder<'b, 't>,
    source: &'t str,
    at: usize,
    frames: Vec<Frame>,
    /// The keys of all open objects, each with its place.
    keys: Vec<(Cow<'t, str>, usize)>,
}

pub(crate) fn read<'t>(mut builder: Builder<'_, 't>) -> Result<Tree<'t>, Fail> {
    let source = builder.source;
    let slot = Slot { name: builder.resolve("item"), text: builder.make("item"), start: 0 };
    let mut reader =
        Reader { builder, source, at: 0, frames: Vec::with_capacity(16), keys: Vec::new() };
    reader.skip_space();
    if !matches!(reader.peek(), Some(b'{' | b'[')) {
        return Err(reader.fail("an object or an array is expected here"));
    }
    let mut next = Some(slot);
    while let Some(slot) = next {
        reader.skip_space();
        next = match reader.value(slot)? {
            Some(first) => Some(first),
            None => reader.next_slot()?,
        };
    }
    Ok(reader.builder.finish())
}

impl<'t> Reader<'_, 't> {
    /// Reads a scalar, or opens an object or array and says where its first value goes. `None`:
    /// a value is complete.
    fn value(&mut self, slot: Slot) -> Result<Option<Slot>, Fail> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => {
                self.enter(Frame::Object { keys_from: self.keys.len() })?;
                if self.frames.len() > 1 {
                    self.builder.open(slot.name, slot.text, slot.start)?;
                }
                if self.take(b'}') {
                    self.leave_object()?;
                    return Ok(None);
                }
                self.member().map(Some)
            }
            Some(b'[') => {
                self.enter(Frame::Array { element: slot })?;
                if self.take(b']') {
                    self.frames.pop();
                    return Ok(None);
                }
                Ok(Some(Slot { start: self.at, ..slot }))
            }
            Some(b'"') => {
                let text = match self.string()? {
                    Cow::Borrowed(text) => Piece::at(start + 1, text.len()),
                    Cow::Owned(made) => self.builder.make(&made),
                };
                self.scalar(slot, text)
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                self.scalar(slot, Piece::at(start, self.at - start))
            }
            Some(b't') => self.word("true").and_then(|text| self.scalar(slot, text)),
            Some(b'f') => self.word("false").and_then(|text| self.scalar(slot, text)),
            Some(b'n') => self.word("null").map(|_| None),
            Some(_) => Err(self.fail("a value is expected here")),
            None => Err(self.fail("the body ends before the document is complete")),
        }
    }

    /// What follows a complete value: the next value's place, or the end of the document.
    fn next_slot(&mut self) -> Result<Option<Slot>, Fail> {
        loop {
            self.skip_space();
            match self.frames.last() {
                None if self.at == self.source.len() => return Ok(None),
                None => return Err(self.fail("something follows the end of the document")),
                Some(Frame::Object { .. }) => {
                    if self.take(b',') {
                        return self.member().map(Some);
                    }
                    if !self.take(b'}') {
                        return Err(self.fail("a comma or the end of the object is expected here"));
                    }
                    self.leave_object()?;
                }
                Some(Frame::Array { element }) => {
                    let element = *element;
                    if self.take(b',') {
                        self.skip_space();
                        return Ok(Some(Slot { start: self.at, ..element }));
                    }
                    if !self.take(b']') {
                        return Err(self.fail("a comma or the end of the array is expected here"));
                    }
                    self.frames.pop();
                }
            }
        }
    }

    fn enter(&mut self, frame: Frame) -> Result<(), Fail> {
        if self.builder.is_too_deep(self.frames.len()) {
            return Err(self.builder.too_deep(self.at));
        }
        self.frames.push(frame);
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn leave_object(&mut self) -> Result<(), Fail> {
        let Some(Frame::Object { keys_from }) = self.frames.pop() else { return Ok(()) };
        let keys = &mut self.keys[keys_from..];
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(Fail::malformed(twice[1].1, "a key twice in one object"));
        }
        self.keys.truncate(keys_from);
        if !self.frames.is_empty() {
            self.builder.close(self.at);
        }
        Ok(())
    }

    /// Reads `"key":` and says where the value goes.
    fn member(&mut self) -> Result<Slot, Fail> {
        self.skip_space();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.fail("a key in double quotes is expected here"));
        }
        let key = self.string()?;
        let name = self.builder.resolve(&key);
        let text = match &key {
            Cow::Borrowed(key) => Piece::at(start + 1, key.len()),
            Cow::Owned(made) => self.builder.make(made),
        };
        self.keys.push((key, start));
        self.skip_space();
        if !self.take(b':') {
            return Err(self.fail("a colon is expected here"));
        }
        Ok(Slot { name, text, start })
    }

    fn scalar(&mut self, slot: Slot, text: Piece) -> Result<Option<Slot>, Fail> {
        self.builder.open(slot.name, slot.text, slot.start)?;
        self.builder.set_text(text);
        self.builder.close(self.at);
        Ok(None)
    }

    fn word(&mut self, word: &'static str) -> Result<Piece, Fail> {
        if !self.source[self.at..].starts_with(word) {
            return Err(self.fail("a value is expected here"));
        }
        self.at += word.len();
        Ok(Piece::at(self.at - word.len(), word.len()))
    }

    /// RFC 8259 section 6; `044` and `+1` are no numbers.
    fn number(&mut self) -> Result<(), Fail> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        match self.peek() {
            Some(b'0'..=b'9') => Err(self.fail("a number with a zero before it; quote it")),
            _ => Ok(()),
        }
    }

    fn digits(&mut self) -> Result<(), Fail> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.fail("a digit is expected here"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    /// RFC 8259 section 7, from the opening quote.
    fn string(&mut self) -> Result<Cow<'t, str>, Fail> {
        let source = self.source;
        self.at += 1;
        let mut made = String::new();
        loop {
            let start = self.at;
            let rest = &source.as_bytes()[start..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            let Some(plain) = plain else {
                self.at = source.len();
                return Err(self.fail("a text is not closed"));
            };
            let piece = &source[start..start + plain];
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    self.at += 1;
                    if made.is_empty() {
                        return Ok(Cow::Borrowed(piece));
                    }
                    made.push_str(piece);
                    return Ok(Cow::Owned(made));
                }
                b'\\' => {
                    made.push_str(piece);
                    made.push(self.escape()?);
                }
                _ => return Err(self.fail("a control character inside a text; escape it")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fail> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(quoted @ (b'"' | b'\\' | b'/')) => char::from(quoted),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let lone = || Fail::malformed(start, "half of a surrogate pair");
                let first = self.hex(start)?;
                if !(0xd800..0xe000).contains(&first) {
                    return char::from_u32(first).ok_or_else(lone);
                }
                if !(self.take(b'\\') && self.take(b'u')) {
                    return Err(lone());
                }
                let second = self.hex(start)?;
                let pair = [first as u16, second as u16];
                match char::decode_utf16(pair).next() {
                    Some(Ok(character)) => character,
                    _ => return Err(lone()),
                }
            }
            _ => return Err(Fail::malformed(start, "no escape of JSON")),
        })
    }

    fn hex(&mut self, start: usize) -> Result<u32, Fail> {
        let digits = self.source.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        let value = digits
            .iter()
            .try_fold(0, |value, digit| char::from(*digit).to_digit(16).map(|d| value << 4 | d));
        match value {
            Some(value) if digits.len() == 4 => {
                self.at += 4;
                Ok(value)
            }
            _ => Err(Fail::malformed(start, "four hexadecimal digits are expected after \\u")),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn fail(&self, reason: &'static str) -> Fail {
        Fail::malformed(self.at, reason)
    }
}
