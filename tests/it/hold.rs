//! How holds end: released, corrected, returned, superseded, withdrawn; each once, told to the force
//! where it is the force's, and never unaccounted.

use std::collections::BTreeMap;

use cara_clock::london_words;
use cara_flow::case::{day, referral};
use cara_flow::hold::cause;
use cara_flow::hold::{clear, list};
use cara_flow::notice::letter;
use cara_flow::{Operator, OrderRefusal, Role, Unfinished, WrongState};
use cara_gateway::cli::words;
use cara_store::HoldEnd;
use cara_wire::api::{Reconciliation, RecordAnswer, RecordStatus};
use cara_wire::operators::hold::HoldCleared;
use serde_json::Value;
use uuid::Uuid;

use crate::house::{House, caller, operator};
use crate::record::{Record, XML, record};
use crate::world::TestGateway;

const START: &str = "2025-09-15T09:00:00Z";
const DEADLINE: &str = "caution.deadline";

fn another() -> Operator {
    Operator { name: "second".to_owned(), ..operator() }
}

impl House {
    /// A record that is held.
    async fn held(&self, record: &Record) -> Uuid {
        let answer = self.push(XML, &record.text()).await.records.remove(0);
        assert_eq!(answer.status, RecordStatus::Held);
        answer.hold_id.unwrap()
    }

    async fn again(&self, record: &Record) -> RecordAnswer {
        self.push(XML, &record.text()).await.records.remove(0)
    }

    async fn correct(
        &self,
        operator: &Operator,
        hold_id: Uuid,
        field: &str,
        values: &[&str],
    ) -> Result<HoldCleared, Unfinished<OrderRefusal>> {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        let because = "the officer rang".to_owned();
        clear::correct_hold(&self.gateway, operator, hold_id, (field, values), because).await
    }

    async fn released(&self, hold_id: Uuid) -> Result<HoldCleared, Unfinished<OrderRefusal>> {
        clear::release(&self.gateway, &operator(), hold_id, "decided".to_owned()).await
    }

    /// `open`, `released` …
    async fn state(&self, hold_id: Uuid) -> String {
        list::hold_show(&self.gateway, &operator(), hold_id, None).await.unwrap().0.state
    }

    /// What the audit chain says: by whom, about what, why.
    fn audited(&self, about: &str) -> Vec<(String, String, String)> {
        let store = rusqlite::Connection::open(self.folder.join("gateway.db")).unwrap();
        let mut select = store.prepare("SELECT fact FROM audit ORDER BY sequence").unwrap();
        let facts = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let facts = facts.map(|fact| serde_json::from_str::<Value>(&fact.unwrap()).unwrap());
        let text = |fact: &Value, name: &str| fact[name].as_str().unwrap_or_default().to_owned();
        facts
            .filter(|fact| {
                text(fact, "operation") != "consultation" && text(fact, "about").contains(about)
            })
            .map(|fact| (text(&fact, "by"), text(&fact, "about"), text(&fact, "note")))
            .collect()
    }

    async fn day(&self, day: &str) -> Reconciliation {
        day::reconciliation(&self.gateway, &caller(), None, day.parse().unwrap()).await.unwrap()
    }

    /// Whether this text stands anywhere in the store's files.
    fn is_on_disk(&self, text: &str) -> bool {
        ["gateway.db", "gateway.db-wal"].iter().any(|name| {
            let bytes = std::fs::read(self.folder.join(name)).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }
}

/// A record that names nobody to call or write to.
fn without_contact(number: u64) -> Record {
    record(number)
        .with("<p:Contact type=\"MOB\">07700 900417</p:Contact>", "")
        .with("<p:Contact type=\"EML\">gideon.ocb@mail.example</p:Contact>", "")
}

#[tokio::test]
async fn a_correction_lets_the_record_go_on_and_the_force_is_told() {
    let house = House::at(START).await;
    let hold_id = house.held(&record(1).faulty()).await;
    let went = house.correct(&operator(), hold_id, DEADLINE, &["2025-12-19"]).await.unwrap();
    assert_eq!((went.record.status, went.record.revision), (RecordStatus::Accepted, Some(1)));
    let referral_id = went.record.referral_id.unwrap();
    assert_eq!(house.state(hold_id).await, "corrected");
    let sent = house.confirm(2).await;
    let bodies: Vec<Value> =
        sent.iter().map(|event| serde_json::from_slice(event.body()).unwrap()).collect();
    let deadlines = bodies.iter().filter_map(|it| it["data"]["caution"]["deadline"].as_str());
    assert_eq!(deadlines.collect::<Vec<_>>(), ["2025-12-19"]);
    let notice = house.notices().await.remove(0);
    assert_eq!((notice.sequence, notice.kind.as_str()), (1, "record_corrected"));
    assert_eq!(notice.referral_id, Some(referral_id));
    let content = notice.content;
    assert_eq!(content.reason.as_deref(), Some(DEADLINE));
    assert_eq!(content.evidence_ref, Some(hold_id));
    assert_eq!(content.record_ref, Some(record(1).record_ref));
    let about = format!("hold {hold_id} corrected {DEADLINE}");
    assert_eq!(
        house.audited("corrected"),
        [("ops".to_owned(), about, "the officer rang".to_owned())]
    );
    assert!(!house.is_on_disk("2025-12-19T") && house.is_on_disk(DEADLINE));
    // The corrected revision is as any other: its letters go out, outcomes arrive.
    house.report(referral_id, 1, "accepted", serde_json::json!({})).await;
    assert_eq!(house.kinds().await, ["record_corrected", "accepted"]);
}

#[tokio::test]
async fn the_same_faulty_bytes_again_are_the_corrected_revision_while_it_is_the_latest() {
    let house = House::at(START).await;
    let faulty = record(1).faulty();
    let hold_id = house.held(&faulty).await;
    let went = house.correct(&operator(), hold_id, DEADLINE, &["2025-12-19"]).await.unwrap();
    for _ in 0..2 {
        let same = house.again(&faulty).await;
        assert_eq!((same.status, same.revision), (RecordStatus::Duplicate, Some(1)));
        assert_eq!(same.referral_id, went.record.referral_id);
    }
    // Other faulty bytes of the case are held; a good record is the next revision.
    let other = house.again(&record(1).faulty().wording(2)).await;
    assert_eq!(other.status, RecordStatus::Held);
    let good = house.again(&record(1).wording(3)).await;
    assert_eq!((good.status, good.revision), (RecordStatus::Accepted, Some(2)));
    assert_eq!(house.again(&faulty).await.status, RecordStatus::Held);
}

#[tokio::test]
async fn what_a_rule_held_and_a_person_released_opens_no_second_hold() {
    let house = House::at(START).await;
    let high = record(1).with("<RiskGrade>STD", "<RiskGrade>HIGH");
    let hold_id = house.held(&high).await;
    let went = house.released(hold_id).await.unwrap().record;
    assert_eq!((went.status, went.revision), (RecordStatus::Accepted, Some(1)));
    assert!(went.flags.iter().any(|flag| flag.name == "rule_flag"), "{went:?}");
    let same = house.again(&high).await;
    assert_eq!((same.status, same.referral_id), (RecordStatus::Duplicate, went.referral_id));
}

#[tokio::test]
async fn a_correction_that_does_not_clear_the_hold_changes_nothing() {
    let house = House::at(START).await;
    let hold_id = house.held(&record(1).faulty().unlisted()).await;
    let still = house.correct(&operator(), hold_id, DEADLINE, &["2025-12-19"]).await.unwrap();
    let codes = |record: &RecordAnswer| {
        assert_eq!((record.status, record.hold_id), (RecordStatus::Held, Some(hold_id)));
        record.violations.iter().map(|it| it.code.clone()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&still.record), ["V201", "V203"]);
    let before = house.correct(&operator(), hold_id, DEADLINE, &["2025-09-01"]).await.unwrap();
    assert_eq!(codes(&before.record), ["V201", "V203", "V403"]);
    assert_eq!(house.state(hold_id).await, "open");
    assert!(house.notices().await.is_empty() && house.audited("corrected").is_empty());
    assert!(house.confirm(1).await.is_empty());
}

/// A later version of a known case: the next revision, or what is there already.
#[tokio::test]
async fn a_corrected_version_of_a_known_case_is_its_next_revision_or_the_one_it_has() {
    let house = House::at(START).await;
    let referral_id = house.refer(&record(1).text()).await;
    let amended = house.held(&record(1).wording(2).faulty()).await;
    let went = house.correct(&operator(), amended, DEADLINE, &["2025-12-19"]).await.unwrap().record;
    assert_eq!((went.status, went.revision), (RecordStatus::Accepted, Some(2)));
    let same =
        house.held(&record(1).wording(2).with("<TimeBar>", "<Grade/><TimeBar>").faulty()).await;
    let went = house.correct(&operator(), same, DEADLINE, &["2025-12-19"]).await.unwrap().record;
    assert_eq!((went.status, went.revision), (RecordStatus::Duplicate, Some(2)));
    assert_eq!(house.state(same).await, "corrected");
    let told: Vec<_> =
        house.notices().await.into_iter().map(|it| it.content.evidence_ref).collect();
    assert_eq!(told, [Some(amended), Some(same)]);
    let view = referral::referral(&house.gateway, &caller(), referral_id).await.unwrap();
    assert_eq!(view.revisions.len(), 2);
}

#[tokio::test]
async fn a_withdrawal_has_nothing_to_correct_and_is_released_or_given_back() {
    let house = House::at(START).await;
    let hold_id = house.held(&record(1).withdrawn()).await;
    let refused = house.correct(&operator(), hold_id, DEADLINE, &["2025-12-19"]).await;
    assert!(matches!(refused, Err(Unfinished::Refused(OrderRefusal::Barred(_)))), "{refused:?}");
    house.released(hold_id).await.unwrap();
    assert_eq!(house.state(hold_id).await, "released");
    assert_eq!(house.audited(&format!("hold {hold_id} ")).len(), 1);
    assert!(house.confirm(1).await.is_empty());
}

/// The correction of a field that a rule asks about asks the rule again.
#[tokio::test]
async fn the_rules_judge_the_corrected_value() {
    let house = House::at(START).await;
    let foreign = record(1).with("<OccurrenceNumber>44", "<OccurrenceNumber>13").faulty();
    let hold_id = house.held(&foreign).await;
    let field = "case.occurrence_number";
    let still = house.correct(&operator(), hold_id, field, &["44000000001"]).await.unwrap();
    assert!(still.record.flags.is_empty(), "{still:?}");
    let went = house.correct(&operator(), hold_id, DEADLINE, &["2025-12-19"]).await.unwrap();
    let flags: Vec<_> = went.record.flags.iter().map(|flag| flag.name.as_str()).collect();
    assert_eq!(flags, ["rule_flag"]);
}

#[tokio::test]
async fn how_the_offender_is_reached_is_corrected_by_two_operators() {
    let house = House::at(START).await;
    let hold_id = house.held(&without_contact(1)).await;
    let ask = |who: Operator, number: &'static str| {
        let house = &house;
        async move {
            let asked = house.correct(&who, hold_id, "offender.phones", &[number]).await.unwrap();
            (asked.waits_after, asked.record.status)
        }
    };
    let waits = |who: &str| (Some(who.to_owned()), RecordStatus::Held);
    assert_eq!(ask(operator(), "07700 900111").await, waits("ops"));
    assert_eq!(ask(operator(), "07700 900111").await, waits("ops"));
    assert_eq!(ask(another(), "07700 900222").await, waits("second"));
    assert_eq!(house.state(hold_id).await, "open");
    assert_eq!(ask(operator(), "07700 900111").await, waits("ops"));
    assert!(house.notices().await.is_empty());
    assert!(!house.is_on_disk("900111") && !house.is_on_disk("900222"));
    assert_eq!(ask(another(), "07700 900111").await, (None, RecordStatus::Accepted));
    let facts = house.audited(&format!("hold {hold_id} corrected"));
    let (by, _, note) = &facts[0];
    assert_eq!((by.as_str(), note.as_str()), ("second", "the officer rang (asked first by ops)"));
    assert_eq!(house.audited("waits for a second operator").len(), 4);
    assert!(!house.is_on_disk("900111"));
}

#[tokio::test]
async fn where_one_operator_may_do_everything_one_is_enough() {
    let house = House::alone_at(START).await;
    let hold_id = house.held(&without_contact(1)).await;
    let phones = ["07700 900111", "01632 960222"];
    let went = house.correct(&operator(), hold_id, "offender.phones", &phones).await.unwrap();
    assert_eq!((went.waits_after, went.record.status), (None, RecordStatus::Accepted));
    let sent = house.confirm(2).await;
    let body = sent.iter().map(|event| String::from_utf8_lossy(event.body()).into_owned());
    assert!(body.collect::<String>().contains("900111"));
}

#[tokio::test]
async fn what_may_not_be_corrected_is_refused_and_changes_nothing() {
    let house = House::at(START).await;
    let hold_id = house.held(&record(1).unlisted()).await;
    for (field, value) in [
        ("risk.grade", "standard"),
        ("victim.family_name", "Vane"),
        ("source.record_ref", "44/1"),
        ("offender.shoe_size", "9"),
        ("offences[9].title", "Assault"),
        ("officer.phone", "no number"),
    ] {
        let refused = house.correct(&operator(), hold_id, field, &[value]).await.unwrap_err();
        assert!(
            matches!(refused, Unfinished::Refused(OrderRefusal::Barred(_))),
            "{field}: {refused}"
        );
        assert!(!refused.to_string().contains(value), "{refused}");
    }
    let looks = Operator { role: Role::Look, ..operator() };
    let refused = house.correct(&looks, hold_id, DEADLINE, &["2025-12-19"]).await;
    assert!(matches!(refused, Err(Unfinished::Refused(OrderRefusal::Forbidden))));
    let refused = clear::return_hold(&house.gateway, &looks, hold_id, "x".into()).await;
    assert!(matches!(refused, Err(Unfinished::Refused(OrderRefusal::Forbidden))));
    let refused = clear::return_hold(&house.gateway, &operator(), hold_id, " ".into()).await;
    assert!(matches!(
        refused,
        Err(Unfinished::Refused(OrderRefusal::Parameter { name: "because" }))
    ));
    assert_eq!(house.state(hold_id).await, "open");
}

#[tokio::test]
async fn a_record_given_back_is_told_with_codes_and_fields_and_once() {
    let house = House::at(START).await;
    let faulty = record(1).faulty().unlisted();
    let hold_id = house.held(&faulty).await;
    let ops = operator();
    let back = || clear::return_hold(&house.gateway, &ops, hold_id, "no such grade".to_owned());
    let both = tokio::join!(back(), back());
    assert_eq!(u8::from(both.0.is_ok()) + u8::from(both.1.is_ok()), 1);
    assert!(matches!(
        back().await,
        Err(Unfinished::Refused(OrderRefusal::WrongState(WrongState::HoldEnded(
            HoldEnd::Returned
        ))))
    ));
    let notices = house.notices().await;
    assert_eq!((notices.len(), notices[0].kind.as_str()), (1, "record_returned"));
    let content = &notices[0].content;
    assert_eq!(content.reason.as_deref(), Some("V201:risk.grade V101:caution.deadline"));
    assert_eq!(content.evidence_ref, Some(hold_id));
    assert_eq!(content.record_ref, Some(record(1).record_ref));
    assert_eq!((notices[0].referral_id, content.happened_on), (None, house.clock.today()));
    let letter =
        letter::next_letter(&house.gateway, &caller(), Default::default()).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&letter.body).contains("REC-RET"));
    // It is the force's now: the same bytes again are a new question.
    assert_ne!(house.held(&faulty).await, hold_id);
}

/// Listing the code that held a record decides nothing about a rule that its meaning then breaks.
#[tokio::test]
async fn a_rule_that_nobody_has_looked_at_still_holds_what_a_new_row_let_go() {
    let house = House::alone_at(START).await;
    let hold_id = house.held(&record(1).unlisted()).await;
    let mut listed = crate::golive::with_grade(&house).await;
    listed.text = listed.text.replace("\"XHI\" = \"medium\"", "\"XHI\" = \"high\"");
    crate::golive::go(&house, &operator(), listed).await.unwrap();
    let cause = async || {
        let causes = cause::hold_causes(&house.gateway, &operator(), None).await.unwrap().causes;
        words::reasons(&causes[0].reasons)
    };
    assert_eq!(cause().await, "risk grade: XHI");
    let still = house.released(hold_id).await.unwrap().record;
    let codes: Vec<_> = still.violations.iter().map(|it| it.code.as_str()).collect();
    assert_eq!((still.status, codes.as_slice()), (RecordStatus::Held, &["V203"][..]));
    assert_eq!(cause().await, "rule: Risk grade this force refers");
    let went = house.released(hold_id).await.unwrap().record;
    assert_eq!(went.status, RecordStatus::Accepted);
    assert!(went.flags.iter().any(|flag| flag.name == "rule_flag"));
}

#[tokio::test]
async fn two_releases_at_the_same_instant_send_one_message() {
    let house = House::at(START).await;
    let hold_id = house.held(&record(1).with("<RiskGrade>STD", "<RiskGrade>HIGH")).await;
    let both = tokio::join!(house.released(hold_id), house.released(hold_id));
    let accepted = [&both.0, &both.1].into_iter().filter(|it| it.is_ok()).count();
    assert_eq!(accepted, 1, "{both:?}");
    let late = if both.0.is_ok() { both.1 } else { both.0 };
    assert!(
        matches!(
            late,
            Err(Unfinished::Refused(OrderRefusal::WrongState(WrongState::HoldEnded(
                HoldEnd::Released
            ))))
        ),
        "{late:?}"
    );
    let kinds: Vec<_> = house.confirm(3).await.iter().map(|it| it.header().kind).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    assert_eq!(house.audited(&format!("hold {hold_id} released")).len(), 1);
}

#[tokio::test]
async fn holds_are_grouped_by_what_they_wait_for() {
    let house = House::at(START).await;
    house.held(&record(1).faulty()).await;
    house.pass(24);
    let first = house.held(&record(2).unlisted()).await;
    house.pass(1);
    house.held(&record(3).unlisted()).await;
    house.held(&record(4).unlisted().faulty()).await;
    house.held(&record(5).with("<RiskGrade>STD", "<RiskGrade>rather high indeed")).await;
    house.held(&record(6).with("<RiskGrade>STD", "<RiskGrade>HIGH")).await;
    let causes = cause::hold_causes(&house.gateway, &operator(), None).await.unwrap().causes;
    let lines: Vec<_> = causes
        .iter()
        .map(|it| {
            let since = london_words(it.since, house.clock.today());
            let reasons = words::reasons(&it.reasons);
            format!("{reasons} × {} since {since}, {}", it.count, it.force)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    let like = cause::holds_like(&house.gateway, &operator(), first).await.unwrap();
    assert_eq!((like.hold_ids.len(), like.hold_ids[0]), (2, first));
    assert_eq!(
        (like.mapping.name.as_str(), like.mapping.version, like.queues.as_slice()),
        ("referral", 1, &["cara.intake.harbour".to_owned()][..])
    );
    assert!(house.is_on_disk("hold list by cause"), "looking is in the audit chain");
    let other = cause::hold_causes(&house.gateway, &operator(), Some("kent")).await;
    assert!(matches!(other, Err(Unfinished::Refused(OrderRefusal::Parameter { name: "force" }))));
}

/// Walks every end of a hold: each is in the audit chain once, and on the day's reconciliation; held
/// is open and ended, by kind.
#[tokio::test]
async fn nothing_leaves_a_hold_unaccounted() {
    let house = House::at(START).await;
    let mut holds = BTreeMap::new();
    for number in 1..=7u64 {
        let record = record(number).faulty();
        let record =
            if number == 1 { record.with("<RiskGrade>STD", "<RiskGrade>HIGH") } else { record };
        holds.insert(number, house.held(&record).await);
    }
    let rule = house.held(&record(8).with("<RiskGrade>STD", "<RiskGrade>HIGH")).await;
    house.released(rule).await.unwrap();
    house.correct(&operator(), holds[&2], DEADLINE, &["2025-12-19"]).await.unwrap();
    clear::return_hold(&house.gateway, &operator(), holds[&3], "no deadline".into()).await.unwrap();
    house.again(&record(4)).await;
    house.again(&record(5).withdrawn()).await;
    let ends = [
        (rule, "released", "ops"),
        (holds[&2], "corrected", "ops"),
        (holds[&3], "returned", "ops"),
        (holds[&4], "superseded", "hampshire-records"),
        (holds[&5], "withdrawn", "hampshire-records"),
    ];
    let today = house.day("2025-09-15").await;
    for (hold_id, end, by) in ends {
        assert_eq!(house.state(hold_id).await, end);
        assert_eq!(today.ids[end], [hold_id], "{today:?}");
        let facts = house.audited(&format!("hold {hold_id} {end}"));
        assert_eq!((facts.len(), facts[0].0.as_str()), (1, by), "{facts:?}");
    }
    let counted = |names: &[&str]| {
        let counts = names.iter().map(|name| today.counts.get(*name).copied().unwrap_or(0));
        counts.sum::<u64>()
    };
    let ended = ["released", "corrected", "returned", "superseded", "withdrawn"];
    assert_eq!((counted(&["held"]), counted(&ended)), (3, 5));
    let opened = house.audited("hold ").into_iter().filter(|it| it.1.split(' ').count() == 2);
    assert_eq!(opened.count(), 8);
    // What came yesterday and ends today is on both days.
    house.pass(24);
    clear::return_hold(&house.gateway, &operator(), holds[&6], "no deadline".into()).await.unwrap();
    house.again(&record(7)).await;
    let (before, today) = (house.day("2025-09-15").await, house.day("2025-09-16").await);
    assert_eq!(
        (before.counts["held"], before.counts["returned"], before.counts["superseded"]),
        (1, 2, 2)
    );
    assert_eq!(today.ids["earlier_returned"], [holds[&6]]);
    assert_eq!(today.ids["earlier_superseded"], [holds[&7]]);
    assert!(!today.counts.contains_key("held"));
}

/// The commands, as an operator types them.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_correct_a_record_and_give_one_back() {
    let gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    let mut held = Vec::new();
    for record in [record(1).faulty(), without_contact(2), record(3).unlisted()] {
        let answer = force.post(XML, record.text()).await;
        held.push(answer.record(0)["hold_id"].as_str().unwrap().to_owned());
    }
    let check = |arguments: &[&str], good: bool, expected: &str| {
        let arguments = [&["hold"], arguments, &["--because", "the officer rang"]].concat();
        let output = gateway.command(&arguments);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(text.contains(expected), "{text}");
        assert_eq!(output.status.success(), good, "{text}");
    };
    let only_theirs = "rests on evidence that only the force has";
    check(&["correct", &held[0], "risk.grade", "standard"], false, only_theirs);
    check(&["correct", &held[0], DEADLINE, "soon"], false, "written YYYY-MM-DD");
    check(&["correct", &held[0], DEADLINE, "-"], false, "an empty value");
    check(&["correct", &held[0], DEADLINE, "2025-09-01"], false, "V403 violation");
    check(&["correct", &held[0], DEADLINE, "2025-12-19"], true, "released as referral");
    check(&["correct", &held[0], DEADLINE, "2025-12-19"], false, "already corrected");
    let phone = ["correct", &held[1], "offender.phones", "07700 900111"];
    check(&phone, false, "waits for a second operator");
    check(&["return", &held[2]], true, "given back to the force");
    let notices = force.get("/v1/notices?after=0").await;
    let notices = notices.body["notices"].as_array().unwrap();
    let kinds: Vec<_> = notices.iter().map(|notice| notice["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["record_corrected", "record_returned"]);
    assert!(!gateway.log().contains("900111"));
}
