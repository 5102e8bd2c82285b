//! JSON (RFC 8259), strictly, without recursion: members are nodes, an array is no level, null is
//! nothing, numbers keep their text, a key that comes twice is refused.

use std::collections::HashSet;

use super::tree::Builder;
use super::{Error, Limits, Names, Text, Tree};

/// The name of what stands in an array at the top.
const ITEM: &str = "item";

pub(super) fn read<'t>(text: &'t str, names: &Names, limits: &Limits) -> Result<Tree<'t>, Error> {
    let mut reader = Json { text, at: 0, builder: Builder::new(text, names, limits) };
    reader.document(limits.depth_max)?;
    Ok(reader.builder.finish())
}

struct Json<'t, 'l> {
    text: &'t str,
    at: usize,
    builder: Builder<'t, 'l>,
}

/// What is open around the place that is read.
enum Level<'t> {
    /// Its keys so far, and whether closing it closes a node.
    Object { keys: HashSet<Text<'t>>, node: bool },
    /// The name that each of its values takes, and where it is.
    Array { name: Text<'t> },
}

impl<'t> Json<'t, '_> {
    fn document(&mut self, depth_max: usize) -> Result<(), Error> {
        let mut levels: Vec<Level<'t>> = Vec::new();
        self.blanks();
        self.value(&mut levels, None, depth_max)?;
        while let Some(level) = levels.last_mut() {
            self.blanks();
            match level {
                Level::Object { keys, node } => {
                    let (first, node) = (keys.is_empty(), *node);
                    if self.eat(b'}') {
                        levels.pop();
                        if node {
                            self.builder.close(self.at);
                        }
                        continue;
                    }
                    if !first {
                        self.demand(b',', "a comma or a closing brace is missing")?;
                        self.blanks();
                    }
                    let start = self.at;
                    let key = self.string()?;
                    let Some(Level::Object { keys, .. }) = levels.last_mut() else {
                        unreachable!("the level is the object that was just looked at")
                    };
                    if !keys.insert(key.clone()) {
                        return Err(self.wrong("a key that comes twice in one object", start));
                    }
                    self.blanks();
                    self.demand(b':', "a colon is missing")?;
                    self.blanks();
                    self.value(&mut levels, Some(key), depth_max)?;
                }
                Level::Array { name } => {
                    let name = name.clone();
                    if self.eat(b']') {
                        levels.pop();
                        continue;
                    }
                    if !self.just_opened() {
                        self.demand(b',', "a comma or a closing bracket is missing")?;
                        self.blanks();
                    }
                    self.value(&mut levels, Some(name), depth_max)?;
                }
            }
        }
        self.blanks();
        if self.at < self.text.len() {
            return Err(self.wrong("something after the end of the document", self.at));
        }
        Ok(())
    }

    /// Whether only blanks stand between here and the bracket that opened the array.
    fn just_opened(&self) -> bool {
        self.text[..self.at].trim_end_matches([' ', '\t', '\n', '\r']).ends_with('[')
    }

    /// Reads a value, or opens the object or array that begins here.
    fn value(
        &mut self,
        levels: &mut Vec<Level<'t>>,
        name: Option<Text<'t>>,
        depth_max: usize,
    ) -> Result<(), Error> {
        if levels.len() >= depth_max {
            return Err(Error::limit("depth").at(self.text, self.at));
        }
        let start = self.at;
        match self.text.as_bytes().get(self.at) {
            Some(b'{') => {
                self.at += 1;
                let node = name.is_some();
                if let Some(name) = name {
                    self.builder.open(name, start)?;
                }
                levels.push(Level::Object { keys: HashSet::new(), node });
                Ok(())
            }
            Some(b'[') => {
                self.at += 1;
                levels.push(Level::Array { name: name.unwrap_or(Text::Borrowed(ITEM)) });
                Ok(())
            }
            Some(b'"') => {
                let text = self.string()?;
                self.scalar(name, text, start)
            }
            Some(b't') => self.word("true", name),
            Some(b'f') => self.word("false", name),
            Some(b'n') => {
                self.literal("null")?;
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = self.number()?;
                self.scalar(name, Text::Borrowed(number), start)
            }
            _ => Err(self.wrong("a value is missing", start)),
        }
    }

    fn scalar(
        &mut self,
        name: Option<Text<'t>>,
        text: Text<'t>,
        start: usize,
    ) -> Result<(), Error> {
        let Some(name) = name else {
            return Err(self.wrong("the document is neither an object nor an array", start));
        };
        self.builder.open(name, start)?;
        self.builder.text(text);
        self.builder.close(self.at);
        Ok(())
    }

    fn word(&mut self, word: &'static str, name: Option<Text<'t>>) -> Result<(), Error> {
        let start = self.at;
        self.literal(word)?;
        self.scalar(name, Text::Borrowed(word), start)
    }

    fn literal(&mut self, word: &str) -> Result<(), Error> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.wrong("a word that is not true, false or null", self.at))
    }

    fn number(&mut self) -> Result<&'t str, Error> {
        let start = self.at;
        self.eat(b'-');
        if self.eat(b'0') {
            if self.digit() {
                return Err(self.wrong("a number that begins with 0", start));
            }
        } else if !self.digits() {
            return Err(self.wrong("a number without digits", start));
        }
        if self.eat(b'.') && !self.digits() {
            return Err(self.wrong("a number without digits after its point", start));
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            if !self.digits() {
                return Err(self.wrong("a number without digits in its exponent", start));
            }
        }
        Ok(&self.text[start..self.at])
    }

    fn digit(&self) -> bool {
        self.text.as_bytes().get(self.at).is_some_and(u8::is_ascii_digit)
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.digit() {
            self.at += 1;
        }
        self.at > start
    }

    fn string(&mut self) -> Result<Text<'t>, Error> {
        let start = self.at;
        self.demand(b'"', "a text in double quotes is missing")?;
        let text: &'t str = self.text;
        let mut owned: Option<String> = None;
        let mut from = self.at;
        loop {
            match text.as_bytes().get(self.at) {
                None => return Err(self.wrong("a text that is not closed", start)),
                Some(b'"') => {
                    let rest = &text[from..self.at];
                    self.at += 1;
                    return Ok(match owned {
                        None => Text::Borrowed(rest),
                        Some(before) => Text::Owned(before + rest),
                    });
                }
                Some(b'\\') => {
                    let before = owned.get_or_insert_default();
                    before.push_str(&text[from..self.at]);
                    let decoded = self.escape()?;
                    if let Some(before) = &mut owned {
                        before.push(decoded);
                    }
                    from = self.at;
                }
                Some(0..0x20) => {
                    return Err(self.wrong("a control character in a text", self.at));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        let escaped = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => {
                self.at = start;
                return Err(self.wrong("an escape that JSON does not know", start));
            }
        })
    }

    fn unicode(&mut self, start: usize) -> Result<char, Error> {
        let first = self.four_digits(start)?;
        let code = match first {
            0xD800..0xDC00 => {
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(self.wrong("half of a surrogate pair", start));
                }
                self.at += 2;
                let second = self.four_digits(start)?;
                if !(0xDC00..0xE000).contains(&second) {
                    return Err(self.wrong("half of a surrogate pair", start));
                }
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.wrong("half of a surrogate pair", start))
    }

    fn four_digits(&mut self, start: usize) -> Result<u32, Error> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else {
            return Err(self.wrong("a \\u without four hexadecimal digits", start));
        };
        self.at += 4;
        Ok(digits
            .iter()
            .fold(0, |code, digit| code * 16 + (*digit as char).to_digit(16).unwrap_or_default()))
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.as_bytes().get(self.at) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(there);
        there
    }

    fn demand(&mut self, byte: u8, reason: &'static str) -> Result<(), Error> {
        if self.eat(byte) { Ok(()) } else { Err(self.wrong(reason, self.at)) }
    }

    fn wrong(&self, reason: &'static str, at: usize) -> Error {
        Error::malformed(reason).at(self.text, at)
    }
}
