//! `[lookup."name"]` of a letter: the gateway's codes and the force's words. The codes are known, so
//! a lookup lists all that its lines can meet, and has no `otherwise`.

use std::ops::Range;

use crate::code::MappingCode;
use crate::compile::Compiler;
use crate::compile::table::TableReader;
use crate::fault::nearest;
use crate::letter::field::{Field, LetterFieldShape};
use crate::letter::lookup::LetterLookup;
use cara_domain::notice::NoticeKind;

/// A lookup and where it is written.
pub(super) struct LookupUse {
    pub lookup: LetterLookup,
    name_span: Range<usize>,
    rows: Vec<Range<usize>>,
    is_used: bool,
    /// A line that uses it has a mistake, so nobody knows what it should list.
    is_unsure: bool,
    /// Fields that are looked up here, with the codes that each can have there.
    uses: Vec<(Field, Vec<&'static str>)>,
}

pub(super) fn read(reporter: &mut Compiler<'_>, top: &TableReader<'_>) -> Vec<LookupUse> {
    let mut all = Vec::new();
    let Some(tables) = top.table(reporter, "lookup") else { return all };
    for (name, name_span) in tables.keys() {
        let Some(table) = tables.table(reporter, &name) else { continue };
        let mut lookup = LetterLookup { name, rows: Vec::new() };
        let mut rows = Vec::new();
        for (code, span) in table.keys() {
            if code == "otherwise" {
                let what = "a letter's lookup lists every code, so it has no `otherwise`";
                reporter.report(MappingCode::UNKNOWN_KEY, span, what);
                continue;
            }
            // A row whose word is of the wrong kind is there all the same.
            let word = table.string(reporter, &code).map_or(String::new(), |(word, _)| word);
            lookup.rows.push((code, word));
            rows.push(span);
        }
        all.push(LookupUse {
            lookup,
            name_span,
            rows,
            is_used: false,
            is_unsure: false,
            uses: Vec::new(),
        });
    }
    all
}

/// The lookup that a line names; `kinds` are the notices for which the line may write, `None` when
/// its condition cannot be read.
pub(super) fn of_line(
    reporter: &mut Compiler<'_>,
    table: &TableReader<'_>,
    field: Option<Field>,
    kinds: Option<&[NoticeKind]>,
    all: &mut [LookupUse],
) -> Option<usize> {
    let (name, span) = table.string(reporter, "lookup")?;
    let named = |name: &str| all.iter().position(|written| written.lookup.name == name);
    let Some(index) = named(&name) else {
        let meant = nearest(&name, all.iter().map(|it| it.lookup.name.as_str()));
        let meant = meant.map(str::to_owned);
        if let Some(index) = meant.as_deref().and_then(named) {
            all[index].is_used = true;
            all[index].is_unsure = true;
        }
        let what = format!("there is no lookup \"{name}\"");
        reporter.report(MappingCode::LETTER_LOOKUP, span, what).suggestion = meant;
        return None;
    };
    all[index].is_used = true;
    let (Some(field), Some(kinds)) = (field, kinds) else {
        all[index].is_unsure = true;
        return Some(index);
    };
    match field.codes(kinds) {
        Some(codes) => all[index].uses.push((field, codes)),
        None => {
            all[index].is_unsure = true;
            let what = format!("{} has no codes to look up", field.spec().name);
            reporter.report(MappingCode::LETTER_LOOKUP, span, what);
        }
    }
    Some(index)
}

/// Every lookup is used, lists every code that its lines can meet, and none that they never meet.
pub(super) fn check(reporter: &mut Compiler<'_>, all: &[LookupUse]) {
    for LookupUse { lookup, name_span, rows, is_used, is_unsure, uses } in all {
        if !is_used {
            let what = format!("no field uses the lookup \"{}\"", lookup.name);
            reporter.report(MappingCode::LOOKUP_NOT_USED, name_span.clone(), what);
        }
        let Some((first, _)) = uses.first().filter(|_| !is_unsure) else { continue };
        let mut met: Vec<&str> = Vec::new();
        for code in uses.iter().flat_map(|(_, codes)| codes) {
            if !met.contains(code) {
                met.push(code);
            }
        }
        let mut missing: Vec<&str> =
            met.iter().copied().filter(|code| lookup.row(code).is_none()).collect();
        for ((code, _), span) in lookup.rows.iter().zip(rows) {
            if met.contains(&code.as_str()) {
                continue;
            }
            let name = first.spec().name;
            let can_be = uses.iter().any(|(field, _)| match field.spec().shape {
                LetterFieldShape::Code(codes) | LetterFieldShape::Codes(codes) => {
                    codes.contains(&code.as_str())
                }
                _ => false,
            });
            let what = match can_be {
                true => format!("{name} is never \"{code}\" where a line looks it up"),
                false => format!("{name} is never \"{code}\""),
            };
            let near = nearest(code, missing.iter().copied());
            let meant = near.or_else(|| nearest(code, met.iter().copied())).filter(|_| !can_be);
            missing.retain(|missing| Some(*missing) != meant);
            reporter.report(MappingCode::LETTER_LOOKUP, span.clone(), what).suggestion =
                meant.map(|meant| format!("\"{meant}\""));
        }
        if !missing.is_empty() {
            let what = format!("lookup \"{}\" does not list {}", lookup.name, missing.join(", "));
            reporter.report(MappingCode::LETTER_LOOKUP, name_span.clone(), what);
        }
    }
}
