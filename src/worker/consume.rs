//! Outcomes from the providers' queues into the store, each case's in order.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;

use super::{Stop, told};
use crate::amqp::Consumer;
use crate::amqp::consumer::{Answering, Received};
use crate::flow::conclude::{Arrived, End};
use crate::flow::{Gateway, Refusal};
use crate::metric::{Health, Metric, Part};

/// Messages that are worked on at once.
const BATCH_MAX: usize = 64;
const PAUSE_MS_MIN: u64 = 200;
const PAUSE_MS_MAX: u64 = 10_000;

/// Consumes until told to stop. Whatever goes wrong, the link is let go and made again after a
/// pause: the broker keeps what was not acknowledged.
pub async fn consume(
    gateway: Gateway,
    consumer: Consumer,
    metric: Metric,
    health: Health,
    mut stop: Stop,
) {
    let mut pause_ms = PAUSE_MS_MIN;
    loop {
        let followed = tokio::select! {
            biased;
            () = told(&mut stop) => return,
            followed = follow(&gateway, &consumer, &metric, &health, &mut pause_ms) => followed,
        };
        if health.bad(Part::Outcomes, followed.as_str()) {
            tracing::warn!(reason = %followed, "outcomes are not read now; it is tried again");
        }
        tokio::select! {
            () = told(&mut stop) => return,
            () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
        }
        pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
    }
}

/// Works until something fails, and says what.
async fn follow(
    gateway: &Gateway,
    consumer: &Consumer,
    metric: &Metric,
    health: &Health,
    pause_ms: &mut u64,
) -> String {
    let (mut inflow, answering) = match consumer.link().await {
        Ok(link) => link,
        Err(error) => return error.to_string(),
    };
    if health.good(Part::Outcomes) {
        tracing::info!("outcomes are read");
    }
    loop {
        let batch = match inflow.next(BATCH_MAX).await {
            Ok(batch) if batch.is_empty() => return "the connection ended".to_owned(),
            Ok(batch) => batch,
            Err(error) => return error.to_string(),
        };
        if let Err(reason) = work(gateway, &answering, metric, batch).await {
            return reason;
        }
        *pause_ms = PAUSE_MS_MIN;
    }
}

/// Cases side by side, the messages of one case one after the other.
async fn work(
    gateway: &Gateway,
    answering: &Answering,
    metric: &Metric,
    batch: Vec<Received>,
) -> Result<(), String> {
    let mut cases: HashMap<String, Vec<Received>> = HashMap::new();
    for received in batch {
        cases.entry(case_of(&received.body)).or_default().push(received);
    }
    let working = cases.into_values().map(|messages| async move {
        for received in messages {
            one(gateway, answering, metric, &received).await?;
        }
        Ok(())
    });
    join_all(working).await.into_iter().collect()
}

async fn one(
    gateway: &Gateway,
    answering: &Answering,
    metric: &Metric,
    received: &Received,
) -> Result<(), String> {
    let arrived = Arrived {
        provider: received.inbox.provider.clone(),
        side: received.inbox.side,
        speaker: received.speaker.clone(),
        message_id: received.message_id,
        body: received.body.clone(),
    };
    let concluded = gateway.conclude(&arrived).await.map_err(|refusal| explained(&refusal))?;
    for rejection in &concluded.rejections {
        answering.answer(rejection).await.map_err(|error| error.to_string())?;
        let codes: Vec<_> = rejection.faults.iter().map(|fault| fault.code.id).collect();
        tracing::warn!(
            provider = rejection.provider,
            codes = codes.join(" "),
            "an outcome was rejected; the provider is told why"
        );
    }
    if let Some(force) = &concluded.urgent_for {
        metric.safeguarding_concern(force);
        tracing::error!(
            force,
            "a safeguarding concern: tell a person at this force within 15 minutes. It is in \
             GET /v1/notices?stream=victim"
        );
    }
    let status = match concluded.end {
        End::Applied => "applied",
        End::Waits => "waits",
        End::AlreadyApplied => "already_applied",
        End::Contradicts => "contradicts",
        End::Rejected => "rejected",
        End::SetAside => "set_aside",
    };
    metric.outcome(&arrived.provider, status);
    if concluded.end == End::SetAside {
        return received.set_aside().await.map_err(|error| error.to_string());
    }
    received.acknowledge().await.map_err(|error| error.to_string())
}

/// What keeps messages of one case in order; only a key, checked later.
fn case_of(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Message {
        data: About,
    }
    #[derive(Deserialize)]
    struct About {
        referral_id: String,
    }
    serde_json::from_slice::<Message>(body).map_or_else(|_| String::new(), |it| it.data.referral_id)
}

fn explained(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Internal(error) => format!("{error:#}"),
        other => other.to_string(),
    }
}
