//! From sample records to a first mapping: what every place holds is told by its texts and by its
//! name, and the best place is proposed for each field. What a person has to decide is left open
//! and listed; nothing is proposed for the victim, the risk and who is who.
//!
//! No text of a sample is written anywhere, except codes: those stand in lookups, brackets and
//! tests of the mapping.

mod assign;
mod blank;
mod body;
mod calendar;
mod cell;
mod clue;
mod fixed;
mod hint;
mod kind;
mod line;
mod lookup;
mod nothing;
mod quote;
mod record;
mod scramble;
mod section;
mod spot;
mod survey;
mod word;
mod write;

use calendar::Calendar;
use cara_document::BodyFormat;

pub use fixed::Layout;
pub use scramble::Example;
pub use section::CHOOSE;

/// Samples that are read at once.
pub const SAMPLES_MAX: usize = 50;

/// A body as the force sends it.
#[derive(Clone, Copy)]
pub struct Sample<'s> {
    /// How an error names it.
    pub name: &'s str,
    pub bytes: &'s [u8],
}

/// Why nothing could be proposed. It names samples, never what they hold.
#[derive(Debug, thiserror::Error)]
pub enum NoProposal {
    #[error("there is no sample")]
    NoSample,
    #[error("there are more than {SAMPLES_MAX} samples")]
    TooMany,
    #[error("{sample}: {error}{}", place(error))]
    Unread { sample: String, error: cara_document::Error },
    #[error("{sample} is of another format than {first}: propose from one kind of body at a time")]
    Differ { sample: String, first: String },
    #[error("the samples hold no lines")]
    NoLines,
    #[error("the samples hold no record")]
    NoRecord,
}

fn place(error: &cara_document::Error) -> String {
    match (error.line, error.column) {
        (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
        (Some(line), None) => format!(" (line {line})"),
        _ => String::new(),
    }
}

/// A first mapping.
#[derive(Debug)]
pub struct Proposal {
    /// The text of `referral.toml`.
    pub text: String,
    /// The examples that its tests name, scrambled.
    pub examples: Vec<Example>,
    /// Records in the samples.
    pub record_count: usize,
    /// Lines that fill a field, and how many of them are marked unsure.
    pub proposed_count: usize,
    pub unsure_count: usize,
    /// The columns of a fixed width body were guessed: a person has to describe its lines first.
    pub are_columns_guessed: bool,
    /// Texts carry a document inside, which is not looked into.
    pub is_wrapped: bool,
    /// Mandatory fields that no line fills.
    pub missing: Vec<String>,
}

/// Proposes a mapping for the force with this slug. `seed` is what the made-up texts of the
/// examples are drawn from: who knows it can undo the dates, so it is to be forgotten.
///
/// The columns of a fixed width body cannot be known from it. Without a `layout` they are cut where
/// blanks run, and a person has to name them before much can be proposed.
pub fn propose(
    force: &str,
    samples: &[Sample<'_>],
    layout: Option<&Layout>,
    seed: u64,
) -> Result<Proposal, NoProposal> {
    if samples.is_empty() {
        return Err(NoProposal::NoSample);
    }
    if samples.len() > SAMPLES_MAX {
        return Err(NoProposal::TooMany);
    }
    let mut bodies = body::read(samples, layout)?;
    if matches!(bodies.format, BodyFormat::Csv(_)) {
        let group = record::group(&bodies.trees(samples)?);
        if let Some(group) = group {
            bodies.format = record::grouped(&bodies.format, &group);
        }
    }
    let trees = bodies.trees(samples)?;
    let survey = survey::survey(&bodies, &trees, &Calendar::new());
    if survey.record_count == 0 {
        return Err(NoProposal::NoRecord);
    }
    let sections = section::sections(&survey);
    let examples = scramble::examples(&bodies, &trees, &survey, &sections, seed);
    let text = write::mapping(force, &survey, &sections, &examples);
    let blocks = sections.blocks.iter().flat_map(|block| &block.lines);
    let lines: Vec<_> = sections.root.iter().chain(blocks).collect();
    Ok(Proposal {
        text,
        examples,
        record_count: survey.record_count,
        proposed_count: lines.len(),
        unsure_count: lines.iter().filter(|line| !line.unsure.is_empty()).count(),
        are_columns_guessed: matches!(survey.format, BodyFormat::Fixed(_)) && !survey.has_layout,
        is_wrapped: !hint::carried(&survey).is_empty(),
        missing: section::missing(&sections),
    })
}
