//! `[[one]]` and `[[each]]`: persons and repeated groups.

use super::table::Table;
use super::{Compiler, field};
use crate::domain::field::Group;
use crate::mapping::code::Code;
use crate::mapping::condition::When;
use crate::mapping::plan::{Block, BlockKind};

/// What a `[[one]]` may fill: every first part of a dotted root name.
const ONE: [&str; 8] =
    ["source", "case", "officer", "offender", "relationship", "caution", "risk", "victim"];

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
    compiler.known_keys(table, &["fills", "from", "when", "fields"]);
    let Some((fills, span)) = table.string(compiler, "fills") else {
        let example = if one { "fills = \"offender\"" } else { "fills = \"offences\"" };
        compiler.missing(table, "fills", example);
        return None;
    };
    let kind = if one {
        ONE.iter().find(|name| **name == fills).map(|name| BlockKind::One(name))
    } else {
        let groups = Group::ALL.into_iter().filter(|group| *group != Group::Root);
        groups.into_iter().find(|group| group.name() == fills).map(BlockKind::Each)
    };
    let Some(kind) = kind else {
        let groups = Group::ALL.map(Group::name);
        let known: &[&str] = if one { &ONE } else { &groups[1..] };
        let meant = crate::mapping::fault::nearest(&fills, known.iter().copied());
        let section = if one { "[[one]]" } else { "[[each]]" };
        let what = format!("{section} cannot fill \"{fills}\": it fills {}", known.join(", "));
        compiler.report(Code::WRONG_VALUE, span, what).suggestion = meant.map(str::to_owned);
        return None;
    };
    let Some(texts) = table.strings(compiler, "from") else {
        if !table.has("from") {
            compiler.missing(table, "from", "from = \"Persons/Person[@role='SUSPECT']\"");
        }
        return None;
    };
    let from: Vec<_> =
        texts.iter().filter_map(|(text, span)| compiler.path(text, span, &[], false)).collect();
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
    let Some(fields) = table.table(compiler, "fields") else {
        compiler.missing(table, "fields", "the block's own fields section");
        return None;
    };
    let at_record = texts.iter().all(|(text, _)| text == ".");
    let inside: Vec<_> =
        if at_record { Vec::new() } else { from.iter().map(|(path, _)| path.clone()).collect() };
    let (group, prefix) = match &kind {
        BlockKind::One(name) => (Group::Root, format!("{name}.")),
        BlockKind::Each(group) => (*group, String::new()),
    };
    let fields = field::read(compiler, &fields, group, &prefix, &inside);
    Some(Block { kind, from, when, fields })
}
