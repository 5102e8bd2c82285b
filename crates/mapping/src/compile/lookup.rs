//! `[lookup."name"]`: the force's codes and what they mean.

use std::ops::Range;

use super::Compiler;
use super::fit::{Misfit, misfit};
use super::table::TableReader;
use crate::code::MappingCode;
use crate::fault::nearest;
use crate::lookup::{BUILT_IN, built_in};
use crate::plan::{Lookup, canonical};
use cara_domain::field::FieldId;

/// Where a lookup of the file is written; a built-in one is not.
#[derive(Default)]
pub(super) struct LookupPlace {
    /// Its name.
    pub name: Option<Range<usize>>,
    /// The value of each row.
    rows: Vec<Range<usize>>,
    /// The code of each row.
    pub codes: Vec<Range<usize>>,
    otherwise: Option<Range<usize>>,
    pub used: bool,
}

pub(super) fn read(compiler: &mut Compiler<'_>, top: &TableReader<'_>) {
    let Some(tables) = top.table(compiler, "lookup") else { return };
    for (name, span) in tables.keys() {
        let Some(table) = tables.table(compiler, &name) else { continue };
        let mut place = LookupPlace { name: Some(span.clone()), ..LookupPlace::default() };
        let mut lookup = Lookup::empty(&name);
        let mut meant_otherwise = false;
        for (code, code_span) in table.keys() {
            let Some((value, value_span)) = table.string(compiler, &code) else { continue };
            if code == "otherwise" {
                lookup.otherwise = otherwise(compiler, &value, &value_span);
                place.otherwise = Some(value_span);
                continue;
            }
            if !table.has("otherwise") && nearest(&code, ["otherwise"]).is_some() {
                let what =
                    format!("`{code}` is a row here, and nothing says what an unlisted code does");
                compiler.report(MappingCode::NO_OTHERWISE, code_span, what).suggestion =
                    Some("otherwise".to_owned());
                meant_otherwise = true;
                continue;
            }
            place.codes.push(code_span.clone());
            if !lookup.add(&code, &value) {
                let what = format!("the code \"{}\" is listed twice", code.trim());
                compiler.report(MappingCode::FILLED_TWICE, code_span, what);
            }
            place.rows.push(value_span);
        }
        if !table.has("otherwise") && !meant_otherwise {
            let what = format!("lookup \"{name}\" does not say what an unlisted code does");
            compiler.report(MappingCode::NO_OTHERWISE, span, what).suggestion =
                Some("otherwise = \"hold\"".to_owned());
        }
        compiler.lookup_index.insert(name, compiler.lookups.len());
        compiler.lookups.push(lookup);
        compiler.lookup_places.push(place);
    }
}

/// What an unlisted code becomes; `None` holds the record, and so does a slip of the pen.
fn otherwise(
    compiler: &mut Compiler<'_>,
    value: &str,
    span: &Range<usize>,
) -> Option<std::borrow::Cow<'static, str>> {
    if value != "hold" && nearest(value, ["hold"]).is_some() {
        let what = format!("every unlisted code would become \"{value}\"");
        compiler.report(MappingCode::LOOKUP_VALUE, span.clone(), what).suggestion =
            Some("hold".to_owned());
        return None;
    }
    (value != "hold").then(|| canonical(value))
}

/// The header of a lookup of the file itself, where the line that asks for it is its base's.
fn own_header(compiler: &Compiler<'_>, name: &str, used: &Range<usize>) -> Option<Range<usize>> {
    let index = compiler.lookup_index.get(name)?;
    let header = compiler.lookup_places[*index].name.clone()?;
    let of_base = compiler.spot(used.start).base.is_some();
    (of_base && compiler.spot(header.start).base.is_none()).then_some(header)
}

/// Notes that a line names a lookup, so that nothing follows from a slip elsewhere in the line.
pub(super) fn named(compiler: &mut Compiler<'_>, table: &TableReader<'_>) {
    let name = table.get("lookup").and_then(|item| item.as_str());
    let index = name.and_then(|name| compiler.lookup_index.get(name));
    if let Some(index) = index {
        compiler.lookup_places[*index].used = true;
    }
}

/// The lookup that a field names, checked against what the field can hold.
pub(super) fn of_field(
    compiler: &mut Compiler<'_>,
    id: FieldId,
    table: &TableReader<'_>,
) -> Option<usize> {
    let (name, span) = table.string(compiler, "lookup")?;
    let index = match (compiler.lookup_index.get(&name), built_in(&name)) {
        (Some(index), _) => *index,
        (None, Some((name, rows))) => add_built_in(compiler, name, rows),
        (None, None) => {
            let own = compiler.lookup_index.keys().map(String::as_str);
            let known = own.chain(BUILT_IN.iter().map(|(name, _)| *name));
            let meant = nearest(&name, known).map(str::to_owned);
            if let Some(index) = meant.as_ref().and_then(|meant| compiler.lookup_index.get(meant)) {
                compiler.lookup_places[*index].used = true;
            }
            match meant.as_ref().and_then(|meant| own_header(compiler, meant, &span)) {
                // The base's fields name it right; the slip is in the file that brings the table.
                Some(header) => {
                    let what = format!("fields of the base look for the lookup \"{name}\"");
                    compiler.report(MappingCode::UNKNOWN_LOOKUP, header, what).suggestion =
                        Some(name);
                }
                None => {
                    let what = format!("there is no lookup \"{name}\"");
                    compiler.report(MappingCode::UNKNOWN_LOOKUP, span, what).suggestion = meant;
                }
            }
            return None;
        }
    };
    compiler.lookup_places[index].used = true;
    check(compiler, id, index, &span);
    Some(index)
}

fn add_built_in(
    compiler: &mut Compiler<'_>,
    name: &'static str,
    rows: &'static [(&'static str, &'static str)],
) -> usize {
    let index = compiler.lookups.len();
    let mut lookup = Lookup::empty(name);
    for (code, value) in rows {
        lookup.add(code, value);
    }
    compiler.lookups.push(lookup);
    compiler.lookup_places.push(LookupPlace::default());
    compiler.lookup_index.insert(name.to_owned(), index);
    index
}

/// Every value is one that the field can hold; `used_at` is for a table that the file does not hold.
fn check(compiler: &mut Compiler<'_>, id: FieldId, index: usize, used_at: &Range<usize>) {
    let spec = id.spec();
    let lookup = &compiler.lookups[index];
    let place = &compiler.lookup_places[index];
    let mut misfits: Vec<(Misfit, Range<usize>)> = Vec::new();
    for (row, (_, value)) in lookup.values.iter().enumerate() {
        if spec.evidenced && value == "not_recorded" {
            continue;
        }
        let span = place.rows.get(row).unwrap_or(used_at);
        misfits.extend(misfit(compiler, spec, value).map(|misfit| (misfit, span.clone())));
    }
    let span = place.otherwise.clone().unwrap_or_else(|| used_at.clone());
    let invented = lookup.otherwise.as_ref().filter(|_| spec.evidenced).map(|value| {
        let what = "is evidence: an unlisted code must hold the record, it cannot become";
        (format!("{} {what} \"{value}\"", spec.name), span.clone())
    });
    if let Some(value) = lookup.otherwise.as_ref().filter(|_| !spec.evidenced) {
        misfits.extend(misfit(compiler, spec, value).map(|misfit| (misfit, span)));
    }
    for (misfit, span) in misfits {
        compiler.report(MappingCode::LOOKUP_VALUE, span, misfit.what).suggestion =
            misfit.meant.map(str::to_owned);
    }
    if let Some((what, span)) = invented {
        compiler.report(MappingCode::EVIDENCED_NOT_FROM_RECORD, span, what).suggestion =
            Some("otherwise = \"hold\"".to_owned());
    }
}
