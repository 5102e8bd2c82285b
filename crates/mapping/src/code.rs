//! The published codes of mapping files, append-only, each with its page in four parts.

/// The page behind a code.
#[derive(Debug, PartialEq, Eq)]
pub struct DiagnosticPage {
    /// `M101`; never reused.
    pub id: &'static str,
    pub name: &'static str,
    pub means: &'static str,
    pub cause: &'static str,
    pub fix: &'static str,
    pub avoid: &'static str,
    /// What would have happened if the file had gone live.
    pub effect: &'static str,
}

/// A published code: an index into [`PAGES`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MappingCode(u16);

impl MappingCode {
    pub fn page(self) -> &'static DiagnosticPage {
        &PAGES[self.0 as usize]
    }

    pub fn id(self) -> &'static str {
        self.page().id
    }

    pub fn all() -> impl Iterator<Item = MappingCode> {
        (0..PAGES.len()).map(|index| MappingCode(index as u16))
    }

    /// The code with this id.
    pub fn find(id: &str) -> Option<MappingCode> {
        MappingCode::all().find(|code| code.id() == id)
    }
}

impl std::fmt::Debug for MappingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id(), self.page().name)
    }
}

macro_rules! codes {
    ($( $constant:ident $id:literal $name:literal $means:literal $cause:literal $fix:literal $avoid:literal effect $effect:literal; )*) => {
        pub static PAGES: &[DiagnosticPage] = &[$( DiagnosticPage { id: $id, name: $name, means: $means, cause: $cause, fix: $fix, avoid: $avoid, effect: $effect } ),*];
        #[expect(
            non_camel_case_types,
            clippy::upper_case_acronyms,
            reason = "the variants mirror the constants"
        )]
        enum Position { $($constant),* }
        impl MappingCode { $( pub const $constant: MappingCode = MappingCode(Position::$constant as u16); )* }
    };
}

codes! {
    SYNTAX "M101" "syntax"
        "The file is not TOML, so nothing of it could be read."
        "A quote, a bracket or an equals sign is missing on this line or the one before."
        "Mend the line; every text stands in quotes, every list in square brackets."
        "Use an editor that colours TOML: a missing quote shows at once."
        effect "no record of this force could be read";
    UNKNOWN_KEY "M102" "unknown_key"
        "The file has a key here that mappings do not know."
        "A slip of the pen, or a key of another section."
        "Write the key as the handbook does, or move it to its section."
        "Copy a working section and change the values."
        effect "what the key was meant to do would not happen, and nobody would notice";
    WRONG_TYPE "M103" "wrong_type"
        "The value is of another kind than this key takes."
        "A text where a list is expected, or the reverse."
        "Write it as the message says: \"text\", [\"a\", \"list\"], true or false."
        "Copy a working line and change the value."
        effect "the line could not be carried out";
    MISSING_KEY "M104" "missing_key"
        "A key that every mapping needs is not there."
        "It was left out or deleted."
        "Add it, as the message says."
        "Start from a mapping that works."
        effect "the gateway would have to guess";
    WRONG_VALUE "M105" "wrong_value"
        "The value is not one that this key can have."
        "A slip of the pen, or a feature that this version does not have."
        "Choose one of the values that the message lists."
        "Run `cara-gateway mapping check` after every change."
        effect "the line could not be carried out";
    UNKNOWN_FIELD "M111" "unknown_field"
        "The referral has no field of this name, so the value would go nowhere."
        "A slip of the pen, or the field belongs to another block."
        "Use the name that the message suggests, or look it up in the field list."
        "Copy field names from the handbook."
        effect "the value would go nowhere";
    FILLED_TWICE "M112" "filled_twice"
        "Two places of the file fill the same field, and only one can count."
        "The field stands in [fields] and in a [[one]] block, or a line was copied."
        "Delete one of the two."
        "Keep all fields of a person in that person's block."
        effect "which of the two counts would be a guess";
    WRONG_BLOCK "M113" "wrong_block"
        "The field exists, but belongs into another section."
        "A person's field stands in [fields] of another person's block, or a group's field outside its [[each]]."
        "Move the line into the section that the message names."
        "Keep the fields of a person or a group together in one block."
        effect "the value would go nowhere";
    MANDATORY_NOT_FILLED "M114" "mandatory_not_filled"
        "Nothing in the file fills a mandatory field: every record would be refused."
        "The field was forgotten, or its line was deleted."
        "Add a line that fills it."
        "Run `cara-gateway mapping check` after every change."
        effect "every record of this force would be refused";
    EVIDENCED_NOT_FROM_RECORD "M115" "evidenced_not_from_record"
        "The field is evidence, so it must come from the record; a constant or an `otherwise` value would invent it."
        "The record does not hold it and somebody wanted the errors to stop."
        "Read it from the record; a code that means nobody knows may be looked up as not_recorded."
        "Ask the force to export the field."
        effect "the gateway would state a fact that nobody recorded";
    SAME_PLACE "M116" "same_place"
        "Offender and victim are read from the same place of the record, so one of them is somebody else."
        "A block was copied for the other person and its `from` left as it was."
        "Write the other person's place, such as Person[@role='VICTIM']."
        "After copying a block, change its `from` first."
        effect "what is the victim's could be sent to those who work with the offender";
    PATH "M121" "path"
        "The path cannot be read."
        "A bracket or quote is not closed, or a name is missing."
        "Write it like Person[@role='SUSPECT']/Surname."
        "Copy a path that works and change the names."
        effect "nothing could be read there";
    PATH_FINDS_NOTHING "M122" "path_finds_nothing"
        "None of the file's own examples has anything at this path."
        "A slip of the pen in a name, or no example covers it."
        "Mend the path, or add an example that has it."
        "Give every path one example."
        effect "the field would always be empty, or the condition never true";
    UNDECLARED_PREFIX "M123" "undeclared_prefix"
        "The path has a prefix that is nearly one of those that [source.namespaces] declares, and is none of them."
        "A slip of the pen in the prefix, or its line is missing in [source.namespaces]."
        "Write the prefix that the message suggests, or declare this one; without a prefix a name is found in every namespace."
        "Use the prefixes of the force's own documents."
        effect "the name would be found in every namespace, so another document's element could be read for it";
    PREFIX_NOT_USED "M124" "prefix_not_used"
        "No path uses this prefix of [source.namespaces]."
        "The paths name their steps without it, or it was left over."
        "Write it before the names that must be in this namespace, or delete its line."
        "Declare a prefix only together with the first path that uses it."
        effect "names would be found in every namespace, although the file looks as if they were not";
    VALUE_NEVER_OCCURS "M125" "value_never_occurs"
        "The path or condition asks for a value that none of the file's own examples has in that place."
        "A slip of the pen in the value, or no example covers it."
        "Write one of the values that the message lists, or add an example that has this one."
        "Copy the value from the force's own record."
        effect "the field would always be empty, or the condition never true";
    PATH_TWICE "M126" "path_twice"
        "A list of paths names the same path twice, and the second one never adds anything."
        "A path was copied and not changed."
        "Write the path that was meant, or delete the second one."
        "After copying a path, change it at once."
        effect "what the second path was meant to find would be left out, and nobody would notice";
    UNKNOWN_TRANSFORM "M131" "unknown_transform"
        "There is no transform of this name."
        "A slip of the pen, or a transform that this version does not have."
        "Use one from the list in the handbook."
        "Copy transform names from the handbook."
        effect "the value would go on as it was written";
    TRANSFORM_ARGUMENT "M132" "transform_argument"
        "The transform's argument is missing or of the wrong kind."
        "The transform takes a text or positions behind its name."
        "Write it as the handbook's example does."
        "Copy the example from the handbook."
        effect "the transform could not be carried out";
    TRANSFORM_DOES_NOT_FIT "M133" "transform_does_not_fit"
        "The transform makes something that this field cannot hold."
        "A transform meant for another field."
        "Remove it, or use one that fits the field."
        "Look at what the handbook says the transform makes."
        effect "the field would be refused or left out in every record";
    UNKNOWN_LOOKUP "M141" "unknown_lookup"
        "No lookup of this name is in the file, nor built in."
        "A slip of the pen, or the table was deleted."
        "Add [lookup.\"name\"], or use the name that the message suggests."
        "Name lookups after the field that they serve."
        effect "the force's own codes would go on unread, and every record would be held";
    NO_OTHERWISE "M142" "no_otherwise"
        "The lookup does not say what happens to a code that it does not list."
        "The line was left out."
        "Add otherwise = \"hold\"."
        "Nearly always hold: an unknown code is for a person to look at."
        effect "a new code on the force's list would be lost or guessed";
    LOOKUP_VALUE "M143" "lookup_value"
        "The lookup gives a value that the field can never hold."
        "A slip of the pen, or a table made for another field."
        "Use one of the field's codes, which the message lists."
        "Copy the codes from the handbook."
        effect "each record with this code would be refused or held";
    LOOKUP_NOT_USED "M144" "lookup_not_used"
        "No field uses this lookup."
        "The field's `lookup` names another table, or was deleted."
        "Use it in a field, or delete it."
        "Delete what is no longer needed."
        effect "the codes that it lists would not be looked up anywhere";
    ROW_NEVER_MET "M145" "row_never_met"
        "No record can ever meet this row of the lookup."
        "The transforms before the lookup change every text, or `blank` takes it away first."
        "Write the row as the text is behind the transforms, or take away what is in its way."
        "Look at the steps that `cara-gateway mapping try` shows before writing the rows."
        effect "records with this code would be held as unlisted, or lose the field";
    CONDITION "M151" "condition"
        "The condition cannot be read."
        "An operator or a quote is missing."
        "Write it like 'Disposal/Type' is 'CCAU'."
        "Copy a condition that works."
        effect "the gateway would not know when";
    CONDITION_FIELD "M152" "condition_field"
        "The rule names a field that the referral does not have."
        "A slip of the pen."
        "Use the name that the message suggests."
        "Copy field names from the handbook."
        effect "the rule would ask about nothing";
    CONDITION_OPERATOR "M153" "condition_operator"
        "The operator does not exist, or does not fit the field."
        "A slip of the pen, or a comparison of order on a text."
        "Use one of: is, is not, is one of, is missing, is present, starts with, looks like, is at least, is at most, is before, is after."
        "Copy a condition that works."
        effect "the condition could not be asked";
    CONDITION_VALUE "M154" "condition_value"
        "The field can never have this value, so the condition could never be true."
        "A slip of the pen, or the force's own code where the referral's is meant."
        "Use one of the field's codes, which the message lists."
        "Rules read the referral's words, not the force's."
        effect "the condition could never be true";
    CONDITION_QUANTIFIER "M155" "condition_quantifier"
        "A list needs `any` or `every` before it, and a single value takes neither."
        "The word is missing, or stands where it has no meaning."
        "Write `any offences.cjs_code is …`, or leave the word out."
        "Say which of several values counts."
        effect "which of several values counts would be a guess";
    RULE_SETTLED "M156" "rule_settled"
        "What this file fills decides the rule, or one of its values, before any record comes."
        "A value that no lookup of the file gives, or a field that nothing fills."
        "Write a value that the message lists, add the missing lookup row or line, or delete the rule."
        "Write a rule together with one example that keeps it and one that breaks it."
        effect "the rule would stop every record, or none";
    DATE_FORMAT "M161" "date_format"
        "The date format cannot be read."
        "Letters that are not D, M, Y, h, m, s, T or Z."
        "Write it like DD/MM/YYYY."
        "Copy a format that works."
        effect "no date written so could be read";
    DATE_CLASH "M162" "date_clash"
        "Two formats read one text as two different days."
        "Day and month in two orders."
        "Give the field its own `dates` with the one format that it uses."
        "Ask the force which order it writes."
        effect "a day and a month could be exchanged, and nobody would notice";
    NO_DATE_FORMAT "M163" "no_date_format"
        "A date field is filled, and the file says nowhere how dates are written."
        "The key `dates` is missing in [source]."
        "Add dates = [\"DD/MM/YYYY\"], or what the force writes."
        "Look at the example before writing the format."
        effect "no date of this field could be read";
    DATE_READS_NOTHING "M164" "date_reads_nothing"
        "The date format does not read the dates that the file's own examples hold."
        "Other strokes than the force writes, or day and month in the other order."
        "Write the format as the dates in the message are written."
        "Look at an example of the force before writing the format."
        effect "dates of the force could not be read, or be read as another day";
    LINE "M171" "line"
        "A line kind of a fixed-width file is not described as it must be."
        "The `is` or a column is not of the right form."
        "Write is = \"5 is 1\" and columns like \"surname 30\"."
        "Count the columns on the force's own record layout."
        effect "the columns of this line could not be cut";
    TEST "M181" "test"
        "A test of the file cannot be run."
        "It has no record, no expectation, or names a file or field that is not there."
        "Give it given or given_file and at least expect.outcome."
        "Copy a test that works."
        effect "nobody could know whether the mapping does what it is meant to";
    NO_TEST "M182" "no_test"
        "The file has no test, so nobody can know whether it works."
        "Tests were left out."
        "Add a [[test]] with one of the force's records, scrambled."
        "Write the test first, from the record that made you change the mapping."
        effect "nobody could know whether the mapping works";
    LETTER_PLACE "M191" "letter_place"
        "The place on the left is not one that a letter can have."
        "A step is empty or is no name of the format, or something would stand inside a text."
        "Write it like \"Notice/Ref/@type\" in XML, \"notice/ref\" in JSON, a column's name in CSV."
        "Copy a line that works and change the names."
        effect "no letter could be written";
    NOTICE_FIELD "M192" "notice_field"
        "A notice has no field of this name."
        "A slip of the pen, or a field of the referral that no notice carries."
        "Use the name that the message suggests, or look it up in the field list."
        "Copy field names from the handbook."
        effect "the letter would never say it";
    LETTER_LOOKUP "M193" "letter_lookup"
        "The letter's lookup is not there, leaves out a code that the field can have, or lists one that it never has."
        "A slip of the pen, or a code that came later."
        "List exactly the codes that the message names."
        "Copy the codes from the handbook: they are the gateway's own, so the list is known."
        effect "a notice with that code could not be told in the force's own words";
    DELIVERY "M194" "delivery"
        "The letters cannot be delivered as [deliver] says."
        "The address is not https, an answer is no success, or a header is one that the gateway sets itself."
        "Write to = \"https://host/path\", answers from 200 to 299, and no header that the message refuses."
        "Ask the force for the address and the answers of its test system first."
        effect "letters would not reach the force, or nobody would know that they did";
    LETTER_TEST "M195" "letter_test"
        "The file has no test of its letters, or one that cannot be run."
        "It names no kind of notice, expects nothing, or names a place or file that is not there."
        "Give it notice = \"returned\" and an expectation: expect_file, or expect.\"Notice/Ref\" = \"…\"."
        "Write the letter that the force asked for first, and let a test expect it."
        effect "nobody could know whether the letters are what the force expects";
    BASE "M201" "base"
        "The base that the file extends cannot be opened."
        "A slip of the pen in its name, or it stands in another folder."
        "Write extends = \"../base/NAME.toml\" and keep the base in mappings/base/."
        "Copy the line from a file that extends the same base."
        effect "only what the file itself says would count, and most of it would be missing";
    BASE_NOT_PLAIN "M202" "base_not_plain"
        "A base is a plain start: it extends no other, leaves nothing out and has no tests."
        "A force's whole file was moved to mappings/base/ as it was."
        "Move the line that is shown into the files that extend this base."
        "Keep in a base only what all of its forces share."
        effect "what a file extends could no longer be seen from two files";
    WITHOUT "M203" "without"
        "The base has nothing of this name, so nothing would be left out."
        "A slip of the pen, or the base no longer has it."
        "Use the name that the message suggests, or delete it: officer.unit, lookup.sex, lookup.sex.9, rule.NAME, offences."
        "Look at the names with `cara-gateway mapping show FORCE`."
        effect "the file would keep what it means to leave out";
    SAME_AS_BASE "M204" "same_as_base"
        "The file repeats what its base says already."
        "The line was copied, or the base has caught up with it."
        "Delete the line."
        "A file that extends states only what differs."
        effect "a change to the base would pass this force by, and nobody would notice";
    OTHER_SHAPE "M205" "other_shape"
        "The file writes something in another section or shape than its base, so neither can replace the other."
        "A dotted key where the base has a section, or the reverse."
        "Write it under the same header and with the same key as the base."
        "Copy the base's header and line, then change the value."
        effect "what counts would be neither the base's line nor this one";
}
