//! Where a piece of a text stands in the file that quotes it.

use std::ops::Range;

/// The bytes of the file that a piece of a quoted text stands in: `quoted` is the text's place in
/// the file, quotes included, `piece` a byte range of the text as it was read.
pub(crate) fn piece_of(file: &str, quoted: &Range<usize>, piece: Range<usize>) -> Range<usize> {
    let raw = file.get(quoted.clone()).unwrap_or_default();
    let places = Places::of(raw);
    quoted.start + places.at(piece.start)..quoted.start + places.at(piece.end)
}

/// A quoted text as the file holds it.
struct Places<'r> {
    /// Behind the opening quotes.
    inner: &'r str,
    opening: usize,
    escapes: bool,
}

impl<'r> Places<'r> {
    fn of(raw: &'r str) -> Self {
        let quote = raw.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let Some(quote) = quote else { return Places { inner: raw, opening: 0, escapes: false } };
        let three = String::from(quote).repeat(3);
        let several_lines = raw.len() >= 6 && raw.starts_with(&three);
        let mut opening = if several_lines { 3 } else { 1 };
        // A line end right behind three quotes does not belong to the text.
        for end in ["\r\n", "\n"] {
            if several_lines && raw[opening..].starts_with(end) {
                opening += end.len();
                break;
            }
        }
        let closing = if several_lines { 3 } else { 1 };
        let end = raw.len().saturating_sub(closing).max(opening);
        Places { inner: raw.get(opening..end).unwrap_or_default(), opening, escapes: quote == '"' }
    }

    /// The offset within the quoted text of this byte of the text as it was read.
    fn at(&self, byte: usize) -> usize {
        if !self.escapes {
            return self.opening + byte.min(self.inner.len());
        }
        let (mut read, mut at) = (0, 0);
        while read < byte && at < self.inner.len() {
            let (raw, text) = unit(&self.inner[at..]);
            at += raw;
            read += text;
        }
        self.opening + at
    }
}

/// Bytes of the next character in the file, and in the text.
fn unit(rest: &str) -> (usize, usize) {
    let mut chars = rest.chars();
    let first = chars.next().map_or(1, char::len_utf8);
    if !rest.starts_with('\\') {
        return (first, first);
    }
    let digits = match chars.next() {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        // A line end in a text of several lines swallows the blanks behind it.
        Some(blank) if blank.is_whitespace() => {
            let swallowed = rest[1..].len() - rest[1..].trim_start().len();
            return (1 + swallowed, 0);
        }
        Some(letter) => return (1 + letter.len_utf8(), 1),
        None => return (1, 1),
    };
    let code = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let text = code.and_then(char::from_u32).map_or(1, char::len_utf8);
    ((2 + digits).min(rest.len()), text)
}

#[cfg(test)]
mod tests {
    use super::piece_of;

    #[track_caller]
    fn check(quoted: &str, text: &str, piece: &str, expected: &str) {
        let file = format!("key = {quoted} # end");
        let start = text.find(piece).unwrap();
        let span = 6..6 + quoted.len();
        let found = piece_of(&file, &span, start..start + piece.len());
        assert_eq!(&file[found], expected);
    }

    #[test]
    fn a_piece_is_found_whatever_quotes_it() {
        check("\"A/Bad\"", "A/Bad", "Bad", "Bad");
        check("'A/Bad'", "A/Bad", "Bad", "Bad");
        check("'''\nA/Bad'''", "A/Bad", "Bad", "Bad");
        check("\"\"\"\r\nA/Bad\"\"\"", "A/Bad", "Bad", "Bad");
    }

    #[test]
    fn escapes_before_and_in_it_are_counted() {
        check(r#""A[@b=\"x\"]/Bad""#, "A[@b=\"x\"]/Bad", "Bad", "Bad");
        check(r#""\u00e9/\U0001F600/Bad""#, "é/😀/Bad", "Bad", "Bad");
        check(r#""A/\x42ad""#, "A/Bad", "Bad", r"\x42ad");
        check("\"\"\"A\\\n   /Bad\"\"\"", "A/Bad", "Bad", "Bad");
    }
}
