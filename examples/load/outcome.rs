//! Outcomes: how fast the gateway takes those that wait on a queue, and how long one needs until
//! its letter has arrived at the force's endpoint.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, PublisherConfirm};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bare::Window;
use crate::world::World;

/// Puts so many first outcomes on the queue, each of its own case, and waits until all are applied;
/// outcomes a second from the first publish on. Answers the cases as well.
pub async fn drain(world: &World, count: usize) -> anyhow::Result<(f64, Vec<String>)> {
    let referrals = referrals(world, count).await?;
    let connection =
        Connection::connect(&world.intake_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut window = Window::default();
    let before = world.metric("cara_outcomes_total").await?;
    let started = Instant::now();
    for referral_id in &referrals {
        let accepted = json!({ "kind": "accepted" });
        window.push(publish(&channel, referral_id, 1, accepted).await?).await?;
    }
    window.drain().await?;
    while world.metric("cara_outcomes_total").await? < before + count as f64 {
        if started.elapsed() > Duration::from_secs(300) {
            bail!("the outcomes are not applied");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok((count as f64 / started.elapsed().as_secs_f64(), referrals))
}

/// One outcome of a case on its way.
async fn publish(
    channel: &Channel,
    referral_id: &str,
    number: u32,
    says: Value,
) -> anyhow::Result<PublisherConfirm> {
    let outcome_id = Uuid::now_v7();
    let mut stated = json!({
        "outcome_id": outcome_id, "referral_id": referral_id, "number": number,
        "revision_seen": 1, "happened_on": "2025-10-04", "recorded_at": "2025-10-04T10:00:00Z",
    });
    for (name, value) in says.as_object().context("an outcome's members")? {
        stated[name] = value.clone();
    }
    let message = json!({
        "specversion": "1.0", "id": outcome_id, "source": "/providers/harbour",
        "type": "uk.cara.outcome.v1", "data": stated,
    });
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_message_id(outcome_id.to_string().into())
        .with_user_id("harbour-intake".into());
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let exchange = "cara.outcomes.harbour";
    let body = message.to_string();
    let confirm =
        channel.basic_publish(exchange.into(), "load".into(), options, body.as_bytes(), properties);
    Ok(confirm.await?)
}

/// Counts letters that the endpoint has taken over.
const TAKEN: &str = "cara_pushes_total{force=\"hampshire\",end=\"taken_over\"}";

/// Waits until every letter of the cases has been taken over; letters a second from now on.
pub async fn letters(world: &World, count: usize) -> anyhow::Result<f64> {
    let started = Instant::now();
    let before = world.metric(TAKEN).await?;
    while world.metric(TAKEN).await? < count as f64 {
        if started.elapsed() > Duration::from_secs(300) {
            bail!("the letters do not arrive");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok((count as f64 - before) / started.elapsed().as_secs_f64())
}

/// From an outcome's publish to its letter at the endpoint, one after the other: median and 99th
/// percentile. The endpoint's answer is seen on the metrics page, which is asked without a pause.
pub async fn latency(world: &World, referrals: &[String]) -> anyhow::Result<(Duration, Duration)> {
    let connection =
        Connection::connect(&world.intake_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut times = Vec::with_capacity(referrals.len());
    for referral_id in referrals {
        let before = world.metric(TAKEN).await?;
        let started = Instant::now();
        let says = json!({ "kind": "uncontactable", "attempts": 2 });
        publish(&channel, referral_id, 2, says).await?.await?;
        while world.metric(TAKEN).await? <= before {
            if started.elapsed() > Duration::from_secs(30) {
                bail!("a letter does not arrive");
            }
        }
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    Ok((at(50), at(99)))
}

/// The ids of cases that have reached the intake queue, each once.
async fn referrals(world: &World, count: usize) -> anyhow::Result<Vec<String>> {
    let connection =
        Connection::connect(&world.harbour_url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let got = channel
            .basic_get("cara.intake.harbour".into(), BasicGetOptions { no_ack: false })
            .await?
            .context("the intake queue holds too few cases")?;
        let event: Value = serde_json::from_slice(&got.delivery.data)?;
        ids.push(event["subject"].as_str().context("subject")?.to_owned());
        got.delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(ids)
}
