//! How a condition is written: `[any|every [of]] SUBJECT OPERATOR [VALUE, …]`. What the subject
//! and the values mean is for the two readers of a phrase, `When` and `Rule`.

use std::ops::Range;

use crate::fault::{PhraseFault, PhraseFaultKind, nearest};

/// How many of a list's values have to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// One is enough; none of an empty list.
    Any,
    /// All of them; true of an empty list, since there is none that does not.
    Every,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Is,
    IsNot,
    IsOneOf,
    IsNotOneOf,
    Missing,
    Present,
    StartsWith,
    LooksLike,
    AtLeast,
    AtMost,
    Before,
    After,
}

/// Longer ones first where one begins another.
const OPERATORS: [(&str, Comparison); 12] = [
    ("is not one of", Comparison::IsNotOneOf),
    ("is one of", Comparison::IsOneOf),
    ("is missing", Comparison::Missing),
    ("is present", Comparison::Present),
    ("is at least", Comparison::AtLeast),
    ("is at most", Comparison::AtMost),
    ("is before", Comparison::Before),
    ("is after", Comparison::After),
    ("is not", Comparison::IsNot),
    ("is", Comparison::Is),
    ("starts with", Comparison::StartsWith),
    ("looks like", Comparison::LooksLike),
];

impl Comparison {
    pub(crate) fn written(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("", |(written, _)| written)
    }

    fn takes_value(self) -> bool {
        !matches!(self, Comparison::Missing | Comparison::Present)
    }

    fn takes_list(self) -> bool {
        matches!(self, Comparison::IsOneOf | Comparison::IsNotOneOf)
    }
}

/// A part of the phrase without its quotes, and the bytes it stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) at: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub(crate) quantifier: Option<(Quantifier, Range<usize>)>,
    pub(crate) subject: Word,
    pub(crate) operator: Comparison,
    pub(crate) operator_at: Range<usize>,
    /// One, several for `is one of`, none for `is missing` and `is present`.
    pub(crate) values: Vec<Word>,
}

impl Phrase {
    pub(crate) fn read(text: &str) -> Result<Phrase, PhraseFault> {
        let mut reader = Reader { text, at: 0 };
        reader.blanks();
        if reader.rest().is_empty() {
            return Err(PhraseFault::new(
                PhraseFaultKind::Condition,
                0..text.len(),
                "the condition is empty",
            ));
        }
        let quantifier = reader.quantifier();
        let subject = reader.subject()?;
        reader.blanks();
        let (operator, operator_at) = reader.operator()?;
        let values = reader.values(operator, &operator_at)?;
        Ok(Phrase { quantifier, subject, operator, operator_at, values })
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes these words, with any blanks between them, if they stand next and end at a blank.
    fn words(&mut self, words: &str) -> bool {
        let mut rest = self.rest();
        for word in words.split(' ') {
            let Some(behind) = rest.trim_start().strip_prefix(word) else { return false };
            if !behind.is_empty() && !behind.starts_with(char::is_whitespace) {
                return false;
            }
            rest = behind;
        }
        self.at = self.text.len() - rest.len();
        true
    }

    fn quantifier(&mut self) -> Option<(Quantifier, Range<usize>)> {
        let start = self.at;
        let quantifier = if self.words("any") {
            Quantifier::Any
        } else if self.words("every") {
            Quantifier::Every
        } else {
            return None;
        };
        let end = self.at;
        self.words("of");
        self.blanks();
        Some((quantifier, start..end))
    }

    fn subject(&mut self) -> Result<Word, PhraseFault> {
        match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote, true),
            _ => {
                let start = self.at;
                let len = self.rest().find(char::is_whitespace).unwrap_or(self.rest().len());
                self.at += len;
                Ok(Word { text: self.text[start..self.at].to_owned(), at: start..self.at })
            }
        }
    }

    /// The text up to the closing quote; a doubled quote stands for one. In a path the quotes
    /// inside brackets belong to the path: `'Person[@role='SUSPECT']/Sex'`.
    fn quoted(&mut self, quote: char, path: bool) -> Result<Word, PhraseFault> {
        let open = self.at;
        let start = open + 1;
        let mut text = String::new();
        let mut depth = 0_usize;
        let mut letters = self.text[start..].char_indices().peekable();
        while let Some((offset, letter)) = letters.next() {
            match letter {
                '[' if path => depth += 1,
                ']' if path => depth = depth.saturating_sub(1),
                // A second quote is taken with the first one, and one of them kept.
                _ if letter == quote
                    && depth == 0
                    && letters.next_if(|(_, next)| *next == quote).is_none() =>
                {
                    self.at = start + offset + 1;
                    return Ok(Word { text, at: start..start + offset });
                }
                _ => {}
            }
            text.push(letter);
        }
        Err(PhraseFault::new(
            PhraseFaultKind::Condition,
            open..self.text.len(),
            "this quote is not closed",
        ))
    }

    fn operator(&mut self) -> Result<(Comparison, Range<usize>), PhraseFault> {
        let start = self.at;
        for (written, operator) in OPERATORS {
            if self.words(written) {
                return Ok((operator, start..self.at));
            }
        }
        let rest = self.rest().trim_end();
        if rest.is_empty() {
            return Err(PhraseFault::new(
                PhraseFaultKind::Condition,
                0..self.text.len(),
                "an operator is missing, such as `is`, `is one of` or `is missing`",
            ));
        }
        // The nearest operator among those of as many words as it has.
        let meant = OPERATORS.iter().find_map(|(written, _)| {
            let words = written.split(' ').count();
            let end = rest.match_indices(' ').nth(words - 1).map_or(rest.len(), |(at, _)| at);
            nearest(&rest[..end], [*written])
        });
        let first = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let what = "no operator has this name: there are is, is not, is one of, is not one of, is missing, is present, starts with, looks like, is at least, is at most, is before and is after";
        Err(PhraseFault::new(PhraseFaultKind::Operator, start..start + first, what).suggest(meant))
    }

    fn values(
        &mut self,
        operator: Comparison,
        operator_at: &Range<usize>,
    ) -> Result<Vec<Word>, PhraseFault> {
        self.blanks();
        if !operator.takes_value() {
            if self.rest().is_empty() {
                return Ok(Vec::new());
            }
            return Err(PhraseFault::new(
                PhraseFaultKind::Condition,
                self.at..self.text.trim_end().len(),
                format!("nothing may follow `{}`", operator.written()),
            ));
        }
        let mut values = Vec::new();
        loop {
            self.blanks();
            let value = self.value(operator)?;
            if value.text.is_empty() {
                return Err(PhraseFault::new(
                    PhraseFaultKind::Condition,
                    if value.at.is_empty() { operator_at.clone() } else { value.at },
                    format!("`{}` needs a value", operator.written()),
                ));
            }
            values.push(value);
            self.blanks();
            if self.rest().is_empty() {
                return Ok(values);
            }
            let comma = self.rest().starts_with(',');
            if !comma || !operator.takes_list() {
                return Err(PhraseFault::new(
                    PhraseFaultKind::Condition,
                    self.at..self.text.trim_end().len(),
                    "the condition ends before this; write two conditions as two rules",
                ));
            }
            self.at += 1;
        }
    }

    /// A quoted value, or a bare one: up to the comma of a list, else to the end.
    fn value(&mut self, operator: Comparison) -> Result<Word, PhraseFault> {
        if let Some(quote @ ('\'' | '"')) = self.rest().chars().next() {
            return self.quoted(quote, false);
        }
        let start = self.at;
        let rest = self.rest();
        let len = if operator.takes_list() { rest.find(',') } else { None };
        let text = rest[..len.unwrap_or(rest.len())].trim_end();
        self.at += text.len();
        let at = start..self.at;
        if operator == Comparison::IsNot && matches!(text, "missing" | "present") {
            let meant = if text == "missing" { "is present" } else { "is missing" };
            let what =
                format!("`is not {text}` is written `{meant}`; the word itself goes in quotes");
            return Err(PhraseFault::new(PhraseFaultKind::Operator, at, what).suggest(Some(meant)));
        }
        if text.contains(" and ") || text.contains(" or ") {
            let what = "a condition says one thing: use `is one of`, or a second rule; a text with `and` in it goes in quotes";
            return Err(PhraseFault::new(PhraseFaultKind::Condition, at, what));
        }
        Ok(Word { text: text.to_owned(), at })
    }
}

/// The text that `looks like` compares with: 9 is any digit, A any letter from A to Z in either
/// case, and everything else itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    pub(crate) fn of(word: &Word) -> Pattern {
        Pattern::of_text(&word.text)
    }

    pub(crate) fn of_text(text: &str) -> Pattern {
        Pattern(text.to_owned())
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        let mut letters = text.chars();
        self.0.chars().all(|wanted| {
            letters.next().is_some_and(|letter| match wanted {
                '9' => letter.is_ascii_digit(),
                'A' => letter.is_ascii_alphabetic(),
                other => letter == other,
            })
        }) && letters.next().is_none()
    }
}
