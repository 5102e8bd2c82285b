//! `[lookup."name"]`: the force's codes and what they mean.

use std::ops::Range;

use super::Compiler;
use super::fit::{Misfit, misfit};
use super::table::Table;
use crate::domain::field::FieldId;
use crate::mapping::code::Code;
use crate::mapping::lookup::{BUILT_IN, built_in};
use crate::mapping::plan::{Lookup, canonical};

/// Where a lookup of the file is written; a built-in one is not.
#[derive(Default)]
pub(super) struct Place {
    /// Its name.
    pub name: Option<Range<usize>>,
    /// The value of each row.
    rows: Vec<Range<usize>>,
    otherwise: Option<Range<usize>>,
    pub used: bool,
}

pub(super) fn read(compiler: &mut Compiler<'_>, top: &Table<'_>) {
    let Some(tables) = top.table(compiler, "lookup") else { return };
    for (name, span) in tables.keys() {
        let Some(table) = tables.table(compiler, &name) else { continue };
        let mut place = Place { name: Some(span.clone()), ..Place::default() };
        let mut lookup = Lookup::empty(&name);
        for (code, code_span) in table.keys() {
            let Some((value, value_span)) = table.string(compiler, &code) else { continue };
            if code == "otherwise" {
                place.otherwise = Some(value_span);
                lookup.otherwise = (value != "hold").then(|| canonical(&value));
                continue;
            }
            if !lookup.add(&code, &value) {
                let what = format!("the code \"{}\" is listed twice", code.trim());
                compiler.report(Code::FILLED_TWICE, code_span, what);
            }
            place.rows.push(value_span);
        }
        if !table.has("otherwise") {
            let what = format!("lookup \"{name}\" does not say what an unlisted code does");
            compiler.report(Code::NO_OTHERWISE, span, what).suggestion =
                Some("otherwise = \"hold\"".to_owned());
        }
        compiler.lookup_index.insert(name, compiler.lookups.len());
        compiler.lookups.push(lookup);
        compiler.lookup_places.push(place);
    }
}

/// The lookup that a field names, checked against what the field can hold.
pub(super) fn of_field(
    compiler: &mut Compiler<'_>,
    id: FieldId,
    table: &Table<'_>,
) -> Option<usize> {
    let (name, span) = table.string(compiler, "lookup")?;
    let index = match (compiler.lookup_index.get(&name), built_in(&name)) {
        (Some(index), _) => *index,
        (None, Some((name, rows))) => add_built_in(compiler, name, rows),
        (None, None) => {
            let own = compiler.lookup_index.keys().map(String::as_str);
            let known = own.chain(BUILT_IN.iter().map(|(name, _)| *name));
            let meant = crate::mapping::fault::nearest(&name, known).map(str::to_owned);
            if let Some(index) = meant.as_ref().and_then(|meant| compiler.lookup_index.get(meant)) {
                compiler.lookup_places[*index].used = true;
            }
            let what = format!("there is no lookup \"{name}\"");
            compiler.report(Code::UNKNOWN_LOOKUP, span, what).suggestion = meant;
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
    compiler.lookup_places.push(Place::default());
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
        compiler.report(Code::LOOKUP_VALUE, span, misfit.what).suggestion =
            misfit.meant.map(str::to_owned);
    }
    if let Some((what, span)) = invented {
        compiler.report(Code::EVIDENCED_NOT_FROM_RECORD, span, what).suggestion =
            Some("otherwise = \"hold\"".to_owned());
    }
}
