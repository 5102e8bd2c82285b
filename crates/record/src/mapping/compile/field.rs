//! The lines that fill fields.

use std::ops::Range;

use toml_edit::TableLike;

use super::table::{Leaf, Table};
use super::{Compiler, lookup};
use crate::domain::Origin;
use crate::domain::field::{FieldId, Group, Shape, all};
use crate::mapping::code::Code;
use crate::mapping::condition::When;
use crate::mapping::path::Path;
use crate::mapping::plan::{Field, From};
use crate::mapping::transform::Transform;

const KEYS: [&str; 8] = ["from", "value", "when", "apply", "lookup", "join", "dates", "years"];

/// Every field line of a section. `prefix` is the block's own name, `offender.`, `inside` the path
/// of the block.
pub(super) fn read(
    compiler: &mut Compiler<'_>,
    table: &Table<'_>,
    group: Group,
    prefix: &str,
    inside: &[Path],
) -> Vec<Field> {
    let is_line = |table: &dyn TableLike| KEYS.iter().any(|key| table.contains_key(key));
    let leaves = table.leaves(&is_line);
    leaves.iter().filter_map(|leaf| line(compiler, leaf, group, prefix, inside)).collect()
}

fn line(
    compiler: &mut Compiler<'_>,
    leaf: &Leaf<'_>,
    group: Group,
    prefix: &str,
    inside: &[Path],
) -> Option<Field> {
    let id = field_of(compiler, leaf, group, prefix);
    let Some(table) = leaf.table() else {
        let what = format!("{} takes {{ from = \"…\" }} or {{ value = \"…\" }}", leaf.name);
        compiler.report(Code::WRONG_TYPE, leaf.key_span.clone(), what);
        return None;
    };
    compiler.known_keys(&table, &KEYS[..7]);
    let id = id?;
    let conditional = table.has("when");
    compiler.fill(id, conditional, &leaf.key_span);
    let when = match table.string(compiler, "when") {
        None => None,
        Some((text, span)) => match When::parse(&text, &mut compiler.names) {
            Ok(when) => Some(when),
            Err(fault) => {
                compiler.fault(&fault, &span);
                None
            }
        },
    };
    let from = from(compiler, &table, id, leaf, inside)?;
    let lookup = match table.string(compiler, "lookup") {
        None => None,
        Some((name, span)) => {
            let own = own_lookup(compiler, &name);
            let tables = own.as_ref().map(|(table, span)| Table::of(table, span.clone()));
            lookup::of_field(compiler, id, &name, &span, tables.as_ref())
        }
    };
    let apply = transforms(compiler, &table, id, lookup.is_some());
    let dates = own_dates(compiler, &table, id, &leaf.key_span);
    let number = compiler.field_count;
    compiler.field_count += 1;
    let line = compiler.text[..leaf.key_span.start.min(compiler.text.len())].matches('\n').count();
    Some(Field { id, number, line: line + 1, from, when, apply, lookup, dates })
}

/// The file's own table of this name, parsed again for the places of its rows.
fn own_lookup(compiler: &Compiler<'_>, name: &str) -> Option<(toml_edit::Table, Range<usize>)> {
    let document = toml_edit::Document::parse(compiler.text).ok()?;
    let item = document.as_table().get("lookup")?.as_table_like()?.get(name)?;
    let span = item.span().unwrap_or(0..0);
    item.as_table().map(|table| (table.clone(), span))
}

fn field_of(
    compiler: &mut Compiler<'_>,
    leaf: &Leaf<'_>,
    group: Group,
    prefix: &str,
) -> Option<FieldId> {
    let name = format!("{prefix}{}", leaf.name);
    if let Some(id) = FieldId::find(group, &name) {
        return Some(id);
    }
    let elsewhere = Group::ALL.into_iter().find_map(|other| FieldId::find(other, &name));
    let known: Vec<&str> = all(group).map(|id| id.spec().name).collect();
    let near = crate::mapping::fault::nearest(&name, known.iter().copied());
    let near = near.map(|near| near.strip_prefix(prefix).unwrap_or(near).to_owned());
    let what = match elsewhere.map(|id| id.spec().group) {
        Some(Group::Root) => format!("{name} belongs into [fields] or its own [[one]] block"),
        Some(other) => format!("{name} belongs into [[each]] fills = \"{}\"", other.name()),
        None => format!("the referral has no field {name}"),
    };
    let report = compiler.report(Code::UNKNOWN_FIELD, leaf.key_span.clone(), what);
    report.suggestion = near;
    report.consequence = Some("the value would go nowhere");
    None
}

fn from(
    compiler: &mut Compiler<'_>,
    table: &Table<'_>,
    id: FieldId,
    leaf: &Leaf<'_>,
    inside: &[Path],
) -> Option<From> {
    let spec = id.spec();
    let join = table.string(compiler, "join").map(|(text, _)| text);
    match (table.has("from"), table.has("value")) {
        (true, false) => {
            let texts = table.strings(compiler, "from")?;
            let paths: Vec<_> = texts
                .iter()
                .filter_map(|(text, span)| compiler.path(text, span, inside, false))
                .collect();
            (!paths.is_empty()).then_some(From::Paths { paths, join })
        }
        (false, true) => {
            let (value, span) = table.string(compiler, "value")?;
            if spec.evidenced {
                let what = format!("{} is evidence: it must come from the record", spec.name);
                compiler.report(Code::EVIDENCED_NOT_FROM_RECORD, span.clone(), what).consequence =
                    Some("the gateway would state a fact that nobody recorded");
            }
            if let Shape::Code(codes) = spec.shape
                && !codes.contains(&value.as_str())
            {
                let meant = crate::mapping::fault::nearest(&value, codes.iter().copied());
                let what =
                    format!("{} is never \"{value}\": it is {}", spec.name, codes.join(", "));
                compiler.report(Code::WRONG_VALUE, span, what).suggestion =
                    meant.map(str::to_owned);
            }
            compiler.paths.push(format!("(always \"{value}\")"));
            let origin = u16::try_from(compiler.paths.len() - 1).unwrap_or(u16::MAX);
            Some(From::Constant(value, Origin(origin)))
        }
        (both, _) => {
            let what = if both {
                format!("{} has both `from` and `value`: keep one", leaf.name)
            } else {
                format!("{} has neither `from` nor `value`", leaf.name)
            };
            compiler.report(Code::MISSING_KEY, leaf.key_span.clone(), what);
            None
        }
    }
}

fn transforms(
    compiler: &mut Compiler<'_>,
    table: &Table<'_>,
    id: FieldId,
    looked_up: bool,
) -> Vec<Transform> {
    let spec = id.spec();
    let mut transforms = Vec::new();
    for (text, span) in table.strings(compiler, "apply").unwrap_or_default() {
        match Transform::parse(&text) {
            Ok(transform) => {
                // Before a lookup any transform is fine: the lookup gives the value.
                if !looked_up && !transform.doc().fits(spec.shape, spec.list) {
                    let what = format!(
                        "\"{}\" makes something that {} cannot hold",
                        transform.doc().name,
                        spec.name
                    );
                    compiler.report(Code::TRANSFORM_DOES_NOT_FIT, span, what);
                }
                transforms.push(transform);
            }
            Err(fault) => compiler.fault(&fault, &span),
        }
    }
    transforms
}

fn own_dates(
    compiler: &mut Compiler<'_>,
    table: &Table<'_>,
    id: FieldId,
    key_span: &Range<usize>,
) -> Option<crate::mapping::date::Formats> {
    let is_date = matches!(id.spec().shape, Shape::Date | Shape::Instant);
    if table.has("dates") {
        if !is_date {
            let what = format!("{} is no date", id.spec().name);
            compiler.report(Code::UNKNOWN_KEY, table.key_span("dates"), what);
            return None;
        }
        return compiler.formats(table, "dates", id.spec().shape == Shape::Date);
    }
    if is_date && !compiler.has_dates {
        let what = format!("{} is a date, and nothing says how dates are written", id.spec().name);
        compiler.report(Code::NO_DATE_FORMAT, key_span.clone(), what).consequence =
            Some("every record would be refused");
    }
    None
}
