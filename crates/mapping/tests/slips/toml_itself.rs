//! Slips in the TOML itself: quotes, brackets, braces, commas, equals signs.

use super::Kind;
use super::file::{Edit, File, Line};

pub const KINDS: &[Kind] = &[
    closing_quote,
    opening_quote,
    quote_in_a_line,
    quote_of_a_key,
    brace,
    opening_brace,
    bracket_of_a_list,
    opening_bracket_of_a_list,
    bracket_of_a_header,
    comma,
    equals_sign,
];

fn each(file: &File, kind: &'static str, edit: impl Fn(&Line) -> Option<String>) -> Vec<Edit> {
    let of = |line: &Line| Some(file.edit(kind, line, edit(line)?, None));
    file.lines.iter().filter(|line| !line.inner).filter_map(of).collect()
}

/// The line without the piece at this byte.
fn without(line: &Line, at: usize) -> Option<String> {
    let mut text = line.text.clone();
    text.remove(at);
    Some(text)
}

fn closing_quote(file: &File) -> Vec<Edit> {
    each(file, "the closing quote of a text is missing", |line| {
        let counts = line.value.starts_with('"') && line.value.ends_with('"');
        counts.then(|| without(line, line.text.rfind('"')?))?
    })
}

fn opening_quote(file: &File) -> Vec<Edit> {
    each(file, "the opening quote of a text is missing", |line| {
        let counts =
            line.value.starts_with('"') && line.value.ends_with('"') && !line.key.is_empty();
        let start = line.text.find(" =")?;
        counts.then(|| without(line, start + line.text[start..].find('"')?))?
    })
}

fn quote_in_a_line(file: &File) -> Vec<Edit> {
    let mut edits = each(file, "a quote inside a line is missing", |line| {
        let at = line.text.find("from = \"").filter(|_| line.fills())?;
        without(line, at + 8 + line.text[at + 8..].find('"')?)
    });
    edits.extend(each(file, "an opening quote inside a line is missing", |line| {
        let at = line.text.find("from = \"").filter(|_| line.fills())?;
        without(line, at + 7)
    }));
    edits
}

fn quote_of_a_key(file: &File) -> Vec<Edit> {
    each(file, "a quote of a key is missing", |line| {
        (line.key.starts_with('"') && line.key.ends_with('"')).then_some(())?;
        without(line, if line.index % 2 == 0 { line.key.len() - 1 } else { 0 })
    })
}

fn brace(file: &File) -> Vec<Edit> {
    each(file, "a closing brace is missing", |line| {
        line.value.ends_with('}').then(|| without(line, line.text.rfind('}')?))?
    })
}

fn opening_brace(file: &File) -> Vec<Edit> {
    each(file, "an opening brace is missing", |line| {
        line.value.starts_with('{').then(|| without(line, line.text.find('{')?))?
    })
}

fn list(line: &Line) -> Option<(usize, usize)> {
    let open = line.text.find("= [\"")? + 2;
    let close = open + line.text[open..].find("\"]")? + 1;
    (!line.inner && !line.key.is_empty()).then_some((open, close))
}

fn bracket_of_a_list(file: &File) -> Vec<Edit> {
    each(file, "the closing bracket of a list is missing", |line| without(line, list(line)?.1))
}

fn opening_bracket_of_a_list(file: &File) -> Vec<Edit> {
    each(file, "the opening bracket of a list is missing", |line| without(line, list(line)?.0))
}

fn bracket_of_a_header(file: &File) -> Vec<Edit> {
    each(file, "a bracket of a header is missing", |line| {
        let close = line.text.rfind(']').filter(|_| line.is_header())?;
        without(line, if line.index % 2 == 0 { close } else { 0 })
    })
}

fn comma(file: &File) -> Vec<Edit> {
    each(file, "a comma is missing", |line| {
        let at = line.text.find("\", ").filter(|_| line.value.starts_with(['{', '[']))?;
        without(line, at + 1)
    })
}

fn equals_sign(file: &File) -> Vec<Edit> {
    each(file, "an equals sign is missing", |line| {
        (!line.key.is_empty()).then(|| without(line, line.text.find('=')?))?
    })
}
