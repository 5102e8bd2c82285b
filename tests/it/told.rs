//! What goes wrong inside the gateway is told, and one thing that goes wrong is not everybody's.

use std::path::Path;
use std::process::Command;

use cara_amqp::topology::vhost;
use cara_flow::clock::sweep::Sweeper;
use cara_flow::hold::clear;
use cara_flow::notice;
use cara_flow::notice::letter;
use cara_flow::outbox::dispatch;
use cara_flow::outbox::resend;
use cara_store::ForceNumber;
use serde_json::json;

use crate::broker::{GATEWAY, shared};
use crate::delivery::postbox::{Guard, Postbox};
use crate::house::{House, caller, operator};
use crate::patience::eventually;
use crate::record::{XML, record};
use crate::world::{TestGateway, World, free_port, lines, plain_client};

fn listed(gateway: &TestGateway) -> String {
    let listed = gateway.command(&["incident", "list"]);
    String::from_utf8_lossy(&listed.stdout).into_owned()
}

async fn told(gateway: &TestGateway, kind: &str) -> String {
    eventually(kind, async || Some(listed(gateway)).filter(|it| it.contains(kind))).await
}

/// What a command says that needs no settings.
fn gateway_command(arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_cara-gateway")).args(arguments).output().unwrap();
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// Changes the store's file as no gateway would.
fn tamper(folder: &Path, sql: &str) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=20); \
                  c.executescript(sys.argv[2]); c.close()";
    let file = folder.join("gateway.db");
    let ran = Command::new("/usr/bin/python3").args(["-c", script]).arg(file).arg(sql).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_our_fault_keeps_from_the_store_is_held_and_told_and_stops_no_other() {
    let gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    // From the second revision on no revision can be stored, whatever it says.
    tamper(
        &gateway.folder,
        "CREATE TRIGGER fault BEFORE INSERT ON revision \
         WHEN (SELECT count(*) FROM revision) = 1 BEGIN SELECT RAISE(ABORT, 'meant'); END",
    );
    let first = force.post(XML, record(1).text()).await;
    assert_eq!((first.status, &first.record(0)["status"]), (202, &json!("accepted")));
    let second = force.post(XML, record(2).text()).await;
    assert_eq!((second.status, &second.record(0)["status"]), (202, &json!("held")));
    assert_eq!(second.violations(0), ["gateway_fault"], "{}", second.text);
    let listed = told(&gateway, "entry_fault").await;
    assert!(listed.contains("entry_fault a record of hampshire: 1"), "{listed}");
    let holds = gateway.command(&["hold", "list"]);
    assert!(String::from_utf8_lossy(&holds.stdout).contains("V212"), "{holds:?}");
    // Once it is mended the hold goes out like any other.
    tamper(&gateway.folder, "DROP TRIGGER fault");
    let hold_id = second.record(0)["hold_id"].as_str().unwrap().to_owned();
    let released = gateway.command(&["hold", "release", &hold_id, "--because", "mended"]);
    assert!(released.status.success(), "{released:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_force_that_left_the_settings_stops_nobody_and_is_told() {
    let mut gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    assert_eq!(force.post(XML, record(1).text()).await.status, 202);
    let held = force.post(XML, record(2).unlisted().text()).await;
    assert_eq!(&held.record(0)["status"], "held", "{}", held.text);
    assert!(gateway.stop().success());
    let file = gateway.folder.join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let from = text.find("[[force]]").unwrap();
    let to = from + 1 + text[from + 1..].find("[[force]]").unwrap();
    assert!(text[from..to].contains("hampshire"));
    std::fs::write(&file, format!("{}{}", &text[..from], &text[to..])).unwrap();
    gateway.spawn().await;
    for arguments in [&["hold", "list"][..], &["hold", "list", "--force", "force-44"][..]] {
        let holds = gateway.command(arguments);
        let holds = String::from_utf8_lossy(&holds.stdout).into_owned();
        assert!(holds.contains("force-44 (not in gateway.toml)"), "{holds}");
    }
    let listed = told(&gateway, "force_unlisted").await;
    assert!(listed.contains("force_unlisted force-44: 1"), "{listed}");
}

#[tokio::test]
async fn a_clock_in_doubt_still_tells_of_holds_and_closes_what_is_over() {
    let house = House::at("2025-09-15T09:00:00Z").await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    sweeper.sweep(&Default::default()).await.unwrap();
    house.pass(15 * 24);
    house.push(XML, &record(1).unlisted().text()).await;
    let swept = sweeper.sweep(&Default::default()).await.unwrap();
    assert!(swept.stopped && swept.notices == 0);
    let kinds: Vec<_> = swept.incidents.opened.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["clock_jumped", "hold_open"]);
    house.refer(&record(1).text()).await;
    let swept = sweeper.sweep(&Default::default()).await.unwrap();
    let closed: Vec<_> = swept.incidents.closed.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!((swept.stopped, closed), (true, vec!["hold_open"]));
}

#[tokio::test]
async fn a_message_and_a_letter_that_cannot_be_read_stop_no_other() {
    let house = House::at("2025-09-15T09:00:00Z").await;
    let mut cases = Vec::new();
    for number in 1..=3 {
        let case = house.refer(&record(number).text()).await;
        house.report(case, 1, "accepted", json!({})).await;
        cases.push(case.to_string());
    }
    // No gateway writes such a number.
    tamper(&house.folder, "UPDATE outbox SET attempts = -1 WHERE outbox_row / 8 = 2");
    let sent = house.confirm(3).await;
    let mut about: Vec<_> = sent.iter().map(|it| it.header().referral_id.to_string()).collect();
    about.dedup();
    assert_eq!(about, [cases[0].as_str(), &cases[2], &cases[0], &cases[2]]);
    // Once it can be read it goes out like any other.
    tamper(&house.folder, "UPDATE outbox SET attempts = 0 WHERE outbox_row / 8 = 2");
    house.pass(1);
    let sent = house.confirm(2).await;
    let all = sent.iter().all(|it| it.header().referral_id.to_string() == cases[1]);
    assert!(all && sent.len() == 2, "{sent:?}");
    // The same of notices and letters.
    let due = async || {
        letter::due_letters(&house.gateway, ForceNumber(44), 16, &Default::default())
            .await
            .unwrap()
            .due
            .len()
    };
    assert_eq!(due().await, 3);
    tamper(&house.folder, "UPDATE notice SET attempts = -1 WHERE notice_row = 2");
    assert_eq!(due().await, 2);
    let page = async || {
        let page = notice::notices(&house.gateway, &caller(), Default::default()).await.unwrap();
        let read: Vec<_> = page.notices.iter().map(|it| it.sequence).collect();
        (read, page.unreadable, page.last)
    };
    assert_eq!(page().await, (vec![1, 2, 3], vec![], 3));
    tamper(&house.folder, "UPDATE notice SET body = x'00' WHERE notice_row = 2");
    assert_eq!(page().await, (vec![1, 3], vec![2], 3));
    let troubles = house.metric.troubles().now();
    assert!(troubles.keys().any(|it| it.0 == "entry_fault" && it.1.starts_with("notice ")));
}

#[tokio::test]
async fn a_held_record_that_cannot_be_opened_is_told_and_can_still_be_given_back() {
    let house = House::at("2025-09-15T09:00:00Z").await;
    let answer = house.push(XML, &record(1).unlisted().text()).await;
    let hold_id = answer.records[0].hold_id.unwrap();
    tamper(&house.folder, "UPDATE hold SET raw = x'00'");
    house.pass(5);
    let mut sweeper = Sweeper::of(house.gateway.clone());
    assert_eq!(sweeper.sweep(&Default::default()).await.unwrap().notices, 1);
    let troubles = house.metric.troubles().now();
    assert!(troubles.contains_key(&("entry_fault", format!("hold {hold_id}"))), "{troubles:?}");
    let because = "send it again".to_owned();
    clear::return_hold(&house.gateway, &operator(), hold_id, because).await.unwrap();
    let notices = house.notices().await;
    let told: Vec<_> =
        notices.iter().map(|it| (it.kind.as_str(), &it.content.record_ref)).collect();
    assert_eq!(told, [("record_held", &None), ("record_returned", &None)]);
}

#[tokio::test]
async fn a_backlog_is_as_old_as_its_messages_wait_not_as_their_records() {
    let house = House::at("2025-09-15T09:00:00Z").await;
    let oldest = async || dispatch::oldest_waiting(&house.gateway, "harbour").await.unwrap();
    let high = house.push(XML, &record(1).with("<RiskGrade>STD", "<RiskGrade>HIGH").text()).await;
    let hold_id = high.records[0].hold_id.unwrap();
    assert_eq!(oldest().await, None);
    house.pass(5);
    let because = "a person has looked".to_owned();
    clear::release(&house.gateway, &operator(), hold_id, because.clone()).await.unwrap();
    let released_at = house.clock.now();
    assert_eq!(oldest().await, Some(released_at));
    house.pass(1);
    assert_eq!(oldest().await, Some(released_at), "it waits on");
    assert_eq!(house.confirm(2).await.len(), 2);
    assert_eq!(oldest().await, None);
    house.pass(1);
    let sent =
        resend::resend(&house.gateway, &operator(), "harbour".to_owned(), released_at, because)
            .await;
    assert_eq!((sent.unwrap(), oldest().await), (2, Some(house.clock.now())));
}

async fn readiness(gateway: &TestGateway) -> Option<(u16, String)> {
    let answer = plain_client().get(format!("{}/readyz", gateway.internal)).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_epoch_whose_file_is_missing_is_told_and_doctor_names_it() {
    let mut gateway = TestGateway::start().await;
    assert_eq!(gateway.force("hampshire").post(XML, record(1).text()).await.status, 202);
    let doctor = |gateway: &TestGateway| {
        let said = gateway.command(&["doctor"]);
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        said.lines().find(|line| line.contains(" epochs: ")).unwrap_or(&said).to_owned()
    };
    assert!(doctor(&gateway).starts_with("ok    epochs: "), "while the gateway serves the store");
    assert!(gateway.stop().success());
    let epochs = gateway.folder.join("secrets/epochs");
    let (first, away) = (epochs.join("epoch-0000001.key"), gateway.folder.join("away.key"));
    std::fs::copy(&first, &away).unwrap();
    cara_vault::create_secrets(&gateway.folder.join("other")).unwrap();
    let other = gateway.folder.join("other/epochs/epoch-0000001.key");
    // The next epoch is there, and the one that wrapped the case is not; or another is in its place.
    std::fs::rename(&first, epochs.join("epoch-0000002.key")).unwrap();
    gateway.spawn().await;
    for place in [None, Some(&other)] {
        if let Some(other) = place {
            assert!(gateway.stop().success());
            std::fs::copy(other, &first).unwrap();
            gateway.spawn().await;
        }
        gateway.swept().await;
        let listed = told(&gateway, "epoch_missing epoch-0000001.key: 1").await;
        assert!(listed.contains("restart the gateway"), "{listed}");
        let said = doctor(&gateway);
        assert!(said.starts_with("WRONG epochs: the store names epoch-0000001.key"), "{said}");
    }
    assert!(gateway.stop().success());
    std::fs::copy(&away, &first).unwrap();
    gateway.spawn().await;
    closed(&gateway, "epoch_missing").await;
    assert!(doctor(&gateway).starts_with("ok    epochs: "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_stop_logs_no_error_whether_the_broker_is_there_or_not() {
    let url = &shared().settings().urls[0];
    let dead = lines(shared()).replace(url, &format!("amqp://127.0.0.1:{}", free_port()));
    let worlds = [
        (World { broker: Some(dead), ..World::default() }, "the broker is away"),
        (World::publishing(shared(), "tally"), "messages go out"),
    ];
    for (world, said) in worlds {
        let mut gateway = world.start().await;
        assert_eq!(gateway.force("hampshire").post(XML, record(1).text()).await.status, 202);
        eventually(said, async || gateway.log().contains(said).then_some(())).await;
        if said.contains("away") {
            told(&gateway, "broker_away").await;
        }
        let before = gateway.log().len();
        assert!(gateway.stop().success());
        let log = gateway.log();
        let is_error = |line: &&str| line.contains(r#""level":"ERROR""#);
        let errors: Vec<_> = log[before..].lines().filter(is_error).collect();
        assert_eq!(errors, Vec::<&str>::new());
    }
}

/// The rights of the gateway in a provider's virtual host: to configure, to write, to read.
fn rights(provider: &str, given: Option<[&str; 3]>) {
    let of = vhost(provider);
    let line = match given {
        Some(given) => [&["set_permissions", "-p", &of, GATEWAY][..], &given].concat(),
        None => vec!["clear_permissions", "-p", &of, GATEWAY],
    };
    shared().control(&line);
    shared().control(&["close_all_connections", "-p", &of, "rights have changed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_whose_broker_lets_nobody_in_is_named_by_dead_list_and_doctor_beside_the_others()
{
    let (near, away) = (shared().provider("near"), shared().provider("away"));
    let tables = format!("[[provider]]\nslug = \"{away}\"\n");
    let gateway = World { tables, ..World::publishing(shared(), near.as_str()) }.start().await;
    let says = |arguments: &[&str]| {
        let said = gateway.command(arguments);
        (said.status.success(), String::from_utf8_lossy(&said.stdout).into_owned())
    };
    eventually("both are read", async || {
        let (status, said) = readiness(&gateway).await?;
        let good = [r#""broker","good":true"#, r#""outcomes","good":true"#];
        (status == 200 && good.iter().all(|it| said.contains(it))).then_some(())
    })
    .await;
    assert_eq!(says(&["dead", "list"]), (true, "nothing is dead\n".to_owned()));
    shared().evaluate(&format!(
        r#"Default = rabbit_misc:r(<<"{}">>, exchange, <<>>),
        rabbit_basic:publish(Default, <<"cara.intake.{near}.dead">>, [], <<"{{}}">>)."#,
        vhost(&near),
    ));

    // One exchange of the one, so that only a message that is tried can find it.
    let all = r"^cara\.";
    rights(&away, Some([all, r"^cara\.(?!referrals$)", all]));
    let (is_good, said) = says(&["doctor"]);
    let line = |of: &str| said.lines().find(|it| it.contains(&format!("broker {of}: "))).unwrap();
    let wrong = "the broker refused a message on the exchange cara.referrals: ";
    assert!(
        !is_good && line(&away).starts_with(&format!("WRONG broker {away}: {wrong}")),
        "{said}"
    );
    assert!(line(&away).contains("refused for user 'cara-gateway'"), "{said}");
    assert!(line(&near).starts_with("ok "), "{said}");

    rights(&away, None);
    told(&gateway, &format!("broker_refuses {away}")).await;
    let (is_good, said) = says(&["dead", "list"]);
    let one = format!("cara.intake.{near}: 1 dead\n");
    let other = format!("the queues of {away} are not known: ");
    assert!(!is_good && said.contains(&one) && said.contains(&other), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
    let (_, ready) = readiness(&gateway).await.unwrap();
    assert!(ready.contains(&format!("{away}: ")), "{ready}");
    told(&gateway, &format!("dead_letter cara.intake.{near}: 1")).await;

    rights(&away, Some([all, all, all]));
    closed(&gateway, "broker_refuses").await;
    let (is_good, said) = says(&["dead", "list"]);
    assert_eq!((is_good, said), (false, one));
}

async fn closed(gateway: &TestGateway, kind: &str) {
    let what = format!("{kind} is closed");
    eventually(&what, async || (!listed(gateway).contains(kind)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_disk_reserve_readyz_says_what_a_record_meets() {
    let store = format!("disk_reserve_bytes = {}", 1_u64 << 60);
    let mut gateway = World { store, ..World::default() }.lay_out();
    gateway.begin(&[]);
    let said = eventually("the store part is bad", async || {
        let (status, said) = readiness(&gateway).await?;
        (status == 503 && said.contains("below its reserve")).then_some(said)
    })
    .await;
    assert!(said.contains(r#"{"name":"start","good":true}"#), "{said}");
    let answer = gateway.force("hampshire").post(XML, record(1).text()).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.body.get("records").is_none(), "nothing is acknowledged");
    told(&gateway, "disk_low").await;
    told(&gateway, "store_refusing").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_stop_logs_no_error_and_a_kill_is_told_by_the_next_start() {
    let mut gateway = TestGateway::start().await;
    assert_eq!(gateway.force("hampshire").post(XML, record(1).text()).await.status, 202);
    assert!(gateway.stop().success(), "{}", gateway.log());
    let log = gateway.log();
    let errors: Vec<_> = log.lines().filter(|line| line.contains(r#""level":"ERROR""#)).collect();
    assert_eq!(errors, Vec::<&str>::new());
    gateway.spawn().await;
    assert_eq!(listed(&gateway), "no incident is open\n");
    gateway.kill();
    gateway.spawn().await;
    told(&gateway, "unclean_stop gateway: 1").await;
    let explained = gateway_command(&["explain", "unclean_stop"]);
    for part in ["What it means", "Usual cause", "How to fix it", "How to avoid it"] {
        assert!(explained.contains(part), "{explained}");
    }
    let page = gateway.force("hampshire").get("/problems/unclean_stop").await;
    assert_eq!((page.status, &page.body["code"]), (200, &json!("unclean_stop")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_refuses_is_told_without_the_store() {
    let mut postbox = Postbox::start(Guard::None).await;
    let mut gateway = World::default().lay_out();
    let file = gateway.folder.join("gateway.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(&format!(
        "[mail]\nserver = \"{}\"\ntls = \"none\"\nfrom = \"gateway@cara.example\"\n\
         operators = [\"ops@cara.example\"]\n",
        postbox.address()
    ));
    std::fs::write(&file, text).unwrap();
    gateway.spawn().await;
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=20, \
                  isolation_level=None); c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); \
                  sys.stdin.read()";
    let mut locking = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .arg(gateway.folder.join("gateway.db"))
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let opened = postbox.next().await;
    let subject = &opened["headers"]["subject"];
    assert_eq!(subject, "CARA gateway: store_refusing gateway opened");
    let (status, said) = readiness(&gateway).await.unwrap();
    assert!(status == 503 && said.contains("keeps the store's file locked"), "{said}");
    // Nor can its incident be stored.
    let said = listed(&gateway);
    let line = "store_refusing gateway: 1, since now (the store has not noted it)\n";
    assert!(said.contains(line), "{said}");
    drop(locking.stdin.take());
    locking.wait().unwrap();
    // A sweep that had seen it and waited for the lock may tell it by way of the store as well.
    while postbox.next().await["headers"]["subject"]
        != "CARA gateway: store_refusing gateway closed"
    {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_cannot_be_read_again_is_told_until_it_can() {
    let gateway = TestGateway::start().await;
    let file = gateway.folder.join("certs/server.pem");
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, "no certificate").unwrap();
    told(&gateway, "certificate_unreadable").await;
    assert_eq!(gateway.force("hampshire").get("/v1/whoami").await.status, 200);
    std::fs::write(&file, good).unwrap();
    closed(&gateway, "certificate_unreadable").await;
}

#[test]
fn what_an_incident_says_to_run_is_a_command() {
    use cara_metric::alert::KINDS;
    let mut met = 0;
    for kind in KINDS {
        let page = gateway_command(&["explain", kind.name]);
        let texts = [kind.means, kind.now, &page];
        for said in texts.iter().flat_map(|text| text.split('`').skip(1).step_by(2)) {
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            let Some(line) = said.strip_prefix("cara-gateway ") else { continue };
            let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            let words: Vec<_> = line.split(' ').take_while(is_word).collect();
            let words: Vec<_> =
                words.into_iter().take_while(|word| !word.starts_with('-')).collect();
            let mut command = Command::new(env!("CARGO_BIN_EXE_cara-gateway"));
            let ran = command.args(&words).arg("--help").output().unwrap();
            let usage = String::from_utf8_lossy(&ran.stdout).into_owned();
            let named = format!("cara-gateway {}", words.join(" "));
            assert!(ran.status.success() && usage.contains(&named), "{}: {said}", kind.name);
            met += 1;
        }
    }
    assert!(met > 20, "{met}");
}
