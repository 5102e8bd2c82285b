//! Slips on the left of a line: fields, keys, lines that are missing or stand twice.

use cara_domain::field::{FIELDS, FieldSpec, Need};

use super::Kind;
use super::file::{Edit, File, Line, shortened, swapped};

pub const KINDS: &[Kind] = &[
    letter_dropped,
    letters_swapped,
    field_of_nobody,
    mandatory_line_deleted,
    line_doubled,
    key_of_a_line,
    evidence_from_a_constant,
    path_without_braces,
];

/// The lines of fields with their rows of the field table.
fn fields(file: &File) -> impl Iterator<Item = (&Line, &'static FieldSpec)> {
    file.lines.iter().filter(|line| file.reads_records() && line.fills()).filter_map(|line| {
        let person = block_of(file, line);
        let full =
            if person.is_empty() { line.key.clone() } else { format!("{person}.{}", line.key) };
        let spec = FIELDS.iter().find(|spec| spec.name == full || spec.name == line.key)?;
        Some((line, spec))
    })
}

/// What the block of a line fills; empty for `[fields]`.
pub fn block_of(file: &File, line: &Line) -> String {
    if line.section == "[fields]" {
        return String::new();
    }
    let before = file.lines[..line.section_index].iter().rev();
    let fills = before.take(8).find(|line| line.key == "fills");
    fills.map_or(String::new(), |line| line.value.trim_matches('"').to_owned())
}

fn renamed(file: &File, kind: &'static str, rename: impl Fn(&str) -> Option<String>) -> Vec<Edit> {
    let edits = fields(file).filter(|(line, _)| line.key.len() >= 6).filter_map(|(line, _)| {
        let last = line.key.rsplit('.').next()?;
        let wrong = line.key.replace(last, &rename(last).filter(|it| it != last)?);
        let to = line.text.replacen(&line.key, &wrong, 1);
        Some(file.edit(kind, line, to, Some(&line.key)))
    });
    edits.collect()
}

fn letter_dropped(file: &File) -> Vec<Edit> {
    renamed(file, "a letter of a field's name is missing", shortened)
}

fn letters_swapped(file: &File) -> Vec<Edit> {
    renamed(file, "two letters of a field's name are swapped", swapped)
}

fn field_of_nobody(file: &File) -> Vec<Edit> {
    let edits = fields(file).map(|(line, _)| {
        let to = line.text.replacen(&line.key, "favourite_colour", 1);
        file.edit("a field that does not exist", line, to, None)
    });
    edits.collect()
}

fn mandatory_line_deleted(file: &File) -> Vec<Edit> {
    let twice = |key: &str| file.lines.iter().filter(|line| line.key == key).count() > 1;
    let edits = fields(file)
        .filter(|(line, spec)| !file.extends() && spec.need == Need::Mandatory && !twice(&line.key))
        .map(|(line, _)| {
            let header = line.section_index + 1;
            let part = format!("\"{}\"", line.key.split('.').next().unwrap());
            let blocks = file.lines.iter().filter(|it| it.key == "fills" && it.value == part);
            Edit {
                kind: "a mandatory line is deleted",
                text: file.with(&[(line.index, None)]),
                // `[[one]]`, `fills` and `from` stand before `[one.fields]`.
                // So it is told at the block of the same person, if there is one.
                lines: (header.saturating_sub(5)..=header)
                    .chain(
                        blocks.map(|block| {
                            block.section_index + usize::from(block.index < line.index)
                        }),
                    )
                    .collect(),
                near: None,
            }
        });
    edits.collect()
}

fn line_doubled(file: &File) -> Vec<Edit> {
    let lines = file.lines.iter().filter(|line| line.fills() || line.in_lookup());
    let edits = lines.filter(|line| line.value.ends_with(['}', '"'])).map(|line| {
        let mut edit = file.edit("a line stands twice", line, format!("{0}\n{0}", line.text), None);
        edit.lines = vec![line.index + 2];
        edit
    });
    edits.collect()
}

fn key_of_a_line(file: &File) -> Vec<Edit> {
    let keys = ["from", "lookup", "apply", "when", "join", "value", "if_missing", "dates"];
    let lines = file.lines.iter().filter(|line| line.fills() && line.value.ends_with('}'));
    let edits = lines.enumerate().filter_map(|(number, line)| {
        let there: Vec<&str> =
            keys.iter().copied().filter(|key| line.value.contains(&format!("{key} = "))).collect();
        let key = *there.get(number % there.len().max(1))?;
        let to = line.replaced(&format!("{key} = "), &format!("{} = ", swapped(key)?));
        Some(file.edit("a key of a line is misspelt", line, to, Some(key)))
    });
    edits.collect()
}

fn evidence_from_a_constant(file: &File) -> Vec<Edit> {
    let edits = fields(file).filter(|(_, spec)| spec.evidenced).map(|(line, _)| {
        let at = line.text.find('{').unwrap();
        let to = format!("{}{{ value = \"yes\" }}", &line.text[..at]);
        file.edit("evidence is filled by a constant", line, to, None)
    });
    edits.collect()
}

fn path_without_braces(file: &File) -> Vec<Edit> {
    let edits = fields(file).filter_map(|(line, _)| {
        let from = line.quoted("from")?;
        let plain = format!("{{ from = \"{from}\" }}");
        (line.value == plain).then(|| {
            let to = line.replaced(&plain, &format!("\"{from}\""));
            file.edit("a path without its braces", line, to, Some(&plain))
        })
    });
    edits.collect()
}
