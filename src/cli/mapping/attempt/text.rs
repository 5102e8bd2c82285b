//! What `mapping try` says to a person.

use std::io::{self, Write};
use std::path::Path;

use cara_domain::Finding;
use cara_mapping::Plan;
use cara_mapping::trace::{By, TraceLine};

use super::{Taken, Tried, judged, kind, sorted};

pub(super) fn write(record: &Path, tried: &Tried, out: &mut impl Write) -> io::Result<()> {
    for diagnostic in &tried.diagnostics {
        writeln!(out, "{}", diagnostic.render())?;
    }
    for problem in &tried.problems {
        writeln!(out, "{problem}")?;
    }
    let Some(Taken { mapping, plan, attempts }) = &tried.taken else { return Ok(()) };
    writeln!(out, "{} with {}", record.display(), mapping.display())?;
    for (number, attempt) in (1..).zip(attempts) {
        let judged = judged(&attempt.validated);
        let (of, line, outcome) = (attempts.len(), attempt.body_line, judged.outcome);
        writeln!(out, "\nrecord {number} of {of}, from line {line}: {outcome}")?;
        if let Some(content) = judged.content {
            writeln!(out, "{content:#}")?;
        }
        findings(plan, judged.findings, out)?;
        for (field, code) in &attempt.unlisted {
            writeln!(out, "  not listed: \"{code}\" for {field}")?;
        }
        trace(&attempt.lines, out)?;
    }
    Ok(())
}

fn findings(plan: &Plan, findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    for finding in sorted(findings) {
        let page = finding.code.page();
        let field = if finding.field.is_empty() { "the record" } else { &finding.field };
        write!(out, "  {} {} {}: {field}", kind(finding), page.id, page.name)?;
        if let Some(origin) = finding.origin {
            write!(out, " from {}", plan.path_text(origin))?;
        }
        if let Some(line) = finding.line {
            write!(out, " (line {line})")?;
        }
        if let Some(named) = &finding.named {
            write!(out, " by \"{named}\"")?;
        }
        if let Some(letter) = finding.expected_letter {
            write!(out, ", the letter {letter} would be right")?;
        }
        writeln!(out)?;
        writeln!(out, "      {}", page.fix)?;
    }
    Ok(())
}

/// The longest path that the column of paths makes room for.
const PATH_WIDTH_MAX: usize = 48;

/// Where every field came from: field, line of the mapping, line of the record, source path, the
/// text as read, and what each step made of it.
fn trace(lines: &[TraceLine], out: &mut impl Write) -> io::Result<()> {
    let rows: Vec<[String; 5]> = lines.iter().map(row).collect();
    let titles = ["field", "mapping", "record", "from", "as read, then what each step makes of it"];
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.chain([titles[column].len()]).max().unwrap_or(0)
    };
    let (field, mapping, from) = (width(0), width(1), width(3).min(PATH_WIDTH_MAX));
    writeln!(out)?;
    let titles = titles.map(str::to_owned);
    for [a, b, c, d, e] in [&titles].into_iter().chain(&rows) {
        writeln!(out, "  {a:field$}  {b:>mapping$}  {c:>6}  {d:from$}  {e}")?;
    }
    Ok(())
}

fn row(line: &TraceLine) -> [String; 5] {
    let spot = &line.mapping_spot;
    let mapping = match &spot.base {
        Some(base) => format!("{base}:{}", spot.line),
        None => spot.line.to_string(),
    };
    let from = match &line.source_path {
        Some(path) => path.clone(),
        None => "nothing found".to_owned(),
    };
    let at = line.record_line.map(|line| line.to_string()).unwrap_or_default();
    [line.field.clone(), mapping, at, from, steps(line)]
}

/// `so149zz → postcode: SO14 9ZZ`
fn steps(line: &TraceLine) -> String {
    let mut shown = String::new();
    for made in &line.made {
        let texts = made.texts.join(" | ");
        match &made.by {
            By::Reading => shown.push_str(&texts),
            By::Shape => shown.push_str(&format!(" → {texts}")),
            by => shown.push_str(&format!(" → {by}: {texts}")),
        }
    }
    if let Some(by) = &line.stuck_at {
        let step = if *by == By::Shape { "the field".to_owned() } else { by.to_string() };
        shown.push_str(&format!(" → {step}: cannot take it"));
    } else if line.value.is_empty() && !line.made.is_empty() {
        shown.push_str("  (not filled)");
    }
    if shown.is_empty() { "–".to_owned() } else { shown }
}
