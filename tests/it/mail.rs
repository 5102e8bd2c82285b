//! E-mail as the way by which people are told: whether it leaves is looked at before it is needed, and
//! what cannot be told by way of the store is mailed without it.

use std::sync::Arc;
use std::time::Duration;

use cara_clock::Clock;
use cara_config::mail::Encryption;
use cara_delivery::Mailer;
use cara_gateway::worker::{self, Outside, Post};
use cara_metric::alert::{DISK_LOW, MAIL_NOT_LEAVING, STORE_REFUSING, SWEEP_LATE};
use cara_metric::{Health, Metric, Part, State};

use crate::delivery::postbox::{Guard, Postbox};
use crate::house::House;
use crate::patience::eventually;
use crate::world::{TestGateway, World, free_port, plain_client, write_secret};

/// The operators' e-mail, sent to this server without TLS.
pub fn post(server: String, clock: &Clock) -> Post {
    let settings = cara_config::MailSettings {
        server,
        tls: Encryption::None,
        ca: None,
        from: "gateway@cara.example".to_owned(),
        user: None,
        password: None,
        operators: vec!["ops@cara.example".to_owned()],
    };
    Post { mail: Mailer::open(&settings, clock).unwrap(), operators: settings.operators }
}

/// A gateway that has not been started, with these lines in `[mail]` besides who writes to whom.
fn mailing(lines: &str) -> TestGateway {
    let gateway = World::default().lay_out();
    let file = gateway.folder.join("gateway.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("[mail]\nfrom = \"gateway@cara.example\"\n");
    text.push_str(lines);
    std::fs::write(&file, text).unwrap();
    gateway
}

/// What doctor says of e-mail.
fn doctor(gateway: &TestGateway) -> String {
    let said = gateway.command(&["doctor"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    said.lines().find(|line| line.contains(" mail: ")).unwrap_or(&said).to_owned()
}

const OPS: &str = "operators = [\"ops@cara.example\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_speaks_with_the_mail_server_up_to_the_envelope() {
    let clear = Postbox::start(Guard::None).await;
    let server = |address: &str| format!("server = \"{address}\"\n");
    let open = format!("{}tls = \"none\"\n", server(&clear.address()));
    let said = doctor(&mailing(&format!("{open}{OPS}")));
    assert!(said.starts_with("ok    mail: 1 operators are told through localhost:"), "{said}");
    let said = doctor(&mailing(&format!("{open}operators = [\"nobody@cara.example\"]\n")));
    assert!(said.contains("at RCPT TO: it refuses an address; compare mail.from"), "{said}");
    let said = doctor(&mailing(&format!("{}{OPS}", server(&clear.address()))));
    assert!(said.contains("at STARTTLS: it offers no STARTTLS"), "{said}");
    let nobody = format!("{}tls = \"none\"\n{OPS}", server(&format!("127.0.0.1:{}", free_port())));
    let said = doctor(&mailing(&nobody));
    assert!(said.contains("at connecting: nobody answers at mail.server"), "{said}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let said = doctor(&mailing(&format!("{}tls = \"none\"\n{OPS}", server(&silent))));
    assert!(said.contains("it says nothing in time") || said.contains("nobody answers"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_signs_on_to_the_mail_server() {
    let gateway = mailing(
        "server = \"SERVER\"\nca = \"certs/ca.pem\"\nuser = \"cara-gateway\"\n\
         password = \"mail.password\"\noperators = [\"ops@cara.example\"]\n",
    );
    let folder = &gateway.folder;
    gateway.authority.server(4).write(folder, "mail");
    let guard =
        Guard::StartTls { certificate: folder.join("mail.pem"), key: folder.join("mail.key") };
    let postbox = Postbox::start(guard).await;
    let file = folder.join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("SERVER", &postbox.address());
    std::fs::write(&file, text).unwrap();
    write_secret(&folder.join("mail.password"), "hunter2\n");
    let said = doctor(&gateway);
    assert!(said.starts_with("ok    mail: "), "{said}");
    write_secret(&folder.join("mail.password"), "hunter3\n");
    let said = doctor(&gateway);
    assert!(said.contains("at signing on: it refuses the login; compare mail.user"), "{said}");
}

/// The part `mail` of `/readyz`; None while it is not listed.
async fn part(gateway: &TestGateway) -> Option<serde_json::Value> {
    let ready = format!("{}/readyz", gateway.internal);
    let said = plain_client().get(ready).send().await.unwrap().text().await.unwrap();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    said["parts"].as_array().unwrap().iter().find(|it| it["name"] == "mail").cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readyz_says_whether_e_mail_leaves_before_there_is_any() {
    let postbox = Postbox::start(Guard::None).await;
    for (address, good) in
        [(postbox.address(), true), (format!("127.0.0.1:{}", free_port()), false)]
    {
        let mut gateway = mailing(&format!("server = \"{address}\"\ntls = \"none\"\n{OPS}"));
        gateway.spawn().await;
        let said = eventually("the mail server was tried", async || {
            part(&gateway).await.filter(|it| it["what"] != "not started yet")
        })
        .await;
        assert_eq!(said["good"], good, "{said}");
        assert!(good || said["what"].as_str().unwrap().contains("nobody answers"), "{said}");
    }
    let gateway = TestGateway::start().await;
    gateway.swept().await;
    assert_eq!(part(&gateway).await, None, "there is no [mail]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_takes_nothing_for_a_quarter_of_an_hour_is_an_incident() {
    let house = House::at("2025-10-04T14:00:00Z").await;
    let (metric, health) = (house.gateway.metric.clone(), Health::default());
    let outside = Outside {
        certificates: Arc::new(Default::default),
        dead: Arc::new(|| Box::pin(async { Vec::new() })),
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let post = post(format!("127.0.0.1:{}", free_port()), &house.clock);
    let gateway = house.gateway.clone();
    let sweeping = worker::sweep(gateway, outside, Some(post), health.clone(), stopped);
    let sweeping = tokio::spawn(sweeping);
    let is_told = || metric.troubles().now().keys().any(|it| it.0 == MAIL_NOT_LEAVING);
    eventually("it was tried", async || {
        let said = health.state(Part::Mail);
        matches!(said, State::Bad(what) if what.contains("nobody answers")).then_some(())
    })
    .await;
    assert!(!is_told());
    house.clock.advance(Duration::from_secs(16 * 60));
    // Any trouble wakes the sweep, and that the e-mail.
    metric.troubles().are(DISK_LOW, "disk of the store", 1);
    eventually("it is told", async || is_told().then_some(())).await;
    let open = async || house.open_incidents().await.contains(MAIL_NOT_LEAVING).then_some(());
    eventually("it is an incident", open).await;
    sweeping.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_cannot_tell_is_mailed_when_it_begins_each_day_and_when_it_ends() {
    let mut postbox = Postbox::start(Guard::None).await;
    let clock = Clock::manual("2025-10-04T14:00:00Z".parse().unwrap());
    let metric = Metric::default();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let post = post(postbox.address(), &clock);
    let alarm = worker::alarm(Some(post), clock.clone(), metric.clone(), stopped);
    let alarm = tokio::spawn(alarm);
    metric.troubles().are(STORE_REFUSING, "gateway", 1);
    let mut stages = Vec::new();
    for _ in 0..3 {
        let mail = postbox.next().await;
        stages.push(mail["headers"]["subject"].as_str().unwrap().to_owned());
        clock.advance(Duration::from_secs(24 * 3600));
    }
    metric.troubles().over(STORE_REFUSING, "gateway");
    let mail = postbox.next().await;
    stages.push(mail["headers"]["subject"].as_str().unwrap().to_owned());
    let said = ["opened", "open", "open", "closed"];
    assert_eq!(stages, said.map(|it| format!("CARA gateway: store_refusing gateway {it}")));
    stop.send_replace(true);
    alarm.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_does_not_leave_rests_before_it_is_tried_again() {
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clock = Clock::manual("2025-10-04T14:00:00Z".parse().unwrap());
    let metric = Metric::default();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let post = post(away.local_addr().unwrap().to_string(), &clock);
    let alarm = worker::alarm(Some(post), clock.clone(), metric.clone(), stopped);
    let alarm = tokio::spawn(alarm);
    let tried = async || drop(away.accept().await.unwrap());
    metric.troubles().are(STORE_REFUSING, "gateway", 1);
    tried().await;
    // The next round would try both; only what has not rested yet is tried.
    metric.troubles().are(SWEEP_LATE, "gateway", 1);
    tried().await;
    clock.advance(Duration::from_secs(25));
    metric.troubles().over(SWEEP_LATE, "gateway");
    let early = tokio::time::timeout(Duration::from_secs(5), tried()).await;
    assert!(early.is_err(), "two rounds, and half a minute had not passed");
    clock.advance(Duration::from_secs(60));
    tried().await;
    alarm.abort();
}
