//! A mapping file to a `Plan`, with every problem of the file at once.

pub(super) mod block;
mod calendar;
mod chain;
mod column;
mod complete;
pub(super) mod field;
mod fit;
mod follow;
mod lookup;
mod occur;
mod person;
pub(super) mod quoted;
pub(super) mod rule;
mod settled;
pub(super) mod source;
mod start;
pub(super) mod table;
pub(super) mod test;
mod unused;
pub(super) mod unwrap;
mod written;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::code::MappingCode;
use super::condition::When;
use super::condition::settled::Wanting;
use super::date::{Formats, Window};
use super::diagnostic::{Diagnostic, code_of};
use super::extend::{self, Effective, LineOrigins};
use super::fault::PhraseFault;
use super::line_origin::LineOrigin;
use super::open::OpenFile;
use super::path::Path;
use super::plan::{Lookup, Plan};
use super::syntax;
use cara_document::{NameTable, Tree};
use cara_domain::Origin;
use cara_domain::field::{FieldId, Fills};
use cara_domain::identifier::ForceCode;
use jiff::tz::TimeZone;
use table::{Quoted, TableReader};
use written::{PathPlace, WrittenLine};

/// What came of compiling a file.
#[derive(Debug)]
pub struct Compiled<P> {
    /// Present when the file could be understood well enough to be tried; it may go live only when
    /// there are no diagnostics.
    pub plan: Option<P>,
    pub diagnostics: Vec<Diagnostic>,
}

impl<P> Compiled<P> {
    pub(super) fn map<Q>(self, of: impl FnOnce(P) -> Q) -> Compiled<Q> {
        Compiled { plan: self.plan.map(of), diagnostics: self.diagnostics }
    }
}

/// Compiles a mapping file. `file` is how diagnostics name it; its last part without the ending is
/// the mapping's name.
pub fn compile(file: &str, text: &str, open: OpenFile<'_>) -> Compiled<Plan> {
    compiled(file, text, open, |compiler, top| compiler.file(top))
}

/// Reads the file's TOML, and then its top table with `whole`. Where the TOML itself is mistaken,
/// what may only follow from that is left out.
pub(super) fn compiled<P>(
    file: &str,
    text: &str,
    open: OpenFile<'_>,
    whole: impl Fn(&mut Compiler<'_>, &TableReader<'_>) -> Option<P>,
) -> Compiled<P> {
    let effective = extend::effective(file, text, open);
    if !effective.is_whole {
        return Compiled { plan: None, diagnostics: effective.diagnostics };
    }
    let Effective { text, lines, diagnostics: of_base, .. } = &effective;
    let Compiled { plan, diagnostics } = once(file, text, lines, open, &whole);
    let again = |text: &str| once(file, text, lines, open, &whole).diagnostics;
    let mut diagnostics = follow::causes(text, diagnostics, &again);
    // Without its base nearly everything of the file is missing.
    let lost = |it: &Diagnostic| it.suggestion.as_deref() == Some("extends");
    if diagnostics.iter().any(lost) {
        diagnostics.retain(|it| lost(it) || !syntax::may_follow(it.code));
    }
    // That a section stands twice only follows from its other shape.
    if of_base.iter().any(|it| it.code == MappingCode::OTHER_SHAPE) {
        diagnostics.retain(|it| it.code != MappingCode::FILLED_TWICE);
    }
    let diagnostics = diagnostics.into_iter().map(|it| lines.back(it));
    Compiled { plan, diagnostics: of_base.iter().cloned().chain(diagnostics).collect() }
}

/// The same of an effective text, with what only follows from another problem.
fn once<P>(
    file: &str,
    text: &str,
    lines: &LineOrigins,
    open: OpenFile<'_>,
    whole: &impl Fn(&mut Compiler<'_>, &TableReader<'_>) -> Option<P>,
) -> Compiled<P> {
    let syntax::Parsed { document, mistakes } = syntax::parse(file, text);
    let Some(document) = document else { return Compiled { plan: None, diagnostics: mistakes } };
    let mut compiler = Compiler::new(file, text, lines, open);
    let plan = whole(&mut compiler, &TableReader::of(document.as_table(), 0..0));
    let mut diagnostics = compiler.diagnostics;
    let readable = mistakes.is_empty();
    if !readable {
        diagnostics.retain(|diagnostic| !syntax::may_follow(diagnostic.code));
        diagnostics.extend(mistakes);
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    diagnostics.dedup();
    Compiled { plan: plan.filter(|_| readable), diagnostics }
}

/// What is known so far of the file that is compiled.
pub(super) struct Compiler<'a> {
    file: &'a str,
    pub text: &'a str,
    /// Where the lines of the text come from.
    lines: &'a LineOrigins,
    pub open: OpenFile<'a>,
    pub diagnostics: Vec<Diagnostic>,
    names: NameTable,
    paths: Vec<String>,
    path_spans: Vec<PathPlace>,
    lookups: Vec<Lookup>,
    lookup_index: HashMap<String, usize>,
    /// Where each of them is written, in the same order.
    lookup_places: Vec<lookup::LookupPlace>,
    /// Where each field was filled first.
    filled: BTreeMap<(usize, usize), Filled>,
    /// Fields that were probably meant by a line that fills none.
    meant: BTreeSet<(usize, usize)>,
    /// The block that is read has a `when`.
    block_conditional: bool,
    /// Nobody knows where the block that is read stands, so its paths cannot be looked for.
    block_lost: bool,
    /// Where each section of fields begins, by what it fills; `fields` for the root's own.
    sections: BTreeMap<&'static str, Range<usize>>,
    field_count: usize,
    fills: Fills,
    /// Rows of a grouped CSV are inside its records.
    rows_inside: bool,
    has_dates: bool,
    /// Formats of the file that read one text as two days, and where the second of them stands.
    clashes: Vec<Clash>,
    /// Date fields without formats of their own.
    undecided: Vec<String>,
    /// How the file's dates are written, what two digits of a year mean, where local times are.
    dates: Option<Formats>,
    window: Option<Window>,
    zone: TimeZone,
    /// The lines that fill fields, as they are written.
    written: Vec<WrittenLine>,
    whens: Vec<occur::WhenPlace>,
    rules: Vec<rule::RulePlace>,
    /// The file's `dates`, with their places.
    date_texts: Vec<Quoted>,
    /// Where the `from` of the block that is read stands.
    block_from: Option<Range<usize>>,
    /// A test's example is not there, so what examples have cannot be judged.
    example_lost: bool,
}

/// Where a field was filled first.
struct Filled {
    /// The byte of the file.
    at: usize,
    /// Only when the record is so.
    conditional: bool,
}

/// Two formats that read one text as two days.
struct Clash {
    what: String,
    /// The second of them.
    place: Range<usize>,
}

pub(super) const TOP_KEYS: [&str; 12] = [
    "format", "force", "fills", "source", "line", "unwrap", "fields", "one", "each", "lookup",
    "rule", "test",
];

/// Keys with which a file says that it extends a base.
const EXTENDING: &[&str] = &["extends", "without"];

impl<'a> Compiler<'a> {
    pub fn new(file: &'a str, text: &'a str, lines: &'a LineOrigins, open: OpenFile<'a>) -> Self {
        Compiler {
            file,
            text,
            lines,
            open,
            diagnostics: Vec::new(),
            names: NameTable::default(),
            paths: Vec::new(),
            path_spans: Vec::new(),
            lookups: Vec::new(),
            lookup_index: HashMap::new(),
            lookup_places: Vec::new(),
            filled: BTreeMap::new(),
            meant: BTreeSet::new(),
            block_conditional: false,
            block_lost: false,
            sections: BTreeMap::new(),
            field_count: 0,
            fills: Fills::Referral,
            rows_inside: false,
            // Without a [source] nothing is known of its dates, and the section is missed anyway.
            has_dates: true,
            clashes: Vec::new(),
            undecided: Vec::new(),
            dates: None,
            window: None,
            zone: TimeZone::UTC,
            written: Vec::new(),
            whens: Vec::new(),
            rules: Vec::new(),
            date_texts: Vec::new(),
            block_from: None,
            example_lost: false,
        }
    }

    fn file(&mut self, top: &TableReader<'_>) -> Option<Plan> {
        self.known_keys(top, &TOP_KEYS);
        self.format(top);
        let force = self.force(top);
        self.fills = self.fills(top);
        let source = source::read(self, top);
        lookup::read(self, top);
        let fields = match top.table(self, "fields") {
            Some(table) => {
                self.sections.insert("fields", table.span.clone());
                field::read(self, &table, self.fills.root(), "", &[])
            }
            None => Vec::new(),
        };
        let blocks = block::read(self, top);
        let rules = rule::read(self, top);
        let tests = test::read(self, top);
        complete::mandatory(self);
        complete::dates(self);
        unused::lookups(self);
        unused::prefixes(self, top);
        let source = source?;
        let plan = Plan {
            force: force.unwrap_or_default(),
            name: mapping_name(self.file),
            fills: self.fills,
            format: source.format,
            encoding: source.encoding,
            names: std::mem::take(&mut self.names),
            layers: source.layers,
            matches: source.matches.map(Box::new),
            record: source.record,
            blank: source.blank,
            dates: source.dates,
            paths: std::mem::take(&mut self.paths),
            fields,
            blocks,
            lookups: std::mem::take(&mut self.lookups),
            rules,
            tests,
        };
        person::apart(self);
        unused::examples(self, &plan);
        chain::fields(self);
        chain::rows(self, &plan);
        settled::rules(self, &plan);
        Some(plan)
    }

    /// What the file fills; by its name where it does not say so.
    fn fills(&mut self, top: &TableReader<'_>) -> Fills {
        let usual = match mapping_name(self.file).as_str() {
            "decision" => Fills::Decision,
            _ => Fills::Referral,
        };
        let Some((text, span)) = top.string(self, "fills") else {
            self.missing(top, "fills", &format!("fills = \"{}\"", usual.name()));
            return usual;
        };
        let named = Fills::ALL.into_iter().find(|fills| fills.name() == text);
        if named.is_none() {
            let what = "this version fills \"referral/1\" or \"decision/1\"";
            let meant = super::fault::nearest(&text, Fills::ALL.map(Fills::name));
            self.report(MappingCode::WRONG_VALUE, span, what).suggestion = meant.map(str::to_owned);
        }
        named.unwrap_or(usual)
    }

    pub(super) fn format(&mut self, top: &TableReader<'_>) {
        match top.integer(self, "format") {
            Some((1, _)) => {}
            Some((_, span)) => {
                self.report(MappingCode::WRONG_VALUE, span, "this version reads format = 1");
            }
            None => self.missing(top, "format", "format = 1"),
        }
    }

    pub(super) fn force(&mut self, top: &TableReader<'_>) -> Option<String> {
        let Some((slug, span)) = top.string(self, "force") else {
            self.missing(top, "force", "force = \"hampshire\"");
            return None;
        };
        if ForceCode::from_slug(&slug).is_none() {
            let slugs = ForceCode::all().map(ForceCode::slug);
            let meant = super::fault::nearest(&slug, slugs.collect::<Vec<_>>());
            let what = format!("\"{slug}\" is no force of England and Wales by its slug");
            self.report(MappingCode::WRONG_VALUE, span, what).suggestion = meant.map(str::to_owned);
        }
        Some(slug)
    }

    /// Notes that a field is filled; a second time is a problem, unless each time has a `when`: then
    /// the record decides which one fills it. Groups take items from as many blocks as there are.
    fn fill(&mut self, id: FieldId, conditional: bool, span: &Range<usize>) {
        let key = (id.spec().group as usize, id.index());
        let conditional = conditional || self.block_conditional;
        match self.filled.get(&key) {
            Some(first) if id.spec().group.is_root() && !(first.conditional && conditional) => {
                let spot = self.lines.named(&self.spot(first.at));
                let name = id.full_name(None);
                let what = format!("{name} is filled on {spot} already");
                self.report(MappingCode::FILLED_TWICE, span.clone(), what);
            }
            Some(_) => {}
            None => {
                self.filled.insert(key, Filled { at: span.start, conditional });
            }
        }
    }

    fn path(
        &mut self,
        text: &str,
        span: &Range<usize>,
        inside: &[Path],
        top: bool,
    ) -> Option<(Path, Origin)> {
        let prefix = if self.rows_inside && inside.is_empty() && !top { "row/" } else { "" };
        let at_row = prefix.is_empty()
            || text == "."
            || text == "row"
            || text.starts_with("row/")
            || text.starts_with("row[")
            || text.starts_with('/');
        let whole = if at_row { text.to_owned() } else { format!("{prefix}{text}") };
        match Path::parse(&whole, &mut self.names) {
            Ok(path) => {
                let place = PathPlace {
                    path: path.clone(),
                    quoted: span.clone(),
                    offset: 0,
                    prefix: whole.len() - text.len(),
                    inside: inside.to_vec(),
                    top,
                };
                if !self.block_lost {
                    self.path_spans.push(place);
                }
                self.paths.push(text.to_owned());
                let origin = u16::try_from(self.paths.len() - 1).unwrap_or(u16::MAX);
                Some((path, Origin(origin)))
            }
            Err(fault) => {
                let fault = if at_row { fault } else { fault_back(fault, prefix.len()) };
                self.fault(&fault, span);
                None
            }
        }
    }

    /// The condition of a field or block, if it has one.
    fn when(&mut self, table: &TableReader<'_>, inside: &[Path]) -> Option<When> {
        let (text, span) = table.string(self, "when")?;
        match When::parse(&text, &mut self.names) {
            Ok(when) => {
                let path = when.path().clone();
                let offset = text.find(path.text()).unwrap_or(0);
                let inside = inside.to_vec();
                if !self.block_lost {
                    let (path, quoted, inside) = (path.clone(), span.clone(), inside.clone());
                    let wanting = Wanting::of(&text);
                    let place =
                        wanting.map(|wanting| occur::WhenPlace { path, wanting, quoted, inside });
                    self.whens.extend(place);
                }
                let place = PathPlace { path, quoted: span, offset, prefix: 0, inside, top: false };
                if !self.block_lost {
                    self.path_spans.push(place);
                }
                Some(when)
            }
            Err(fault) => {
                self.fault(&fault, &span);
                None
            }
        }
    }

    /// Where the line of a byte comes from.
    pub fn spot(&self, byte: usize) -> LineOrigin {
        self.lines.spot_at(self.text, byte)
    }

    pub fn report(
        &mut self,
        code: MappingCode,
        span: Range<usize>,
        what: impl Into<String>,
    ) -> &mut Diagnostic {
        let index = self.diagnostics.len();
        self.diagnostics.push(Diagnostic::at(code, self.file, self.text, span, what));
        &mut self.diagnostics[index]
    }

    /// A phrase's fault; `span` is the quoted text in the file.
    pub fn fault(&mut self, fault: &PhraseFault, span: &Range<usize>) {
        let place = quoted::piece_of(self.text, span, fault.start..fault.end);
        let code = code_of(fault);
        let suggestion = fault.suggestion.clone();
        self.report(code, place, fault.what.clone()).suggestion = suggestion;
    }

    pub fn missing(&mut self, table: &TableReader<'_>, key: &str, example: &str) {
        // One that is there but unreadable has a diagnostic of its own.
        if table.has(key) {
            return;
        }
        let what = format!("`{key}` is missing: write {example}");
        self.report(MappingCode::MISSING_KEY, table.span.clone(), what);
    }

    pub fn known_keys(&mut self, table: &TableReader<'_>, known: &[&str]) {
        for (key, span) in table.keys() {
            if known.contains(&key.as_str()) {
                continue;
            }
            // These are taken out before the file is compiled.
            let of_file = if known.contains(&"force") { EXTENDING } else { &[] };
            let all = known.iter().chain(of_file).copied();
            let meant = super::fault::nearest(&key, all);
            let what = format!("`{key}` is not a key that belongs here");
            self.report(MappingCode::UNKNOWN_KEY, span, what).suggestion = meant.map(str::to_owned);
        }
    }

    /// The formats of a `dates` list, and where two of them read one text as two days.
    fn formats(&mut self, table: &TableReader<'_>) -> Option<(Formats, Vec<Clash>)> {
        let texts = table.strings(self, "dates")?;
        let plain: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
        match Formats::parse(&plain, self.window, self.zone.clone()) {
            Ok(formats) => {
                let clashes = formats.clashes().into_iter().map(|clash| {
                    let (one, other) = (plain[clash.first], plain[clash.second]);
                    let what =
                        format!("{one} and {other} read {} as two different days", clash.text);
                    Clash { what, place: texts[clash.second].1.clone() }
                });
                let clashes = clashes.collect();
                Some((formats, clashes))
            }
            Err(faults) => {
                for (index, fault) in faults {
                    let span = texts[index].1.clone();
                    self.fault(&fault, &span);
                }
                None
            }
        }
    }

    /// A tree of each example that the file's tests name.
    fn examples<'t>(&self, plan: &Plan, texts: &'t [String]) -> Vec<Tree<'t>> {
        let limits = cara_document::Limits::default();
        texts.iter().filter_map(|text| plan.read(text, &limits).ok()).collect()
    }
}

fn fault_back(mut fault: PhraseFault, bytes: usize) -> PhraseFault {
    fault.start = fault.start.saturating_sub(bytes);
    fault.end = fault.end.saturating_sub(bytes);
    fault
}

pub(super) fn mapping_name(file: &str) -> String {
    let last = file.rsplit('/').next().unwrap_or(file);
    last.strip_suffix(".toml").unwrap_or(last).to_owned()
}
