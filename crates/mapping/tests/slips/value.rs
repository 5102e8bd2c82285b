//! Slips on the right of a line: paths, brackets, lookups, transforms, dates, conditions.

use cara_domain::field::{FIELDS, FieldShape};
use cara_mapping::transform::list;

use super::Kind;
use super::field::block_of;
use super::file::{Edit, File, Line, shortened, swapped};

pub const KINDS: &[Kind] = &[
    step_swapped,
    bracket_value,
    when_value,
    when_path,
    lookup_value,
    lookup_value_of_another_field,
    lookup_name,
    lookup_header,
    row_lower_case,
    transform_misspelt,
    transform_of_another_kind,
    transform_on_a_name,
    transform_that_leaves_nothing,
    date_format_misspelt,
    date_format_with_other_strokes,
    otherwise_misspelt,
    path_twice,
    other_persons_place,
    rule_field,
    rule_operator,
    rule_value,
];

fn is_code(text: &str) -> bool {
    FIELDS.iter().any(|spec| matches!(spec.shape, FieldShape::Code(codes) if codes.contains(&text)))
}

fn field_lines(file: &File) -> impl Iterator<Item = &Line> {
    file.lines.iter().filter(|line| file.reads_records() && line.fills())
}

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

fn step_swapped(file: &File) -> Vec<Edit> {
    let paths = |line: &Line| line.fills() || line.key == "record" || line.key == "match";
    each(file, "two letters of a path's step are swapped", |line| {
        let from = match line.key.as_str() {
            "record" | "match" if file.reads_records() => line.value.trim_matches('"'),
            _ => line.quoted("from").filter(|_| paths(line))?,
        };
        let last = from.rsplit('/').next()?.trim_start_matches('@');
        let plain = last.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let wrong = swapped(last).filter(|_| plain && last.len() >= 4)?;
        let near = if file.reads_records() { last.to_owned() } else { from.to_owned() };
        let path = from.strip_suffix(last)?;
        let to = line.text.replacen(from, &format!("{path}{wrong}"), 1);
        Some((to, Some(near)))
    })
}

/// The text of the first `='…'` of a line.
fn literal(line: &Line) -> Option<&str> {
    let start = line.text.find("='").map(|at| at + 2)?;
    Some(&line.text[start..start + line.text[start..].find('\'')?])
}

fn bracket_value(file: &File) -> Vec<Edit> {
    each(file, "a value in brackets is misspelt", |line| {
        let value = literal(line).filter(|_| file.reads_records())?;
        let wrong = swapped(value).unwrap_or_else(|| format!("{value}X"));
        let near = (value.len() >= 3).then(|| value.to_owned());
        Some((line.text.replacen(&format!("='{value}'"), &format!("='{wrong}'"), 1), near))
    })
}

fn when(line: &Line) -> Option<&str> {
    line.quoted("when").or_else(|| (line.key == "when").then(|| line.value.trim_matches('"')))
}

fn when_value(file: &File) -> Vec<Edit> {
    each(file, "the value of a `when` is misspelt", |line| {
        let value = when(line)?.split(" is ").nth(1)?;
        let value = value.trim_start_matches("one of ").split(',').next()?.trim_matches('\'');
        let wrong = swapped(value)?;
        let near = (value.len() >= 3).then(|| value.to_owned());
        Some((line.replaced(value, &wrong), near))
    })
}

fn when_path(file: &File) -> Vec<Edit> {
    each(file, "the path of a `when` is misspelt", |line| {
        let path = when(line)?.split(" is ").next()?.trim_matches('\'');
        let last = path.rsplit(['/', '.']).next()?.trim_start_matches('@');
        let near = if file.reads_records() { last.to_owned() } else { path.to_owned() };
        let to = line.replaced(path, &path.replace(last, &swapped(last)?));
        Some((to, (last.len() >= 3).then_some(near)))
    })
}

fn lookup_value(file: &File) -> Vec<Edit> {
    each(file, "a lookup's value is misspelt", |line| {
        let value = line.value.trim_matches('"');
        let counts = file.reads_records() && line.in_lookup() && line.key != "otherwise";
        let wrong = shortened(value).filter(|_| counts && is_code(value))?;
        Some((line.replaced(value, &wrong), Some(value.to_owned())))
    })
}

fn lookup_value_of_another_field(file: &File) -> Vec<Edit> {
    each(file, "a lookup's value is another field's", |line| {
        let value = line.value.trim_matches('"');
        let counts = file.reads_records() && line.in_lookup() && line.key != "otherwise";
        (counts && is_code(value)).then(|| (line.replaced(value, "conditional_caution"), None))
    })
}

fn lookup_name(file: &File) -> Vec<Edit> {
    each(file, "a lookup's name is misspelt in a field", |line| {
        let name = line.quoted("lookup").filter(|_| line.fills())?;
        let to = line.replaced(&format!("\"{name}\""), &format!("\"{}\"", swapped(name)?));
        Some((to, Some(name.to_owned())))
    })
}

fn lookup_header(file: &File) -> Vec<Edit> {
    let mut edits = each(file, "a lookup's name is misspelt in its header", |line| {
        let name = line.text.strip_prefix("[lookup.\"")?.strip_suffix("\"]")?;
        Some((format!("[lookup.\"{}\"]", swapped(name)?), None))
    });
    for edit in &mut edits {
        let header = edit.text.lines().nth(edit.lines[0] - 1).unwrap();
        let right = file.lines[edit.lines[0] - 1].text.replace("[lookup.", "").replace(']', "");
        assert_ne!(header, right);
        let uses = file.lines.iter().filter(|it| it.text.contains(&format!("lookup = {right}")));
        // Which of the two names is the slip, nobody can know.
        edit.lines.extend(uses.map(|line| line.index + 1));
    }
    edits
}

fn row_lower_case(file: &File) -> Vec<Edit> {
    let shouted = |line: &Line| {
        let lookup = line.section.strip_prefix("[lookup.\"")?.strip_suffix("\"]")?;
        let users: Vec<&Line> =
            field_lines(file).filter(|it| it.quoted("lookup") == Some(lookup)).collect();
        let all = users.iter().all(|it| it.text.contains("\"upper case\""));
        (all && !users.is_empty()).then_some(())
    };
    each(file, "a row in small letters behind `upper case`", |line| {
        shouted(line).filter(|()| line.key != "otherwise" && line.key.starts_with('"'))?;
        let lower = line.key.to_lowercase();
        (lower != line.key).then(|| (line.text.replacen(&line.key, &lower, 1), None))
    })
}

/// The last transform of a line.
fn transform(line: &Line) -> Option<&str> {
    let start = line.text.find("apply = [")?;
    let all = &line.text[start + 9..start + line.text[start..].find(']')?];
    all.rsplit('"').nth(1).filter(|_| line.fills())
}

fn transform_misspelt(file: &File) -> Vec<Edit> {
    each(file, "a transform is misspelt", |line| {
        let name = transform(line)?;
        let known = list::ALL.iter().any(|doc| doc.name == name);
        let wrong = swapped(name).filter(|_| known)?;
        let near = (name.len() >= 3).then(|| name.to_owned());
        Some((line.replaced(&format!("\"{name}\""), &format!("\"{wrong}\"")), near))
    })
}

fn transform_of_another_kind(file: &File) -> Vec<Edit> {
    each(file, "a transform for another kind of field", |line| {
        let name =
            transform(line).filter(|_| file.reads_records() && line.quoted("lookup").is_none())?;
        let other = match name {
            "uk phone" => "postcode",
            "postcode" => "yes no",
            "email" => "uk phone",
            "yes no" => "email",
            "offence code" => "pnc id",
            "pnc id" | "asn" => "offence code",
            _ => return None,
        };
        Some((line.replaced(&format!("\"{name}\""), &format!("\"{other}\"")), None))
    })
}

fn transform_on_a_name(file: &File) -> Vec<Edit> {
    let name = |key: &str| {
        ["family_name", "rank", "officer.name", "title", "unit"].iter().any(|it| key.ends_with(it))
    };
    let mut number = 0;
    let mut edits = Vec::new();
    for line in field_lines(file).filter(|line| name(&line.key) && line.quoted("from").is_some()) {
        if line.text.contains("apply") || line.text.contains("lookup") {
            continue;
        }
        let wrong = ["uk phone", "postcode", "yes no", "email", "asn"][number % 5];
        number += 1;
        let to = line.replaced(" }", &format!(", apply = [\"{wrong}\"] }}"));
        edits.push(file.edit("a typed transform on a name", line, to, None));
    }
    edits
}

fn transform_that_leaves_nothing(file: &File) -> Vec<Edit> {
    each(file, "a transform that takes away what the field needs", |line| {
        let name =
            transform(line).filter(|_| file.reads_records() && line.quoted("lookup").is_none())?;
        let other = match name {
            "email" | "postcode" => "digits only",
            "uk phone" | "asn" | "pnc id" | "offence code" => "letters only",
            "lower case" => "upper case",
            _ => return None,
        };
        Some((line.replaced(&format!("\"{name}\""), &format!("\"{other}\"")), None))
    })
}

fn date_format_misspelt(file: &File) -> Vec<Edit> {
    each(file, "a date format is misspelt", |line| {
        let at = line.text.find("dates").filter(|_| line.key == "dates" || line.fills())?;
        line.text[at..].contains("YYYY").then_some(())?;
        Some((line.replaced("YYYY", "YYY"), None))
    })
}

fn date_format_with_other_strokes(file: &File) -> Vec<Edit> {
    let mut edits = each(file, "a date format that the force does not write", |line| {
        (file.reads_records() && line.key == "dates").then_some(())?;
        let first = line.value.split('"').nth(1)?;
        let other =
            if first.contains('/') { first.replace('/', "-") } else { format!("{first} hh") };
        Some((line.text.replacen(&format!("\"{first}\""), &format!("\"{other}\""), 1), None))
    });
    edits.extend(each(file, "day and month in the wrong order", |line| {
        (file.reads_records() && line.key == "dates" && line.value.contains("DD/MM"))
            .then_some(())?;
        Some((line.text.replacen("DD/MM", "MM/DD", 1), Some("DD/MM/YYYY".to_owned())))
    }));
    edits
}

fn otherwise_misspelt(file: &File) -> Vec<Edit> {
    let mut edits = each(file, "otherwise is misspelt", |line| {
        (line.in_lookup() && line.key == "otherwise").then_some(())?;
        Some((line.text.replacen("otherwise", "otherwse", 1), Some("otherwise".to_owned())))
    });
    edits.extend(each(file, "hold is misspelt", |line| {
        (line.in_lookup() && line.key == "otherwise").then_some(())?;
        Some((line.replaced("hold", "hodl"), Some("hold".to_owned())))
    }));
    let gone = file.lines.iter().filter(|line| line.in_lookup() && line.key == "otherwise");
    edits.extend(gone.map(|line| Edit {
        kind: "otherwise is removed",
        text: file.with(&[(line.index, None)]),
        lines: vec![line.section_index + 1],
        near: Some("otherwise = \"hold\"".to_owned()),
    }));
    let every = edits.len().div_ceil(6).max(1);
    edits.into_iter().step_by(every).collect()
}

fn path_twice(file: &File) -> Vec<Edit> {
    each(file, "a list of paths that holds one twice", |line| {
        let from = line.quoted("from").filter(|_| file.reads_records() && line.fills())?;
        let list = format!("[\"{from}\", \"{from}\"]");
        Some((line.replaced(&format!("\"{from}\""), &list), None))
    })
}

/// The victim is read from the suspect's place: the slip that could tell him where she is.
fn other_persons_place(file: &File) -> Vec<Edit> {
    let from = |of: &str| {
        let lines =
            file.lines.iter().filter(|line| line.key == "from" && line.section == "[[one]]");
        let mut lines = lines.filter(|line| file.lines[line.index - 1].value.contains(of));
        lines.next()
    };
    let (Some(offender), Some(victim)) = (from("\"offender\""), from("\"victim\"")) else {
        return Vec::new();
    };
    let to = offender.text.clone();
    let mut edit = file.edit("the victim is read from the offender's place", victim, to, None);
    edit.lines = (victim.section_index..victim.index + 2).collect();
    vec![edit]
}

fn require(line: &Line) -> Option<Vec<&str>> {
    (line.key == "require").then(|| line.value.trim_matches('"').split(' ').collect())
}

fn rule_field(file: &File) -> Vec<Edit> {
    each(file, "a rule's field is misspelt", |line| {
        let words = require(line)?;
        let field = *words.iter().find(|word| word.contains('.'))?;
        let last = field.rsplit('.').next()?;
        Some((line.replaced(field, &field.replace(last, &swapped(last)?)), Some(field.to_owned())))
    })
}

fn rule_operator(file: &File) -> Vec<Edit> {
    each(file, "a rule's operator is misspelt", |line| {
        let operator = ["is one of", "looks like", "is at least", "is not"]
            .into_iter()
            .find(|it| line.value.contains(it))?;
        require(line)?;
        let wrong = operator.replacen("is ", "si ", 1).replacen("looks", "loks", 1);
        Some((line.replaced(operator, &wrong), None))
    })
}

fn rule_value(file: &File) -> Vec<Edit> {
    each(file, "a rule's value is misspelt", |line| {
        let words = require(line)?;
        let value = words.last().filter(|value| is_code(value))?;
        Some((line.replaced(value, &swapped(value)?), Some((*value).to_owned())))
    })
}

#[test]
fn a_block_of_a_line_is_found() {
    let files = File::all();
    let file = files.iter().find(|file| file.shown == "leicestershire/referral.toml").unwrap();
    let line = file.lines.iter().find(|line| line.key == "cjs_code").unwrap();
    assert_eq!(block_of(file, line), "offences");
}
