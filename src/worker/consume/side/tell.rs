//! What health says of a side, and what operators are told.

use std::time::Duration;

use super::{SideReader, Standing};
use crate::worker::consume::intake::Intake;
use cara_amqp::Error;
use cara_amqp::consumer::Received;
use cara_metric::alert::{ENTRY_FAULT, PROVIDER_FLOOD, PROVIDER_REJECTIONS, SAFEGUARDING_CONCERN};

/// What stands unread for so long is told.
const UNREAD_MAX: Duration = Duration::from_secs(15 * 60);
/// Messages that are named one by one; more are told as one.
const FAULTS_NAMED_MAX: usize = 20;
/// So long an urgent message that names no case is told.
const ALARM_S: u64 = 24 * 3600;

impl SideReader {
    /// How the side is and what an operator has to know of it.
    pub(super) fn tell(&mut self, intake: &mut Intake, now: Duration) {
        let (about, troubles) = (self.queue.about(), self.metric.troubles());
        let is_calm = self.quota.is_half_full(now) && self.refused.is_half_full(now);
        if self.is_flooded && intake.line.len() == 0 && is_calm {
            self.is_flooded = false;
            tracing::info!(about, "the provider's flood of reports is over");
        }
        if self.is_flooded {
            let waits = (intake.line.len() as u64 + u64::from(intake.stand)).max(1);
            troubles.are(PROVIDER_FLOOD, &about, waits);
        } else {
            troubles.over(PROVIDER_FLOOD, &about);
        }
        match self.rejections.sum(now) {
            sum if sum > self.queue.rejected_per_hour_max.into() => {
                troubles.are(PROVIDER_REJECTIONS, &about, sum);
            }
            _ => troubles.over(PROVIDER_REJECTIONS, &about),
        }
        if self.alarm_until.is_some_and(|until| now >= until) {
            self.alarm_until = None;
            troubles.over(SAFEGUARDING_CONCERN, &about);
        }
        if intake.looks > 0 {
            self.say_how_it_is(intake, now);
        }
    }

    fn say_how_it_is(&self, intake: &Intake, now: Duration) {
        let long = |since: Duration| now.saturating_sub(since) >= UNREAD_MAX;
        let standing = match intake.away {
            Some((reason, since, _)) => Standing {
                bad: Some(format!("the store cannot commit ({reason}), so nothing is read")),
                told: long(since),
            },
            None if long(intake.progress_at) => Standing {
                bad: Some("reports have stood unread for 15 minutes".to_owned()),
                told: true,
            },
            None if intake.answers.is_failing() => {
                Standing { bad: Some("its rejected queue takes no answer".to_owned()), told: false }
            }
            None => Standing::default(),
        };
        let is_good = standing.bad.is_none();
        if self.board.say(&self.queue, standing) && is_good {
            tracing::info!(
                provider = self.queue.provider,
                side = self.queue.side_name(),
                "outcomes are read"
            );
        }
    }

    pub(super) fn flood(&mut self) {
        if !self.is_flooded {
            self.is_flooded = true;
            let (provider, side) = (&self.queue.provider, self.queue.side_name());
            tracing::warn!(provider, side, "reports come faster than the quota; they wait");
        }
    }

    /// A fault of ours met this message, again and again: it is told and set aside.
    pub(super) async fn fault(&mut self, received: Received, fault: &str) -> Result<(), Error> {
        let about = match received.message_id {
            Some(id) if self.faults.len() < FAULTS_NAMED_MAX => id.to_string(),
            _ => self.queue.about(),
        };
        tracing::error!(about, fault, "a report met a fault of the gateway's and is set aside");
        self.metric.troubles().are(ENTRY_FAULT, &about, 1);
        self.faults.insert(about);
        received.set_aside().await
    }

    /// Somebody may be in danger and nobody can say in which case: whoever runs the gateway asks.
    pub(super) fn unplaced(&mut self, why: &str) {
        let about = self.queue.about();
        self.alarm_until = Some(self.clock.monotonic() + Duration::from_secs(ALARM_S));
        self.metric.troubles().are(SAFEGUARDING_CONCERN, &about, 1);
        tracing::error!(
            provider = self.queue.provider,
            side = self.queue.side_name(),
            why,
            "a safeguarding concern or a high risk could not be told to a force: ask the provider \
             by telephone, now"
        );
    }
}
