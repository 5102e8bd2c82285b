//! One side of one provider: what is urgent goes first and past every quota, what is wrong at sight
//! is answered by the batch, the rest is worked on as fast as the quota lets it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cara_wire::glance::glance;
use cara_wire::rejection::Rejection;
use futures_util::FutureExt as _;
use futures_util::future::FusedFuture as _;
use futures_util::stream::StreamExt as _;

use super::answer::Owed;
use super::intake::{Done, Intake, RecordedRejections, WaitingMessage, Worked, at_sight, work};
use super::quota::{LastHour, Quota};
use super::{Board, Standing};
use cara_amqp::consumer::{HANDED_OUT_MIN, OutcomeQueue, Received};
use cara_amqp::{Consumer, Error};
use cara_clock::{Backoff, Clock};
use cara_flow::Gateway;
use cara_flow::case::conclude::rejected;
use cara_flow::case::conclude::{Concluded, End, Urgency};
use cara_metric::Metric;
use cara_metric::alert::ENTRY_FAULT;

mod tell;

/// Messages that are worked on at once, and of a flood.
const WORKING_MAX: usize = 64;
const WORKING_FLOOD_MAX: usize = 8;
/// Messages that the broker hands out and that wait here, for their turn or for their answer: what is
/// urgent is seen so far ahead. What is beyond these stays in the queue. The broker wants each back
/// within 30 minutes.
const AHEAD_MAX: u16 = 4_096;
const AHEAD_MINUTES_MAX: u32 = 10;
const LINE_BYTES_MAX: usize = 8 << 20;
/// What was taken gets so long to be done with before all that is too much comes anew.
const FULL_MAX: Duration = Duration::from_secs(5);
/// Of a flood, read in one short round.
const READ_MAX: usize = 128;
const ROUND: Duration = Duration::from_millis(50);
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Urgent messages that go first; more of them wait in line like others.
const URGENT_PER_MINUTE: u32 = 240;
/// Audit rows of rejections that are written at once; more of them wait and share one.
const ROWS_PER_MINUTE: u32 = 30;
const ROW_EVERY: Duration = Duration::from_secs(5);
const ROW_REJECTIONS_MAX: usize = 1_000;
/// Until a message is tried again: while the store is away, and after a fault of ours.
const AWAY_REST: Duration = Duration::from_secs(2);
const FAULT_BACKOFF: Backoff = Backoff::of(Duration::from_secs(2), Duration::from_secs(8));
/// A message that meets so many faults of ours is set aside.
const FAULTS_MAX: u32 = 4;

/// Why a link ended.
pub(super) struct LinkEnd {
    pub reason: String,
    pub is_passing: bool,
    /// Whether it worked: a message was done with, or the broker said twice that it is read.
    pub is_proven: bool,
    /// Whether its queue was gone, or the broker ended the reading by itself.
    pub is_deaf: bool,
}

pub(super) struct SideReader {
    gateway: Gateway,
    consumer: Consumer,
    queue: Arc<OutcomeQueue>,
    board: Board,
    metric: Metric,
    clock: Clock,
    /// Reports that change something, and those that cannot or need not.
    quota: Quota,
    refused: Quota,
    urgent: Quota,
    rows: Quota,
    rejections: LastHour,
    is_flooded: bool,
    /// The messages are too large to be handed out by the thousand.
    is_large: bool,
    /// What of ours each message met that was set aside for it.
    faults: BTreeSet<String>,
    alarm_until: Option<Duration>,
}

impl SideReader {
    pub fn of(
        gateway: &Gateway,
        consumer: &Consumer,
        queue: &Arc<OutcomeQueue>,
        board: &Board,
    ) -> SideReader {
        let now = gateway.clock.monotonic();
        SideReader {
            gateway: gateway.clone(),
            consumer: consumer.clone(),
            queue: Arc::clone(queue),
            board: board.clone(),
            metric: board.metric.clone(),
            clock: gateway.clock.clone(),
            quota: Quota::of(queue.per_minute_max, now),
            refused: Quota::of(queue.per_minute_max, now),
            urgent: Quota::of(URGENT_PER_MINUTE, now),
            rows: Quota::of(ROWS_PER_MINUTE, now),
            rejections: LastHour::default(),
            is_flooded: false,
            is_large: false,
            faults: BTreeSet::new(),
            alarm_until: None,
        }
    }

    pub fn queue(&self) -> &Arc<OutcomeQueue> {
        &self.queue
    }

    /// Reads until the link ends, and says why it did.
    pub async fn follow(&mut self) -> LinkEnd {
        loop {
            let ahead = self.queue.per_minute_max.saturating_mul(AHEAD_MINUTES_MAX);
            let ahead = u16::try_from(ahead).unwrap_or(AHEAD_MAX).min(AHEAD_MAX);
            let ahead = if self.is_large { HANDED_OUT_MIN } else { ahead };
            let inflow = match self.consumer.link(&self.queue, ahead).await {
                Ok(inflow) => inflow,
                Err(error) => return ended(&error, false),
            };
            let mut intake = Intake::of(inflow, ahead, self.clock.monotonic());
            if let Err(error) = self.read(&mut intake).await {
                return ended(&error, intake.is_proven);
            }
            self.is_large = intake.full_since.is_some();
        }
    }

    /// Until another number of messages is to be handed out at once.
    async fn read(&mut self, intake: &mut Intake) -> Result<(), Error> {
        loop {
            let now = self.clock.monotonic();
            self.begin(intake, now).await?;
            if intake.full_since.is_some_and(|since| intake.is_idle() || now >= since + FULL_MAX) {
                return Ok(());
            }
            let is_calm = intake.is_idle() && !self.is_flooded;
            let rest = if is_calm { intake.look_at.saturating_sub(now) } else { ROUND };
            let rest = rest.max(ROUND);
            tokio::select! {
                received = intake.inflow.next(), if self.reads(intake) => match received? {
                    Some(received) => self.received(intake, received).await?,
                    None => intake.full_since = Some(now),
                },
                Some(done) = intake.working.next(), if !intake.working.is_empty() => {
                    self.done(intake, done).await?;
                }
                recorded = &mut intake.recording, if !intake.recording.is_terminated() => {
                    self.recorded(intake, recorded);
                }
                sent = intake.answers.sent(), if intake.answers.is_sending() => {
                    let (answered, reason) = intake.answers.settle(sent, self.clock.monotonic());
                    self.answered(answered, reason).await?;
                }
                looked = &mut intake.looking, if !intake.looking.is_terminated() => {
                    self.looked(intake, looked?);
                    if self.is_large && intake.stand == 0 && is_calm {
                        return Ok(());
                    }
                }
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    fn reads(&self, intake: &Intake) -> bool {
        let has_room = intake.line_bytes < LINE_BYTES_MAX && intake.full_since.is_none();
        has_room && intake.away.is_none() && (!self.is_flooded || intake.read < READ_MAX)
    }

    /// Starts what can be started.
    async fn begin(&mut self, intake: &mut Intake, now: Duration) -> Result<(), Error> {
        if now >= intake.round_at {
            (intake.read, intake.round_at) = (0, now + ROUND);
        }
        while let Some(at) = intake.later.iter().position(|(at, _)| *at <= now) {
            let (_, waiting) = intake.later.swap_remove(at);
            intake.working.push(work(self.gateway.clone(), waiting).boxed());
        }
        let working_max = if self.is_flooded { WORKING_FLOOD_MAX } else { WORKING_MAX };
        while intake.working.len() < working_max || !intake.urgent.is_empty() {
            let next = match intake.urgent.pop_front() {
                Some(urgent) => urgent,
                None if intake.away.is_some() || !intake.line.has_turn() => break,
                None if !self.quota.take(now) => {
                    self.flood();
                    break;
                }
                None => match intake.pop() {
                    Some(waiting) => waiting,
                    None => break,
                },
            };
            intake.working.push(work(self.gateway.clone(), next).boxed());
        }
        self.record(intake, now);
        intake.answers.begin(&self.consumer, &self.queue, now);
        for received in intake.answers.stuck(now) {
            tracing::error!(
                provider = self.queue.provider,
                side = self.queue.side_name(),
                "an answer cannot be delivered; what it answers is set aside"
            );
            received.set_aside().await?;
        }
        if now >= intake.look_at && intake.looking.is_terminated() {
            intake.looking = intake.inflow.look().boxed().fuse();
            intake.look_at = now + LOOK_EVERY;
        }
        self.tell(intake, now);
        Ok(())
    }

    fn record(&mut self, intake: &mut Intake, now: Duration) {
        let waits = intake.rejected.len();
        if waits == 0 || !intake.recording.is_terminated() || intake.away.is_some() {
            return;
        }
        // Nothing more comes while all that was handed out waits.
        let many = ROW_REJECTIONS_MAX.min(usize::from(intake.ahead / 2));
        let is_due = waits >= many || now >= intake.recorded_at + ROW_EVERY;
        if !is_due && !self.rows.take(now) {
            return;
        }
        intake.recorded_at = now;
        let rejected = std::mem::take(&mut intake.rejected);
        intake.recording_count = rejected.len();
        let (gateway, queue) = (self.gateway.clone(), Arc::clone(&self.queue));
        intake.recording = record(gateway, queue, rejected).boxed().fuse();
    }

    async fn received(&mut self, intake: &mut Intake, received: Received) -> Result<(), Error> {
        let now = self.clock.monotonic();
        intake.read += 1;
        let seen = glance(&received.body);
        let is_urgent = seen.urgent.is_some();
        let lane = seen.referral_id;
        if is_urgent && self.urgent.take(now) {
            let waiting = WaitingMessage { received, lane, is_urgent, is_ahead: true, faults: 0 };
            intake.urgent.push_back(waiting);
            return Ok(());
        }
        if !is_urgent && let Some(concluded) = at_sight(&self.gateway, &received) {
            self.refused(now);
            return self.concluded(intake, received, concluded).await;
        }
        intake.push(WaitingMessage { received, lane, is_urgent, is_ahead: false, faults: 0 });
        Ok(())
    }

    /// What changes nothing takes nothing from what does, and is a flood by itself.
    fn refused(&mut self, now: Duration) {
        if !self.refused.take(now) {
            self.flood();
        }
    }

    async fn done(&mut self, intake: &mut Intake, done: Done) -> Result<(), Error> {
        let now = self.clock.monotonic();
        let Done { mut waiting, worked } = done;
        let (fault, rest) = match worked {
            Worked::Concluded(concluded) => {
                (intake.away, intake.progress_at, intake.is_proven) = (None, now, true);
                if !waiting.is_ahead {
                    intake.line.free(waiting.lane);
                    if matches!(concluded.end, End::Rejected | End::AlreadyApplied) {
                        self.quota.give_back();
                        self.refused(now);
                    }
                }
                return self.concluded(intake, waiting.received, concluded).await;
            }
            Worked::Away(reason) => {
                let (_, since, times) = intake.away.unwrap_or((reason, now, 0));
                intake.away = Some((reason, since, times + 1));
                (reason.to_owned(), AWAY_REST)
            }
            Worked::Fault(fault) => {
                intake.away = None;
                waiting.faults += 1;
                (fault, FAULT_BACKOFF.after(waiting.faults, 0))
            }
        };
        if waiting.is_urgent && waiting.faults <= 1 {
            self.unplaced(&fault);
        }
        if waiting.faults < FAULTS_MAX {
            intake.later.push((now + rest, waiting));
            return Ok(());
        }
        intake.progress_at = now;
        if !waiting.is_ahead {
            intake.line.free(waiting.lane);
        }
        self.metric.outcome(&self.queue.provider, "set_aside");
        self.fault(waiting.received, &fault).await
    }

    async fn concluded(
        &mut self,
        intake: &mut Intake,
        received: Received,
        concluded: Concluded,
    ) -> Result<(), Error> {
        let now = self.clock.monotonic();
        let Concluded { end, mut rejections, urgent } = concluded;
        match urgent {
            Some(Urgency::Force(force)) => {
                self.metric.safeguarding_concern(&force);
                tracing::error!(
                    force,
                    "a safeguarding concern: tell a person at this force within 15 minutes. It is \
                     in GET /v1/notices?stream=victim"
                );
            }
            Some(Urgency::Provider) => self.unplaced("it names no case that can be opened"),
            None => {}
        }
        self.metric.outcome(&self.queue.provider, end.name());
        self.rejections.count(now, rejections.len());
        if let Some(id) =
            received.message_id.map(|id| id.to_string()).filter(|_| end != End::SetAside)
            && self.faults.remove(&id)
        {
            self.metric.troubles().over(ENTRY_FAULT, &id);
        }
        match (end, rejections.pop()) {
            (End::SetAside, _) => {
                self.fault(received, "what is stored of its case cannot be opened").await
            }
            (End::Rejected, Some(rejection)) => {
                intake.rejected.push((received.without_body(), rejection));
                Ok(())
            }
            (_, Some(rejection)) => {
                rejections.push(rejection);
                intake.answers.owe(Owed { received: received.without_body(), rejections });
                Ok(())
            }
            (_, None) => received.acknowledge().await,
        }
    }

    fn recorded(&mut self, intake: &mut Intake, recorded: RecordedRejections) {
        let now = self.clock.monotonic();
        let RecordedRejections { rejected, failure } = recorded;
        intake.recording_count = 0;
        if let Some(failure) = failure {
            tracing::warn!(%failure, "rejections cannot be recorded; it is tried again");
            intake.rejected.splice(0..0, rejected);
            return;
        }
        (intake.progress_at, intake.is_proven) = (now, true);
        tracing::warn!(
            provider = self.queue.provider,
            side = self.queue.side_name(),
            count = rejected.len(),
            "outcomes were rejected; the provider is told why"
        );
        for (received, rejection) in rejected {
            intake.answers.owe(Owed { received, rejections: vec![rejection] });
        }
    }

    async fn answered(
        &mut self,
        answered: Vec<Received>,
        reason: Option<String>,
    ) -> Result<(), Error> {
        if let Some(reason) = reason {
            let (provider, side) = (&self.queue.provider, self.queue.side_name());
            tracing::warn!(provider, side, reason, "answers wait; it is tried again");
        }
        for received in answered {
            received.acknowledge().await?;
        }
        Ok(())
    }

    fn looked(&mut self, intake: &mut Intake, stand: u32) {
        intake.looks += 1;
        intake.stand = stand;
        intake.is_proven |= intake.looks > 1;
        if stand == 0 && intake.is_idle() {
            intake.progress_at = self.clock.monotonic();
        }
    }
}

async fn record(
    gateway: Gateway,
    queue: Arc<OutcomeQueue>,
    rejected: Vec<(Received, Rejection)>,
) -> RecordedRejections {
    let rejections: Vec<_> = rejected.iter().map(|(_, rejection)| rejection.clone()).collect();
    let recorded =
        rejected::record_rejections(&gateway, &queue.provider, queue.side, &rejections).await;
    RecordedRejections { rejected, failure: recorded.err() }
}

fn ended(error: &Error, is_proven: bool) -> LinkEnd {
    let is_deaf = matches!(error, Error::Deaf { .. });
    LinkEnd { reason: error.to_string(), is_passing: error.is_passing(), is_proven, is_deaf }
}
