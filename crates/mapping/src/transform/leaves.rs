//! What is certain of a text behind a transform, whatever it was before.

use super::{Plain, Step, Transform};

/// Characters of which a text holds no others of their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No small letter.
    Upper,
    /// No capital.
    Lower,
    Digits,
    Letters,
}

/// What a transform leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// A form of its own, of which nothing is said here.
    Anything,
    /// What it was, but for blanks at its ends or a part that was cut off.
    Same,
    Only(Class),
    /// A part in which this text is nowhere.
    Lacking(String),
    /// A part of at most so many characters.
    AtMost(usize),
    /// `yes` or `no`.
    YesNo,
}

impl Class {
    /// Whether the text is of this class.
    pub fn holds(self, text: &str) -> bool {
        match self {
            Class::Upper => text.to_uppercase() == text,
            Class::Lower => text.to_lowercase() == text,
            Class::Digits => text.chars().all(|c| c.is_ascii_digit()),
            Class::Letters => text.chars().all(char::is_alphabetic),
        }
    }
}

impl Transform {
    /// What is certain of its result.
    pub fn leaves(&self) -> Leaves {
        match &self.step {
            Step::Plain(plain) => plain.leaves(),
            Step::Before(mark) | Step::SplitAt(mark) | Step::Without(mark) => {
                Leaves::Lacking(mark.clone())
            }
            Step::After(_) => Leaves::Same,
            Step::Words => Leaves::Lacking(" ".to_owned()),
            Step::Letters { first, last } => Leaves::AtMost(last + 1 - first),
        }
    }
}

impl Plain {
    fn leaves(self) -> Leaves {
        match self {
            Plain::Trim => Leaves::Same,
            Plain::UpperCase => Leaves::Only(Class::Upper),
            Plain::LowerCase => Leaves::Only(Class::Lower),
            Plain::DigitsOnly => Leaves::Only(Class::Digits),
            Plain::LettersOnly => Leaves::Only(Class::Letters),
            Plain::FirstWord | Plain::LastWord => Leaves::Lacking(" ".to_owned()),
            Plain::YesNo => Leaves::YesNo,
            Plain::SqueezeSpaces
            | Plain::Postcode
            | Plain::UkPhone
            | Plain::PncId
            | Plain::Asn
            | Plain::Cro
            | Plain::PtiUrn
            | Plain::OffenceCode
            | Plain::Email => Leaves::Anything,
        }
    }
}
