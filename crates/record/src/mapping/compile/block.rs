//! `[[one]]` and `[[each]]`: persons and repeated groups.

use super::table::Table;
use super::{Compiler, field};
use crate::domain::field::Fills;
use crate::mapping::code::Code;
use crate::mapping::path::Path;
use crate::mapping::plan::{Block, BlockKind};

pub(in crate::mapping) const KEYS: [&str; 5] = ["fills", "from", "same_by", "when", "fields"];

pub(super) fn read(compiler: &mut Compiler<'_>, top: &Table<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for table in top.tables(compiler, "one") {
        blocks.extend(block(compiler, &table, true));
    }
    for table in top.tables(compiler, "each") {
        blocks.extend(block(compiler, &table, false));
    }
    blocks
}

fn block(compiler: &mut Compiler<'_>, table: &Table<'_>, one: bool) -> Option<Block> {
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
        compiler.report(Code::MISSING_KEY, table.key_span("from"), what);
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
    let fields = field::read(compiler, &fields, group, &prefix, &inside);
    compiler.block_conditional = false;
    compiler.block_lost = false;
    Some(Block { kind, from, same_by, when, fields })
}

/// What tells that two candidates are one person, from the candidate on.
fn same_by(
    compiler: &mut Compiler<'_>,
    table: &Table<'_>,
    one: bool,
    inside: &[Path],
) -> Vec<Path> {
    if !one && table.has("same_by") {
        let what = "`same_by` is for [[one]]: every item of an [[each]] is a thing of its own";
        compiler.report(Code::UNKNOWN_KEY, table.key_span("same_by"), what);
        return Vec::new();
    }
    let texts = table.strings(compiler, "same_by").unwrap_or_default();
    if texts.is_empty() && table.get("same_by").is_some_and(|item| item.is_array()) {
        let what = "`same_by` lists no path that tells who somebody is";
        compiler.report(Code::MISSING_KEY, table.key_span("same_by"), what);
    }
    let paths = texts.iter().filter_map(|(text, span)| compiler.path(text, span, inside, false));
    paths.map(|(path, _)| path).collect()
}

/// What the block fills. A slip of the pen is reported and then read as what was meant, so that the
/// block's own lines are not all reported with it.
fn kind(compiler: &mut Compiler<'_>, table: &Table<'_>, one: bool) -> Option<BlockKind> {
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
    let meant = crate::mapping::fault::nearest(&fills, known.iter().copied());
    let section = if one { "[[one]]" } else { "[[each]]" };
    let may = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    let what = format!("{section} of a {} cannot fill \"{fills}\": it fills {may}", of.word());
    compiler.report(Code::WRONG_VALUE, span, what).suggestion = meant.map(str::to_owned);
    named(meant?, one, of)
}

fn named(fills: &str, one: bool, of: Fills) -> Option<BlockKind> {
    if one {
        return of.parts().iter().find(|name| **name == fills).map(|name| BlockKind::One(name));
    }
    let mut groups = of.groups().iter().filter(|group| !group.is_root());
    groups.find(|group| group.name() == fills).copied().map(BlockKind::Each)
}
