//! Outcomes that wait on a queue: how fast the gateway takes them.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bare::Window;
use crate::world::World;

/// Puts so many first outcomes on the queue, each of its own case, and waits until all are applied;
/// outcomes a second from the first publish on.
pub async fn drain(world: &World, count: usize) -> anyhow::Result<f64> {
    let referrals = referrals(world, count).await?;
    let connection =
        Connection::connect(&world.intake_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut window = Window::default();
    let before = world.metric("cara_outcomes_total").await?;
    let started = Instant::now();
    for referral_id in referrals {
        let outcome_id = Uuid::now_v7();
        let message = json!({
            "specversion": "1.0", "id": outcome_id, "source": "/providers/harbour",
            "type": "uk.cara.outcome.v1",
            "data": {
                "outcome_id": outcome_id, "referral_id": referral_id, "number": 1,
                "revision_seen": 1, "kind": "accepted", "happened_on": "2025-10-04",
                "recorded_at": "2025-10-04T10:00:00Z",
            },
        });
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_message_id(outcome_id.to_string().into())
            .with_user_id("harbour-intake".into());
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let exchange = "cara.outcomes.harbour";
        let body = message.to_string();
        let confirm = channel
            .basic_publish(exchange.into(), "load".into(), options, body.as_bytes(), properties)
            .await?;
        window.push(confirm).await?;
    }
    window.drain().await?;
    while world.metric("cara_outcomes_total").await? < before + count as f64 {
        if started.elapsed() > Duration::from_secs(300) {
            bail!("the outcomes are not applied");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// The ids of cases that have reached the intake queue, each once.
async fn referrals(world: &World, count: usize) -> anyhow::Result<Vec<String>> {
    let connection = Connection::connect(&world.amqp, ConnectionProperties::default()).await?;
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
