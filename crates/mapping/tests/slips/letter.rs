//! Slips in what only letters have.

use super::Kind;
use super::file::{Edit, File, Line, shortened, swapped};

pub const KINDS: &[Kind] = &[
    code,
    row_gone,
    kind_of_a_test,
    address,
    answer,
    place_of_a_test,
    lookup_for_what_has_no_codes,
];

fn each(
    file: &File,
    kind: &'static str,
    edit: impl Fn(&Line) -> Option<(String, Option<String>)>,
) -> Vec<Edit> {
    let of = |line: &Line| {
        let (to, near) = edit(line)?;
        Some(file.edit(kind, line, to, near.as_deref()))
    };
    let lines = file.lines.iter().filter(|line| !file.reads_records() && !line.inner);
    lines.filter_map(of).collect()
}

fn code(file: &File) -> Vec<Edit> {
    each(file, "a code that a letter looks up is misspelt", |line| {
        let code = line.key.trim_matches('"');
        line.in_lookup().then_some(())?;
        Some((line.text.replacen(code, &shortened(code)?, 1), Some(code.to_owned())))
    })
}

fn row_gone(file: &File) -> Vec<Edit> {
    let counts = !file.reads_records() && !file.extends();
    let rows = file.lines.iter().filter(|line| counts && line.in_lookup());
    let edits = rows.map(|line| Edit {
        kind: "a row of a letter's lookup is deleted",
        text: file.with(&[(line.index, None)]),
        lines: vec![line.section_index + 1],
        near: None,
    });
    edits.collect()
}

fn kind_of_a_test(file: &File) -> Vec<Edit> {
    each(file, "the kind of notice of a test is misspelt", |line| {
        (line.key == "notice" && line.value.starts_with('"')).then_some(())?;
        let kind = line.value.trim_matches('"');
        Some((line.replaced(kind, &shortened(kind)?), Some(kind.to_owned())))
    })
}

fn address(file: &File) -> Vec<Edit> {
    each(file, "an address without encryption", |line| {
        (line.key == "to").then(|| (line.replaced("https:", "http:"), None))
    })
}

fn answer(file: &File) -> Vec<Edit> {
    each(file, "an answer that is no success", |line| {
        (line.key == "delivered").then(|| (line.replaced("[2", "[4"), None))
    })
}

fn place_of_a_test(file: &File) -> Vec<Edit> {
    each(file, "a place that a test expects is misspelt", |line| {
        let place = line.key.strip_prefix("expect.\"")?.strip_suffix('"')?;
        let last = place.rsplit('/').next()?.trim_start_matches('@');
        let wrong = place.replace(last, &swapped(last)?);
        Some((line.text.replacen(place, &wrong, 1), Some(place.to_owned())))
    })
}

fn lookup_for_what_has_no_codes(file: &File) -> Vec<Edit> {
    each(file, "a lookup for what has no codes", |line| {
        let counts = line.fills() && line.value == "{ from = \"notice.notice_id\" }";
        counts.then_some(())?;
        let lookup = file.lines.iter().find(|line| line.section.starts_with("[lookup."))?;
        let name = lookup.section.trim_start_matches("[lookup.").trim_end_matches(']');
        Some((line.replaced(" }", &format!(", lookup = {name} }}")), None))
    })
}
