//! A letter's mapping file to a [`LetterPlan`], with every problem of the file at once. How TOML is
//! read and how a problem is told is the compiler's of referrals.

pub(crate) mod deliver;
pub(crate) mod line;
mod lookup;
pub(crate) mod target;
pub(crate) mod test;

use jiff::tz::TimeZone;

use super::plan::LetterPlan;
use crate::code::MappingCode;
use crate::compile::table::TableReader;
use crate::compile::{self, Compiled, Compiler, mapping_name};
use crate::open::OpenFile;

pub(crate) const KEYS: [&str; 8] =
    ["format", "force", "fills", "target", "deliver", "fields", "lookup", "test"];

/// Compiles a letter's mapping. `file` is how diagnostics name it; its last part without the ending
/// is the mapping's name. `open` reads the files that its tests name.
pub fn compile(file: &str, text: &str, open: OpenFile<'_>) -> Compiled<LetterPlan> {
    compile::compiled(file, text, open, |reporter, top| whole(reporter, file, top))
}

fn whole(reporter: &mut Compiler<'_>, file: &str, top: &TableReader<'_>) -> Option<LetterPlan> {
    reporter.known_keys(top, &KEYS);
    reporter.format(top);
    let force = reporter.force(top);
    match top.string(reporter, "fills") {
        Some((fills, _)) if fills == "letter/1" => {}
        Some((_, span)) => {
            let what = "a notice's mapping fills \"letter/1\"";
            reporter.report(MappingCode::WRONG_VALUE, span, what).suggestion =
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
