//! A mapping file, compiled: paths with numbered names, lookups, transforms; nothing is parsed or
//! looked up by name any more.

use std::borrow::Cow;
use std::sync::Arc;

use super::condition::{Rule, When};
use super::date::Formats;
use super::line_origin::LineOrigin;
use super::path::{Path, PathStep};
use super::record_test::RecordTest;
use super::transform::Transform;
use cara_document::{BodyFormat, Inside, Limits, NameTable, NodeId, Opening, Tree};
use cara_domain::field::{FIELDS, FieldId, FieldShape, Fills, Group};
use cara_domain::{FindingKind, Origin};

/// What one mapping file does to a record.
#[derive(Debug)]
pub struct Plan {
    pub(super) force: String,
    pub(super) name: String,
    pub(super) fills: Fills,
    pub(super) format: BodyFormat,
    pub(super) encoding: Option<String>,
    pub(super) names: NameTable,
    pub(super) layers: Vec<UnwrapStep>,
    pub(super) matches: Option<Box<Path>>,
    pub(super) record: Path,
    /// Texts that mean "nothing here".
    pub(super) blank: Vec<String>,
    pub(super) dates: Formats,
    /// The source paths as the file writes them; an [`Origin`] is an index into it.
    pub(super) paths: Vec<String>,
    pub(super) fields: Vec<Field>,
    pub(super) blocks: Vec<Block>,
    pub(super) lookups: Vec<Lookup>,
    pub(super) rules: Vec<RuleLine>,
    pub(super) tests: Vec<RecordTest>,
}

/// An `[[unwrap]]`: what is carried inside a text.
#[derive(Debug)]
pub(super) struct UnwrapStep {
    /// From the top of the body.
    pub at: Path,
    /// What errors call it: the last name of the path.
    pub label: String,
    pub inside: Inside,
}

/// How one field is filled.
#[derive(Debug)]
pub(super) struct Field {
    pub id: FieldId,
    /// 0-based over the whole file, for coverage.
    pub number: usize,
    /// Where the mapping says it.
    pub spot: LineOrigin,
    pub from: FieldSource,
    pub when: Option<When>,
    pub apply: Vec<Transform>,
    /// Index into the plan's lookups.
    pub lookup: Option<usize>,
    /// Instead of the plan's.
    pub dates: Option<Formats>,
}

#[derive(Debug)]
pub(super) enum FieldSource {
    Constant(Cow<'static, str>, Origin),
    Paths { paths: Vec<(Path, Origin)>, join: Option<String> },
}

/// A `[[one]]` or `[[each]]`.
#[derive(Debug)]
pub(super) struct Block {
    pub kind: BlockKind,
    pub from: Vec<(Path, Origin)>,
    /// Candidates of a `[[one]]` that have the same texts here are the same person, said several
    /// times. Empty: candidates are never the same.
    pub same_by: Vec<Path>,
    pub when: Option<When>,
    pub fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) enum BlockKind {
    /// Exactly one match; the name is what several of them are a finding about.
    One(&'static str),
    Each(Group),
}

#[derive(Debug)]
pub(super) struct Lookup {
    pub name: Arc<str>,
    /// Trimmed text and row number, by text.
    rows: Vec<(Box<str>, usize)>,
    /// The file's own text and what it means, in the file's order.
    pub values: Vec<(String, Cow<'static, str>)>,
    /// None holds the record.
    pub otherwise: Option<Cow<'static, str>>,
}

impl Lookup {
    pub fn empty(name: &str) -> Self {
        Lookup { name: Arc::from(name), rows: Vec::new(), values: Vec::new(), otherwise: None }
    }

    /// False: the text was listed already.
    pub fn add(&mut self, text: &str, value: &str) -> bool {
        let row = self.values.len();
        let place = self.place(text.trim());
        if let Err(place) = place {
            self.rows.insert(place, (text.trim().into(), row));
        }
        self.values.push((text.to_owned(), canonical(value)));
        place.is_err()
    }

    /// The row that lists a text; blanks around it do not count.
    pub fn row(&self, text: &str) -> Option<usize> {
        self.place(text.trim()).ok().map(|place| self.rows[place].1)
    }

    fn place(&self, text: &str) -> Result<usize, usize> {
        self.rows.binary_search_by(|(listed, _)| (**listed).cmp(text))
    }
}

/// A text of the mapping, without a copy for each record where it is a code of the field table.
pub(super) fn canonical(text: &str) -> Cow<'static, str> {
    let codes = FIELDS.iter().filter_map(|spec| match spec.shape {
        FieldShape::Code(codes) => Some(codes),
        _ => None,
    });
    let known = codes.flatten().find(|code| **code == text);
    known.map_or_else(|| Cow::Owned(text.to_owned()), |code| Cow::Borrowed(*code))
}

#[derive(Debug)]
pub(super) struct RuleLine {
    pub name: Arc<str>,
    pub require: Rule,
    pub otherwise: FindingKind,
    pub because: String,
}

impl Plan {
    /// The force's slug.
    pub fn force(&self) -> &str {
        &self.force
    }

    /// `referral`, from the file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `referral/1` or `decision/1`
    pub fn fills(&self) -> &'static str {
        self.fills.name()
    }

    pub fn format(&self) -> &BodyFormat {
        &self.format
    }

    /// The encoding that the file names, if it does.
    pub fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    pub fn names(&self) -> &NameTable {
        &self.names
    }

    /// Reads a decoded body, and opens what it carries inside, one `[[unwrap]]` after the other.
    /// What is not there, or blank, is not opened. `limits` count across all of it.
    pub fn read<'t>(
        &self,
        text: &'t str,
        limits: &Limits,
    ) -> Result<Tree<'t>, cara_document::Error> {
        let mut tree = cara_document::parse(text, &self.format, &self.names, limits)?;
        for layer in &self.layers {
            let mut carriers = Vec::new();
            layer.at.select(&tree, tree.root(), &mut carriers);
            carriers.retain(|carrier| !self.is_blank(tree.peek(*carrier)));
            let opening = Opening { label: &layer.label, inside: &layer.inside };
            cara_document::open(&mut tree, &carriers, opening, &self.names, limits)?;
        }
        Ok(tree)
    }

    /// Whether a body is for this mapping.
    pub fn matches(&self, tree: &Tree<'_>) -> bool {
        let path = self.matches.as_deref().unwrap_or(&self.record);
        let mut found = Vec::new();
        path.select(tree, tree.root(), &mut found);
        !found.is_empty()
    }

    /// The records of a body, in order.
    pub fn records(&self, tree: &Tree<'_>) -> Vec<NodeId> {
        let mut found = Vec::new();
        self.record.select(tree, tree.root(), &mut found);
        found
    }

    /// Every line that fills a field, in the file's order.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().chain(self.blocks.iter().flat_map(|block| &block.fields))
    }

    /// The source path of an origin, as the file writes it; or who put the value right.
    pub fn path_text(&self, origin: Origin) -> &str {
        if origin == Origin::OPERATOR {
            return "corrected by operator";
        }
        self.paths.get(usize::from(origin.0)).map_or("", String::as_str)
    }

    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Why a rule of this name holds or flags, in the mapping's own words.
    pub fn because(&self, rule: &str) -> Option<&str> {
        let found = self.rules.iter().find(|line| &*line.name == rule);
        found.map(|line| line.because.as_str())
    }
}

/// Whether nothing tells two mappings of one force apart: then they cannot go live together. Two
/// elements at the top of an XML document tell them apart for certain; elsewhere, and inside what
/// they unwrap, it is enough that the two paths name different things, since a body that has both
/// is refused when it comes.
pub fn could_both_match(one: &Plan, other: &Plan) -> bool {
    use std::mem::discriminant;
    if discriminant(&one.format) != discriminant(&other.format) {
        return false;
    }
    let steps = |plan: &'_ Plan| {
        let path = plan.matches.as_deref().unwrap_or(&plan.record);
        // `//A` may be found under any top.
        let from_top = path.text().starts_with('/') && !path.text().contains("//");
        let step = |step: &PathStep| (step.name.clone(), plan.names.uri(step.space).to_owned());
        from_top.then(|| path.steps().iter().map(step).collect::<Vec<_>>())
    };
    let (Some(one_steps), Some(other_steps)) = (steps(one), steps(other)) else { return true };
    let differ = |((one, one_uri), (other, other_uri)): (&Named, &Named)| {
        let names = one != "*" && other != "*" && one != other;
        names || (!one_uri.is_empty() && !other_uri.is_empty() && one_uri != other_uri)
    };
    let mut pairs = one_steps.iter().zip(&other_steps);
    match one.format {
        BodyFormat::Xml if one.layers.is_empty() && other.layers.is_empty() => {
            !pairs.next().is_some_and(differ)
        }
        _ => !pairs.any(differ),
    }
}

/// A step's name, and the namespace that it has to be in; empty for any.
type Named = (String, String);
