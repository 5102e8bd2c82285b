//! Slips in what stands around the fields: headers, keys of sections, blocks, tests.

use super::Kind;
use super::file::{Edit, File, Line, shortened, swapped};

pub const KINDS: &[Kind] = &[
    header,
    key_of_a_section,
    fills_of_a_block,
    other_fills_of_a_block,
    force,
    shape,
    format_number,
    text_where_a_number_is,
    outcome,
    expected_field,
    expected_code,
    example_file,
    same_as,
    key_of_a_test,
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
    file.lines.iter().filter(|line| !line.inner).filter_map(of).collect()
}

fn header(file: &File) -> Vec<Edit> {
    let mut seen: Vec<String> = Vec::new();
    let mut edits = Vec::new();
    for line in file.lines.iter().filter(|line| line.is_header()) {
        let name = line.section.trim_matches(['[', ']']);
        let word = name.split(['.', '"']).next().unwrap();
        let word = if name.ends_with(".fields") { "fields" } else { word };
        if seen.contains(&name.to_owned())
            || name.starts_with("lookup") && seen.iter().any(|it| it.starts_with("lookup"))
        {
            continue;
        }
        seen.push(name.to_owned());
        let wrong = if word == "one" { "oen".to_owned() } else { swapped(word).unwrap() };
        let to = line.text.replacen(word, &wrong, 1);
        edits.push(file.edit("a header is misspelt", line, to, Some(word)));
    }
    edits.reverse();
    let every = edits.len().div_ceil(12).max(1);
    edits.into_iter().step_by(every).collect()
}

fn key_of_a_section(file: &File) -> Vec<Edit> {
    each(file, "a key of a section is misspelt", |line| {
        let counts = matches!(
            line.section.as_str(),
            "" | "[source]"
                | "[target]"
                | "[deliver]"
                | "[[rule]]"
                | "[[line]]"
                | "[[one]]"
                | "[[each]]"
        );
        let wrong = swapped(&line.key).filter(|_| counts && line.key.len() >= 4)?;
        Some((line.text.replacen(&line.key, &wrong, 1), Some(line.key.clone())))
    })
}

fn fills_of_a_block(file: &File) -> Vec<Edit> {
    each(file, "what a block fills is misspelt", |line| {
        let value = line.value.trim_matches('"');
        (line.key == "fills").then_some(())?;
        Some((line.replaced(value, &shortened(value)?), Some(value.to_owned())))
    })
}

fn other_fills_of_a_block(file: &File) -> Vec<Edit> {
    each(file, "a block fills another person or group", |line| {
        (line.key == "fills" && !file.extends()).then_some(())?;
        let other = match line.value.as_str() {
            "\"offender\"" => "victim",
            "\"victim\"" => "offender",
            "\"offences\"" => "caution.conditions",
            "\"caution.conditions\"" => "victim.children",
            "\"victim.children\"" => "offences",
            _ => return None,
        };
        Some((line.replaced(line.value.trim_matches('"'), other), None))
    })
    .into_iter()
    .map(|mut edit| {
        // Where two blocks fill the same person, either of them is the slip.
        let text = edit.text.clone();
        let wrong = text.lines().nth(edit.lines[0] - 1).unwrap();
        let same = text
            .lines()
            .enumerate()
            .filter(|(_, it)| *it == wrong || it.replace(' ', "") == wrong.replace(' ', ""));
        edit.lines.extend(same.map(|(index, _)| index + 1));
        edit
    })
    .collect()
}

fn force(file: &File) -> Vec<Edit> {
    each(file, "the force is misspelt", |line| {
        (line.key == "force" && line.section.is_empty()).then_some(())?;
        let slug = line.value.trim_matches('"');
        Some((line.replaced(slug, &swapped(slug)?), Some(slug.to_owned())))
    })
}

fn shape(file: &File) -> Vec<Edit> {
    each(file, "the type is misspelt", |line| {
        (line.key == "type" && line.section != "[deliver]").then_some(())?;
        let shape = line.value.trim_matches('"');
        Some((line.replaced(shape, &swapped(shape)?), Some(shape.to_owned())))
    })
}

fn format_number(file: &File) -> Vec<Edit> {
    each(file, "another format's number", |line| {
        (line.key == "format").then(|| (line.replaced("1", "2"), None))
    })
}

fn text_where_a_number_is(file: &File) -> Vec<Edit> {
    each(file, "a number in quotes", |line| {
        (line.key == "format").then(|| (line.replaced("1", "\"1\""), None))
    })
}

fn outcome(file: &File) -> Vec<Edit> {
    each(file, "a test's outcome is misspelt", |line| {
        (line.key == "expect.outcome").then_some(())?;
        let value = line.value.trim_matches('"');
        Some((line.replaced(value, &shortened(value)?), Some(value.to_owned())))
    })
}

fn expected_field(file: &File) -> Vec<Edit> {
    each(file, "a field that a test expects is misspelt", |line| {
        let field = line
            .key
            .strip_prefix("expect.")
            .filter(|it| it.contains('.') && !it.contains(['\'', '"']))?;
        let last = field.rsplit('.').next()?;
        let wrong = field.replace(last, &swapped(last)?);
        Some((line.text.replacen(field, &wrong, 1), Some(field.to_owned())))
    })
}

fn expected_code(file: &File) -> Vec<Edit> {
    let codes = [
        "source.action",
        "risk.grade",
        "relationship.kind",
        "victim.views",
        "victim.contact_agreed",
        "offender.sex",
        "caution.kind",
    ];
    each(file, "a code that a test expects is misspelt", |line| {
        let field = line.key.strip_prefix("expect.")?;
        codes.contains(&field).then_some(())?;
        let value = line.value.trim_matches('"');
        Some((line.replaced(value, &shortened(value)?), Some(value.to_owned())))
    })
}

fn example_file(file: &File) -> Vec<Edit> {
    each(file, "an example's name is misspelt", |line| {
        let name = line.value.trim_matches('"').strip_prefix("examples/")?;
        Some((line.replaced(name, &swapped(name)?), None))
    })
}

fn same_as(file: &File) -> Vec<Edit> {
    each(file, "the name of an earlier test is misspelt", |line| {
        (line.key == "same_as").then_some(())?;
        let name = line.value.trim_matches('"');
        Some((line.replaced(name, &swapped(name)?), Some(name.to_owned())))
    })
}

fn key_of_a_test(file: &File) -> Vec<Edit> {
    each(file, "a key of a test is misspelt", |line| {
        let key = ["given_file", "expect.outcome", "notice", "expect_file"]
            .into_iter()
            .find(|key| line.key == *key)?;
        (line.section == "[[test]]").then_some(())?;
        let last = key.rsplit('.').next()?;
        let wrong = key.replace(last, &swapped(last)?);
        Some((line.text.replacen(key, &wrong, 1), Some(last.to_owned())))
    })
}
