//! What can be wrong with a draft, or worth a look: published codes, append-only.
//!
//! A finding names code, field and source path. It never holds a value of the record.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::draft::Origin;

/// What a finding does to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Worth a look; the case goes on.
    Flag,
    /// Stops the record until ops clear it; the force did nothing wrong.
    Hold,
    /// The force must mend it.
    Violation,
}

/// One thing found in a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub code: Code,
    /// Dotted, with a 1-based number for a group: `offences[2].cjs_code`. Empty: the whole record.
    pub field: Cow<'static, str>,
    /// Where in the record, as the mapping names it.
    pub origin: Option<Origin>,
    /// Line of the body, 1-based, where the reader knows it.
    pub line: Option<u32>,
    /// The check letter that would be right, for a wrong one.
    pub expected_letter: Option<char>,
    /// The name of the mapping's lookup or rule that made it.
    pub named: Option<std::sync::Arc<str>>,
}

impl Finding {
    pub fn new(code: Code, field: impl Into<Cow<'static, str>>) -> Self {
        Finding {
            code,
            field: field.into(),
            origin: None,
            line: None,
            expected_letter: None,
            named: None,
        }
    }

    pub fn at(mut self, origin: Option<Origin>, line: Option<u32>) -> Self {
        self.origin = origin;
        self.line = line;
        self
    }
}

/// The page behind a code: what it means, usual cause, how to fix it, how to avoid it.
#[derive(Debug)]
pub struct Page {
    /// `V101`; never reused.
    pub id: &'static str,
    /// `missing`; what JSON, SQL and logs carry beside the id.
    pub name: &'static str,
    pub kind: Kind,
    pub means: &'static str,
    pub cause: &'static str,
    pub fix: &'static str,
    pub avoid: &'static str,
}

/// A published code: an index into [`PAGES`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(u16);

impl Code {
    pub fn page(self) -> &'static Page {
        &PAGES[self.0 as usize]
    }
    pub fn id(self) -> &'static str {
        self.page().id
    }
    pub fn name(self) -> &'static str {
        self.page().name
    }
    pub fn kind(self) -> Kind {
        self.page().kind
    }
    pub fn all() -> impl Iterator<Item = Code> {
        (0..PAGES.len()).map(|index| Code(index as u16))
    }
    /// The code with this id (`V101`) or name (`missing`).
    pub fn find(text: &str) -> Option<Code> {
        Code::all().find(|code| code.id() == text || code.name() == text)
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id(), self.name())
    }
}

macro_rules! codes {
    ($( $constant:ident $id:literal $name:literal $kind:ident means $means:literal cause $cause:literal fix $fix:literal avoid $avoid:literal; )*) => {
        pub static PAGES: &[Page] = &[$( Page { id: $id, name: $name, kind: Kind::$kind, means: $means, cause: $cause, fix: $fix, avoid: $avoid } ),*];
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "the variants mirror the constants")]
        enum Position { $($constant),* }
        impl Code { $( pub const $constant: Code = Code(Position::$constant as u16); )* }
    };
}

codes! {
    MISSING "V101" "missing" Violation
        means "A mandatory field has no value."
        cause "The record does not hold it, or holds only a blank, at the place that the mapping names."
        fix "Fill the field in the record system and send the record again."
        avoid "Make the field mandatory in the export.";
    UNREADABLE_MANDATORY "V102" "unreadable_mandatory" Violation
        means "A mandatory field holds something that does not have the field's shape."
        cause "A typing mistake, another format than the agreed one, or a value in the wrong field."
        fix "Correct the value in the record system and send the record again."
        avoid "Let the record system check the shape when the value is typed.";
    UNREADABLE "V103" "unreadable" Flag
        means "An optional field held something that does not have the field's shape; it was left out."
        cause "A typing mistake, or another format than the agreed one."
        fix "Correct the value in the record system; the case goes on without it."
        avoid "Let the record system check the shape when the value is typed.";
    UNLISTED_CODE "V201" "unlisted_code" Hold
        means "The record holds a code that the force's mapping does not list."
        cause "The force added a value to a pick list."
        fix "Ops add the code to the lookup in the mapping, then release the record. The force has nothing to do."
        avoid "Tell the gateway's operators before a pick list changes.";
    MORE_THAN_ONE "V202" "more_than_one" Hold
        means "One value is expected and the record holds several different ones."
        cause "Several persons or events share the role that the mapping looks for."
        fix "Ops decide with the force which one is meant; the force mends the record, or ops narrow the path."
        avoid "Keep one record for one case and one offender.";
    RULE "V203" "rule" Hold
        means "A rule that the force wrote into its mapping holds this record."
        cause "The record is outside what this force refers without a further decision."
        fix "The person named in the rule decides; ops release the record or return it."
        avoid "Take the decision before the record is sent.";
    RULE_FLAG "V204" "rule_flag" Flag
        means "A rule that the force wrote into its mapping asks for a look."
        cause "The record is unusual for this force."
        fix "Nothing has to be done; the case goes on."
        avoid "Nothing: the rule is there to point at it.";
    NOT_RECORDED "V301" "not_recorded" Flag
        means "The record says that an evidenced field was not recorded."
        cause "The question was not asked, or the answer was not written down."
        fix "Record the fact and send the record again as amended."
        avoid "Ask and record it before the caution is given.";
}
