//! The tests inside a mapping and what they reach.

use cara_mapping::{compile, trial};

use super::{BASE, FULL};

/// The report of the base with some pieces replaced.
fn report(changes: &[(&str, &str)]) -> String {
    let mut text = BASE.to_owned();
    for (right, wrong) in changes {
        assert_eq!(text.matches(right).count(), 1, "{right}");
        text = text.replace(right, wrong);
    }
    let high = FULL.replace("\"STD\"", "\"HIGH\"");
    let two_victims = FULL.replace("<Bond", "<Person role=\"V\" id=\"P19\"/><Bond");
    let open = |name: &str| match name {
        "full.xml" => Some(FULL.as_bytes().to_vec()),
        "high.xml" => Some(high.clone().into_bytes()),
        "two.xml" => Some(two_victims.clone().into_bytes()),
        "none.xml" => Some(b"<Export/>".to_vec()),
        "broken.xml" => Some(b"<Export>".to_vec()),
        _ => None,
    };
    let compiled = compile("referral.toml", &text, &open);
    trial::run(&compiled.plan.unwrap(), &open).to_string()
}

#[test]
fn a_passing_test_and_everything_that_it_does_not_reach() {
    insta::assert_snapshot!(report(&[]));
}

#[test]
fn a_second_test_reaches_the_rules_other_branch_and_one_more_row() {
    let second = "[[test]]\nname = \"a high-risk case\"\ngiven_file = \"high.xml\"\n\
        expect.outcome = \"held\"\nexpect.violations = [\"rule\"]\nexpect.flags = [\"V301\"]\n\n[[test]]";
    insta::assert_snapshot!(report(&[("[[test]]", second)]));
}

#[test]
fn a_failing_test_tells_every_difference() {
    insta::assert_snapshot!(report(&[
        (
            "expect.outcome = \"accepted\"",
            "expect.outcome = \"refused\"\nexpect.violations = [\"missing\"]"
        ),
        ("[\"Peter\", \"Ian\"]", "[\"Peter\"]"),
    ]));
}

#[test]
fn a_record_that_is_not_for_the_mapping_or_cannot_be_read_fails_its_test() {
    for (file, what) in [("none.xml", "`record` finds nothing"), ("broken.xml", "cannot be read")] {
        let report = report(&[("\"full.xml\"", &format!("\"{file}\""))]);
        assert!(report.contains(what), "{report}");
    }
}

#[test]
fn a_flag_is_compared_by_its_whole_name() {
    // `unreadable` is no flag here, though `unreadable_mandatory` begins like it.
    let report =
        report(&[("expect.outcome =", "expect.flags = [\"unreadable\"]\nexpect.outcome =")]);
    assert!(report.contains("flags were not_recorded risk.serving_community_order"), "{report}");
}

#[test]
fn several_victims_are_a_hold_by_a_name_of_its_own() {
    let held = "expect.outcome = \"held\"\nexpect.violations = [\"several_victims\"]";
    let report =
        report(&[("\"full.xml\"", "\"two.xml\""), ("expect.outcome = \"accepted\"", held)]);
    assert!(report.starts_with("1 tests passed, 0 failed"), "{report}");
}

#[test]
fn a_test_can_be_another_with_a_text_replaced() {
    let with = |like: &str, change: &str, outcome: &str| {
        let text = format!(
            "{BASE}\n[[test]]\nname = \"a high-risk case\"\nsame_as = \"{like}\"\n\
             change = {change}\nexpect.outcome = \"{outcome}\"\n"
        );
        let open = |name: &str| (name == "full.xml").then(|| FULL.as_bytes().to_vec());
        let compiled = compile("referral.toml", &text, &open);
        let told: Vec<_> = compiled.diagnostics.iter().map(|it| it.render()).collect();
        let report = compiled.plan.map(|plan| trial::run(&plan, &open).to_string());
        (told.join("\n"), report.unwrap_or_default())
    };
    let like = "a full case".to_owned();
    let (told, report) = with(&like, "{ '\"STD\"' = '\"HIGH\"' }", "held");
    assert_eq!(told, "");
    assert!(report.starts_with("2 tests passed, 0 failed"), "{report}");
    let (_, report) = with(&like, "{ '\"MEDIUM\"' = '\"HIGH\"' }", "held");
    assert!(report.contains("the record does not hold \"\"MEDIUM\"\""), "{report}");
    let (_, report) = with(&like, "{ '<' = '>' }", "held");
    assert!(report.contains("times"), "{report}");
    let (told, _) = with(&format!("{like}x"), "{ a = \"b\" }", "held");
    assert!(told.contains("no test before this one") && told.contains(&like), "{told}");
    let (told, _) = with(&like, "{ a = 1 }", "held");
    assert!(told.contains("replaces one text by another"), "{told}");
}
