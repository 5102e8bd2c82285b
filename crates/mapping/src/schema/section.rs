//! The keys of every section of a file, each with the line that an editor shows. The tests compare
//! them with the keys that the compiler takes.

/// One key of a section.
pub(super) struct Key {
    pub name: &'static str,
    pub takes: KeyContent,
    pub doc: &'static str,
}

/// What stands behind a key.
#[derive(Clone, Copy)]
pub(super) enum KeyContent {
    Text,
    /// One text, or a list of them.
    Texts,
    /// One character.
    Letter,
    OneOf(&'static [&'static str]),
    /// The version of the language.
    Version,
    /// A force's slug.
    Force,
    Boolean,
    /// Entries of `apply`.
    Transforms,
    /// A section of its own; its schema is made elsewhere.
    Table,
}

const fn key(name: &'static str, takes: KeyContent, doc: &'static str) -> Key {
    Key { name, takes, doc }
}

const FORMAT: Key = key("format", KeyContent::Version, "The version of the language: 1");
const FORCE: Key = key("force", KeyContent::Force, "The force, by its slug; a base leaves it out");
const FILLS: Key = key("fills", KeyContent::Text, "What the file fills");
const EXTENDS: Key = key(
    "extends",
    KeyContent::Text,
    "A base that this file takes over, as \"../base/occurrence-xml.toml\"; the file says only what \
     differs",
);
const WITHOUT: Key = key(
    "without",
    KeyContent::Texts,
    "What of the base is left out: \"officer.unit\", \"lookup.risk grade.XHI\", \"rule.NAME\"",
);
const FIELDS: Key = key("fields", KeyContent::Table, "What stands where");
const LOOKUP: Key = key("lookup", KeyContent::Table, "Lists of codes");
const TESTS: Key = key("test", KeyContent::Table, "A record and what must become of it");

/// The top of a file that reads records.
pub(super) static TOP: &[Key] = &[
    FORMAT,
    FORCE,
    FILLS,
    EXTENDS,
    WITHOUT,
    key("source", KeyContent::Table, "How the force's bodies are shaped"),
    key("line", KeyContent::Table, "A kind of line, where type = \"fixed\""),
    key("unwrap", KeyContent::Table, "What is carried escaped inside a text"),
    FIELDS,
    key("one", KeyContent::Table, "What stands in exactly one place"),
    key("each", KeyContent::Table, "What stands there several times"),
    LOOKUP,
    key("rule", KeyContent::Table, "The force's own condition"),
    TESTS,
];

pub(super) static SOURCE: &[Key] = &[
    key("type", KeyContent::OneOf(&["xml", "json", "csv", "fixed"]), "The shape of a body"),
    key(
        "match",
        KeyContent::Text,
        "A path that finds something in a body for this mapping, and in no other",
    ),
    key(
        "record",
        KeyContent::Text,
        "A path: each match is one record. The name of a line where type = \"fixed\"",
    ),
    key(
        "dates",
        KeyContent::Texts,
        "How dates are written: \"DD/MM/YYYY\", \"YYYY-MM-DDThh:mm:ssZ\"; the first that fits counts",
    ),
    key("years", KeyContent::Text, "What two digits of a year mean: \"1930-2029\""),
    key(
        "timezone",
        KeyContent::Text,
        "Where local times are; \"Europe/London\" when it is not said",
    ),
    key("blank", KeyContent::Texts, "Texts that mean that nothing is there: \"NULL\""),
    key(
        "encoding",
        KeyContent::Text,
        "How bytes are read: \"utf-8\", \"utf-16\", \"windows-1252\"",
    ),
    key(
        "header",
        KeyContent::Boolean,
        "Whether the first line of a CSV names its columns; true when it is not said",
    ),
    key(
        "separator",
        KeyContent::Letter,
        "What stands between the cells of a CSV; a comma when it is not said",
    ),
    key(
        "group",
        KeyContent::Text,
        "The column whose equal texts make several rows of a CSV one record",
    ),
    key("namespaces", KeyContent::Table, "Prefixes of XML namespaces that paths use"),
];

/// `[[line]]`
pub(super) static LINE_KIND: &[Key] = &[
    key("name", KeyContent::Text, "What paths call a line of this kind"),
    key(
        "is",
        KeyContent::Text,
        "How it is told from other lines: \"5 is 1\", the text at a position",
    ),
    key(
        "columns",
        KeyContent::Texts,
        "Its columns in order, each a name and a width: \"surname 30\", \"- 1\" for a gap",
    ),
];

/// `[[unwrap]]`
pub(super) static UNWRAP: &[Key] = &[
    key(
        "at",
        KeyContent::Text,
        "A path to the text that carries a document: \"//DataStreamContent\"",
    ),
    key("as", KeyContent::OneOf(&["xml", "json", "fixed"]), "What the text is"),
    key(
        "columns",
        KeyContent::Texts,
        "Its columns, where as = \"fixed\": \"offender 2\", \"relationship 2\"",
    ),
];

/// One line of `[fields]`.
pub(super) static LINE: &[Key] = &[
    key(
        "from",
        KeyContent::Texts,
        "A path, or several: a text takes the first that is not blank, a list takes all in order",
    ),
    key("value", KeyContent::Text, "Always this, instead of a text of the record"),
    key(
        "when",
        KeyContent::Text,
        "Fills the field only if this holds of the record: \"'Disposal/Type' is 'CCAU'\"",
    ),
    key("apply", KeyContent::Transforms, "Named transforms, done in order"),
    key("lookup", KeyContent::Text, "The lookup that turns the force's code into ours"),
    key("join", KeyContent::Text, "Glues the texts of several paths with this between them"),
    key("dates", KeyContent::Texts, "How this date is written, instead of what [source] says"),
];

/// `[[one]]`
pub(super) static ONE: &[Key] = &[
    key("fills", KeyContent::Text, "What the block fills"),
    key(
        "from",
        KeyContent::Texts,
        "A path that finds exactly one place: \"Persons/Person[@role='SUSPECT']\"",
    ),
    key(
        "same_by",
        KeyContent::Texts,
        "Paths to a key: several places with the same key are the same person",
    ),
    key("when", KeyContent::Text, "Reads the block only if this holds of the record"),
    key("fields", KeyContent::Table, "What stands where in the block"),
];

/// `[[each]]`
pub(super) static EACH: &[Key] = &[
    key("fills", KeyContent::Text, "What the block fills"),
    key("from", KeyContent::Texts, "A path, or several: each match makes one"),
    key("when", KeyContent::Text, "Reads the block only if this holds of the record"),
    key("fields", KeyContent::Table, "What stands where in the block"),
];

/// `[[rule]]`
pub(super) static RULE: &[Key] = &[
    key("name", KeyContent::Text, "What the rule is called where it holds or flags a case"),
    key(
        "require",
        KeyContent::Text,
        "What must hold of the referral: \"risk.grade is one of standard, medium\"",
    ),
    key(
        "otherwise",
        KeyContent::OneOf(&["hold", "flag"]),
        "What a case gets that does not keep it",
    ),
    key("because", KeyContent::Text, "Why, for the person who sees it"),
];

/// `[[test]]` of a file that reads records.
pub(super) static TEST: &[Key] = &[
    key("name", KeyContent::Text, "What the test shows"),
    key("given", KeyContent::Text, "The record itself"),
    key(
        "given_file",
        KeyContent::Text,
        "The record's file, from the mapping's own folder: \"examples/full.xml\"",
    ),
    key("same_as", KeyContent::Text, "An earlier test, whose record is taken with `change`"),
    key("change", KeyContent::Table, "Texts of that record and what stands there instead"),
    key("expect", KeyContent::Table, "What must become of it"),
];

/// The top of a file that writes letters.
pub(super) static LETTER_TOP: &[Key] = &[
    FORMAT,
    FORCE,
    FILLS,
    EXTENDS,
    WITHOUT,
    key("target", KeyContent::Table, "How a letter is shaped"),
    key(
        "deliver",
        KeyContent::Table,
        "Where letters are pushed to; without it the force fetches them",
    ),
    FIELDS,
    LOOKUP,
    TESTS,
];

pub(super) static TARGET: &[Key] = &[
    key("type", KeyContent::OneOf(&["xml", "json", "csv"]), "The shape of a letter"),
    key(
        "dates",
        KeyContent::Text,
        "How days are written where a line does not say: \"DD/MM/YYYY\"",
    ),
    key(
        "root",
        KeyContent::Text,
        "The outermost element of XML; the outermost member of JSON, if it has one",
    ),
    key("namespace", KeyContent::Text, "The default namespace of XML"),
    key(
        "separator",
        KeyContent::Letter,
        "What stands between the cells of a CSV; a comma when it is not said",
    ),
    key(
        "header",
        KeyContent::Boolean,
        "Whether a line of a CSV names its columns; true when it is not said",
    ),
    key("line_end", KeyContent::OneOf(&["crlf", "lf"]), "How a line of a CSV ends"),
];

pub(super) static DELIVER: &[Key] = &[
    key("to", KeyContent::Text, "The address; `delivery_endpoints` in gateway.toml must allow it"),
    key("delivered", KeyContent::Table, "Answers that mean that the force has the letter"),
    key("taken_over", KeyContent::Table, "Answers that mean that the force has taken it over"),
    key("timeout_s", KeyContent::Table, "How long an answer may take"),
    key("headers", KeyContent::Table, "Headers that go with a letter"),
];

/// One line of `[fields]` of a letter.
pub(super) static LETTER_LINE: &[Key] = &[
    key("from", KeyContent::Text, "The notice's field"),
    key("value", KeyContent::Text, "Always this, instead of a field of the notice"),
    key(
        "when",
        KeyContent::Text,
        "Writes the line only if this holds: \"notice.kind is workshop_missed\"",
    ),
    key("lookup", KeyContent::Text, "The lookup that turns our code into the force's word"),
    key("apply", KeyContent::Transforms, "Named transforms, done in order"),
    key("dates", KeyContent::Text, "How this day or moment is written"),
    key("if_missing", KeyContent::Text, "What is written where there is nothing to say"),
];

/// `[[test]]` of a letter.
pub(super) static LETTER_TEST: &[Key] = &[
    key("name", KeyContent::Text, "What the test shows"),
    key("notice", KeyContent::Texts, "The kinds of notice, which the program brings made up"),
    key("given", KeyContent::Table, "What the notice says instead; an empty text: nothing"),
    key("expect", KeyContent::Table, "Places of the letter and what must stand there"),
    key("expect_file", KeyContent::Text, "The whole letter's file, from the mapping's own folder"),
];
