//! The samples as examples: the same shape, and no text of a sample left in it.
//!
//! What is made up is drawn from a seed and the order of appearance, never from the text that it
//! stands for, so nobody can try texts until one fits. Equal words become equal words, so that
//! references still meet. Codes that the mapping names are made up as well; its tests put them back.

mod made;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

use super::body::Bodies;
use super::calendar::Calendar;
use super::section::Sections;
use super::survey::{Survey, SurveyPlace};
use super::word::{may_be_written, words};
use super::{blank, clue, kind::TextKind};
use cara_document::{BodyFormat, NodeId, Tree};
use cara_domain::field::FieldShape;
use made::Maker;

/// An example to be written beside the mapping.
#[derive(Debug)]
pub struct Example {
    /// `sample-1.xml`
    pub file: String,
    /// `sample 1`
    pub title: String,
    pub bytes: Vec<u8>,
    /// Texts of the example that stand for a code, each once, and the code: what a test changes.
    pub codes: Vec<(String, String)>,
}

/// Texts of fewer characters say nothing about anybody.
pub(super) const SAID_MIN: usize = 3;

/// One text of a body and what stands there instead.
pub(super) struct Swap {
    pub node: NodeId,
    pub made: String,
}

/// Makes an example of each sample.
pub(super) fn examples(
    bodies: &Bodies,
    trees: &[Tree<'_>],
    survey: &Survey,
    sections: &Sections,
    seed: u64,
) -> Vec<Example> {
    let coded = coded(survey, sections);
    let births = births(survey);
    let said = said(trees, &bodies.texts, &survey.format);
    let calendar = Calendar::new();
    let keeps_width = matches!(survey.format, BodyFormat::Fixed(_));
    let mut maker = Maker::new(seed, said, &calendar, keeps_width);
    maker.choose_shift(&dates(trees, &calendar));
    let ending = match survey.format {
        BodyFormat::Xml => "xml",
        BodyFormat::Json => "json",
        BodyFormat::Csv(_) => "csv",
        BodyFormat::Fixed(_) => "txt",
    };
    let is_json = matches!(survey.format, BodyFormat::Json);
    let mut examples = Vec::new();
    for (index, tree) in trees.iter().enumerate() {
        let mut codes = Vec::new();
        let mut swaps = Vec::new();
        for (node, path) in paths(tree) {
            let text = tree.text(node).into_owned();
            if text.is_empty() {
                continue;
            }
            let is_code = coded.contains(&path)
                && may_be_written(&text)
                && !(is_json && shape::is_literal(tree, &bodies.texts[index], node));
            let made = if is_code && text.chars().count() < SAID_MIN {
                text
            } else if is_code {
                let made = maker.code(&text);
                codes.push((made.clone(), text));
                made
            } else if blank::is_blank(&text) {
                String::new()
            } else {
                maker.text(&text, births.contains(&path))
            };
            swaps.push(Swap { node, made });
        }
        let number = index + 1;
        let text = shape::swapped(tree, &bodies.texts[index], &survey.format, &swaps);
        // A test can change a text only where it stands once.
        codes.retain(|(made, _)| text.matches(made.as_str()).count() == 1);
        examples.push(Example {
            file: format!("sample-{number}.{ending}"),
            title: format!("sample {number}"),
            bytes: encoded(&text, survey.encoding),
            codes,
        });
    }
    examples
}

/// Everything that a sample says: its texts, without the words of the format itself.
fn said(trees: &[Tree<'_>], texts: &[String], format: &BodyFormat) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for (tree, whole) in trees.iter().zip(texts) {
        for node in tree.subtree(tree.root()) {
            let text = tree.peek(node);
            let is_literal =
                matches!(format, BodyFormat::Json) && shape::is_literal(tree, whole, node);
            if text.chars().count() >= SAID_MIN && !is_literal {
                said.insert(text.to_lowercase());
            }
        }
    }
    said
}

/// Every text that is a date.
fn dates(trees: &[Tree<'_>], calendar: &Calendar) -> Vec<String> {
    let mut dates = BTreeSet::new();
    for tree in trees {
        let texts = tree.subtree(tree.root()).map(|node| tree.peek(node));
        dates.extend(texts.filter(|text| calendar.day(text).is_some()).map(str::to_owned));
    }
    dates.into_iter().collect()
}

/// Every node with the names from the top of the body to it.
fn paths(tree: &Tree<'_>) -> Vec<(NodeId, Vec<String>)> {
    let mut paths: Vec<(NodeId, Vec<String>)> = Vec::new();
    let mut known: BTreeMap<NodeId, Vec<String>> = BTreeMap::new();
    for node in tree.subtree(tree.root()).skip(1) {
        let above = tree.parent(node).and_then(|parent| known.get(&parent));
        let mut path = above.cloned().unwrap_or_default();
        let name = tree.name_text(node);
        path.push(if tree.is_attribute(node) { format!("@{name}") } else { name.to_owned() });
        known.insert(node, path.clone());
        paths.push((node, path));
    }
    paths
}

/// The places, from the top of a body, whose texts are codes: those that the mapping names, and
/// those of the risk and the victim whose names say so.
fn coded(survey: &Survey, sections: &Sections) -> BTreeSet<Vec<String>> {
    let mut coded = BTreeSet::new();
    let below = |base: &[String], steps: &[String]| -> Vec<String> {
        survey.record.iter().chain(base).chain(steps).cloned().collect()
    };
    for split in &survey.splits {
        coded.insert(below(&split.steps, std::slice::from_ref(&split.by)));
    }
    if let Some(column) = &survey.row_kind {
        coded.insert(below(&["row".to_owned()], std::slice::from_ref(column)));
    }
    let lines = sections.blocks.iter().flat_map(|block| &block.lines).chain(&sections.root);
    let is_code = |shape: FieldShape| matches!(shape, FieldShape::Code(_));
    let from = lines.filter(|line| is_code(line.field.spec().shape)).flat_map(|line| &line.from);
    let mut read: BTreeSet<&str> = from.map(String::as_str).collect();
    read.extend(sections.disposals.iter().map(|(path, _)| path.as_str()));
    let places = |place: &SurveyPlace| {
        read.contains(place.spot.path().as_str())
            || place.kind == TextKind::YesNo
            || may_be_code(place)
    };
    for place in survey.root.iter().filter(|place| places(place)) {
        coded.insert(match place.spot.above {
            true => place.spot.steps.clone(),
            false => below(&[], &place.spot.steps),
        });
    }
    for block in &survey.blocks {
        for place in block.places.iter().filter(|place| places(place)) {
            coded.insert(below(&block.base, &place.spot.steps));
        }
    }
    coded
}

/// A short text about the risk or the victim whose place has the name of a pick list.
fn may_be_code(place: &SurveyPlace) -> bool {
    const LISTS: &[&str] = &[
        "grade",
        "level",
        "tool",
        "model",
        "type",
        "kind",
        "views",
        "view",
        "answer",
        "method",
        "agreed",
        "sought",
        "asked",
        "voicemail",
        "coercive",
        "prior",
        "order",
        "control",
    ];
    let (last, _) = place.spot.words();
    let in_zone = matches!(clue::zone(&place.spot), Some(clue::Zone::Risk | clue::Zone::Victim));
    in_zone
        && matches!(place.kind, TextKind::Code | TextKind::Text)
        && last.last().is_some_and(|word| LISTS.contains(&word.as_str()))
        && words(place.spot.steps.last().map_or("", String::as_str)).len() <= 2
}

/// Places of birth dates, from the top of a body.
fn births(survey: &Survey) -> BTreeSet<Vec<String>> {
    let mut births = BTreeSet::new();
    let is_birth = |place: &&SurveyPlace| place.spot.words().0.iter().any(|word| word == "birth");
    for place in survey.root.iter().filter(is_birth) {
        births.insert(survey.record.iter().chain(&place.spot.steps).cloned().collect());
    }
    for block in &survey.blocks {
        for place in block.places.iter().filter(is_birth) {
            let path = survey.record.iter().chain(&block.base).chain(&place.spot.steps);
            births.insert(path.cloned().collect());
        }
    }
    births
}

/// Names alone can hold letters outside of ASCII.
fn encoded(text: &str, encoding: Option<&str>) -> Vec<u8> {
    match encoding {
        None => text.as_bytes().to_vec(),
        Some(_) => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
    }
}
