//! `store.read_only`: what helps to save a store that a start refuses is answered, and nothing else.

use crate::patience::eventually;
use crate::record::{XML, record};
use crate::world::{TestGateway, plain_client};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_opened_for_reading_answers_reads_and_says_that_it_takes_nothing() {
    let mut gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    let taken = force.post(XML, record(1).unlisted().text()).await;
    assert_eq!(taken.status, 202, "{}", taken.text);
    assert!(gateway.stop().success());
    let (config, store) = (gateway.folder.join("gateway.toml"), gateway.folder.join("gateway.db"));
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("[store]\n", "[store]\nread_only = true\n");
    std::fs::write(&config, text).unwrap();
    let before = std::fs::read(&store).unwrap();

    gateway.begin(&[]);
    let ready = format!("{}/readyz", gateway.internal);
    let said = eventually("the store's part says why", async || {
        let answer = plain_client().get(&ready).send().await.ok()?;
        assert_eq!(answer.status(), 503);
        let text = answer.text().await.ok()?;
        text.contains("opened for reading only").then_some(text)
    })
    .await;
    assert!(said.contains("\"store\""), "{said}");
    let force = gateway.force("hampshire");
    let refused = eventually("the listener answers", async || {
        let answer = force.post(XML, record(2).text()).await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    assert!(refused.text.contains("reading only"), "{}", refused.text);
    for command in [&["hold", "list"][..], &["incident", "list"]] {
        let listed = gateway.command(command);
        let (said, wrong) = (String::from_utf8_lossy(&listed.stdout), listed.stderr);
        assert!(listed.status.success(), "{command:?}: {}", String::from_utf8_lossy(&wrong));
        assert!(command[0] != "hold" || said.contains("hampshire"), "{said}");
    }
    assert!(gateway.stop().success(), "{}", gateway.log());
    assert_eq!(std::fs::read(&store).unwrap(), before, "nothing is written");
}
