//! One thing wrong with a phrase of a mapping file: a path, a condition, a transform, a date
//! format. A phrase knows its own text only; the compiler knows where in the file it stands and
//! turns a fault into a diagnostic.

use std::ops::Range;

/// What kind of mistake it is; the compiler gives each kind its published M-code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PhraseFaultKind {
    /// A path that cannot be read.
    Path,
    /// A condition that cannot be read: no operator, a quote that is not closed.
    Condition,
    /// The condition names a field that the referral does not have.
    Field,
    /// An operator that does not exist, or that does not fit the field.
    Operator,
    /// A value that the field can never hold.
    Value,
    /// A list field without `any` or `every`, or one of them before a single field.
    Quantifier,
    /// A condition that is decided before any record comes.
    Settled,
    /// No transform has this name.
    Transform,
    /// The transform's argument is missing, or is of the wrong kind.
    Argument,
    /// A date format that cannot be read.
    DateFormat,
    /// Two date formats read one text as two different days.
    DateClash,
    /// A path's prefix that is nearly a declared one.
    Prefix,
}

/// A mistake, with the bytes of the phrase that are to be underlined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhraseFault {
    /// First byte to underline, 0-based within the phrase's text.
    pub start: usize,
    /// One past the last byte to underline.
    pub end: usize,
    pub cause: PhraseFaultKind,
    /// One sentence for the person who writes the mapping.
    pub what: String,
    /// What was probably meant; only when it is close.
    pub suggestion: Option<String>,
}

impl PhraseFault {
    pub fn new(cause: PhraseFaultKind, at: Range<usize>, what: impl Into<String>) -> Self {
        PhraseFault { start: at.start, end: at.end, cause, what: what.into(), suggestion: None }
    }

    pub fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }

    /// The same fault of a phrase that begins at this byte of a longer text.
    pub fn shifted(mut self, bytes: usize) -> Self {
        self.start += bytes;
        self.end += bytes;
        self
    }
}

/// The known word that was probably meant: at most one slip in three letters, and never when two
/// known words are equally near. Case does not count.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let written = written.to_lowercase();
    let slips_max = (written.chars().count() / 3).min(3);
    let mut best: Option<(usize, &str)> = None;
    let mut tied = false;
    for word in known {
        let slips = strsim::osa_distance(&written, &word.to_lowercase());
        match best {
            Some((least, _)) if slips > least => {}
            Some((least, first)) if slips == least => tied = tied || first != word,
            _ => {
                best = Some((slips, word));
                tied = false;
            }
        }
    }
    best.filter(|(slips, _)| *slips <= slips_max && !tied).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_the_word_and_a_stranger_does_not() {
        let known = ["standard", "medium", "high"];
        assert_eq!(nearest("standrad", known), Some("standard"));
        assert_eq!(nearest("MEDIUM", known), Some("medium"));
        assert_eq!(nearest("severe", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn two_words_equally_near_are_no_suggestion() {
        assert_eq!(nearest("mild", ["mile", "mill"]), None);
    }
}
