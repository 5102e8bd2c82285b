//! Who may do what on the broker: one test for each right, with the definitions that
//! `broker definitions` writes.

use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    ExchangeBindOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};

use crate::broker::shared;

const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;

/// A channel of its own connection: a refusal closes what it came on.
struct Outsider {
    channel: Channel,
    _connection: Connection,
}

/// Logged in at harbour.
async fn outsider(user: &str) -> Outsider {
    outsider_at(user, "harbour").await.unwrap()
}

async fn outsider_at(user: &str, provider: &str) -> Result<Outsider, lapin::Error> {
    let url = shared().url(user, provider);
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    Ok(Outsider { channel, _connection: connection })
}

fn code(error: &lapin::Error) -> u16 {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(said) => said.get_id(),
        other => panic!("no answer of the broker: {other:?}"),
    }
}

async fn check_read(user: &str, queue: &str, allowed: bool) {
    let get = outsider(user).await;
    let got = get.channel.basic_get(queue.into(), BasicGetOptions::default()).await;
    let consume = outsider(user).await;
    let options = BasicConsumeOptions::default();
    let consumed = consume
        .channel
        .basic_consume(queue.into(), "".into(), options, FieldTable::default())
        .await;
    if allowed {
        assert!(got.is_ok() && consumed.is_ok(), "{user} cannot read {queue}");
    } else {
        assert_eq!(code(&got.err().unwrap()), ACCESS_REFUSED, "{user} gets from {queue}");
        assert_eq!(code(&consumed.err().unwrap()), ACCESS_REFUSED, "{user} consumes {queue}");
    }
}

/// Publishes as `user` with `speaker` as the message's `user_id`: none, or the broker's refusal.
async fn publish(user: &str, exchange: &str, key: &str, speaker: Option<&str>) -> Option<u16> {
    let from = outsider(user).await;
    let mut properties = BasicProperties::default();
    if let Some(speaker) = speaker {
        properties = properties.with_user_id(speaker.into());
    }
    let options = BasicPublishOptions::default();
    let sent =
        from.channel.basic_publish(exchange.into(), key.into(), options, b"{}", properties).await;
    let confirmed = match sent {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    match confirmed {
        Ok(confirmation) => {
            assert!(confirmation.is_ack());
            None
        }
        Err(error) => Some(code(&error)),
    }
}

async fn check_refused(user: &str, exchange: &str) {
    let refused = publish(user, exchange, "harbour.44.x", Some(user)).await;
    assert_eq!(refused, Some(ACCESS_REFUSED), "{user} writes to {exchange}");
}

#[tokio::test]
async fn the_intake_user_reads_its_own_intake_and_rejected_queues() {
    check_read("harbour-intake", "cara.intake.harbour", true).await;
    check_read("harbour-intake", "cara.rejected.harbour", true).await;
}

#[tokio::test]
async fn the_victims_user_reads_its_own_victim_queues() {
    check_read("harbour-victims", "cara.victims.harbour", true).await;
    check_read("harbour-victims", "cara.victim_rejected.harbour", true).await;
}

#[tokio::test]
async fn the_intake_user_reads_nothing_of_the_victims() {
    for queue in ["cara.victims.harbour", "cara.victim_rejected.harbour"] {
        check_read("harbour-intake", queue, false).await;
    }
}

#[tokio::test]
async fn the_victims_user_reads_nothing_of_the_offenders() {
    for queue in ["cara.intake.harbour", "cara.rejected.harbour"] {
        check_read("harbour-victims", queue, false).await;
    }
}

/// RabbitMQ asks for no right when a queue is declared passively, so only a virtual host of its own
/// keeps a provider from counting what waits for another.
#[tokio::test]
async fn nobody_sees_another_providers_virtual_host() {
    const NOT_ALLOWED: u16 = 530;
    const NOT_FOUND: u16 = 404;
    // A slug that begins with another's is another provider too.
    let slugs = ["harbour", "harbour-test", "beacon"];
    for (own, other) in slugs.iter().flat_map(|own| slugs.map(|other| (*own, other))) {
        for user in [format!("{own}-intake"), format!("{own}-victims")] {
            let entered = outsider_at(&user, other).await;
            if own == other {
                assert!(entered.is_ok(), "{user} cannot enter its own");
                continue;
            }
            let refused = code(&entered.err().unwrap());
            assert_eq!(refused, NOT_ALLOWED, "{user} enters cara.{other}");
            let at = outsider_at(&user, own).await.unwrap();
            let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let queue = format!("cara.intake.{other}");
            let seen =
                at.channel.queue_declare(queue.as_str().into(), look, FieldTable::default()).await;
            assert_eq!(code(&seen.err().unwrap()), NOT_FOUND, "{user} counts {queue}");
        }
    }
}

#[tokio::test]
async fn nobody_reads_dead_queues_or_outcomes_but_the_gateway() {
    for queue in ["cara.intake.harbour.dead", "cara.outcomes.harbour", "cara.victims.harbour.dead"]
    {
        check_read("harbour-intake", queue, false).await;
        check_read("harbour-victims", queue, false).await;
    }
}

#[tokio::test]
async fn each_side_writes_its_own_outcomes() {
    let (intake, victims) = ("harbour-intake", "harbour-victims");
    assert_eq!(publish(intake, "cara.outcomes.harbour", "x", Some(intake)).await, None);
    assert_eq!(publish(victims, "cara.victim_outcomes.harbour", "x", Some(victims)).await, None);
}

#[tokio::test]
async fn neither_side_writes_anything_else() {
    for exchange in
        ["", "cara.referrals", "cara.victims", "cara.rejected", "cara.dead", "cara.outcomes.beacon"]
    {
        check_refused("harbour-intake", exchange).await;
        check_refused("harbour-victims", exchange).await;
    }
    check_refused("harbour-intake", "cara.victim_outcomes.harbour").await;
    check_refused("harbour-victims", "cara.outcomes.harbour").await;
}

#[tokio::test]
async fn nobody_speaks_as_another() {
    for speaker in ["harbour-victims", "beacon-intake", "cara-gateway"] {
        let refused = publish("harbour-intake", "cara.outcomes.harbour", "x", Some(speaker)).await;
        assert_eq!(refused, Some(PRECONDITION_FAILED), "harbour-intake speaks as {speaker}");
    }
    let exchange = "cara.victim_outcomes.harbour";
    let refused = publish("harbour-victims", exchange, "x", Some("harbour-intake")).await;
    assert_eq!(refused, Some(PRECONDITION_FAILED));
    // Not even the gateway.
    let refused =
        publish("cara-gateway", "cara.outcomes.harbour", "x", Some("harbour-intake")).await;
    assert_eq!(refused, Some(PRECONDITION_FAILED));
}

#[tokio::test]
async fn neither_side_declares_anything() {
    for user in ["harbour-intake", "harbour-victims"] {
        let queue = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let at = outsider(user).await;
        for name in ["cara.intake.intruder", ""] {
            let at = outsider(user).await;
            let made = at.channel.queue_declare(name.into(), queue, FieldTable::default()).await;
            assert_eq!(code(&made.err().unwrap()), ACCESS_REFUSED, "{user} declares {name:?}");
        }
        let (kind, options) = (ExchangeKind::Topic, ExchangeDeclareOptions::default());
        let arguments = FieldTable::default();
        let made = at.channel.exchange_declare("intruder".into(), kind, options, arguments).await;
        assert_eq!(code(&made.err().unwrap()), ACCESS_REFUSED, "{user} declares an exchange");
    }
}

#[tokio::test]
async fn neither_side_binds_its_queue_or_exchange_elsewhere() {
    for (user, queue, exchange) in [
        ("harbour-intake", "cara.intake.harbour", "cara.outcomes.harbour"),
        ("harbour-victims", "cara.victims.harbour", "cara.victim_outcomes.harbour"),
    ] {
        for source in ["cara.victims", "cara.referrals", "cara.dead"] {
            let at = outsider(user).await;
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            let bound =
                at.channel.queue_bind(queue.into(), source.into(), "#".into(), options, none);
            assert_eq!(code(&bound.await.err().unwrap()), ACCESS_REFUSED, "{user} {source}");
            let at = outsider(user).await;
            let (options, none) = (ExchangeBindOptions::default(), FieldTable::default());
            let bound =
                at.channel.exchange_bind(exchange.into(), source.into(), "#".into(), options, none);
            assert_eq!(code(&bound.await.err().unwrap()), ACCESS_REFUSED, "{user} {source}");
        }
    }
}

#[tokio::test]
async fn neither_side_deletes_its_queue() {
    for (user, queue) in
        [("harbour-intake", "cara.intake.harbour"), ("harbour-victims", "cara.victims.harbour")]
    {
        let at = outsider(user).await;
        let deleted = at.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await;
        assert_eq!(code(&deleted.err().unwrap()), ACCESS_REFUSED, "{user} deletes {queue}");
    }
}
