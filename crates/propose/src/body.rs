//! The samples as texts of one format.

use super::fixed::{self, Layout};
use super::{NoProposal, Sample};
use cara_document::{BodyFormat, Limits, NameTable, Tree, csv};

/// The samples, decoded, and how they are to be read.
pub(super) struct Bodies {
    pub format: BodyFormat,
    /// Only where the bytes do not say it themselves.
    pub encoding: Option<&'static str>,
    pub texts: Vec<String>,
    /// A person described the lines.
    pub has_layout: bool,
}

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A CSV of fewer columns is taken for lines of text.
const COLUMNS_MIN: usize = 3;

/// Decodes the samples and tells their format.
pub(super) fn read(samples: &[Sample<'_>], layout: Option<&Layout>) -> Result<Bodies, NoProposal> {
    let mut encoding = None;
    let mut texts = Vec::with_capacity(samples.len());
    for sample in samples {
        let text = match cara_document::decode(sample.bytes, None) {
            Ok(text) => text,
            Err(error) => {
                encoding = Some("windows-1252");
                cara_document::decode(sample.bytes, encoding).map_err(|_| refused(sample, error))?
            }
        };
        texts.push(text.into_owned());
    }
    if let Some(Layout(options)) = layout {
        let format = BodyFormat::Fixed(options.clone());
        return Ok(Bodies { format, encoding, texts, has_layout: true });
    }
    let first = samples.first().ok_or(NoProposal::NoSample)?;
    let mut format = format_of(&texts[0]);
    for (sample, text) in samples.iter().zip(&texts).skip(1) {
        let other = format_of(text);
        if std::mem::discriminant(&other) != std::mem::discriminant(&format) {
            return Err(NoProposal::Differ {
                sample: sample.name.to_owned(),
                first: first.name.to_owned(),
            });
        }
    }
    if matches!(format, BodyFormat::Fixed(_)) {
        format = BodyFormat::Fixed(fixed::options(&texts).ok_or(NoProposal::NoLines)?);
    }
    Ok(Bodies { format, encoding, texts, has_layout: false })
}

impl Bodies {
    /// A tree of each sample.
    pub fn trees(&self, samples: &[Sample<'_>]) -> Result<Vec<Tree<'_>>, NoProposal> {
        let names = NameTable::default();
        let limits = Limits::default();
        let both = samples.iter().zip(&self.texts);
        both.map(|(sample, text)| {
            cara_document::parse(text, &self.format, &names, &limits)
                .map_err(|error| refused(sample, error))
        })
        .collect()
    }
}

fn refused(sample: &Sample<'_>, error: cara_document::Error) -> NoProposal {
    NoProposal::Unread { sample: sample.name.to_owned(), error }
}

fn format_of(text: &str) -> BodyFormat {
    match text.trim_start().as_bytes().first() {
        Some(b'<') => BodyFormat::Xml,
        Some(b'{' | b'[') => BodyFormat::Json,
        _ => match csv_options(text) {
            Some(options) => BodyFormat::Csv(options),
            // Its lines are looked at when all samples are known.
            None => BodyFormat::Fixed(cara_document::fixed::FixedOptions {
                lines: Vec::new(),
                record: String::new(),
            }),
        },
    }
}

/// The separator that cuts every row into equally many columns, the most of them.
fn csv_options(text: &str) -> Option<csv::CsvOptions> {
    let names = NameTable::default();
    let columns = |separator: u8| {
        let options = csv::CsvOptions { separator, header: false, group: None };
        let tree =
            cara_document::parse(text, &BodyFormat::Csv(options), &names, &Limits::default())
                .ok()?;
        let row = tree.children(tree.root()).next()?;
        let cells: Vec<String> =
            tree.children(row).map(|cell| tree.text(cell).into_owned()).collect();
        (cells.len() >= COLUMNS_MIN).then_some((separator, cells))
    };
    let found = SEPARATORS.into_iter().filter_map(columns);
    let (separator, first) = found.max_by_key(|(_, cells)| cells.len())?;
    Some(csv::CsvOptions { separator, header: is_header(&first), group: None })
}

/// Whether a first row names columns: every cell has a name of its own, and none looks like a value.
fn is_header(cells: &[String]) -> bool {
    let names = |cell: &String| {
        let digits = cell.chars().filter(char::is_ascii_digit).count();
        cell.chars().any(char::is_alphabetic) && digits <= 3 && !cell.contains('@')
    };
    let distinct: std::collections::BTreeSet<_> = cells.iter().collect();
    distinct.len() == cells.len() && cells.iter().all(names)
}
