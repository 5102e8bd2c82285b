//! What one record is, where it is, and what in it is told apart.

use std::collections::{BTreeMap, BTreeSet};

use super::spot::{Split, part};
use super::word::{may_be_written, words};
use cara_document::{BodyFormat, NodeId, Tree, csv};

/// The path from the top of a body to its records, by names.
pub(super) fn path(trees: &[Tree<'_>], format: &BodyFormat) -> Vec<String> {
    match format {
        BodyFormat::Csv(options) if options.group.is_some() => vec!["record".to_owned()],
        BodyFormat::Csv(_) => vec!["row".to_owned()],
        BodyFormat::Fixed(options) => vec![options.record.clone()],
        BodyFormat::Xml | BodyFormat::Json => descended(trees),
    }
}

/// Nodes at the path, by names, in document order.
pub(super) fn at(tree: &Tree<'_>, from: NodeId, path: &[String]) -> Vec<NodeId> {
    let mut reached = vec![from];
    for name in path {
        let children = reached.iter().flat_map(|node| tree.children(*node));
        reached = children.filter(|child| tree.name_text(*child) == name).collect();
    }
    reached
}

/// A child that holds this share of everything below is a wrapper or the record's own level.
const SHARE_MIN: (usize, usize) = (3, 4);

/// Goes down while one name holds nearly everything and no case begins here.
fn descended(trees: &[Tree<'_>]) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    loop {
        let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
        let mut all = 0;
        let mut is_case = false;
        for tree in trees {
            for node in at(tree, tree.root(), &path) {
                is_case |= !path.is_empty() && names_a_case(tree, node);
                for child in tree.children(node) {
                    let size = tree.subtree(child).count();
                    all += size;
                    if tree.children(child).next().is_some() {
                        *sizes.entry(tree.name_text(child).to_owned()).or_default() += size;
                    }
                }
            }
        }
        let largest = sizes.into_iter().max_by_key(|(_, size)| *size);
        match largest {
            Some((name, size)) if !is_case && size * SHARE_MIN.1 >= all * SHARE_MIN.0 => {
                path.push(name);
            }
            _ => return path,
        }
    }
}

/// Whether the node itself says which case it is: a number of an occurrence, a crime, a case.
fn names_a_case(tree: &Tree<'_>, node: NodeId) -> bool {
    let own = tree.attributes(node).chain(tree.children(node));
    own.into_iter().filter(|part| tree.children(*part).next().is_none()).any(|part| {
        let words = words(tree.name_text(part));
        let has = |listed: &[&str]| words.iter().any(|word| listed.contains(&word.as_str()));
        has(&["occurrence", "incident", "crime", "case", "investigation", "urn", "asn"])
            && !tree.peek(part).is_empty()
    })
}

/// The column whose equal values make the rows of one record, if there is one: within its groups
/// nearly all other columns say the same in every row, and some group has several rows.
pub(super) fn group(trees: &[Tree<'_>]) -> Option<String> {
    let mut best: Option<((bool, usize), String)> = None;
    let first = trees.first().and_then(|tree| tree.children(tree.root()).next())?;
    let columns: Vec<String> =
        trees[0].children(first).map(|cell| trees[0].name_text(cell).to_owned()).collect();
    for (index, column) in columns.iter().enumerate() {
        let mut groups: BTreeMap<(usize, String), Vec<Vec<String>>> = BTreeMap::new();
        for (body, tree) in trees.iter().enumerate() {
            for row in tree.children(tree.root()) {
                let cells: Vec<String> =
                    tree.children(row).map(|cell| tree.text(cell).into_owned()).collect();
                let key = cells.get(index).cloned().unwrap_or_default();
                groups.entry((body, key)).or_default().push(cells);
            }
        }
        let several: Vec<_> = groups.values().filter(|rows| rows.len() > 1).collect();
        let is_key = groups.keys().all(|(_, key)| !key.is_empty()) && !several.is_empty();
        let same = |at: usize| {
            let agree = |rows: &&&Vec<Vec<String>>| rows.iter().all(|row| row[at] == rows[0][at]);
            several.iter().filter(agree).count() * 5 >= several.len() * 4
        };
        // Empty columns say the same everywhere.
        let is_filled = |at: &usize| groups.values().flatten().any(|row| !row[*at].is_empty());
        let filled: Vec<usize> = (0..columns.len()).filter(is_filled).collect();
        let constant = filled.iter().filter(|at| same(**at)).count();
        if is_key && constant * 4 >= filled.len() * 3 {
            let rank = (names_a_key(column), groups.len());
            // A key by its name, then the finest cut; of equally good ones the first column.
            if best.as_ref().is_none_or(|(most, _)| rank > *most) {
                best = Some((rank, column.clone()));
            }
        }
    }
    best.map(|(_, column)| column)
}

/// Whether a column's name says that it is a key.
fn names_a_key(column: &str) -> bool {
    const KEYS: &[&str] = &[
        "case",
        "crime",
        "id",
        "incident",
        "key",
        "nominal",
        "number",
        "occurrence",
        "person",
        "record",
        "ref",
        "subject",
        "suspect",
        "urn",
    ];
    words(column).iter().any(|word| KEYS.contains(&word.as_str()))
}

/// The same options with the rows of one record together.
pub(super) fn grouped(format: &BodyFormat, group: &str) -> BodyFormat {
    match format {
        BodyFormat::Csv(options) => {
            BodyFormat::Csv(csv::CsvOptions { group: Some(group.to_owned()), ..options.clone() })
        }
        other => other.clone(),
    }
}

/// Last words of names by which siblings are told apart, the surest first.
const TELLING: &[&str] =
    &["role", "involvement", "capacity", "involved", "type", "kind", "scheme", "category", "use"];
const ROLES: &[&str] = &["role", "involvement", "capacity", "involved"];
const PERSONS: &[&str] = &["person", "nominal", "party", "individual", "subject", "suspect"];

/// Different texts that still tell kinds apart; beyond it they tell single things.
const KINDS_MAX: usize = 16;

/// What is told apart in the records. Groups of items, such as offences, are not.
pub(super) fn splits(
    trees: &[Tree<'_>],
    records: &[(usize, NodeId)],
    groups: &[Vec<String>],
) -> Vec<Split> {
    let mut found: BTreeMap<Vec<String>, Vec<(usize, NodeId)>> = BTreeMap::new();
    for (body, record) in records {
        let mut steps = Vec::new();
        elements(&trees[*body], *body, *record, &mut steps, &mut found);
    }
    let mut splits = Vec::new();
    for (steps, nodes) in found {
        if groups.iter().any(|group| steps.starts_with(group)) {
            continue;
        }
        splits.extend(split(trees, steps, &nodes));
    }
    splits
}

fn elements(
    tree: &Tree<'_>,
    body: usize,
    node: NodeId,
    steps: &mut Vec<String>,
    found: &mut BTreeMap<Vec<String>, Vec<(usize, NodeId)>>,
) {
    for child in tree.children(node) {
        steps.push(tree.name_text(child).to_owned());
        found.entry(steps.clone()).or_default().push((body, child));
        elements(tree, body, child, steps, found);
        steps.pop();
    }
}

/// Elements at one path that some part with few different texts tells apart.
fn split(trees: &[Tree<'_>], steps: Vec<String>, nodes: &[(usize, NodeId)]) -> Option<Split> {
    let parents: BTreeSet<_> =
        nodes.iter().map(|(body, node)| (*body, trees[*body].parent(*node))).collect();
    let own = words(steps.last()?);
    let looks_like_person = own.iter().any(|word| PERSONS.contains(&word.as_str()));
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (body, node) in nodes {
        let tree = &trees[*body];
        for part in tree.attributes(*node) {
            *names.entry(format!("@{}", tree.name_text(part))).or_default() += 1;
        }
        for part in tree.children(*node).filter(|it| tree.children(*it).next().is_none()) {
            *names.entry(tree.name_text(part).to_owned()).or_default() += 1;
        }
    }
    let rank = |name: &String| {
        let words = words(name);
        let last = words.last().filter(|_| words.len() <= 2)?;
        let plain = words.len() == 1 || ROLES.contains(&last.as_str());
        TELLING.iter().position(|word| plain && word == last)
    };
    let everywhere = names.iter().filter(|(_, count)| **count * 10 >= nodes.len() * 9);
    let (_, by) = everywhere.filter_map(|(name, _)| Some((rank(name)?, name))).min()?;
    let is_role = words(by).last().is_some_and(|word| ROLES.contains(&word.as_str()));
    // One of a kind in every record: nothing has to be told apart.
    if parents.len() == nodes.len() && !is_role {
        return None;
    }
    let texts: BTreeSet<String> =
        nodes.iter().filter_map(|(body, node)| part(&trees[*body], *node, by)).collect();
    let may_tell = !texts.is_empty() && texts.len() <= KINDS_MAX;
    let is_person = is_role || looks_like_person;
    let written = is_person || texts.iter().all(|text| may_be_written(text));
    (may_tell && written).then(|| Split {
        steps,
        by: by.clone(),
        texts: texts.into_iter().collect(),
        is_person,
    })
}
