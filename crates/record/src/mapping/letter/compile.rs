//! A letter's mapping file to a [`LetterPlan`], with every problem of the file at once. How TOML is
//! read and how a problem is told is the compiler's of referrals.

mod deliver;
mod line;
mod lookup;
mod target;
mod test;

use jiff::tz::TimeZone;

use super::plan::LetterPlan;
use crate::mapping::code::Code;
use crate::mapping::compile::table::Table;
use crate::mapping::compile::{Compiler, Open, mapping_name, syntax};
use crate::mapping::diagnostic::Diagnostic;

/// What came of compiling a file.
#[derive(Debug)]
pub struct Compiled {
    /// Present when the file could be understood well enough to be tried; it may go live only when
    /// there are no diagnostics.
    pub plan: Option<LetterPlan>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a letter's mapping. `file` is how diagnostics name it; its last part without the ending
/// is the mapping's name. `open` reads the files that its tests name.
pub fn compile(file: &str, text: &str, open: Open<'_>) -> Compiled {
    let syntax::Parsed { document, mistakes } = syntax::parse(file, text);
    let Some(document) = document else { return Compiled { plan: None, diagnostics: mistakes } };
    let mut reporter = Compiler::new(file, text, open);
    let plan = whole(&mut reporter, file, &Table::of(document.as_table(), 0..0));
    let mut diagnostics = reporter.diagnostics;
    let readable = mistakes.is_empty();
    if !readable {
        let follows = [Code::LETTER_LOOKUP, Code::LETTER_TEST];
        diagnostics.retain(|it| !syntax::may_follow(it.code) && !follows.contains(&it.code));
        diagnostics.extend(mistakes);
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    diagnostics.dedup();
    Compiled { plan: plan.filter(|_| readable), diagnostics }
}

fn whole(reporter: &mut Compiler<'_>, file: &str, top: &Table<'_>) -> Option<LetterPlan> {
    let known = ["format", "force", "fills", "target", "deliver", "fields", "lookup", "test"];
    reporter.known_keys(top, &known);
    match top.integer(reporter, "format") {
        Some((1, _)) => {}
        Some((_, span)) => {
            reporter.report(Code::WRONG_VALUE, span, "this version reads format = 1");
        }
        None => reporter.missing(top, "format", "format = 1"),
    }
    let force = reporter.force(top);
    match top.string(reporter, "fills") {
        Some((fills, _)) if fills == "letter/1" => {}
        Some((_, span)) => {
            let what = "a notice's mapping fills \"letter/1\"";
            reporter.report(Code::WRONG_VALUE, span, what).suggestion =
                Some("\"letter/1\"".to_owned());
        }
        None => reporter.missing(top, "fills", "fills = \"letter/1\""),
    }
    let target = target::read(reporter, top);
    let delivery = deliver::read(reporter, top);
    let mut lookups = lookup::read(reporter, top);
    let fields = line::read(reporter, top, target.as_ref(), &mut lookups);
    lookup::check(reporter, &lookups);
    let tests = test::read(reporter, top, &fields);
    let target = target?;
    Some(LetterPlan {
        force: force.unwrap_or_default(),
        name: mapping_name(file),
        target: target.target,
        delivery,
        places: fields.places,
        lines: fields.lines,
        lookups: lookups.into_iter().map(|written| written.lookup).collect(),
        tests,
        zone: TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC),
    })
}
