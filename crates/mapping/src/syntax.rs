//! Mistakes in the TOML itself, all of them: the reader stops at the first, so each wrong line is
//! blanked and the rest read again.

use std::ops::Range;

use toml_edit::{Document, TomlError};

use crate::code::MappingCode;
use crate::diagnostic::Diagnostic;
use crate::fault::nearest;

/// Wrong lines that are looked for.
const MISTAKES_MAX: usize = 20;

/// Sections that a mapping of either sort has.
const SECTIONS: [&str; 11] = [
    "source", "line", "unwrap", "fields", "one", "each", "lookup", "rule", "test", "target",
    "deliver",
];

/// What could be read of a file.
pub(crate) struct Parsed {
    /// The file without its wrong lines; absent when what is left would say nothing reliable.
    pub document: Option<Document<String>>,
    pub mistakes: Vec<Diagnostic>,
}

pub(crate) fn parse(file: &str, text: &str) -> Parsed {
    let mut rest = text.to_owned();
    let mut mistakes = Vec::new();
    loop {
        let error = match Document::parse(rest.clone()) {
            Ok(document) => return Parsed { document: Some(document), mistakes },
            Err(error) => error,
        };
        let at = place(&error, &rest);
        if error.message().starts_with("duplicate key")
            && let Some((slip, meant)) = header_slip(&rest, at.start)
        {
            let what = format!("there is no section `{}`", &rest[slip.clone()]);
            let mut mistake =
                Diagnostic::at(MappingCode::UNKNOWN_KEY, file, text, slip.clone(), what);
            mistake.suggestion = Some(meant.to_owned());
            mistakes.push(mistake);
            if slip.len() != meant.len() || mistakes.len() == MISTAKES_MAX {
                return Parsed { document: None, mistakes };
            }
            rest.replace_range(slip, meant);
            continue;
        }
        let (code, what) = sentence(error.message());
        mistakes.push(Diagnostic::at(code, file, text, at.clone(), what));
        let line = line_around(&rest, at.start);
        // Without a header or with an open text the lines below would be read as something else.
        let wrong = rest[line.clone()].trim();
        let opens = wrong.starts_with('[')
            || ["'''", "\"\"\""].iter().any(|quotes| wrong.contains(quotes))
            || (wrong.contains('[') && !wrong.contains(']'));
        let blank = wrong.is_empty();
        if opens || blank || mistakes.len() == MISTAKES_MAX {
            return Parsed { document: None, mistakes };
        }
        rest.replace_range(line.clone(), &" ".repeat(line.len()));
    }
}

/// Whether a diagnostic may only be there because a wrong line was left out.
pub(crate) fn may_follow(code: MappingCode) -> bool {
    [
        MappingCode::MISSING_KEY,
        MappingCode::MANDATORY_NOT_FILLED,
        MappingCode::LOOKUP_NOT_USED,
        MappingCode::NO_OTHERWISE,
        MappingCode::NO_DATE_FORMAT,
        MappingCode::NO_TEST,
        MappingCode::TEST,
        MappingCode::PATH_FINDS_NOTHING,
        MappingCode::LETTER_LOOKUP,
        MappingCode::LETTER_TEST,
    ]
    .contains(&code)
}

/// Where the mistake is, rather than where the reader noticed it.
fn place(error: &TomlError, text: &str) -> Range<usize> {
    let span = error.span().unwrap_or(0..0);
    let start = span.start.min(text.len());
    if error.message().starts_with("invalid multi-line") {
        // It noticed at the end of the file that a text never closes.
        let quotes = if error.message().contains("literal") { "'''" } else { "\"\"\"" };
        let opening = text[..start].rfind(quotes).unwrap_or(start);
        return opening..(opening + quotes.len()).min(text.len());
    }
    let line = line_around(text, start);
    let at_line_start = text[line.start..start].trim().is_empty();
    let unclosed = ["missing comma", "missing key for inline table"];
    if at_line_start && unclosed.iter().any(|start| error.message().starts_with(start)) {
        let before = text[..line.start].trim_end().len();
        return before..before;
    }
    start..span.end.min(text.len())
}

/// A misspelt section above, because of which what stands below it seems to stand twice.
fn header_slip(text: &str, before: usize) -> Option<(Range<usize>, &'static str)> {
    let mut start = 0;
    let mut slip = None;
    for line in text[..before].split_inclusive('\n') {
        let name_at = line.len() - line.trim_start_matches('[').len();
        let name = line[name_at..].split([']', '.', ' ']).next().unwrap_or_default();
        if name_at > 0 && !SECTIONS.contains(&name) {
            let at = start + name_at..start + name_at + name.len();
            slip = nearest(name, SECTIONS).map(|meant| (at, meant)).or(slip);
        }
        start += line.len();
    }
    slip
}

/// The line's bytes, without its end.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    start..end.max(start)
}

/// The reader's message in the words of the person who writes mappings.
fn sentence(message: &str) -> (MappingCode, String) {
    let starts = |start: &str| message.starts_with(start);
    let what = if starts("duplicate key") {
        let what = "this stands in the file twice, and only one can count";
        return (MappingCode::FILLED_TWICE, what.to_owned());
    } else if starts("invalid basic string") || starts("invalid literal string") {
        "the quote that closes this text is missing"
    } else if starts("missing opening quote") {
        "the quote that opens this text is missing"
    } else if starts("invalid multi-line") {
        "the three quotes that close this text are missing"
    } else if starts("missing comma between array") {
        "a comma, a quote or the closing ] is missing here"
    } else if starts("missing comma between key") || starts("missing key for inline table") {
        "a comma, a quote or the closing } is missing here"
    } else if starts("key with no value") {
        "an = is missing here"
    } else if starts("unclosed table") {
        "the closing ] of this section is missing"
    } else if starts("missing escaped value") {
        "a \\ in double quotes begins an escape: write \\\\, or use single quotes"
    } else if starts("invalid boolean") || starts("string values must be quoted") {
        "a text stands in quotes, and this is no number, true or false"
    } else {
        return (MappingCode::SYNTAX, format!("this cannot be read: {}", first_line(message)));
    };
    (MappingCode::SYNTAX, what.to_owned())
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
