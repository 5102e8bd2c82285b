//! One side of one provider: what is urgent goes first and past every quota, what is wrong at sight
//! is answered by the batch, the rest is worked on as fast as the quota lets it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cara_record::wire::glance::glance;
use cara_record::wire::rejection::Rejection;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Fuse, FusedFuture as _};
use futures_util::stream::StreamExt as _;

use super::answer::Owed;
use super::course::{Course, Done, Recorded, Waiting, Worked, at_sight, work};
use super::quota::{LastHour, Quota};
use super::{Board, Standing};
use crate::amqp::consumer::{Inbox, Received};
use crate::amqp::{Consumer, Error, dead};
use crate::clock::Clock;
use crate::flow::Gateway;
use crate::flow::conclude::{Concluded, End as Ended, Urgency};
use crate::metric::Metric;
use crate::metric::alert::{
    ENTRY_FAULT, PROVIDER_FLOOD, PROVIDER_REJECTIONS, SAFEGUARDING_CONCERN,
};

/// Messages that are worked on at once.
const WORKING_MAX: usize = 64;
/// Messages that wait for their turn; beyond these a flood's are set aside.
const WAITING_MAX: usize = 2_048;
/// Of a flood, read in one short round.
const READ_MAX: usize = 128;
const ROUND: Duration = Duration::from_millis(50);
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// What stands unread for so long is told.
const UNREAD_MAX: Duration = Duration::from_secs(15 * 60);
/// Urgent messages that go first; more of them wait in line like others.
const URGENT_PER_MINUTE: u32 = 240;
/// Audit rows of rejections that are written at once; more of them wait and share one.
const ROWS_PER_MINUTE: u32 = 30;
const ROW_EVERY: Duration = Duration::from_secs(5);
const ROW_REJECTIONS_MAX: usize = 1_000;
/// A message that meets so many faults of ours is set aside.
const FAULTS_MAX: u32 = 4;
/// Messages that are named one by one; more are told as one.
const FAULTS_NAMED_MAX: usize = 20;
/// Messages of a flood that are put back by themselves once it is over.
const ASIDE_MAX: usize = 20_000;
const PUT_BACK_PAUSE: Duration = Duration::from_secs(30);
/// So long an urgent message that names no case is told.
const ALARM_S: u64 = 24 * 3600;

/// Why a link ended.
pub(super) struct End {
    pub reason: String,
    pub is_passing: bool,
    /// Whether it worked: a message was done with, or the broker said twice that it is read.
    pub is_proven: bool,
}

pub(super) struct Side {
    gateway: Gateway,
    consumer: Consumer,
    inbox: Arc<Inbox>,
    board: Board,
    metric: Metric,
    clock: Clock,
    quota: Quota,
    urgent: Quota,
    rows: Quota,
    rejections: LastHour,
    is_flooded: bool,
    /// Ids of what a flood made us set aside.
    aside: Vec<String>,
    putting_back: Fuse<BoxFuture<'static, Result<dead::PutBack, Error>>>,
    put_back_at: Duration,
    /// What of ours each message met that was set aside for it.
    faults: BTreeSet<String>,
    alarm_until: Option<Duration>,
}

impl Side {
    pub fn of(gateway: &Gateway, consumer: &Consumer, inbox: &Arc<Inbox>, board: &Board) -> Side {
        let now = gateway.clock.monotonic();
        Side {
            gateway: gateway.clone(),
            consumer: consumer.clone(),
            inbox: Arc::clone(inbox),
            board: board.clone(),
            metric: board.metric.clone(),
            clock: gateway.clock.clone(),
            quota: Quota::of(inbox.per_minute_max, now),
            urgent: Quota::of(URGENT_PER_MINUTE, now),
            rows: Quota::of(ROWS_PER_MINUTE, now),
            rejections: LastHour::default(),
            is_flooded: false,
            aside: Vec::new(),
            putting_back: Fuse::terminated(),
            put_back_at: Duration::ZERO,
            faults: BTreeSet::new(),
            alarm_until: None,
        }
    }

    pub fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Reads until the link ends, and says why it did.
    pub async fn follow(&mut self) -> End {
        let inflow = match self.consumer.link(&self.inbox).await {
            Ok(inflow) => inflow,
            Err(error) => return ended(&error, false),
        };
        let mut course = Course::of(inflow, self.clock.monotonic());
        match self.read(&mut course).await {
            Ok(never) => match never {},
            Err(error) => ended(&error, course.is_proven),
        }
    }

    async fn read(&mut self, course: &mut Course) -> Result<std::convert::Infallible, Error> {
        loop {
            let now = self.clock.monotonic();
            self.begin(course, now).await?;
            let is_calm = course.is_idle() && !self.is_flooded && self.putting_back.is_terminated();
            let rest = if is_calm { course.look_at.saturating_sub(now) } else { ROUND };
            let reads = self.reads(course);
            tokio::select! {
                received = course.inflow.next(), if reads => self.received(course, received?).await?,
                Some(done) = course.working.next(), if !course.working.is_empty() => {
                    self.done(course, done).await?;
                }
                recorded = &mut course.recording, if !course.recording.is_terminated() => {
                    self.recorded(course, recorded);
                }
                sent = course.answers.sent(), if course.answers.is_sending() => {
                    let (answered, reason) = course.answers.settle(sent, self.clock.monotonic());
                    self.answered(answered, reason).await?;
                }
                looked = &mut course.looking, if !course.looking.is_terminated() => {
                    self.looked(course, looked?);
                }
                put_back = &mut self.putting_back, if !self.putting_back.is_terminated() => {
                    self.put_back(put_back);
                }
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    fn reads(&self, course: &Course) -> bool {
        let has_room = match self.is_flooded {
            true => course.read < READ_MAX,
            false => course.line.len() < WAITING_MAX,
        };
        has_room && course.away.is_none()
    }

    /// Starts what can be started.
    async fn begin(&mut self, course: &mut Course, now: Duration) -> Result<(), Error> {
        if now >= course.round_at {
            (course.read, course.round_at) = (0, now + ROUND);
        }
        while let Some(at) = course.later.iter().position(|(at, _)| *at <= now) {
            let (_, waiting) = course.later.swap_remove(at);
            course.working.push(work(self.gateway.clone(), waiting).boxed());
        }
        while course.working.len() < WORKING_MAX {
            let next = match course.urgent.pop_front() {
                Some(urgent) => urgent,
                None if course.away.is_some() || !course.line.has_turn() => break,
                None if !self.quota.take(now) => {
                    self.flood();
                    break;
                }
                None => match course.line.pop() {
                    Some(waiting) => waiting,
                    None => break,
                },
            };
            course.working.push(work(self.gateway.clone(), next).boxed());
        }
        self.record(course, now);
        course.answers.begin(&self.consumer, &self.inbox, now);
        for received in course.answers.stuck(now) {
            tracing::error!(
                provider = self.inbox.provider,
                side = self.inbox.side_name(),
                "an answer cannot be delivered; what it answers is set aside"
            );
            received.set_aside().await?;
        }
        if now >= course.look_at && course.looking.is_terminated() {
            course.looking = course.inflow.look().boxed().fuse();
            course.look_at = now + LOOK_EVERY;
        }
        self.tell(course, now);
        Ok(())
    }

    fn record(&mut self, course: &mut Course, now: Duration) {
        let waits = course.rejected.len();
        if waits == 0 || !course.recording.is_terminated() || course.away.is_some() {
            return;
        }
        let is_due = waits >= ROW_REJECTIONS_MAX || now >= course.recorded_at + ROW_EVERY;
        if !is_due && !self.rows.take(now) {
            return;
        }
        course.recorded_at = now;
        let rejected = std::mem::take(&mut course.rejected);
        let (gateway, inbox) = (self.gateway.clone(), Arc::clone(&self.inbox));
        course.recording = record(gateway, inbox, rejected).boxed().fuse();
    }

    /// How the side is and what an operator has to know of it.
    fn tell(&mut self, course: &mut Course, now: Duration) {
        let (about, troubles) = (self.inbox.about(), self.metric.troubles());
        if self.is_flooded && course.line.len() == 0 && self.quota.is_half_full(now) {
            self.is_flooded = false;
            tracing::info!(about, "the provider's flood of reports is over");
        }
        if self.is_flooded {
            let waits = (course.line.len() + self.aside.len()).max(1) as u64;
            troubles.are(PROVIDER_FLOOD, &about, waits);
        } else {
            troubles.over(PROVIDER_FLOOD, &about);
            let idle = self.putting_back.is_terminated() && now >= self.put_back_at;
            if !self.aside.is_empty() && idle {
                let (consumer, inbox) = (self.consumer.clone(), Arc::clone(&self.inbox));
                let ids = std::mem::take(&mut self.aside);
                self.put_back_at = now + PUT_BACK_PAUSE;
                let putting_back = async move { consumer.put_back(&inbox, &ids).await };
                self.putting_back = putting_back.boxed().fuse();
            }
        }
        match self.rejections.sum(now) {
            sum if sum > self.inbox.rejected_per_hour_max.into() => {
                troubles.are(PROVIDER_REJECTIONS, &about, sum);
            }
            _ => troubles.over(PROVIDER_REJECTIONS, &about),
        }
        if self.alarm_until.is_some_and(|until| now >= until) {
            self.alarm_until = None;
            troubles.over(SAFEGUARDING_CONCERN, &about);
        }
        if course.looks > 0 {
            self.say_how_it_is(course, now);
        }
    }

    fn say_how_it_is(&self, course: &Course, now: Duration) {
        let long = |since: Duration| now.saturating_sub(since) >= UNREAD_MAX;
        let standing = match course.away {
            Some((reason, since, _)) => Standing {
                bad: Some(format!("the store cannot commit ({reason}), so nothing is read")),
                told: long(since),
            },
            None if long(course.progress_at) => Standing {
                bad: Some("reports have stood unread for 15 minutes".to_owned()),
                told: true,
            },
            None if course.answers.is_failing() => {
                Standing { bad: Some("its rejected queue takes no answer".to_owned()), told: false }
            }
            None => Standing::default(),
        };
        let is_good = standing.bad.is_none();
        if self.board.say(&self.inbox, standing) && is_good {
            tracing::info!(
                provider = self.inbox.provider,
                side = self.inbox.side_name(),
                "outcomes are read"
            );
        }
    }

    fn flood(&mut self) {
        if !self.is_flooded {
            self.is_flooded = true;
            let (provider, side) = (&self.inbox.provider, self.inbox.side_name());
            tracing::warn!(provider, side, "reports come faster than the quota; they wait");
        }
    }

    async fn received(&mut self, course: &mut Course, received: Received) -> Result<(), Error> {
        let now = self.clock.monotonic();
        course.read += 1;
        let seen = glance(&received.body);
        let is_urgent = seen.urgent.is_some();
        let lane = seen.referral_id;
        if is_urgent && self.urgent.take(now) {
            let waiting = Waiting { received, lane, is_urgent, is_ahead: true, faults: 0 };
            course.urgent.push_back(waiting);
            return Ok(());
        }
        if !is_urgent && let Some(concluded) = at_sight(&self.gateway, &received) {
            if !self.quota.take(now) {
                self.flood();
            }
            return self.concluded(course, received, concluded).await;
        }
        if self.is_flooded && !is_urgent && course.line.len() >= WAITING_MAX {
            self.metric.outcome(&self.inbox.provider, "set_aside");
            if let Some(id) = received.message_id.filter(|_| self.aside.len() < ASIDE_MAX) {
                self.aside.push(id.to_string());
            }
            return received.set_aside().await;
        }
        course.line.push(lane, Waiting { received, lane, is_urgent, is_ahead: false, faults: 0 });
        Ok(())
    }

    async fn done(&mut self, course: &mut Course, done: Done) -> Result<(), Error> {
        let now = self.clock.monotonic();
        let Done { mut waiting, worked } = done;
        let (fault, pause_s) = match worked {
            Worked::Concluded(concluded) => {
                (course.away, course.progress_at, course.is_proven) = (None, now, true);
                if !waiting.is_ahead {
                    course.line.free(waiting.lane);
                }
                return self.concluded(course, waiting.received, concluded).await;
            }
            Worked::Away(reason) => {
                let (_, since, times) = course.away.unwrap_or((reason, now, 0));
                course.away = Some((reason, since, times + 1));
                (reason.to_owned(), 2)
            }
            Worked::Fault(fault) => {
                course.away = None;
                waiting.faults += 1;
                (fault, 1 << waiting.faults)
            }
        };
        if waiting.is_urgent && waiting.faults <= 1 {
            self.unplaced(&fault);
        }
        if waiting.faults < FAULTS_MAX {
            course.later.push((now + Duration::from_secs(pause_s), waiting));
            return Ok(());
        }
        course.progress_at = now;
        if !waiting.is_ahead {
            course.line.free(waiting.lane);
        }
        self.metric.outcome(&self.inbox.provider, "set_aside");
        self.fault(waiting.received, &fault).await
    }

    /// A fault of ours met this message, again and again: it is told and set aside.
    async fn fault(&mut self, received: Received, fault: &str) -> Result<(), Error> {
        let about = match received.message_id {
            Some(id) if self.faults.len() < FAULTS_NAMED_MAX => id.to_string(),
            _ => self.inbox.about(),
        };
        tracing::error!(about, fault, "a report met a fault of the gateway's and is set aside");
        self.metric.troubles().are(ENTRY_FAULT, &about, 1);
        self.faults.insert(about);
        received.set_aside().await
    }

    async fn concluded(
        &mut self,
        course: &mut Course,
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
        self.metric.outcome(&self.inbox.provider, end.name());
        self.rejections.count(now, rejections.len());
        if let Some(id) =
            received.message_id.map(|id| id.to_string()).filter(|_| end != Ended::SetAside)
            && self.faults.remove(&id)
        {
            self.metric.troubles().over(ENTRY_FAULT, &id);
        }
        match (end, rejections.pop()) {
            (Ended::SetAside, _) => {
                self.fault(received, "what is stored of its case cannot be opened").await
            }
            (Ended::Rejected, Some(rejection)) => {
                course.rejected.push((received.without_body(), rejection));
                Ok(())
            }
            (_, Some(rejection)) => {
                rejections.push(rejection);
                course.answers.owe(Owed { received, rejections });
                Ok(())
            }
            (_, None) => received.acknowledge().await,
        }
    }

    /// Somebody may be in danger and nobody can say in which case: whoever runs the gateway asks.
    fn unplaced(&mut self, why: &str) {
        let about = self.inbox.about();
        self.alarm_until = Some(self.clock.monotonic() + Duration::from_secs(ALARM_S));
        self.metric.troubles().are(SAFEGUARDING_CONCERN, &about, 1);
        tracing::error!(
            provider = self.inbox.provider,
            side = self.inbox.side_name(),
            why,
            "a safeguarding concern or a high risk could not be told to a force: ask the provider \
             by telephone, now"
        );
    }

    fn recorded(&mut self, course: &mut Course, recorded: Recorded) {
        let now = self.clock.monotonic();
        let Recorded { rejected, refusal } = recorded;
        if let Some(refusal) = refusal {
            tracing::warn!(%refusal, "rejections cannot be recorded; it is tried again");
            course.rejected.splice(0..0, rejected);
            return;
        }
        (course.progress_at, course.is_proven) = (now, true);
        tracing::warn!(
            provider = self.inbox.provider,
            side = self.inbox.side_name(),
            count = rejected.len(),
            "outcomes were rejected; the provider is told why"
        );
        for (received, rejection) in rejected {
            course.answers.owe(Owed { received, rejections: vec![rejection] });
        }
    }

    async fn answered(
        &mut self,
        answered: Vec<Received>,
        reason: Option<String>,
    ) -> Result<(), Error> {
        if let Some(reason) = reason {
            let (provider, side) = (&self.inbox.provider, self.inbox.side_name());
            tracing::warn!(provider, side, reason, "answers wait; it is tried again");
        }
        for received in answered {
            received.acknowledge().await?;
        }
        Ok(())
    }

    fn looked(&mut self, course: &mut Course, stand: u32) {
        course.looks += 1;
        course.is_proven |= course.looks > 1;
        if stand == 0 && course.is_idle() {
            course.progress_at = self.clock.monotonic();
        }
    }

    fn put_back(&mut self, put_back: Result<dead::PutBack, Error>) {
        match put_back {
            Ok(done) => tracing::info!(
                about = self.inbox.about(),
                count = done.returned,
                "what was set aside in a flood is put back"
            ),
            Err(error) => tracing::error!(
                about = self.inbox.about(),
                error = &error as &dyn std::error::Error,
                "what was set aside in a flood is not put back; use `cara-gateway dead return`"
            ),
        }
    }
}

async fn record(
    gateway: Gateway,
    inbox: Arc<Inbox>,
    rejected: Vec<(Received, Rejection)>,
) -> Recorded {
    let rejections: Vec<_> = rejected.iter().map(|(_, rejection)| rejection.clone()).collect();
    let recorded = gateway.record_rejections(&inbox.provider, inbox.side, &rejections).await;
    Recorded { rejected, refusal: recorded.err() }
}

fn ended(error: &Error, is_proven: bool) -> End {
    End { reason: error.to_string(), is_passing: error.is_passing(), is_proven }
}
