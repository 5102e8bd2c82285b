//! The tests inside a letter's mapping: run, compared, and how much of the mapping they reach.

use std::collections::BTreeSet;

use super::example::{NoticeExample, example};
use super::plan::{LetterPlan, LetterTest, Used};
use crate::open::OpenFile;
use crate::report::TestReport;
use cara_domain::choice::Choice;
use cara_domain::notice::NoticeKind;

/// Runs every test of the mapping on the notices that [`example`] makes.
pub fn run_tests(plan: &LetterPlan, open: OpenFile<'_>) -> TestReport {
    let mut report = TestReport::default();
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
        report.note(&test.name, differences);
    }
    coverage(plan, &reached, &mut report);
    report
}

/// Everything in which the letter is not as the test expects.
fn compare(
    plan: &LetterPlan,
    test: &LetterTest,
    given: &NoticeExample,
    open: OpenFile<'_>,
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

/// A field is reached when it had something to say.
fn coverage(plan: &LetterPlan, reached: &BTreeSet<Used>, report: &mut TestReport) {
    let fields = plan.lines.iter().enumerate().map(|(index, line)| {
        let words = format!("{}: {}", line.at, plan.places[line.place].text);
        (reached.contains(&Used::Line(index)), words)
    });
    report.count("fields", fields);
    let rows = plan.lookups.iter().enumerate().flat_map(|(index, lookup)| {
        lookup.rows.iter().enumerate().map(move |(row, (code, _))| {
            let words = format!("lookup \"{}\": {code}", lookup.name);
            (reached.contains(&Used::Row(index, row)), words)
        })
    });
    report.count("lookup rows", rows);
    let kinds = NoticeKind::CODES.iter().map(|code| {
        let is_of_it = |kind: &NoticeKind| kind.code() == *code;
        let is_used = plan.tests.iter().any(|test| test.kinds.iter().any(is_of_it));
        (is_used, format!("notice {code}"))
    });
    report.count("kinds of notice", kinds);
}
