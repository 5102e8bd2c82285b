//! What a force may make the store grow by in a day.

use cara_flow::case::conclude::End;
use cara_flow::probe;
use cara_flow::{RecordRefusal, Unfinished};
use cara_metric::alert::STORE_GROWTH;
use serde_json::json;

use crate::house::House;
use crate::patience::eventually;
use crate::record::{XML, body, record};
use crate::world::{World, example};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_force_that_fills_its_day_is_told_of_and_then_refused_alone_and_across_a_restart() {
    let api = "store_bytes_per_day_max = 200000\n".to_owned();
    let mut gateway = World { api, ..World::default() }.start().await;
    let force = gateway.force("hampshire");
    let held = force.post(XML, record(1).unlisted().text()).await;
    let mut number = 1;
    let full = loop {
        let records: Vec<_> = (0..4).map(|it| record(number + 1 + it)).collect();
        let answer = force.post(XML, body(&records)).await;
        if answer.status != 202 {
            break answer;
        }
        number += 4;
        assert!(number < 400, "nothing ends it");
    };
    assert!(number > 8, "it was refused at once");
    assert_eq!((full.status, &full.body["code"]), (503, &json!("P504")), "{}", full.text);
    assert!(full.text.contains("after midnight"), "{}", full.text);
    eventually("it is told", async || {
        let listed = gateway.command(&["incident", "list"]);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        listed.contains("store_growth hampshire: 1").then_some(())
    })
    .await;

    // A dry run stores nothing; others are not concerned; operators go on.
    let dry = force.send(XML, record(999).text(), "?dry_run=true", &[]).await.unwrap();
    assert_eq!(dry.status, 200, "{}", dry.text);
    let other = gateway.force("west-midlands");
    let other = other.post("application/json", example("west-midlands", "full.json")).await;
    assert_eq!(other.status, 202, "{}", other.text);
    let hold_id = held.record(0)["hold_id"].as_str().unwrap().to_owned();
    let released = gateway.command(&["hold", "return", &hold_id, "--because", "unknown code"]);
    assert!(released.status.success(), "{released:?}");

    assert!(gateway.stop().success());
    gateway.spawn().await;
    let still = gateway.force("hampshire").post(XML, record(998).text()).await;
    assert_eq!((still.status, &still.body["code"]), (503, &json!("P504")), "{}", still.text);
}

#[tokio::test]
async fn at_the_limit_outcomes_go_on_and_the_next_day_opens_it_again() {
    let mut house = House::at("2025-09-15T20:00:00Z").await;
    house.limit_growth(200_000).await;
    let told = |house: &House| {
        house
            .metric
            .troubles()
            .now()
            .keys()
            .any(|(kind, about)| *kind == STORE_GROWTH && about == "44")
    };
    let referral_id = house.refer(&record(1).text()).await;
    let mut number = 1;
    let (was_told_before, wait_s) = loop {
        number += 1;
        assert!(number < 400, "nothing ends it");
        let was_told_before = told(&house);
        match house.offer(XML, &record(number).text()).await {
            Ok(_) => {}
            Err(Unfinished::Refused(RecordRefusal::DayFull { retry_after_s, .. })) => {
                break (was_told_before, retry_after_s);
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert!(was_told_before, "it was told only at the wall");
    assert!((1..=3600).contains(&wait_s), "{wait_s}");
    let concluded = house.report(referral_id, 1, "accepted", json!({})).await;
    assert_eq!(concluded.end, End::Applied, "{concluded:?}");

    // 23:59 and 00:01 in London.
    house.clock.advance(std::time::Duration::from_secs((2 * 60 + 59) * 60));
    probe::probe(&house.gateway).await.unwrap();
    let refused = house.offer(XML, &record(number).text()).await;
    assert!(
        matches!(refused, Err(Unfinished::Refused(RecordRefusal::DayFull { .. }))),
        "{refused:?}"
    );
    assert!(told(&house));
    house.clock.advance(std::time::Duration::from_secs(2 * 60));
    probe::probe(&house.gateway).await.unwrap();
    assert!(!told(&house), "it goes on being told");
    house.refer(&record(number).text()).await;
}
