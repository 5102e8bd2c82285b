//! `[[one]]` and `[[each]]`: persons and repeated groups.

use super::table::{Leaf, TableReader};
use super::{Compiler, field};
use crate::code::MappingCode;
use crate::diagnostic::Diagnostic;
use crate::path::Path;
use crate::plan::{Block, BlockKind};
use cara_domain::field::{FieldId, Fills};

pub(crate) const KEYS: [&str; 5] = ["fills", "from", "same_by", "when", "fields"];

pub(super) fn read(compiler: &mut Compiler<'_>, top: &TableReader<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for table in top.tables(compiler, "one") {
        blocks.extend(block(compiler, &table, true));
    }
    for table in top.tables(compiler, "each") {
        blocks.extend(block(compiler, &table, false));
    }
    blocks
}

fn block(compiler: &mut Compiler<'_>, table: &TableReader<'_>, one: bool) -> Option<Block> {
    compiler.known_keys(table, &KEYS);
    let kind = kind(compiler, table, one)?;
    let (name, group) = match &kind {
        BlockKind::One(name) => (*name, compiler.fills.root()),
        BlockKind::Each(group) => (group.name(), *group),
    };
    compiler.sections.entry(name).or_insert_with(|| table.span.clone());
    compiler.missing(table, "from", "from = \"Persons/Person[@role='SUSPECT']\"");
    let texts = table.strings(compiler, "from").unwrap_or_default();
    let from: Vec<_> =
        texts.iter().filter_map(|(text, span)| compiler.path(text, span, &[], false)).collect();
    if texts.is_empty() && table.has("from") {
        let what = "the block lists no path to read it from";
        compiler.report(MappingCode::MISSING_KEY, table.key_span("from"), what);
    }
    let when = compiler.when(table, &[]);
    let Some(fields) = table.table(compiler, "fields") else {
        compiler.missing(table, "fields", "the block's own fields section");
        return None;
    };
    let at_record = texts.iter().all(|(text, _)| text == ".");
    let inside: Vec<_> =
        if at_record { Vec::new() } else { from.iter().map(|(path, _)| path.clone()).collect() };
    let prefix = if one { format!("{name}.") } else { String::new() };
    compiler.block_conditional = table.has("when");
    compiler.block_lost = from.is_empty();
    let same_by = same_by(compiler, table, one, &inside);
    let first = texts.first().map(|(_, span)| span.clone());
    compiler.block_from = first.filter(|_| !inside.is_empty());
    let before = compiler.diagnostics.len();
    let section = fields;
    let fields = field::read(compiler, &section, group, &prefix, &inside);
    compiler.block_from = None;
    other_block(compiler, table, &section, (name, one), before);
    compiler.block_conditional = false;
    compiler.block_lost = false;
    Some(Block { kind, from, same_by, when, fields })
}

/// What tells that two candidates are one person, from the candidate on.
fn same_by(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    one: bool,
    inside: &[Path],
) -> Vec<Path> {
    if !one && table.has("same_by") {
        let what = "`same_by` is for [[one]]: every item of an [[each]] is a thing of its own";
        compiler.report(MappingCode::UNKNOWN_KEY, table.key_span("same_by"), what);
        return Vec::new();
    }
    let texts = table.strings(compiler, "same_by").unwrap_or_default();
    if texts.is_empty() && table.get("same_by").is_some_and(|item| item.is_array()) {
        let what = "`same_by` lists no path that tells who somebody is";
        compiler.report(MappingCode::MISSING_KEY, table.key_span("same_by"), what);
    }
    let paths = texts.iter().filter_map(|(text, span)| compiler.path(text, span, inside, false));
    paths.map(|(path, _)| path).collect()
}

/// When the block's lines do not fit what it fills, its `fills` is the slip: one problem for all of
/// them. `before` is how many problems there were before its lines.
fn other_block(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    section: &TableReader<'_>,
    (name, one): (&'static str, bool),
    before: usize,
) {
    let leaves =
        section.leaves(&|item| item.as_table_like().is_some_and(|it| it.contains_key("from")));
    let misplaced = |it: &Diagnostic| {
        [MappingCode::UNKNOWN_FIELD, MappingCode::WRONG_BLOCK, MappingCode::FILLED_TWICE]
            .contains(&it.code)
    };
    let of = compiler.fills;
    let wrong: Vec<MappingCode> = compiler.diagnostics[before..]
        .iter()
        .filter(|it| misplaced(it))
        .map(|it| it.code)
        .collect();
    let twice = wrong.iter().filter(|code| **code == MappingCode::FILLED_TWICE).count();
    let mut known: Vec<(&'static str, usize)> = Vec::new();
    for &group in of.groups() {
        let parts = if one { of.parts() } else { &[group.name()] };
        for part in parts.iter().filter(|part| **part != name && group.is_root() == one) {
            let named = |leaf: &&Leaf<'_>| {
                let full = if one { format!("{part}.{}", leaf.name) } else { leaf.name.clone() };
                FieldId::find(group, &full).is_some()
            };
            known.push((part, leaves.iter().filter(named).count()));
        }
    }
    let best = known.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 1);
    let fits_better = wrong.len() >= leaves.len().max(1);
    if !(one && twice > 1 || !one && fits_better && best.is_some()) {
        return;
    }
    let Some((_, span)) = table.string(compiler, "fills") else { return };
    let mut number = 0;
    compiler.diagnostics.retain(|it| {
        number += 1;
        number <= before || !misplaced(it)
    });
    // What was meant to be filled here counts as filled.
    for &group in of.groups() {
        let parts = if one { of.parts() } else { &[group.name()] };
        for (part, leaf) in parts.iter().flat_map(|part| leaves.iter().map(move |it| (part, it))) {
            let full = if one { format!("{part}.{}", leaf.name) } else { leaf.name.clone() };
            if let Some(id) = FieldId::find(group, &full) {
                compiler.meant.insert((group as usize, id.index()));
            }
        }
    }
    let what = match one {
        true => format!("{name} is filled by another [[one]] block already"),
        false => format!("none of this block's lines is a field of {name}"),
    };
    let code = if one { MappingCode::FILLED_TWICE } else { MappingCode::WRONG_BLOCK };
    let meant = best
        .filter(|_| !one || best.is_some_and(|(part, _)| !compiler.sections.contains_key(part)));
    compiler.report(code, span, what).suggestion = meant.map(|(part, _)| part.to_owned());
}

/// What the block fills. A slip of the pen is reported and then read as what was meant, so that the
/// block's own lines are not all reported with it.
fn kind(compiler: &mut Compiler<'_>, table: &TableReader<'_>, one: bool) -> Option<BlockKind> {
    let Some((fills, span)) = table.string(compiler, "fills") else {
        let example = if one { "fills = \"offender\"" } else { "fills = \"offences\"" };
        compiler.missing(table, "fills", example);
        return None;
    };
    let of = compiler.fills;
    if let Some(kind) = named(&fills, one, of) {
        return Some(kind);
    }
    let groups: Vec<&'static str> = of.groups()[1..].iter().map(|group| group.name()).collect();
    let known: &[&'static str] = if one { of.parts() } else { &groups };
    let meant = crate::fault::nearest(&fills, known.iter().copied());
    let section = if one { "[[one]]" } else { "[[each]]" };
    let may = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    let what = format!("{section} of a {} cannot fill \"{fills}\": it fills {may}", of.word());
    compiler.report(MappingCode::WRONG_VALUE, span, what).suggestion = meant.map(str::to_owned);
    named(meant?, one, of)
}

fn named(fills: &str, one: bool, of: Fills) -> Option<BlockKind> {
    if one {
        return of.parts().iter().find(|name| **name == fills).map(|name| BlockKind::One(name));
    }
    let mut groups = of.groups().iter().filter(|group| !group.is_root());
    groups.find(|group| group.name() == fills).copied().map(BlockKind::Each)
}
