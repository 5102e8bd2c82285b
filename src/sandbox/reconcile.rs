//! Do both ends agree: what forces pushed, what the gateway took, what the charity has.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use super::charity::Seen;

/// What one force's pushes came to.
#[derive(Clone, Debug, Default)]
pub struct Count {
    pub pushed: u64,
    pub accepted: u64,
    pub duplicate: u64,
    pub held: u64,
    pub refused: u64,
}

/// Everything that the forces know.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub by_force: BTreeMap<&'static str, Count>,
    /// Referral and revision of every record that was accepted.
    pub accepted: HashSet<(String, u64)>,
    /// Calls without an answer.
    pub unanswered: u64,
}

impl Book {
    pub fn total(&self) -> Count {
        self.by_force.values().fold(Count::default(), |sum, one| Count {
            pushed: sum.pushed + one.pushed,
            accepted: sum.accepted + one.accepted,
            duplicate: sum.duplicate + one.duplicate,
            held: sum.held + one.held,
            refused: sum.refused + one.refused,
        })
    }

    /// Whether the charity's offender side has exactly what was accepted.
    pub fn all_arrived(&self, seen: &Seen) -> bool {
        self.accepted == seen.offender
    }
}

/// Prints the closing table; true when it adds up.
pub fn print(book: &Book, seen: &Seen, out: &mut impl Write) -> anyhow::Result<bool> {
    writeln!(
        out,
        "\n{:<16}{:>8}{:>10}{:>11}{:>7}{:>9}",
        "force", "pushed", "accepted", "duplicate", "held", "refused"
    )?;
    let total = book.total();
    let rows = book.by_force.iter().map(|(force, count)| (*force, count));
    for (name, count) in rows.chain([("all", &total)]) {
        let Count { pushed, accepted, duplicate, held, refused } = count;
        writeln!(out, "{name:<16}{pushed:>8}{accepted:>10}{duplicate:>11}{held:>7}{refused:>9}")?;
    }
    let consumed = seen.offender.len() as u64;
    let sum = total.accepted + total.duplicate + total.held + total.refused;
    let checks = [
        (
            "pushed = accepted + duplicate + held + refused",
            total.pushed == sum && book.unanswered == 0,
            format!(
                "{} = {} + {} + {} + {}",
                total.pushed, total.accepted, total.duplicate, total.held, total.refused
            ),
        ),
        (
            "accepted = consumed, each id",
            book.all_arrived(seen) && total.accepted == consumed,
            format!("{} = {consumed}", total.accepted),
        ),
        ("victim data seen on the offender queue = 0", seen.leaks == 0, seen.leaks.to_string()),
    ];
    writeln!(out)?;
    for (what, holds, figures) in &checks {
        let mark = if *holds { "ok " } else { "NOT" };
        writeln!(out, "{mark} {what}: {figures}")?;
    }
    writeln!(
        out,
        "    on the victims' side {} messages; {} messages came twice and were dropped by id",
        seen.victim.len(),
        seen.repeated
    )?;
    if book.unanswered > 0 {
        writeln!(out, "    {} calls had no answer", book.unanswered)?;
    }
    Ok(checks.iter().all(|(_, holds, _)| *holds))
}
