//! The lines that fill fields.

use toml_edit::Item;

use super::fit::misfit;
use super::table::{Leaf, Quoted, TableReader};
use super::written::WrittenLine;
use super::{Compiler, lookup};
use crate::code::MappingCode;
use crate::path::Path;
use crate::plan::{Field, FieldSource, canonical};
use crate::transform::Transform;
use cara_domain::Origin;
use cara_domain::field::{FieldId, FieldShape, Group, all};

pub(crate) const KEYS: [&str; 8] =
    ["from", "value", "when", "apply", "lookup", "join", "dates", "years"];

/// Every field line of a section. `prefix` is the block's own name, `offender.`, `inside` the path
/// of the block.
pub(super) fn read(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    group: Group,
    prefix: &str,
    inside: &[Path],
) -> Vec<Field> {
    // An inline table that holds no further table is meant as a line, whatever its keys.
    let is_line = |item: &Item| {
        let Some(table) = item.as_table_like() else { return true };
        let flat = || table.iter().all(|(_, value)| value.as_table_like().is_none());
        KEYS.iter().any(|key| table.contains_key(key)) || (item.is_inline_table() && flat())
    };
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
        let meant = leaf.item.as_str().map(|text| format!("{{ from = \"{text}\" }}"));
        compiler.report(MappingCode::WRONG_TYPE, leaf.key_span.clone(), what).suggestion = meant;
        if let Some(id) = id {
            compiler.fill(id, false, &leaf.key_span);
        }
        return None;
    };
    compiler.known_keys(&table, &KEYS[..7]);
    let Some(id) = id else {
        lookup::named(compiler, &table);
        return None;
    };
    let conditional = table.has("when");
    compiler.fill(id, conditional, &leaf.key_span);
    let when = compiler.when(&table, inside);
    let from = from(compiler, &table, id, leaf, inside);
    let lookup = if table.has("value") { None } else { lookup::of_field(compiler, id, &table) };
    let (apply, unfit) = transforms(compiler, &table, id);
    let dates = own_dates(compiler, &table, id);
    let paths = match &from {
        Some(FieldSource::Paths { paths, .. }) => {
            paths.iter().map(|(path, _)| path.clone()).collect()
        }
        _ => Vec::new(),
    };
    let constant = match &from {
        Some(FieldSource::Constant(text, _)) => Some(text.to_string()),
        _ => None,
    };
    let own_dates = if dates.is_some() { table.strings(compiler, "dates") } else { None };
    compiler.written.push(WrittenLine {
        id,
        key: leaf.key_span.clone(),
        block_from: compiler.block_from.clone(),
        from: paths,
        inside: inside.to_vec(),
        constant,
        apply: apply.clone(),
        unfit,
        lookup,
        looked_up: table.has("lookup"),
        joined: table.has("join"),
        conditional: conditional || compiler.block_conditional,
        dates: own_dates.unwrap_or_default(),
    });
    let apply = apply.into_iter().map(|(transform, _)| transform).collect();
    let number = compiler.field_count;
    let from = from?;
    compiler.field_count += 1;
    let spot = compiler.spot(leaf.key_span.start);
    Some(Field { id, number, spot, from, when, apply, lookup, dates })
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
    let elsewhere = compiler.fills.groups().iter().find_map(|&other| {
        let bare = leaf.name.strip_prefix(other.name()).and_then(|rest| rest.strip_prefix('.'));
        let named = FieldId::find(other, &name).or_else(|| FieldId::find(other, &leaf.name));
        named.or_else(|| FieldId::find(other, bare?))
    });
    let known: Vec<&str> = all(group).map(|id| id.spec().name).collect();
    let near = crate::fault::nearest(&name, known.iter().copied());
    for id in elsewhere.into_iter().chain(near.and_then(|near| FieldId::find(group, near))) {
        compiler.meant.insert((id.spec().group as usize, id.index()));
    }
    let near = near.map(|near| near.strip_prefix(prefix).unwrap_or(near).to_owned());
    let (code, what) = match elsewhere.map(|id| id.spec().group) {
        Some(other) if other.is_root() => {
            (MappingCode::WRONG_BLOCK, format!("{name} belongs into [fields] or a [[one]] block"))
        }
        Some(other) => {
            let what = format!("{name} belongs into [[each]] with fills = \"{}\"", other.name());
            (MappingCode::WRONG_BLOCK, what)
        }
        None => (
            MappingCode::UNKNOWN_FIELD,
            format!("the {} has no field {name}", compiler.fills.word()),
        ),
    };
    let near = near.filter(|_| code == MappingCode::UNKNOWN_FIELD);
    compiler.report(code, leaf.key_span.clone(), what).suggestion = near;
    None
}

fn from(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    id: FieldId,
    leaf: &Leaf<'_>,
    inside: &[Path],
) -> Option<FieldSource> {
    let spec = id.spec();
    let join = table.string(compiler, "join").map(|(text, _)| text);
    match (table.has("from"), table.has("value")) {
        (true, false) => {
            let texts = table.strings(compiler, "from")?;
            if texts.is_empty() {
                let what = format!("{} lists no path to read it from", leaf.name);
                compiler.report(MappingCode::MISSING_KEY, table.key_span("from"), what);
            }
            twice(compiler, &texts);
            let paths: Vec<_> = texts
                .iter()
                .filter_map(|(text, span)| compiler.path(text, span, inside, false))
                .collect();
            (!paths.is_empty()).then_some(FieldSource::Paths { paths, join })
        }
        (false, true) => {
            let (value, span) = table.string(compiler, "value")?;
            if spec.evidenced {
                let what = format!("{} is evidence: it must come from the record", spec.name);
                compiler.report(MappingCode::EVIDENCED_NOT_FROM_RECORD, span, what);
                compiler.meant.insert((spec.group as usize, id.index()));
            } else if let Some(misfit) = misfit(compiler, spec, &value) {
                compiler.report(MappingCode::WRONG_VALUE, span, misfit.what).suggestion =
                    misfit.meant.map(str::to_owned);
            }
            for key in ["apply", "lookup", "join"] {
                if table.has(key) {
                    let what =
                        format!("`{key}` is for what is read with `from`, not for a `value`");
                    compiler.report(MappingCode::UNKNOWN_KEY, table.key_span(key), what);
                }
            }
            compiler.paths.push(format!("(always \"{value}\")"));
            let origin = u16::try_from(compiler.paths.len() - 1).unwrap_or(u16::MAX);
            Some(FieldSource::Constant(canonical(&value), Origin(origin)))
        }
        (both, _) => {
            let what = if both {
                format!("{} has both `from` and `value`: keep one", leaf.name)
            } else {
                format!("{} has neither `from` nor `value`", leaf.name)
            };
            compiler.report(MappingCode::MISSING_KEY, leaf.key_span.clone(), what);
            None
        }
    }
}

/// A path of the list that stands in it before.
fn twice(compiler: &mut Compiler<'_>, texts: &[Quoted]) {
    for (number, (text, span)) in texts.iter().enumerate() {
        if texts[..number].iter().any(|(before, _)| before.trim() == text.trim()) {
            let what = format!("{text} stands in this list twice");
            compiler.report(MappingCode::PATH_TWICE, span.clone(), what);
        }
    }
}

fn transforms(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    id: FieldId,
) -> (Vec<(Transform, std::ops::Range<usize>)>, bool) {
    let spec = id.spec();
    let mut transforms = Vec::new();
    let mut unfit = false;
    for (text, span) in table.strings(compiler, "apply").unwrap_or_default() {
        match Transform::parse(&text) {
            Ok(transform) => {
                // Before a lookup any transform is fine: the lookup gives the value.
                if !table.has("lookup") && !transform.doc().fits(spec) {
                    unfit = true;
                    let what = format!(
                        "\"{}\" makes something that {} cannot hold",
                        transform.doc().name,
                        spec.name
                    );
                    compiler.report(MappingCode::TRANSFORM_DOES_NOT_FIT, span.clone(), what);
                }
                transforms.push((transform, span));
            }
            Err(fault) => compiler.fault(&fault, &span),
        }
    }
    (transforms, unfit)
}

fn own_dates(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    id: FieldId,
) -> Option<crate::date::Formats> {
    let is_date = matches!(id.spec().shape, FieldShape::Date | FieldShape::Instant);
    if table.has("dates") {
        if !is_date {
            let what = format!("{} is no date", id.spec().name);
            compiler.report(MappingCode::UNKNOWN_KEY, table.key_span("dates"), what);
            return None;
        }
        let (formats, clashes) = compiler.formats(table)?;
        for clash in clashes {
            compiler.report(MappingCode::DATE_CLASH, clash.place, clash.what);
        }
        return Some(formats);
    }
    if is_date {
        compiler.undecided.push(id.full_name(None).into_owned());
    }
    None
}
