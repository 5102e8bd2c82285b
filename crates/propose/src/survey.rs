//! What the samples hold, sorted by the section of a mapping that it would be read in.

use std::collections::{BTreeMap, BTreeSet};

use super::body::Bodies;
use super::calendar::{Calendar, DateWriting};
use super::kind::{self, TextKind};
use super::spot::{Gather, SeenText, Split, Spot, Spots, WalkPosition, bracket, quoted};
use super::word::{may_be_written, words};
use super::{blank, record};
use cara_document::{BodyFormat, NodeId, Tree};
use cara_domain::field::Group;

/// A place with what its texts are.
pub(super) struct SurveyPlace {
    pub spot: Spot,
    pub kind: TextKind,
    /// How its days or moments are written; empty where it holds none.
    pub formats: Vec<DateWriting>,
}

/// A `[[one]]` or `[[each]]` to be.
pub(super) struct SurveyBlock {
    pub what: BlockContent,
    /// The path of its items, from the record.
    pub from: String,
    /// The same by names alone.
    pub base: Vec<String>,
    pub places: Vec<SurveyPlace>,
}

pub(super) enum BlockContent {
    /// A person; with how persons are told apart where they are.
    Person(Option<Split>),
    /// Offences or conditions.
    Items(Group),
}

/// Everything that was seen.
pub(super) struct Survey {
    pub format: BodyFormat,
    pub encoding: Option<&'static str>,
    /// From the top of a body, by names.
    pub record: Vec<String>,
    pub record_count: usize,
    /// Of the record itself, and from outside of any record.
    pub root: Vec<SurveyPlace>,
    pub blocks: Vec<SurveyBlock>,
    /// Kinds of rows or groups that nothing reads.
    pub unread: Vec<String>,
    /// How siblings are told apart.
    pub splits: Vec<Split>,
    /// The column that tells kinds of rows.
    pub row_kind: Option<String>,
    /// A person described the lines.
    pub has_layout: bool,
}

/// Sees what is in the trees, which were read with `bodies.format`.
pub(super) fn survey(bodies: &Bodies, trees: &[Tree<'_>], calendar: &Calendar) -> Survey {
    let record = record::path(trees, &bodies.format);
    let mut records: Vec<(usize, NodeId)> = Vec::new();
    for (body, tree) in trees.iter().enumerate() {
        let found = record::at(tree, tree.root(), &record);
        records.extend(found.into_iter().map(|node| (body, node)));
    }
    let groups = groups(trees, &records);
    let group_paths: Vec<Vec<String>> = groups.iter().map(|(_, steps)| steps.clone()).collect();
    let splits = record::splits(trees, &records, &group_paths);
    let persons = persons(&splits, trees, &records);
    let mut apart = group_paths;
    apart.extend(persons.iter().map(|(steps, _)| steps.clone()));
    let gather = Gather { splits: &splits, apart: &apart };
    let mut root = Spots::default();
    above(trees, &record, &mut root);
    for (index, (body, node)) in records.iter().enumerate() {
        let from = WalkPosition { body: *body, record: Some(index), item: *node };
        root.gather(&trees[*body], from, &[], &gather);
    }
    let mut survey = Survey {
        format: bodies.format.clone(),
        encoding: bodies.encoding,
        record,
        record_count: records.len(),
        root: root.list.into_iter().map(|spot| place(spot, calendar)).collect(),
        blocks: Vec::new(),
        unread: Vec::new(),
        splits: splits.clone(),
        row_kind: None,
        has_layout: bodies.has_layout,
    };
    for (steps, split) in persons {
        let places = items(trees, &records, &steps, &splits, calendar);
        let from = path(&steps);
        survey.blocks.push(SurveyBlock {
            what: BlockContent::Person(split),
            from,
            base: steps,
            places,
        });
    }
    for (group, steps) in groups {
        let from = path(&steps);
        match group {
            Group::Child => survey.unread.push(from),
            _ => {
                let places = items(trees, &records, &steps, &splits, calendar);
                survey.blocks.push(SurveyBlock {
                    what: BlockContent::Items(group),
                    from,
                    base: steps,
                    places,
                });
            }
        }
    }
    if matches!(&survey.format, BodyFormat::Csv(options) if options.group.is_some()) {
        rows(&mut survey, calendar);
    }
    survey
}

/// What the texts of a place are; texts that mean nothing do not count.
fn place(spot: Spot, calendar: &Calendar) -> SurveyPlace {
    let texts: Vec<&str> = spot.texts().filter(|text| !blank::is_blank(text)).collect();
    let mut kind = kind::of(texts.iter().copied());
    let mut formats = Vec::new();
    if matches!(kind, TextKind::Number | TextKind::Code | TextKind::Text) {
        formats = calendar.formats(&texts);
        if !formats.is_empty() {
            let moments = formats.iter().all(|written| written.is_moment);
            kind = if moments { TextKind::Moment } else { TextKind::Day };
        }
    }
    SurveyPlace { spot, kind, formats }
}

fn path(steps: &[String]) -> String {
    steps.iter().map(|step| quoted(step)).collect::<Vec<_>>().join("/")
}

/// Texts outside of any record: of the message as a whole.
fn above(trees: &[Tree<'_>], record: &[String], spots: &mut Spots) {
    let apart = [record.to_vec()];
    let gather = Gather { splits: &[], apart: &apart };
    for (body, tree) in trees.iter().enumerate() {
        let from = WalkPosition { body, record: None, item: tree.root() };
        spots.gather(tree, from, &[], &gather);
    }
}

fn items(
    trees: &[Tree<'_>],
    records: &[(usize, NodeId)],
    steps: &[String],
    splits: &[Split],
    calendar: &Calendar,
) -> Vec<SurveyPlace> {
    let mut spots = Spots::default();
    let gather = Gather { splits, apart: &[] };
    for (index, (body, node)) in records.iter().enumerate() {
        for item in record::at(&trees[*body], *node, steps) {
            let from = WalkPosition { body: *body, record: Some(index), item };
            spots.gather(&trees[*body], from, steps, &gather);
        }
    }
    spots.list.into_iter().map(|spot| place(spot, calendar)).collect()
}

/// Elements that hold persons, each with how they are told apart.
fn persons(
    splits: &[Split],
    trees: &[Tree<'_>],
    records: &[(usize, NodeId)],
) -> Vec<(Vec<String>, Option<Split>)> {
    let told = splits.iter().filter(|split| split.is_person);
    let mut persons: Vec<_> =
        told.map(|split| (split.steps.clone(), Some(split.clone()))).collect();
    if !persons.is_empty() {
        return persons;
    }
    // An element whose name says who it is.
    let named = element_paths(trees, records).into_iter().filter(|steps| {
        let own = steps.last().map_or(Vec::new(), |step| words(step));
        own.iter().any(|word| word == "suspect") && !own.iter().any(|word| word == "victim")
    });
    let mut named: Vec<Vec<String>> = named.collect();
    named.sort_by_key(Vec::len);
    persons.extend(named.into_iter().next_back().map(|steps| (steps, None)));
    persons
}

/// Paths of elements that hold anything, each once.
fn element_paths(trees: &[Tree<'_>], records: &[(usize, NodeId)]) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    for (body, record) in records {
        let tree = &trees[*body];
        let mut open: Vec<(NodeId, Vec<String>)> = vec![(*record, Vec::new())];
        while let Some((node, steps)) = open.pop() {
            for child in tree.children(node) {
                let mut below = steps.clone();
                below.push(tree.name_text(child).to_owned());
                if tree.subtree(child).nth(1).is_some() {
                    paths.insert(below.clone());
                }
                open.push((child, below));
            }
        }
    }
    paths
}

/// Offences, conditions and children where they are elements of their own, the innermost.
fn groups(trees: &[Tree<'_>], records: &[(usize, NodeId)]) -> Vec<(Group, Vec<String>)> {
    let paths = element_paths(trees, records);
    let named =
        [(Group::Offence, "offence"), (Group::Condition, "condition"), (Group::Child, "children")];
    let of = |(group, word): (Group, &str)| {
        let ends = |steps: &&Vec<String>| {
            let own = steps.last().map_or(Vec::new(), |step| words(step));
            own.last().is_some_and(|last| last == word)
        };
        let innermost = paths.iter().filter(ends).max_by_key(|steps| steps.len())?;
        Some((group, innermost.clone()))
    };
    named.into_iter().filter_map(of).collect()
}

/// Kinds of rows inside a record of several rows.
fn rows(survey: &mut Survey, calendar: &Calendar) {
    let row = || vec!["row".to_owned()];
    let counts = row_counts(&survey.root);
    let (same, varying): (Vec<SurveyPlace>, Vec<SurveyPlace>) = std::mem::take(&mut survey.root)
        .into_iter()
        .partition(|place| says_the_same(&place.spot, &counts));
    survey.root = same;
    let Some(telling) = varying.iter().find(|place| tells_rows(&place.spot)) else {
        if varying.iter().any(|place| place.kind == TextKind::OffenceCode) {
            let places = varying.iter().map(|it| place(in_rows(&it.spot, &|_| true), calendar));
            let (what, from) = (BlockContent::Items(Group::Offence), "row".to_owned());
            survey.blocks.push(SurveyBlock { what, from, base: row(), places: places.collect() });
        }
        return;
    };
    let by = telling.spot.steps.last().cloned().unwrap_or_default();
    survey.row_kind = Some(by.clone());
    for kind in telling.spot.distinct() {
        let told = telling.spot.seen.iter().filter(|seen| seen.text == kind);
        let own: BTreeSet<_> = told.map(|seen| (seen.body, seen.parent)).collect();
        let others = varying.iter().filter(|it| !std::ptr::eq(*it, telling));
        let is_own = |seen: &SeenText| own.contains(&(seen.body, seen.parent));
        let places: Vec<SurveyPlace> = others
            .map(|it| place(in_rows(&it.spot, &is_own), calendar))
            .filter(|place| !place.spot.seen.is_empty())
            .collect();
        let from = format!("row{}", bracket(&by, kind));
        let holds_cara = |place: &SurveyPlace| place.spot.texts().any(|text| text.contains("CARA"));
        if places.iter().any(|place| place.kind == TextKind::OffenceCode) {
            survey.blocks.push(SurveyBlock {
                what: BlockContent::Items(Group::Offence),
                from,
                base: row(),
                places,
            });
        } else if places.iter().any(holds_cara) {
            survey.blocks.push(SurveyBlock {
                what: BlockContent::Items(Group::Condition),
                from,
                base: row(),
                places,
            });
        } else {
            survey.unread.push(from);
        }
    }
}

/// Rows of each record: as many as its best filled column has texts.
fn row_counts(places: &[SurveyPlace]) -> BTreeMap<Option<usize>, usize> {
    let mut counts = BTreeMap::new();
    for place in places {
        for (record, texts) in by_record(&place.spot) {
            let count = counts.entry(record).or_insert(0);
            *count = texts.len().max(*count);
        }
    }
    counts
}

fn by_record(spot: &Spot) -> BTreeMap<Option<usize>, Vec<&str>> {
    let mut texts: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for seen in &spot.seen {
        texts.entry(seen.record).or_default().push(&seen.text);
    }
    texts
}

/// Nearly every record has one text here, in all of its rows.
fn says_the_same(spot: &Spot, counts: &BTreeMap<Option<usize>, usize>) -> bool {
    let records = by_record(spot);
    let same = |(record, texts): &(&Option<usize>, &Vec<&str>)| {
        texts.iter().all(|text| *text == texts[0]) && counts.get(*record) == Some(&texts.len())
    };
    spot.above || records.iter().filter(same).count() * 5 >= records.len() * 4
}

/// A column that tells kinds of rows: a short text in every row, few of them.
fn tells_rows(spot: &Spot) -> bool {
    let distinct = spot.distinct();
    let own = spot.steps.last().map_or(Vec::new(), |step| words(step));
    let named = ["row", "type", "kind", "record", "line", "section"];
    (2..=8).contains(&distinct.len())
        && distinct.iter().all(|text| text.chars().count() <= 4 && may_be_written(text))
        && own.iter().any(|word| named.contains(&word.as_str()))
        && own.len() <= 2
}

/// The same column read from its row instead of the record, of some rows.
fn in_rows(spot: &Spot, takes: &dyn Fn(&SeenText) -> bool) -> Spot {
    let own = |seen: &SeenText| SeenText { item: seen.parent.unwrap_or(seen.item), ..seen.clone() };
    let seen = spot.seen.iter().filter(|seen| takes(seen)).map(own).collect();
    Spot { steps: spot.steps[1..].to_vec(), above: false, tag: None, seen }
}
