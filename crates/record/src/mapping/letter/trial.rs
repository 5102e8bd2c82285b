//! The tests inside a letter's mapping: run, compared, and how much of the mapping they reach.

use std::collections::BTreeSet;
use std::fmt;

use super::example::{Example, example};
use super::field::Field;
use super::plan::{LetterPlan, Used};
use crate::domain::choice::Choice;
use crate::domain::notice::NoticeKind;
use crate::mapping::compile::Open;

/// One `[[test]]`.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub name: String,
    /// The made-up notices that are rendered; what is expected is expected of each.
    pub kinds: Vec<NoticeKind>,
    /// What they say instead of what the example says.
    pub given: Vec<(Field, String)>,
    /// The text at a place, by its index; empty when nothing is written there.
    pub expected: Vec<(usize, String)>,
    /// The whole letter, relative to the mapping's folder.
    pub expect_file: Option<String>,
}

/// How a mapping's tests went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub passed: usize,
    /// Test name and everything that differs. Values of examples, which are made up, may stand here.
    pub failures: Vec<(String, String)>,
    /// Reached and all, as the next two. A field is reached when it had something to say.
    pub fields: (usize, usize),
    pub lookup_rows: (usize, usize),
    pub kinds: (usize, usize),
    /// What no test reaches, in words.
    pub not_reached: Vec<String>,
}

impl Report {
    pub fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Every field, lookup row and kind of notice was reached.
    pub fn is_complete(&self) -> bool {
        self.not_reached.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |(reached, all): (usize, usize), what: &str| format!("{reached} of {all} {what}");
        writeln!(
            f,
            "{} tests passed, {} failed; {}, {}, {}",
            self.passed,
            self.failures.len(),
            of(self.fields, "fields"),
            of(self.lookup_rows, "lookup rows"),
            of(self.kinds, "kinds of notice"),
        )?;
        for (name, what) in &self.failures {
            writeln!(f, "  failed: {name}: {what}")?;
        }
        for what in &self.not_reached {
            writeln!(f, "  not reached: {what}")?;
        }
        Ok(())
    }
}

/// Runs every test of the mapping on the notices that [`example`] makes.
pub fn run_tests(plan: &LetterPlan, open: Open<'_>) -> Report {
    let mut report = Report::default();
    let mut reached = BTreeSet::new();
    for test in &plan.tests {
        let mut differences = Vec::new();
        for kind in &test.kinds {
            let mut given = example(*kind);
            for (field, text) in &test.given {
                given.say(*field, text);
            }
            let found = compare(plan, test, &given, open, &mut reached);
            let several = test.kinds.len() > 1;
            let of = if several { format!("{}: ", kind.code()) } else { String::new() };
            differences.extend(found.into_iter().map(|it| format!("{of}{it}")));
        }
        if differences.is_empty() {
            report.passed += 1;
        } else {
            report.failures.push((test.name.clone(), differences.join("; ")));
        }
    }
    coverage(plan, &reached, &mut report);
    report
}

/// Everything in which the letter is not as the test expects.
fn compare(
    plan: &LetterPlan,
    test: &Test,
    given: &Example,
    open: Open<'_>,
    reached: &mut BTreeSet<Used>,
) -> Vec<String> {
    let texts = plan.texts(&given.notice(), &mut |used| {
        reached.insert(used);
    });
    let mut differences = Vec::new();
    for (place, wanted) in &test.expected {
        let found = texts[*place].as_deref().unwrap_or_default();
        if found != wanted {
            let name = &plan.places[*place].text;
            differences.push(format!("{name} was {found:?}, expected {wanted:?}"));
        }
    }
    match plan.written(texts) {
        Err(error) => differences.push(error.to_string()),
        Ok(letter) => {
            if let Some(file) = &test.expect_file {
                match open(file) {
                    None => differences.push(format!("{file} is not there")),
                    Some(wanted) if wanted == letter => {}
                    Some(wanted) => differences.push(first_difference(file, &wanted, &letter)),
                }
            }
        }
    }
    differences
}

fn first_difference(file: &str, wanted: &[u8], found: &[u8]) -> String {
    let (wanted, found) = (String::from_utf8_lossy(wanted), String::from_utf8_lossy(found));
    let mut wanted = wanted.split('\n');
    let mut found = found.split('\n');
    for number in 1.. {
        match (wanted.next(), found.next()) {
            (None, None) => break,
            (wanted, found) if wanted == found => {}
            (wanted, found) => {
                let shown = |line: Option<&str>| {
                    line.map_or("the end".to_owned(), |line| format!("{line:?}"))
                };
                let (wanted, found) = (shown(wanted), shown(found));
                return format!("line {number} was {found}, {file} has {wanted}");
            }
        }
    }
    format!("{file} is no UTF-8")
}

fn coverage(plan: &LetterPlan, reached: &BTreeSet<Used>, report: &mut Report) {
    for (index, line) in plan.lines.iter().enumerate() {
        report.fields.1 += 1;
        if reached.contains(&Used::Line(index)) {
            report.fields.0 += 1;
        } else {
            let place = &plan.places[line.place].text;
            report.not_reached.push(format!("line {}: {place}", line.number));
        }
    }
    for (index, lookup) in plan.lookups.iter().enumerate() {
        for (row, (code, _)) in lookup.rows.iter().enumerate() {
            report.lookup_rows.1 += 1;
            if reached.contains(&Used::Row(index, row)) {
                report.lookup_rows.0 += 1;
            } else {
                report.not_reached.push(format!("lookup \"{}\": {code}", lookup.name));
            }
        }
    }
    for code in NoticeKind::CODES {
        report.kinds.1 += 1;
        let is_used = |test: &Test| test.kinds.iter().any(|kind| kind.code() == *code);
        if plan.tests.iter().any(is_used) {
            report.kinds.0 += 1;
        } else {
            report.not_reached.push(format!("notice {code}"));
        }
    }
}
