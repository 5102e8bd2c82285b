use cara_document::{Limits, decode};
use cara_domain::{Context, Validated, validate, validate_decision};
use cara_mapping::{Plan, compile};

use super::*;
use crate::decision;
use crate::people::People;

fn case(people: &mut People, serial: u64) -> SandboxCase {
    SandboxCase {
        serial: 412_000_000 + serial,
        body: 512_000_000 + serial,
        offender: people.offender(),
        victim: people.victim(),
        written_at: "2026-11-23T09:30:00Z".parse().unwrap(),
        today: jiff::civil::date(2026, 11, 23),
        amended: false,
        twist: Twist::None,
    }
}

fn plan(shape: &RecordShape, file: &str) -> Plan {
    let folder = format!("{}/../../mappings/{}", env!("CARGO_MANIFEST_DIR"), shape.force);
    let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    let open = |name: &str| std::fs::read(format!("{folder}/{name}")).ok();
    compile(file, &text, &open).plan.unwrap()
}

/// What each record of a body is.
fn read(plan: &Plan, body: &str) -> Vec<Validated> {
    let text = decode(body.as_bytes(), plan.encoding()).unwrap();
    let tree = plan.read(&text, &Limits::default()).unwrap();
    assert!(plan.matches(&tree), "{body}");
    let domains = [format!("{}.example", plan.force())];
    let context = Context {
        now: "2026-11-23T09:31:00Z".parse().unwrap(),
        today: jiff::civil::date(2026, 11, 23),
        compliance_domains: &domains,
    };
    let records = plan.records(&tree).into_iter();
    let judged = records.map(|record| {
        let draft = plan.translate(&tree, record).draft;
        match plan.fills() {
            "decision/1" => validate_decision(draft, &context),
            _ => validate(draft, &context),
        }
    });
    judged.collect()
}

/// The codes that stop each record of a body; none: it becomes a referral.
fn judge(plan: &Plan, body: &str) -> Vec<Vec<&'static str>> {
    let codes = read(plan, body).into_iter().map(|read| match read {
        Validated::Referral(_) => Vec::new(),
        Validated::Withdrawal(_) => vec!["withdrawn"],
        Validated::Decision(_) => vec!["decided"],
        Validated::Stopped(stopped) => {
            let stops = stopped.findings.iter().map(|finding| finding.code.name());
            stops.collect()
        }
    });
    codes.collect()
}

#[test]
fn everything_that_is_swapped_stands_in_the_example() {
    let mut people = People::seeded(1);
    for shape in &SHAPES {
        for twist in [Twist::NoBirthDate, Twist::UnlistedCode] {
            for (from, _) in (shape.swaps)(&SandboxCase { twist, ..case(&mut people, 1) }) {
                assert!(shape.example.contains(from), "{}: {from}", shape.force);
            }
        }
    }
}

#[test]
fn good_cases_become_referrals_alone_and_together() {
    let mut people = People::seeded(1);
    for shape in &SHAPES {
        let plan = plan(shape, "referral.toml");
        let cases: Vec<_> = (0..3).map(|serial| case(&mut people, serial)).collect();
        assert_eq!(judge(&plan, &shape.body(&cases[..1])), [vec![""; 0]], "{}", shape.force);
        assert_eq!(judge(&plan, &shape.body(&cases)), vec![vec![""; 0]; 3], "{}", shape.force);
    }
}

#[test]
fn odd_cases_are_stopped_for_their_oddity() {
    let mut people = People::seeded(1);
    for shape in &SHAPES {
        let plan = plan(shape, "referral.toml");
        for (twist, code) in
            [(Twist::NoBirthDate, "missing"), (Twist::UnlistedCode, "unlisted_code")]
        {
            let odd = SandboxCase { twist, ..case(&mut people, 1) };
            let codes = judge(&plan, &shape.body(&[odd]));
            assert!(codes[0].contains(&code), "{}: {codes:?}", shape.force);
        }
    }
}

#[test]
fn nobody_of_the_example_is_left() {
    let mut people = People::seeded(1);
    for shape in &SHAPES {
        let body = shape.body(&[case(&mut people, 1)]);
        for name in [
            "ASHDOWN",
            "Fairwater",
            "Bellweather",
            "Lindqvist",
            "heron",
            "Hexley",
            "KESTREL",
            "LANYON",
            "HAVERING",
            "AMBLER",
            "Fairweather",
            "Quarrington",
        ] {
            assert!(!body.contains(name), "{}: {name}", shape.force);
        }
    }
}

#[test]
fn a_decision_is_about_the_case_that_was_sent() {
    let mut people = People::seeded(1);
    for shape in &SHAPES {
        let sent = case(&mut people, 1);
        let referrals =
            read(&plan(shape, "referral.toml"), &shape.body(std::slice::from_ref(&sent)));
        let decisions =
            read(&plan(shape, "decision.toml"), &decision::varied(shape.force, &sent, 7));
        let ([Validated::Referral(referral)], [Validated::Decision(decision)]) =
            (&referrals[..], &decisions[..])
        else {
            panic!("{}: no referral, or no decision", shape.force)
        };
        assert_eq!(decision.record_ref, referral.source.record_ref, "{}", shape.force);
    }
}
