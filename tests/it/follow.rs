//! The mappings that run follow the folder, where that is asked for, and the versions that other
//! gateways on the same store put live. What cannot be taken changes nothing and is told once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cara_flow::clock::sweep;
use cara_flow::clock::sweep::Sweeper;
use cara_flow::mapping::activate::{self, ChangedFiles};
use cara_flow::mapping::follow::{FollowedVersion, Follower, Looked};
use cara_flow::mapping::golive;
use cara_flow::{Gateway, OrderRefusal, Unfinished};
use cara_gateway::worker;
use cara_metric::{Health, Part};
use cara_store::{ForceNumber, PlanVersion};
use cara_wire::api::RecordStatus;

use crate::golive::{add_grade, another, candidate, go, squeeze_unit, with};
use crate::house::{House, operator};
use crate::record::{XML, record};

const START: &str = "2025-09-15T09:00:00Z";
const MAPPING: &str = "hampshire/referral";

/// A house whose gateway looks at a folder of its own, in which the text that is live lies.
struct Folder {
    house: House,
    text: String,
    follower: Follower,
}

impl Folder {
    async fn of(house: House) -> Folder {
        let text = house.live_text("referral").await;
        let from = Path::new(env!("CARGO_MANIFEST_DIR"));
        let to = house.folder.join("mappings/hampshire/examples");
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(from.join("mappings/hampshire/examples")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
        let folder = house.folder.join("mappings");
        let follower = Follower::of(house.gateway.clone(), Some(folder));
        let mut it = Folder { house, text, follower };
        it.write(&it.text);
        assert_eq!(it.follower.look().await.unwrap(), Looked::default());
        it
    }

    fn path(&self) -> PathBuf {
        self.house.folder.join("mappings/hampshire/referral.toml")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    /// What is found once the files lie still.
    async fn look(&mut self) -> Looked {
        let first = self.follower.look().await.unwrap();
        assert!(first.went_live.is_empty(), "a file is taken only once it lies still");
        self.follower.look().await.unwrap()
    }

    async fn version(&self) -> u32 {
        version(&self.house.gateway)
    }

    async fn incidents(&self) -> Vec<(String, String)> {
        let incidents = sweep::incidents(&self.house.gateway).await.unwrap();
        incidents.into_iter().map(|it| (it.kind, it.about)).collect()
    }
}

/// The version of hampshire's records that a gateway runs.
fn version(gateway: &Gateway) -> u32 {
    gateway.live().named(ForceNumber(44), "referral").unwrap().reference.version
}

fn went_live(version: u32, by_file: bool) -> FollowedVersion {
    FollowedVersion { mapping: MAPPING.to_owned(), version, by_file }
}

#[tokio::test]
async fn a_changed_file_goes_live_while_the_gateway_runs() {
    let mut folder = Folder::of(House::at(START).await).await;
    folder.write(&squeeze_unit(folder.text.clone()));
    assert_eq!(folder.look().await.went_live, [went_live(2, true)]);
    assert_eq!(folder.version().await, 2);
    assert_eq!(folder.look().await, Looked::default());
    let history = golive::mapping_history(&folder.house.gateway, "hampshire").await.unwrap();
    let newest = history.versions.iter().find(|it| it.version == 2).unwrap();
    assert_eq!((&newest.by, &newest.because), (&"gateway".into(), &"the file had changed".into()));
    let facts = folder.house.store.audit_rows(0, 1_000).await.unwrap();
    assert!(facts.last().unwrap().fact.contains("mapping hampshire/referral version 2"));
    // What operators take back stays back: the file did not change.
    let ops = operator();
    let back = golive::roll_back(
        &folder.house.gateway,
        &ops,
        "hampshire",
        "referral",
        1,
        "worse".to_owned(),
    )
    .await;
    assert_eq!(back.unwrap(), 3);
    assert_eq!(folder.look().await, Looked::default());
    // And so over a start, where nobody can know which of the two was meant.
    let again = folder.house.folder.join("mappings");
    let mut again = Follower::of(folder.house.gateway.clone(), Some(again));
    let looked = again.look().await.unwrap();
    assert_eq!(looked.drafts, [folder.path().display().to_string()]);
    assert_eq!(folder.version().await, 3);
    // The old text by a hand while it runs is a change like any other.
    folder.write(&add_comment(&folder.text));
    assert_eq!(folder.look().await.went_live, [went_live(4, true)]);
}

fn add_comment(text: &str) -> String {
    format!("{text}\n# Seen by two.\n")
}

/// A bad file is told once and loudly, is an incident until it is mended, and changes nothing.
async fn check_refused(change: impl Fn(&Folder), mend: impl Fn(&Folder), word: &str) {
    let mut folder = Folder::of(House::at(START).await).await;
    change(&folder);
    let looked = folder.look().await;
    assert_eq!(looked.refused.len(), 1, "{looked:?}");
    assert_eq!(looked.refused[0].mapping, MAPPING);
    assert!(looked.refused[0].problems.contains(word), "{looked:?}");
    let incident = ("mapping_refused".to_owned(), MAPPING.to_owned());
    assert_eq!(folder.incidents().await, std::slice::from_ref(&incident));
    // It is not said again, not even when somebody touches the file.
    change(&folder);
    for _ in 0..3 {
        let wrong = vec![MAPPING.to_owned()];
        assert_eq!(folder.look().await, Looked { wrong, ..Looked::default() });
    }
    // The sweep leaves it to the one who sees the file.
    let mut sweeper = Sweeper::of(folder.house.gateway.clone());
    let swept = sweeper.sweep(&Default::default()).await.unwrap();
    assert_eq!(swept.incidents.open.get("mapping_refused"), Some(&1));
    assert_eq!(folder.incidents().await, [incident]);
    assert_eq!(folder.version().await, 1);
    mend(&folder);
    let looked = folder.look().await;
    assert_eq!((looked.mended, looked.wrong), (vec![MAPPING.to_owned()], Vec::new()));
    assert_eq!(folder.incidents().await, []);
}

#[tokio::test]
async fn a_bad_file_is_told_once_and_the_last_good_one_stays() {
    let put =
        |change: fn(&str) -> String| move |folder: &Folder| folder.write(&change(&folder.text));
    let back = put(str::to_owned);
    check_refused(put(|text| with(text, "family_name ", "famly_name ")), back, "famly_name").await;
    check_refused(put(|text| add_grade(text.to_owned())), back, "XHI").await;
    let failing =
        put(|text| with(text, "expect.risk.grade = \"high\"", "expect.risk.grade = \"medium\""));
    check_refused(failing, back, "a high-risk case is held").await;
    // Half of it, as a copy that broke off would leave it.
    check_refused(put(|text| text[..text.len() / 2].to_owned()), back, "").await;
    check_refused(|folder| std::fs::write(folder.path(), b"\xff\xfe").unwrap(), back, "UTF-8")
        .await;
    // What is gone is no draft any more.
    let gone = |folder: &Folder| std::fs::remove_file(folder.path()).unwrap();
    check_refused(put(|text| with(text, "family_name ", "famly_name ")), gone, "famly_name").await;
}

#[tokio::test]
async fn a_file_is_good_again_when_its_example_is() {
    let example = |folder: &Folder| folder.path().parent().unwrap().join("examples/full.xml");
    let aside = |folder: &Folder| {
        let _there_already = std::fs::rename(example(folder), folder.house.folder.join("full.xml"));
        folder.write(&squeeze_unit(folder.text.clone()));
    };
    let back = |folder: &Folder| {
        std::fs::rename(folder.house.folder.join("full.xml"), example(folder)).unwrap();
    };
    check_refused(aside, back, "full.xml").await;
}

#[tokio::test]
async fn what_can_get_somebody_hurt_never_goes_live_by_a_file() {
    let mut folder = Folder::of(House::at(START).await).await;
    let language = |text: &str| {
        with(
            text,
            "ref                         = { from = \"@id\" }",
            "ref                         = { from = \"@id\", apply = [\"trim\"] }",
        )
    };
    folder.write(&language(&folder.text));
    let looked = folder.look().await;
    assert_eq!(looked.waiting.len(), 1, "{looked:?}");
    assert!(looked.waiting[0].changes[0].starts_with("victim.ref is now"), "{looked:?}");
    assert!(looked.wrong.is_empty(), "the last version is good");
    assert_eq!(folder.look().await, Looked::default());
    assert_eq!(folder.incidents().await, [("mapping_waiting".to_owned(), MAPPING.to_owned())]);
    // Two operators agree to it: then it is no longer a draft.
    let agreed = candidate(&folder.house, |text| language(&text)).await;
    assert_eq!(go(&folder.house, &operator(), agreed.clone()).await.unwrap().version, None);
    assert_eq!(folder.look().await, Looked::default());
    assert_eq!(go(&folder.house, &another(), agreed).await.unwrap().version, Some(2));
    let looked = folder.follower.look().await.unwrap();
    assert_eq!(looked.mended, [MAPPING]);
    assert_eq!(folder.incidents().await, []);
    // Where one operator may do everything, a file may as well.
    let mut alone = Folder::of(House::alone_at(START).await).await;
    alone.write(&language(&alone.text));
    assert_eq!(alone.look().await.went_live, [went_live(2, true)]);
}

#[tokio::test]
async fn files_are_drafts_where_nobody_asked_for_them() {
    let folder = Folder::of(House::at(START).await).await;
    folder.write("this is no mapping");
    let mut follower = Follower::of(folder.house.gateway.clone(), None);
    for _ in 0..3 {
        assert_eq!(follower.look().await.unwrap(), Looked::default());
    }
}

/// Until a gateway runs this version, for two seconds at most.
async fn runs(gateway: &Gateway, wanted: u32) {
    let until = async {
        while version(gateway) != wanted {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(2), until).await;
    assert!(in_time.is_ok(), "it runs version {}, not {wanted}", version(gateway));
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_on_one_store_run_the_same_version_within_two_seconds() {
    let house = House::alone_at(START).await;
    let neighbour = house.neighbour().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut loops = Vec::new();
    for gateway in [&house.gateway, &neighbour] {
        let follower = Follower::of(gateway.clone(), None);
        loops.push(tokio::spawn(worker::follow(follower, Health::default(), stopped.clone())));
    }
    let went = go(&house, &operator(), candidate(&house, squeeze_unit).await).await.unwrap();
    assert_eq!((went.version, version(&house.gateway)), (Some(2), 2));
    runs(&neighbour, 2).await;
    // The other way round, and back.
    let ops = operator();
    let back =
        golive::roll_back(&neighbour, &ops, "hampshire", "referral", 1, "worse".to_owned()).await;
    assert_eq!((back.unwrap(), version(&neighbour)), (3, 3));
    runs(&house.gateway, 3).await;
    for gateway in [&neighbour, &house.gateway] {
        let newest = house.store.plan_versions().await.unwrap();
        let newest = newest.iter().find(|it| it.name == "referral").unwrap();
        let live = gateway.live().named(ForceNumber(44), "referral").unwrap();
        assert_eq!(live.reference.sha256, newest.sha256);
    }
    stop.send_replace(true);
    for ended in loops {
        ended.await.unwrap();
    }
}

/// Both take turns at once, each may lose, and neither is ever seen to run an earlier version again.
#[tokio::test(flavor = "multi_thread")]
async fn no_gateway_goes_back_to_an_earlier_version() {
    let house = House::alone_at(START).await;
    let neighbour = house.neighbour().await;
    go(&house, &operator(), candidate(&house, squeeze_unit).await).await.unwrap();
    let ops = operator();
    let swapping = async |gateway: &Gateway| {
        let mut follower = Follower::of(gateway.clone(), None);
        let (mut won, mut last) = (0, version(gateway));
        for round in 0..60 {
            let again = round % 2 + 1;
            let back =
                golive::roll_back(gateway, &ops, "hampshire", "referral", again, "on".to_owned());
            match back.await {
                Ok(_) => won += 1,
                Err(Unfinished::Refused(OrderRefusal::WrongState(_))) => {}
                Err(other) => panic!("{other}"),
            }
            follower.look().await.unwrap();
            let now = version(gateway);
            assert!(now >= last, "{last} ran, and then {now}");
            last = now;
        }
        won
    };
    let (mine, theirs) = tokio::join!(swapping(&house.gateway), swapping(&neighbour));
    assert!(mine > 0 && theirs > 0, "{mine} and {theirs}");
    for gateway in [&house.gateway, &neighbour] {
        Follower::of(gateway.clone(), None).look().await.unwrap();
        assert_eq!(version(gateway), 2 + mine + theirs);
    }
}

#[tokio::test]
async fn a_version_that_a_gateway_cannot_compile_is_told_once_and_its_last_good_one_stays() {
    let house = House::at(START).await;
    let neighbour = house.neighbour().await;
    let mut follower = Follower::of(neighbour.clone(), None);
    assert_eq!(follower.look().await.unwrap(), Looked::default());
    // As a gateway of a later release would store it.
    let store = async |version: u32, text: String| {
        let (by, because) = ("ops".to_owned(), "a later release".to_owned());
        let (name, at) = ("referral".to_owned(), house.clock.now());
        let sha256 = format!("{version:064}");
        let force = ForceNumber(44);
        let row = PlanVersion { force, name, version, sha256, text, by, at, because };
        assert_eq!(house.store.activate_plan(row, Vec::new()).await.unwrap(), Ok(()));
    };
    let good = house.live_text("referral").await;
    let unknown = with(&good, "\"squeeze spaces\"", "\"read the mind\"");
    store(2, unknown).await;
    let looked = follower.look().await.unwrap();
    assert_eq!(looked.unreadable.len(), 1, "{looked:?}");
    let it = &looked.unreadable[0];
    assert_eq!((it.mapping.as_str(), it.version, it.live), (MAPPING, 2, Some(1)));
    assert!(it.problems.contains("read the mind"), "{looked:?}");
    assert_eq!(version(&neighbour), 1);
    let wrong = vec![MAPPING.to_owned()];
    assert_eq!(follower.look().await.unwrap(), Looked { wrong, ..Looked::default() });
    assert_eq!(
        house.open_incidents().await.into_iter().collect::<Vec<_>>(),
        ["mapping_unreadable"]
    );
    // Another gateway, to which it is no news that all is well, does not close what is not its own.
    let mut other = Follower::of(house.gateway.clone(), None);
    let health = Health::default();
    worker::look(&mut other, &health).await.unwrap();
    assert!(health.state(Part::Mappings) != cara_metric::State::Good);
    // The next version is good: all is well here too.
    store(3, squeeze_unit(good)).await;
    let looked = follower.look().await.unwrap();
    assert_eq!(
        (looked.went_live, looked.mended),
        (vec![went_live(3, false)], vec![MAPPING.to_owned()])
    );
    assert_eq!(version(&neighbour), 3);
    worker::look(&mut other, &health).await.unwrap();
    assert!(health.state(Part::Mappings) == cara_metric::State::Good);
    assert!(house.open_incidents().await.is_empty());
}

/// What is stored needs no base: it is there after a start; a changed base changes what extends it.
#[tokio::test]
async fn a_file_that_extends_a_base_goes_live_as_one_text() {
    let mut house = House::alone_at(START).await;
    let folder = house.folder.join("mappings");
    let text = house.live_text("referral").await;
    let (shared, tests) = text.split_at(text.find("[[test]]").unwrap());
    let (force, shared): (Vec<_>, Vec<_>) =
        shared.lines().partition(|line| line.starts_with("force "));
    assert_eq!(force.len(), 1);
    std::fs::create_dir_all(folder.join("base")).unwrap();
    std::fs::create_dir_all(folder.join("hampshire")).unwrap();
    let base = folder.join("base/shared.toml");
    std::fs::write(&base, shared.join("\n")).unwrap();
    let own = format!("extends = \"../base/shared.toml\"\n{}\n{tests}", force[0]);
    std::fs::write(folder.join("hampshire/referral.toml"), &own).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/hampshire/examples");
    std::os::unix::fs::symlink(examples, folder.join("hampshire/examples")).unwrap();
    let mut follower = Follower::of(house.gateway.clone(), Some(folder.clone()));
    assert_eq!(follower.look().await.unwrap().went_live, [went_live(2, true)]);
    drop(follower);
    house.restart().await;
    assert_eq!(version(&house.gateway), 2);
    let again = activate::activate_mappings(&house.gateway, &folder, ChangedFiles::AreDrafts)
        .await
        .unwrap();
    assert_eq!(again, Vec::<String>::new());
    let pushed = house.push(XML, &record(1).text()).await;
    assert_eq!(pushed.records[0].status, RecordStatus::Accepted);
    // A changed base is a draft, and goes live where that is asked for.
    let mut follower = Follower::of(house.gateway.clone(), Some(folder.clone()));
    assert_eq!(follower.look().await.unwrap(), Looked::default());
    std::fs::write(&base, shared.join("\n").replace("[\"NULL\"", "[\"none\", \"NULL\"")).unwrap();
    let changed = activate::activate_mappings(&house.gateway, &folder, ChangedFiles::AreDrafts)
        .await
        .unwrap();
    assert!(changed.iter().any(|it| it.contains("referral.toml is a draft")), "{changed:?}");
    follower.look().await.unwrap();
    assert_eq!(follower.look().await.unwrap().went_live, [went_live(3, true)]);
    // A base that is gone refuses what extends it.
    std::fs::remove_file(&base).unwrap();
    follower.look().await.unwrap();
    let refused = follower.look().await.unwrap().refused;
    assert!(refused.len() == 1 && refused[0].problems.contains("M201"), "{refused:?}");
    assert_eq!(version(&house.gateway), 3);
    // Without its base nothing of the file is sent along: the gateway says what it lacks.
    let alone = candidate(&house, |_| own.clone()).await;
    let refused = go(&house, &operator(), alone).await.unwrap_err();
    assert!(format!("{refused:?}").contains("M201"), "{refused:?}");
}
