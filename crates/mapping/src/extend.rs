//! A file that extends a shared start, made whole before it is compiled: one text, each line of it
//! copied as it stands from one of the two files.

mod merge;
mod outline;
mod show;

use std::ops::Range;
use std::sync::Arc;

use toml_edit::{Document, Item};

use super::code::MappingCode;
use super::diagnostic::Diagnostic;
use super::line_origin::LineOrigin;
use super::open::OpenFile;
use super::syntax;
use merge::{MergePiece, MergeSide};
use outline::Outline;

/// The folder of all shared starts, from the folder of a force.
const FOLDER: &str = "../base/";

/// Where each line of an effective text comes from.
#[derive(Clone, Debug)]
pub struct LineOrigins {
    shown: String,
    base: Option<Arc<str>>,
    /// In the order of the text; empty when the text is the file itself.
    places: Vec<(MergeSide, usize)>,
    /// Number and text of the line with `extends`, for what is missing in both files.
    extends: (usize, String),
}

impl LineOrigins {
    fn of_file(shown: &str) -> Self {
        LineOrigins {
            shown: shown.to_owned(),
            base: None,
            places: Vec::new(),
            extends: (1, String::new()),
        }
    }

    /// Where a line comes from; 1-based.
    pub fn spot(&self, line: usize) -> LineOrigin {
        let Some(last) = self.places.last() else { return LineOrigin { base: None, line } };
        // An empty line that is no line may follow the last.
        let (side, line) = *self.places.get(line.saturating_sub(1)).unwrap_or(last);
        LineOrigin { base: self.base.clone().filter(|_| side == MergeSide::Base), line }
    }

    /// Where the line of a byte of the effective text comes from.
    pub(super) fn spot_at(&self, text: &str, byte: usize) -> LineOrigin {
        self.spot(text[..byte.min(text.len())].matches('\n').count() + 1)
    }

    /// The name of the file that a line is in.
    pub fn file<'l>(&'l self, spot: &'l LineOrigin) -> &'l str {
        spot.base.as_deref().unwrap_or(&self.shown)
    }

    /// A place as a sentence names it that may stand beside a line of the other file.
    pub(super) fn named(&self, spot: &LineOrigin) -> String {
        match self.base {
            Some(_) => format!("{}:{}", self.file(spot), spot.line),
            None => spot.to_string(),
        }
    }

    /// A problem of the effective text, said of the file that has it.
    pub(super) fn back(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        let of_the_whole = diagnostic.line == 1 && diagnostic.length == 0;
        let spot = if of_the_whole && self.base.is_some() {
            diagnostic.source = self.extends.1.clone();
            LineOrigin { base: None, line: self.extends.0 }
        } else {
            self.spot(diagnostic.line)
        };
        diagnostic.file = self.file(&spot).to_owned();
        diagnostic.line = spot.line;
        diagnostic
    }
}

/// A mapping file made whole.
#[derive(Clone, Debug)]
pub struct Effective {
    /// What is compiled, goes live and is stored: it extends nothing.
    pub text: String,
    pub lines: LineOrigins,
    /// What is wrong with how the file extends its base.
    pub diagnostics: Vec<Diagnostic>,
    /// False: the base could not be taken, so `text` is the file's own and says nothing reliable.
    pub is_whole: bool,
}

/// Puts a file and the base that it extends together; a file that extends nothing stays as it is.
/// `shown` is how diagnostics name the file, `open` reads from its folder.
pub fn effective(shown: &str, text: &str, open: OpenFile<'_>) -> Effective {
    let lines = LineOrigins::of_file(shown);
    let diagnostics = Vec::new();
    let mut whole = Effective { text: text.to_owned(), lines, diagnostics, is_whole: true };
    let plain = text.trim_start_matches('\u{feff}');
    let Some(document) = syntax::parse(shown, plain).document else { return whole };
    let Some(extends) = document.get("extends") else { return whole };
    let extender = Extender { shown, text: plain, document: &document };
    match extender.whole(extends, open) {
        Ok((text, lines, diagnostics)) => Effective { text, lines, diagnostics, is_whole: true },
        Err(diagnostics) => {
            whole.diagnostics = diagnostics;
            whole.is_whole = false;
            whole
        }
    }
}

/// The name that a file gives its base, if it extends one.
pub fn base_of(text: &str) -> Option<String> {
    let document = syntax::parse("", text.trim_start_matches('\u{feff}')).document?;
    document.get("extends").and_then(Item::as_str).map(str::to_owned)
}

/// The file that extends a base.
struct Extender<'a> {
    shown: &'a str,
    text: &'a str,
    document: &'a Document<String>,
}

type Whole = (String, LineOrigins, Vec<Diagnostic>);

impl Extender<'_> {
    fn whole(&self, extends: &Item, open: OpenFile<'_>) -> Result<Whole, Vec<Diagnostic>> {
        let span = extends.span().unwrap_or_default();
        let refused = |what: &str| vec![self.report(MappingCode::BASE, span.clone(), what)];
        let name = extends.as_str().filter(|name| is_base(name));
        let name = name.ok_or_else(|| refused("a base is named \"../base/NAME.toml\""))?;
        let bytes = open(name).ok_or_else(|| refused("there is no base of this name"))?;
        let text = String::from_utf8(bytes).map_err(|_| refused("the base is no UTF-8 text"))?;
        let base_text = text.trim_start_matches('\u{feff}');
        let base_shown = beside(self.shown, name);
        let parsed = syntax::parse(&base_shown, base_text);
        let base_document = parsed.document.ok_or(parsed.mistakes)?;
        let unfit = unfit(&base_shown, base_text, &base_document);
        if !unfit.is_empty() {
            return Err(unfit);
        }
        let mut diagnostics = Vec::new();
        let without = self.without(&mut diagnostics);
        let base = Outline::of(base_text, base_document.as_table());
        let own = Outline::of(self.text, self.document.as_table());
        let (pieces, problems) = merge::merge(&base, &own, &without);
        for problem in problems {
            let mut diagnostic = self.report(problem.code, problem.span, &problem.what);
            diagnostic.suggestion = problem.meant;
            diagnostics.push(diagnostic);
        }
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        let (text, places) = copied(&base, &own, &pieces);
        let line = self.text[..span.start].matches('\n').count();
        let extends = self.text.lines().nth(line).unwrap_or_default();
        let extends = (line + 1, extends.to_owned());
        let base = Some(Arc::from(base_shown));
        let lines = LineOrigins { shown: self.shown.to_owned(), base, places, extends };
        Ok((text, lines, diagnostics))
    }

    /// What the file does not want of the base, with the place of each name.
    fn without(&self, diagnostics: &mut Vec<Diagnostic>) -> Vec<(String, Range<usize>)> {
        let Some(item) = self.document.get("without") else { return Vec::new() };
        let span = item.span().unwrap_or_default();
        let names: Option<Vec<_>> = item.as_array().and_then(|names| {
            let name = |it: &toml_edit::Value| {
                Some((it.as_str()?.to_owned(), it.span().unwrap_or_else(|| span.clone())))
            };
            names.iter().map(name).collect()
        });
        names.unwrap_or_else(|| {
            let what = "`without` takes a list of texts in quotes";
            diagnostics.push(self.report(MappingCode::WRONG_TYPE, span, what));
            Vec::new()
        })
    }

    fn report(&self, code: MappingCode, span: Range<usize>, what: &str) -> Diagnostic {
        Diagnostic::at(code, self.shown, self.text, span, what)
    }
}

/// Only a file right in the folder of bases is ever opened.
fn is_base(name: &str) -> bool {
    let stem = name.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".toml"));
    stem.is_some_and(|stem| {
        let known = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        !stem.is_empty() && stem.chars().all(known)
    })
}

/// `mappings/base/x.toml`, seen from `mappings/hampshire/referral.toml`.
fn beside(shown: &str, name: &str) -> String {
    let folder = shown.rsplit_once('/').map(|(folder, _)| folder);
    match folder {
        None => name.to_owned(),
        Some(folder) => {
            let above =
                folder.rsplit_once('/').map_or(String::new(), |(above, _)| format!("{above}/"));
            format!("{above}{}", name.trim_start_matches("../"))
        }
    }
}

/// What a base must not have.
fn unfit(shown: &str, text: &str, document: &Document<String>) -> Vec<Diagnostic> {
    let keys = [
        ("extends", "a base extends no other"),
        ("without", "a base leaves nothing out: it extends no other"),
        ("test", "a base has no tests: they stand in the files that extend it"),
    ];
    let found = keys.iter().filter_map(|(key, what)| {
        let (key, item) = document.as_table().get_key_value(key)?;
        let tables = item.as_array_of_tables().and_then(|tables| tables.iter().next());
        let span = tables.and_then(toml_edit::Table::span).or_else(|| key.span());
        Some(Diagnostic::at(
            MappingCode::BASE_NOT_PLAIN,
            shown,
            text,
            span.unwrap_or_default(),
            *what,
        ))
    });
    found.collect()
}

fn copied(
    base: &Outline<'_>,
    own: &Outline<'_>,
    pieces: &[MergePiece],
) -> (String, Vec<(MergeSide, usize)>) {
    let (mut text, mut places) = (String::new(), Vec::new());
    for (side, lines) in pieces {
        let from = if *side == MergeSide::Base { base } else { own };
        for number in lines.clone() {
            text.push_str(from.lines[number]);
            if !text.ends_with('\n') {
                text.push('\n');
            }
            places.push((*side, number + 1));
        }
    }
    (text, places)
}
