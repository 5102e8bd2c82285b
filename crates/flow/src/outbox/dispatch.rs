//! Outbox rows to events and back to settled rows: what the publishing worker asks for.

use std::time::Duration;

use bytes::Bytes;
use cara_domain::Compartment;
use cara_wire::{Event, Header, MessageKind};
use uuid::Uuid;

use crate::case_file::CaseKeys;
use crate::{Failure, Gateway};
use cara_clock::later;
use cara_store::{Fact, GATEWAY, Lease, Leased, OutboxRoute, Settled};

/// After so long it is tried again: an epoch's file may be back, a backup restored.
const UNFIT_REST: Duration = Duration::from_secs(300);

/// Why a row gives no event.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("a column of its row holds what no writer of this program makes")]
    Row,
    #[error("it cannot be opened")]
    Sealed(#[source] cara_vault::Error),
}

/// One event that may be published now, and the right to settle it.
#[derive(Debug)]
pub struct OutboxWork {
    pub lease: Lease,
    pub event: Event,
    pub attempts: u32,
    provider: String,
    referral_id: Uuid,
    /// None: no revision carries it.
    revision: Option<u32>,
}

/// How work on one event ended: what [`Gateway::settle`] writes.
#[derive(Clone, Debug)]
pub struct SettledWork {
    lease: Lease,
    settled: Settled,
}

impl OutboxWork {
    /// The broker has confirmed it: the disclosure goes into the audit with the settling.
    pub fn done(self, at: jiff::Timestamp) -> SettledWork {
        let (id, kind, to) = (self.referral_id, self.event.header().kind.name(), &self.provider);
        let disclosure = match self.revision {
            Some(revision) => Fact::revision_sent(GATEWAY, at, id, revision, kind, to),
            None => Fact::message_sent(GATEWAY, at, id, kind, to),
        };
        let settled = Settled::Done { at, disclosure: Box::new(disclosure) };
        SettledWork { lease: self.lease, settled }
    }

    pub fn retry(self, not_before: jiff::Timestamp, reason: &'static str) -> SettledWork {
        SettledWork { lease: self.lease, settled: Settled::Retry { not_before, reason } }
    }
}

/// Leases up to `limit` rows to this side of the provider and opens their events. A row that cannot be
/// read or opened is set aside for a while and told; the others go on.
pub async fn claim(
    gateway: &Gateway,
    provider: String,
    side: Compartment,
    limit: usize,
    lease_s: u32,
) -> Result<Vec<OutboxWork>, Failure> {
    let leased = gateway.store.claim(OutboxRoute { provider, side }, limit, lease_s).await?;
    let mut work = Vec::with_capacity(leased.len());
    let mut unfit = Vec::new();
    for row in leased {
        let (lease, about, error) = match row {
            Err(lease) => (lease.clone(), lease.about(), Unfit::Row),
            Ok(row) => {
                let (lease, about) = (row.lease.clone(), format!("message {}", row.event_id));
                match reopen(gateway, row) {
                    Ok(opened) => {
                        work.push(opened);
                        continue;
                    }
                    Err(error) => (lease, about, Unfit::Sealed(error)),
                }
            }
        };
        match error {
            // Told as one, for all that it keeps shut.
            Unfit::Sealed(cara_vault::Error::EpochMissing(_)) => {}
            error => gateway.faults.met(&about, &error),
        }
        let not_before = later(gateway.clock.now(), UNFIT_REST);
        let reason = "it cannot be read or opened";
        unfit.push((lease, Settled::Retry { not_before, reason }));
    }
    if let Err(error) = gateway.store.settle(unfit).await {
        // Their leases run out.
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "what cannot be opened could not be set aside");
    }
    Ok(work)
}

/// Since when the oldest message to the provider waits to be sent.
pub async fn oldest_waiting(
    gateway: &Gateway,
    provider: &str,
) -> Result<Option<jiff::Timestamp>, Failure> {
    Ok(gateway.store.oldest_waiting(provider.to_owned()).await?)
}

/// Ends work on leased rows; a lost lease changes nothing.
pub async fn settle(gateway: &Gateway, outcomes: Vec<SettledWork>) -> Result<(), Failure> {
    let pairs = outcomes.into_iter().map(|SettledWork { lease, settled }| (lease, settled));
    gateway.store.settle(pairs.collect()).await?;
    Ok(())
}

fn reopen(gateway: &Gateway, row: Leased) -> Result<OutboxWork, cara_vault::Error> {
    let keys = CaseKeys::unwrap(gateway, row.referral_id, &row.keys)?;
    let body = keys.open_event(row.revision, row.event_id, &row.body)?;
    let kind = row.kind.ok().and_then(|action| MessageKind::find(row.compartment, action));
    let kind = kind.ok_or(cara_vault::Error::DoesNotOpen)?;
    let header = Header {
        id: row.event_id,
        kind,
        referral_id: row.referral_id,
        force: row.force.to_string(),
        provider: row.provider.clone(),
        received_at: row.received_at,
    };
    Ok(OutboxWork {
        lease: row.lease,
        event: Event::reopen(header, Bytes::from(body)),
        attempts: row.attempts,
        provider: row.provider,
        referral_id: row.referral_id,
        revision: row.revision,
    })
}
