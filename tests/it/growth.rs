//! What a force may make the store grow by in a day.

use serde_json::json;

use crate::record::{XML, body, record};
use crate::world::{World, eventually};

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
        listed.contains("store_growth 44: 1").then_some(())
    })
    .await;

    // A dry run stores nothing; others are not concerned; operators go on.
    let dry = force.send(XML, record(999).text(), "?dry_run=true", &[]).await.unwrap();
    assert_eq!(dry.status, 200, "{}", dry.text);
    let other = gateway.force("leicestershire").post("application/json", "{}").await;
    assert_ne!(&other.body["code"], "P504", "{}", other.text);
    let hold_id = held.record(0)["hold_id"].as_str().unwrap().to_owned();
    let released = gateway.command(&["hold", "return", &hold_id, "--because", "unknown code"]);
    assert!(released.status.success(), "{released:?}");

    assert!(gateway.stop().success());
    gateway.spawn().await;
    let still = gateway.force("hampshire").post(XML, record(998).text()).await;
    assert_eq!((still.status, &still.body["code"]), (503, &json!("P504")), "{}", still.text);
}
