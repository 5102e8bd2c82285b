//! A mapping goes live in a running gateway: refused when it is bad, tried on what is kept, swapped
//! without a record failing, rolled back; what can get somebody hurt needs two operators.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cara_flow::case::referral;
use cara_flow::hold::clear;
use cara_flow::mapping::golive;
use cara_flow::{Operator, OrderRefusal, Role, Unfinished};
use cara_gateway::cli::words;
use cara_wire::api::RecordStatus;
use cara_wire::operators::mapping::{Candidate, CandidateAnswer, CandidateSeen};
use serde_json::Value;

use crate::house::{House, operator};
use crate::record::{XML, record};
use crate::world::TestGateway;

const START: &str = "2025-09-15T09:00:00Z";

/// What is live of hampshire's file with a change, and its examples.
pub async fn candidate(house: &House, change: impl Fn(String) -> String) -> Candidate {
    Candidate {
        force: "hampshire".to_owned(),
        name: "referral".to_owned(),
        text: change(house.live_text("referral").await),
        files: examples(),
        because: "the export changed".to_owned(),
        uncovered: None,
        dry_run: false,
        seen: None,
        records: None,
        reveal: false,
    }
}

fn examples() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/hampshire/examples");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("examples/{}", path.file_name().unwrap().to_str().unwrap());
        files.insert(name, std::fs::read(path).unwrap());
    }
    files
}

/// Replaces a text that must be there, its first occurrence.
pub fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the mapping no longer holds {from}");
    text.replacen(from, to, 1)
}

/// A row for the grade that holds the test's records.
pub fn add_grade(text: String) -> String {
    let row = "[lookup.\"risk grade\"]\n";
    with(&text, row, &format!("{row}\"XHI\" = \"medium\"\n"))
}

/// What concerns nobody's safety.
pub fn squeeze_unit(text: String) -> String {
    let line = "officer.unit             = { from = \"Officer/Unit\" }";
    with(&text, line, &line.replace(" }", ", apply = [\"squeeze spaces\"] }"))
}

/// The new grade, and why no test has it.
pub async fn with_grade(house: &House) -> Candidate {
    let candidate = candidate(house, add_grade).await;
    Candidate { uncovered: Some("the example is on its way".to_owned()), ..candidate }
}

pub fn another() -> Operator {
    Operator { name: "second".to_owned(), ..operator() }
}

/// As the command does it: tried, seen, put live.
pub async fn go(
    house: &House,
    operator: &Operator,
    candidate: Candidate,
) -> Result<CandidateAnswer, Unfinished<OrderRefusal>> {
    let tried = Candidate { dry_run: true, ..candidate.clone() };
    let tried = golive::go_live(&house.gateway, operator, tried).await?;
    if candidate.dry_run {
        return Ok(tried);
    }
    let seen = Some(tried.seen);
    golive::go_live(&house.gateway, operator, Candidate { seen, ..candidate }).await
}

#[tokio::test]
async fn an_unlisted_code_is_listed_activated_and_what_it_held_goes_on() {
    let mut house = House::alone_at(START).await;
    let held = house.push(XML, &record(1).unlisted().text()).await;
    assert_eq!(held.records[0].status, RecordStatus::Held);
    house.refer(&record(2).text()).await;
    // Held as well, and for something that the new row does not mend.
    let faulty = house.push(XML, &record(3).unlisted().faulty().text()).await;
    assert!(faulty.records[0].hold_id.is_some(), "{faulty:?}");
    let went = go(&house, &operator(), with_grade(&house).await).await.unwrap();
    assert_eq!(went.version, Some(2));
    assert_eq!(went.changes.unwrap(), ["risk grade: XHI now means medium, was held"]);
    let hold_id = held.records[0].hold_id.unwrap();
    let waiting = went.waiting.iter();
    let waiting = waiting.map(|it| (words::reasons(&it.reasons), it.holds, it.hold_id));
    assert_eq!(waiting.collect::<Vec<_>>(), [("risk grade: XHI".to_owned(), 1, hold_id)]);
    let released =
        clear::release(&house.gateway, &operator(), hold_id, "listed now".into()).await.unwrap();
    assert_eq!(released.record.status, RecordStatus::Accepted);
    let history = golive::mapping_history(&house.gateway, "hampshire").await.unwrap();
    let newest = history.versions.iter().find(|it| it.name == "referral").unwrap();
    assert_eq!((newest.version, newest.live), (2, true));
    assert!(newest.because.contains("not all of it is tested"));
    // Taken back, the next record is held again; and it stays so over a start.
    let back =
        golive::roll_back(&house.gateway, &operator(), "hampshire", "referral", 1, "no".into())
            .await;
    assert_eq!(back.unwrap(), 3);
    let again = house.push(XML, &record(4).unlisted().text()).await;
    assert_eq!(again.records[0].status, RecordStatus::Held);
    house.restart().await;
    let live = golive::mapping_history(&house.gateway, "hampshire").await.unwrap();
    assert_eq!(live.versions.iter().find(|it| it.name == "referral").unwrap().version, 3);
    let again = house.push(XML, &record(5).unlisted().text()).await;
    assert_eq!(again.records[0].status, RecordStatus::Held);
}

#[tokio::test]
async fn what_can_get_somebody_hurt_needs_two_operators() {
    let house = House::at(START).await;
    let grade = with_grade(&house).await;
    let first = go(&house, &operator(), grade.clone()).await.unwrap();
    assert_eq!((first.version, first.waits_after.as_deref()), (None, Some("ops")));
    assert!(first.sensitive && first.waiting.is_empty());
    // The same person again is one person; another text is another question.
    assert_eq!(go(&house, &operator(), grade.clone()).await.unwrap().version, None);
    let mut other = grade.clone();
    other.text = other.text.replace("\"XHI\" = \"medium\"", "\"XHI\" = \"high\"");
    assert_eq!(go(&house, &another(), other).await.unwrap().version, None);
    assert_eq!(go(&house, &operator(), grade.clone()).await.unwrap().version, None);
    assert_eq!(go(&house, &another(), grade).await.unwrap().version, Some(2));
    // What concerns neither goes live at once.
    let plain = candidate(&house, squeeze_unit).await;
    let plain = Candidate { uncovered: Some("as before".to_owned()), ..plain };
    let went = go(&house, &operator(), plain).await.unwrap();
    assert_eq!(went.changes.as_ref().map(Vec::len), Some(1), "{went:?}");
    assert_eq!((went.version, went.sensitive), (Some(3), false));
}

#[tokio::test]
async fn only_what_was_tried_goes_live() {
    let house = House::alone_at(START).await;
    let unit = candidate(&house, squeeze_unit).await;
    let ops = operator();
    let refused = async |seen: Option<CandidateSeen>| {
        let refused =
            golive::go_live(&house.gateway, &ops, Candidate { seen, ..unit.clone() }).await;
        refused.unwrap_err().to_string()
    };
    assert!(refused(None).await.contains("seen"));
    let tried = Candidate { dry_run: true, ..unit.clone() };
    let seen = golive::go_live(&house.gateway, &ops, tried).await.unwrap().seen;
    let other = CandidateSeen { sha256: "0".repeat(64), ..seen.clone() };
    assert!(refused(Some(other)).await.contains("not the one that was tried"));
    // Somebody else was faster: what was seen is no longer so.
    assert_eq!(go(&house, &ops, with_grade(&house).await).await.unwrap().version, Some(2));
    assert!(refused(Some(seen.clone())).await.contains("has gone live since"));
    let again = candidate(&house, squeeze_unit).await;
    let again = Candidate { uncovered: Some("as before".to_owned()), ..again };
    assert_eq!(go(&house, &ops, again).await.unwrap().version, Some(3));
}

#[tokio::test]
async fn a_bad_file_changes_nothing() {
    let house = House::at(START).await;
    let report = async |change: &dyn Fn(String) -> String| {
        let refused = go(&house, &operator(), candidate(&house, change).await).await;
        match refused.unwrap_err() {
            Unfinished::Refused(OrderRefusal::Mapping { report }) => report,
            other => panic!("{other}"),
        }
    };
    let typo = report(&|text| with(&text, "family_name ", "famly_name ")).await;
    assert!(typo.contains("famly_name") && typo.contains("family_name"), "{typo}");
    let untested = report(&add_grade).await;
    assert!(untested.contains("XHI") && untested.contains("--uncovered"), "{untested}");
    let failing = report(&|text| {
        with(&text, "expect.risk.grade = \"high\"", "expect.risk.grade = \"medium\"")
    });
    assert!(failing.await.contains("risk.grade was"));
    let twin = report(&|text| {
        let own = "match    = \"/OccurrenceExport\"";
        with(&text, own, "match    = \"//OccurrenceNumber\"")
    });
    assert!(twin.await.contains("could both"));
    let same = go(&house, &operator(), candidate(&house, |text| text).await).await;
    assert!(matches!(same, Err(Unfinished::Refused(OrderRefusal::WrongState(_)))));
    let looks = Operator { role: Role::Look, ..operator() };
    let grade = with_grade(&house).await;
    assert!(matches!(
        go(&house, &looks, grade.clone()).await,
        Err(Unfinished::Refused(OrderRefusal::Forbidden))
    ));
    let dry = Candidate { dry_run: true, ..grade };
    assert_eq!(go(&house, &operator(), dry).await.unwrap().version, None);
    let history = golive::mapping_history(&house.gateway, "hampshire").await.unwrap();
    assert!(history.versions.iter().all(|it| it.version == 1));
}

/// 1,000 swaps between a version that fills the unit and one that does not, while four systems send:
/// no record fails, and each holds exactly what the version that it names makes of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_swaps_under_load_fail_no_record() {
    let house = House::alone_at(START).await;
    let ops = operator();
    let line = "officer.unit             = { from = \"Officer/Unit\" }\n";
    let without = candidate(&house, |text| with(&text, line, "")).await;
    assert_eq!(go(&house, &ops, without).await.unwrap().version, Some(2));
    let swapping = async {
        for round in 0..1_000u32 {
            // Odd versions have the unit, even ones have not.
            let (again, because) = (round % 2 + 1, "and forth".to_owned());
            let rolled =
                golive::roll_back(&house.gateway, &ops, "hampshire", "referral", again, because);
            assert_eq!(rolled.await.unwrap(), round + 3);
        }
    };
    let pushing = async |first: u64| {
        let mut named = BTreeMap::new();
        for number in first..first + 100 {
            let id = house.refer(&record(number).text()).await;
            let view =
                referral::referral(&house.gateway, &crate::house::caller(), id).await.unwrap();
            named.insert(id, view.revisions[0].mapping.version);
        }
        named
    };
    let pushed = [pushing(1), pushing(101), pushing(201), pushing(301)];
    let ((), pushed) = tokio::join!(swapping, futures_util::future::join_all(pushed));
    let named: BTreeMap<_, _> = pushed.into_iter().flatten().collect();
    assert_eq!(named.len(), 400);
    let versions: BTreeSet<_> = named.values().collect();
    assert!(versions.len() > 20, "{versions:?}");
    let both = [0, 1].map(|odd| versions.iter().filter(|it| **it % 2 == odd).count());
    assert!(both.iter().all(|count| *count > 5), "{both:?}");
    let mut seen = 0;
    for event in house.confirm(20).await {
        let event: Value = serde_json::from_slice(event.body()).unwrap();
        if event["type"] != "uk.cara.referral.new.v1" {
            continue;
        }
        let version = named[&event["subject"].as_str().unwrap().parse().unwrap()];
        let has_unit = event["data"]["officer"]["unit"].is_string();
        assert_eq!(has_unit, version % 2 == 1, "version {version}: {event}");
        seen += 1;
    }
    assert_eq!(seen, named.len());
    let history = golive::mapping_history(&house.gateway, "hampshire").await.unwrap();
    let of_referral = history.versions.iter().filter(|it| it.name == "referral");
    assert_eq!(of_referral.count(), 1_002);
}

/// Drafts of hampshire's files in a folder of their own, and what the commands say of them.
struct Desk {
    gateway: TestGateway,
    drafts: PathBuf,
    /// The text that is live.
    text: String,
}

impl Desk {
    async fn start() -> Desk {
        let gateway = TestGateway::start().await;
        let drafts = gateway.folder.join("drafts");
        std::fs::create_dir_all(drafts.join("hampshire/examples")).unwrap();
        for (name, bytes) in examples() {
            std::fs::write(drafts.join("hampshire").join(name), bytes).unwrap();
        }
        let text = House::at(START).await.live_text("referral").await;
        Desk { gateway, drafts, text }
    }

    fn write(&self, text: String) {
        std::fs::write(self.drafts.join("hampshire/referral.toml"), text).unwrap();
    }

    /// Whether it went well, and what was said.
    fn said(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.gateway.command(arguments);
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    fn activate(&self, more: &[&str]) -> (bool, String) {
        let drafts = self.drafts.to_str().unwrap();
        let activate =
            ["mapping", "activate", "hampshire", "--mappings", drafts, "--because", "a new export"];
        self.said(&[&activate[..], more].concat())
    }
}

/// The commands, as an operator types them.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_put_a_file_live_and_take_it_back() {
    let desk = Desk::start().await;
    desk.write(squeeze_unit(desk.text.clone()));
    let (good, told) = desk.activate(&["--dry-run"]);
    assert!(good && told.ends_with("nothing went live\n"), "{told}");
    // Nobody is at a terminal to say yes.
    let (good, told) = desk.activate(&[]);
    assert!(!good && told.contains("tried on no kept record"), "{told}");
    assert!(told.contains("nothing went live; the same with --yes"), "{told}");
    let (good, told) = desk.activate(&["--yes"]);
    assert!(good && told.contains("version 2 is live"), "{told}");
    assert!(told.contains("officer.unit is now"), "{told}");
    let (good, history) = desk.said(&["mapping", "history", "hampshire"]);
    assert!(good && history.starts_with("referral 2  live  "), "{history}");
    assert!(history.contains("a new export"), "{history}");
    let (good, history) = desk.said(&["mapping", "history", "hampshire", "--format", "json"]);
    let history: Value = serde_json::from_str(&history).unwrap();
    let of_version = |version: u32| {
        let versions = history["versions"].as_array().unwrap();
        versions.iter().find(|it| it["name"] == "referral" && it["version"] == version).cloned()
    };
    assert!(good, "{history}");
    assert_eq!(of_version(2).unwrap()["because"], "a new export");
    assert_eq!([2, 1].map(|it| of_version(it).unwrap()["live"] == true), [true, false]);
    desk.write(with(&desk.text, "family_name ", "famly_name "));
    let (good, refused) = desk.activate(&["--yes"]);
    assert!(
        !good && refused.contains("did you mean") && refused.contains("famly_name"),
        "{refused}"
    );
    let back = ["mapping", "rollback", "hampshire", "referral", "1", "--because", "as it was"];
    let (good, told) = desk.said(&back);
    assert!(good && told.contains("version 3 is live"), "{told}");
    let explained = std::process::Command::new(env!("CARGO_BIN_EXE_cara-gateway"))
        .args(["explain", "m122"])
        .output()
        .unwrap();
    let page = String::from_utf8(explained.stdout).unwrap();
    for part in ["M122", "What it means", "Usual cause", "How to fix it", "How to avoid it"] {
        assert!(page.contains(part), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_as_json_is_one_document_and_goes_live_with_yes_only() {
    let desk = Desk::start().await;
    desk.write(squeeze_unit(desk.text.clone()));
    let told = |more: &[&str]| -> (bool, Value) {
        let (good, told) = desk.activate(&[&["--format", "json"], more].concat());
        (good, serde_json::from_str(&told).unwrap())
    };
    for (more, is_good) in [(&["--dry-run"][..], true), (&[], false)] {
        let (good, tried) = told(more);
        assert_eq!((good, &tried["went_live"]), (is_good, &Value::Null), "{tried}");
        assert_eq!(tried["tried"]["changes"].as_array().unwrap().len(), 1, "{tried}");
        assert_eq!(tried["diagnostics"].as_array().unwrap().len(), 0, "{tried}");
    }
    let (good, went) = told(&["--yes"]);
    assert!(good && went["went_live"]["version"] == 2, "{went}");
}

/// What was held for one code is seen as one line, and goes on together once the code is listed.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_code_held_is_released_together() {
    let desk = Desk::start().await;
    let force = desk.gateway.force("hampshire");
    for number in 1..=3 {
        force.post(XML, record(number).unlisted().text()).await;
    }
    force.post(XML, record(4).faulty().text()).await;
    let (_, grouped) = desk.said(&["hold", "list", "--by-cause"]);
    let line = grouped.lines().find(|line| line.starts_with("risk grade: XHI × 3 since ")).unwrap();
    assert!(line.ends_with(", hampshire"), "{grouped}");
    assert!(grouped.contains("\nmissing: caution.deadline × 1 since "), "{grouped}");
    let mut after = grouped.lines().skip_while(|it| *it != line);
    let hold_id = after.nth(1).unwrap().trim().strip_prefix("like ").unwrap().to_owned();
    let like = ["hold", "release-like", &hold_id, "--because", "listed now"];
    let (good, told) = desk.said(&like);
    assert!(!good && told.contains("3 open holds of hampshire: risk grade: XHI"), "{told}");
    let provider = &desk.gateway.provider;
    let where_to = format!("once to cara.intake.{provider}, as referral version 1 reads");
    assert!(told.contains(&where_to) && told.contains("nothing was released"), "{told}");
    // Still not listed: each is tried and stays.
    let yes = [&like[..], &["--yes"]].concat();
    let (good, told) = desk.said(&yes);
    assert!(!good && told.matches("still held").count() == 3, "{told}");
    desk.write(add_grade(desk.text.clone()));
    let uncovered = ["--uncovered", "its example is on its way", "--yes"];
    let (good, told) = desk.activate(&uncovered);
    assert!(!good && told.contains("another operator"), "{told}");
    assert!(told.contains("tried: 1 same, 3 now accepted; of 4 records kept"), "{told}");
    assert!(told.contains(&format!("now accepted: hold {hold_id}")), "{told}");
}
