//! Date formats against the dates that the file's own examples hold.

use std::borrow::Cow;
use std::ops::Range;

use super::start::starts;
use super::{Compiler, WrittenLine};
use crate::code::MappingCode;
use crate::date::Formats;
use crate::plan::Plan;
use cara_document::Tree;
use cara_domain::field::FieldShape;

/// Ways of writing a day that systems are known to use; the first that reads the most is proposed.
const USUAL: [&str; 12] = [
    "DD/MM/YYYY",
    "DD-MM-YYYY",
    "DD.MM.YYYY",
    "YYYY-MM-DD",
    "YYYY/MM/DD",
    "YYYYMMDD",
    "DDMMYYYY",
    "DD-MMM-YYYY",
    "DD MMM YYYY",
    "YYYY-MM-DDThh:mm:ssZ",
    "YYYY-MM-DDThh:mm:ss",
    "DD/MM/YYYY hh:mm",
];

/// Every format reads some date of the examples, and none reads fewer than it would with day and
/// month exchanged.
pub(super) fn formats(compiler: &mut Compiler<'_>, plan: &Plan, trees: &[Tree<'_>]) {
    let timed = |line: &&WrittenLine| {
        matches!(line.id.spec().shape, FieldShape::Date | FieldShape::Instant)
    };
    let lines: Vec<&WrittenLine> = compiler.written.iter().filter(timed).collect();
    let mut shared: Vec<String> = Vec::new();
    let mut problems = Vec::new();
    let mut alone: Vec<(Range<usize>, &'static str, Vec<String>)> = Vec::new();
    for line in lines {
        let texts = texts(plan, trees, line);
        if line.dates.is_empty() {
            alone.push((line.key.clone(), line.id.spec().name, texts.clone()));
            shared.extend(texts);
        } else {
            problems.extend(of_list(compiler, &line.dates, &texts));
        }
    }
    let of_file = of_list(compiler, &compiler.date_texts, &shared);
    if of_file.is_empty() && !compiler.date_texts.is_empty() {
        for (key, name, texts) in alone {
            if let Some(text) = texts.first()
                && texts.iter().all(|text| plan.dates.date(text).is_none())
            {
                let what = format!(
                    "none of the file's `dates` reads what {name} holds in the examples: \"{text}\""
                );
                problems.push((key, what, None));
            }
        }
    }
    for (span, what, meant) in problems.into_iter().chain(of_file) {
        compiler.report(MappingCode::DATE_READS_NOTHING, span, what).suggestion = meant;
    }
}

type Problem = (Range<usize>, String, Option<String>);

/// What is wrong with the formats of one list, given the texts that they have to read.
fn of_list(
    compiler: &Compiler<'_>,
    list: &[(String, Range<usize>)],
    texts: &[String],
) -> Vec<Problem> {
    let read = |format: &str, texts: &[&String]| {
        let formats = Formats::parse(&[format], compiler.window, compiler.zone.clone()).ok();
        formats.map_or(0, |formats| texts.iter().filter(|it| formats.date(it).is_some()).count())
    };
    let mut problems = Vec::new();
    for (number, (format, span)) in list.iter().enumerate() {
        let others: Vec<&str> = list
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number)
            .map(|(_, (format, _))| format.as_str())
            .collect();
        let Ok(others) = Formats::parse(&others, compiler.window, compiler.zone.clone()) else {
            continue;
        };
        let left: Vec<&String> = texts.iter().filter(|it| others.date(it).is_none()).collect();
        let all: Vec<&String> = texts.iter().collect();
        let Some(first) = left.first().or(all.first()) else { continue };
        let exchanged = format.replace("DD", "\0").replace("MM", "DD").replace('\0', "MM");
        if read(format, &all) == 0 {
            let usual = USUAL.iter().map(|usual| (read(usual, &left), *usual));
            let best =
                usual.fold(
                    (0, None),
                    |best, (count, usual)| {
                        if count > best.0 { (count, Some(usual)) } else { best }
                    },
                );
            let meant = if read(&exchanged, &left) > 0 { Some(&*exchanged) } else { best.1 };
            let what = format!("no date in the examples is written {format}; one is \"{first}\"");
            problems.push((span.clone(), what, meant.map(str::to_owned)));
        } else if exchanged != *format && read(&exchanged, &left) > read(format, &left) {
            let unread = left.iter().find(|text| read(format, &[text]) == 0).unwrap_or(first);
            let what = format!(
                "{format} does not read \"{unread}\"; with day and month exchanged more of the examples' dates are read"
            );
            problems.push((span.clone(), what, Some(exchanged)));
        }
    }
    problems
}

/// What the examples hold for a field, behind its transforms.
fn texts(plan: &Plan, trees: &[Tree<'_>], line: &WrittenLine) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for tree in trees {
        for start in starts(plan, tree, &line.inside, false) {
            let mut found = Vec::new();
            line.from.iter().for_each(|path| path.select(tree, start, &mut found));
            for node in found {
                let text = tree.text(node).into_owned();
                if plan.blank.contains(&text) {
                    continue;
                }
                let mut apply = line.apply.iter().map(|(transform, _)| transform);
                let made = apply.try_fold(Cow::Owned(text), |text, it| it.apply(text));
                if let Ok(text) = made
                    && !text.is_empty()
                    && !texts.iter().any(|known| *known == text)
                {
                    texts.push(text.into_owned());
                }
            }
        }
    }
    texts
}
