//! The closing table: does everything add up?

use std::fmt::Write as _;

use super::endpoint;
use super::ledger::{ForceTally, Pages};

/// The table, and whether it adds up.
pub fn table(pages: &Pages) -> (String, bool) {
    let mut text = String::new();
    let mut row = |name: &str, told: &ForceTally| {
        let ForceTally { pushed, accepted, duplicates, held, refused } = told;
        let _infallible = writeln!(
            text,
            "  {name:<18}{pushed:>8}{accepted:>10}{duplicates:>14}{held:>7}{refused:>9}"
        );
    };
    for (force, told) in &pages.told {
        row(force, told);
    }
    let total = pages.all_told();
    row("together", &total);
    let head = "  records             pushed  accepted  (duplicates)   held  refused\n";
    let checks = checks(pages, &total);
    let adds_up = checks.iter().all(|(holds, _)| *holds);
    let checks: Vec<_> = checks
        .iter()
        .map(|(holds, what)| format!("  {} {what}", if *holds { "ok   " } else { "WRONG" }))
        .collect();
    let verdict = if adds_up { "It adds up." } else { "IT DOES NOT ADD UP." };
    let again = match pages.seen.again {
        0 => String::new(),
        again => format!("  ({again} messages came more than once, which is allowed)\n"),
    };
    let text = format!("Reconciliation\n{head}{text}\n{}\n{again}\n{verdict}", checks.join("\n"));
    (text, adds_up)
}

/// What has to hold, each with its numbers.
fn checks(pages: &Pages, total: &ForceTally) -> [(bool, String); 12] {
    let (promised, consumed) = (pages.accepted.len(), pages.consumed());
    let missing_victims = pages.missing_victims();
    let seen = &pages.seen;
    let back = &pages.way_back;
    let known = back.promised.intersection(&back.read).count();
    [
        (
            total.is_even(),
            format!(
                "pushed {} = accepted {} + held {} + refused {}",
                total.pushed, total.accepted, total.held, total.refused
            ),
        ),
        (
            promised == consumed,
            format!("referral revisions accepted {promised} = consumed {consumed}"),
        ),
        (
            missing_victims == 0,
            format!("referrals without a message on the victim queue = {missing_victims}"),
        ),
        (seen.leaks == 0, format!("victim data seen on the offender queue = {}", seen.leaks)),
        (seen.unreadable == 0, format!("messages against the contract = {}", seen.unreadable)),
        (
            back.missing() == 0,
            format!(
                "outcomes reported {}, to be told {} = read by their force {known}",
                back.reported.len(),
                back.promised.len()
            ),
        ),
        (back.gaps == 0, format!("numbers missing between notices = {}", back.gaps)),
        (
            back.missing_letters() == 0,
            format!(
                "letters pushed to {} {} of {}, its endpoint down {} times",
                endpoint::FORCE,
                back.pushed.intersection(&back.letters).count(),
                back.pushed.len(),
                back.times_down
            ),
        ),
        (
            seen.decisions.len() == pages.decided.len(),
            format!(
                "decisions accepted {} = told to the charity {}",
                pages.decided.len(),
                seen.decisions.len()
            ),
        ),
        (
            seen.prompts == pages.prompts_due(),
            format!(
                "prompts due to victim workers {} = read {}",
                pages.prompts_due(),
                seen.prompts
            ),
        ),
        (back.rejected == 0, format!("outcomes that could not be applied = {}", back.rejected)),
        (total.accepted > 0, "something was accepted".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn even() -> Pages {
        let mut pages = Pages::default();
        let told = ForceTally { pushed: 5, accepted: 3, duplicates: 1, held: 1, refused: 1 };
        pages.told.insert("hampshire", told);
        for number in 1..=2 {
            let id = Uuid::from_u128(number);
            pages.accepted.insert((id, 1));
            pages.seen.referrals.insert((id, 1));
            pages.seen.victims.insert(id);
        }
        pages
    }

    #[test]
    fn an_even_ledger_adds_up() {
        let (text, adds_up) = table(&even());
        assert!(adds_up, "{text}");
    }

    #[test]
    fn whatever_is_wrong_is_found() {
        let spoil: [fn(&mut Pages); 11] = [
            |pages| {
                pages.way_back.pushed.insert(Uuid::from_u128(9));
            },
            |pages| {
                pages.decided.insert(Uuid::from_u128(9));
                pages.seen.prompts = 1;
            },
            |pages| pages.way_back.prompts_due = 1,
            |pages| {
                pages.way_back.promised.insert(Uuid::from_u128(9));
            },
            |pages| pages.way_back.gaps = 1,
            |pages| pages.way_back.rejected = 1,
            |pages| pages.told.entry("hampshire").or_default().pushed += 1,
            |pages| {
                pages.accepted.insert((Uuid::from_u128(3), 1));
            },
            |pages| pages.seen.victims.clear(),
            |pages| pages.seen.leaks = 1,
            |pages| pages.seen.unreadable = 1,
        ];
        for (index, spoil) in spoil.into_iter().enumerate() {
            let mut pages = even();
            spoil(&mut pages);
            let (text, adds_up) = table(&pages);
            assert!(!adds_up && text.contains("WRONG"), "{index}: {text}");
        }
        assert!(!table(&Pages::default()).1, "nothing done is not done well");
    }
}
