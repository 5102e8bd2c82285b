//! Letters to the forces' endpoints: each force on its own, so that one that is down slows nobody
//! else; each case's letters one after the other. A letter's failure is the letter's; an endpoint
//! fails only when nothing gets through.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::task::{self, JoinSet};
use uuid::Uuid;

use super::{Stop, told};
use crate::clock::{Clock, later};
use crate::config;
use crate::delivery::{Answer, Endpoint, GIVE_UP_AFTER, Parcel, Push, backoff};
use crate::flow::letter::{Due, Failure, PushTo};
use crate::flow::{Gateway, Refusal};
use crate::metric::{Metric, PushEnd, alert};
use crate::store::ForceCode;
use crate::supervisor;

/// Letters of one force that are on their way at once.
pub const AT_ONCE: usize = 16;
/// Looked at this often even if nobody says that something waits.
const POLL: Duration = Duration::from_secs(5);
/// Neither a letter nor an endpoint that failed rests longer, unless the endpoint asks for it: what
/// was mended is noticed within a minute.
const REST_MAX: Duration = Duration::from_secs(45);
/// Letters of one force that keep failing are tried no closer together than this, however many.
const BETWEEN: Duration = Duration::from_secs(3);
/// A letter that has failed so often waits for such a place.
const ATTEMPTS_MANY: u32 = 6;
/// So many different letters in a row that do not get through are the endpoint's failure.
const SEVERAL: usize = 3;
/// How long a stop waits for what is on its way.
const STOP_MAX: Duration = Duration::from_secs(10);

/// What the loops of all forces share.
#[derive(Clone)]
struct Room {
    gateway: Gateway,
    push: Arc<Push>,
    forces: Arc<Vec<config::Force>>,
    clock: Clock,
    metric: Metric,
    stop: Stop,
}

/// How it goes with one force's endpoint. It lives in memory: after a start each is tried at once.
#[derive(Clone, Debug, Default)]
struct Course {
    /// Tries in a row in which nothing got through; then it is asked with one letter at a time.
    failures: u32,
    /// It rests until then.
    until: Option<Timestamp>,
    /// When the first of the letters that failed may be tried again.
    look_at: Option<Timestamp>,
    /// The next free place for a letter that keeps failing.
    place: Option<Timestamp>,
    /// When everything that failed was last let go at once.
    freed_at: Option<Timestamp>,
    /// Different letters that were refused, and that were told 410, since one arrived; at most
    /// `SEVERAL`.
    refused: BTreeSet<Uuid>,
    gone: BTreeSet<Uuid>,
}

/// For which forces something may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    None,
    At(ForceCode),
    All,
}

impl Look {
    fn is_at(self, force: ForceCode) -> bool {
        self == Look::All || self == Look::At(force)
    }
}

/// Pushes until told to stop.
pub async fn deliver(
    gateway: Gateway,
    push: Push,
    forces: Vec<config::Force>,
    clock: Clock,
    metric: Metric,
    mut stop: Stop,
) {
    let wake = gateway.letters_wake();
    let (push, forces) = (Arc::new(push), Arc::new(forces));
    let room = Room { gateway, push, forces, clock, metric, stop: stop.clone() };
    let mut courses: HashMap<ForceCode, Course> = HashMap::new();
    let mut working: JoinSet<Option<Course>> = JoinSet::new();
    let mut busy: HashMap<task::Id, ForceCode> = HashMap::new();
    // Forces that were busy when a wake-up came: it may be about what their round no longer saw.
    let mut passed: HashSet<ForceCode> = HashSet::new();
    let mut look = Look::All;
    loop {
        if look != Look::None {
            match room.gateway.endpoints().await {
                Ok(endpoints) => {
                    // One that is paused begins anew when it is resumed.
                    courses.retain(|force, _| endpoints.iter().any(|to| to.force == *force));
                    for to in endpoints.into_iter().filter(|to| look.is_at(to.force)) {
                        let (force, room) = (to.force, room.clone());
                        let course = courses.entry(force).or_default();
                        if busy.values().any(|it| *it == force) {
                            passed.insert(force);
                        } else if course.until.is_none_or(|until| room.clock.now() >= until) {
                            (course.until, course.look_at) = (None, None);
                            let course = course.clone();
                            // A panic ends this round only.
                            let round =
                                supervisor::contain(async move { room.round(&to, course).await });
                            let round = async move { round.await.ok() };
                            busy.insert(working.spawn(round).id(), force);
                        }
                    }
                    room.say_troubles().await;
                }
                Err(error) => away(&error),
            }
        }
        let rest = room.rest(courses.values());
        look = tokio::select! {
            biased;
            () = told(&mut stop) => break,
            Some(ended) = working.join_next_with_id() => {
                let (id, course) = match ended {
                    Ok((id, course)) => (id, course),
                    Err(error) => (error.id(), None),
                };
                match busy.remove(&id) {
                    Some(force) => {
                        let known = courses.entry(force).or_default();
                        *known = course.unwrap_or_else(|| room.broke_off(known));
                        // The end of a round is no reason to look: it looked until nothing waited.
                        if passed.remove(&force) { Look::At(force) } else { Look::None }
                    }
                    None => Look::None,
                }
            }
            () = wake.notified() => Look::All,
            () = tokio::time::sleep(rest) => Look::All,
        };
    }
    // What is on its way may come to its end; what does not is sent again after the next start.
    let ending = async { while working.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_MAX, ending).await.is_err() {
        tracing::warn!("stopped before every endpoint had answered; those letters are sent again");
        working.shutdown().await;
    }
}

impl Room {
    /// Until the next look of the loop's own accord: never at once, whatever stands there.
    fn rest<'c>(&self, courses: impl Iterator<Item = &'c Course>) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(200);
        let now = self.clock.now();
        let next = courses.filter_map(|course| course.until.max(course.look_at)).min();
        let until = next.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
        until.unwrap_or(POLL).clamp(SHORTEST, POLL)
    }

    /// A round that panicked ends itself only: its force rests like one whose endpoint failed.
    fn broke_off(&self, known: &Course) -> Course {
        tracing::error!(
            "a round of letters broke off by a fault of the gateway; it is tried again"
        );
        self.failed(known.clone(), Duration::ZERO)
    }

    /// One failure more of the whole endpoint.
    fn failed(&self, course: Course, at_least: Duration) -> Course {
        let failures = course.failures.saturating_add(1);
        let rest = backoff(failures, self.clock.random()).min(REST_MAX).max(at_least);
        Course { failures, until: Some(later(self.clock.now(), rest)), ..course }
    }

    async fn say_troubles(&self) {
        match self.gateway.letter_troubles().await {
            Ok(now) => {
                let troubles = self.metric.troubles();
                let letters = now.letters.into_iter().map(|id| (id, 1));
                troubles.exactly(alert::LETTER_REFUSED, letters);
                troubles.exactly(alert::ENDPOINT_FAILING, now.endpoints);
            }
            Err(error) => away(&error),
        }
    }

    /// Pushes what waits for one force until nothing does, or its endpoint fails.
    async fn round(&self, to: &PushTo, mut course: Course) -> Course {
        let endpoint = match self.endpoint(to) {
            Ok(endpoint) => endpoint,
            Err(reason) => {
                self.stop_pushing(to, &reason).await;
                return Course::default();
            }
        };
        while !*self.stop.borrow() {
            // An endpoint that failed is asked with one letter before it gets many.
            let limit = if course.failures == 0 { AT_ONCE } else { 1 };
            let turn = match self.gateway.due_letters(to.force, limit).await {
                Ok(turn) if turn.due.is_empty() && turn.unfit.is_empty() => break,
                Ok(turn) => turn,
                Err(error) => {
                    away(&error);
                    break;
                }
            };
            let pushing = turn.due.into_iter().map(|due| self.one(to, &endpoint, due));
            let unfit = turn.unfit.into_iter().map(Failed::unfit).map(End::Failed).map(Ok);
            let mut batch = Batch::default();
            for end in join_all(pushing).await.into_iter().chain(unfit) {
                match end {
                    Ok(End::Arrived { was_refused }) => {
                        batch.arrived = true;
                        batch.was_refused |= was_refused;
                    }
                    Ok(End::Failed(failed)) => batch.failed.push(failed),
                    // The store is away: the letter goes again, under its id.
                    Err(error) => {
                        away(&error);
                        return course;
                    }
                }
            }
            match self.settle(to, course, batch).await {
                Ok(Next::On(next)) => course = next,
                Ok(Next::Rest(course)) => return course,
                Err((error, course)) => {
                    away(&error);
                    return course;
                }
            }
        }
        course
    }

    /// Says of each letter when it is tried again, and of the endpoint how it goes.
    async fn settle(
        &self,
        to: &PushTo,
        mut course: Course,
        batch: Batch,
    ) -> Result<Next, (Refusal, Course)> {
        let mut put_off = Duration::ZERO;
        let mut away = None;
        for failed in &batch.failed {
            put_off = put_off.max(failed.after);
            if !failed.failure.is_refused {
                away = Some(failed.failure.reason);
            } else if failed.was_sent {
                remember(&mut course.refused, failed.notice_id);
            }
            if failed.is_gone {
                remember(&mut course.gone, failed.notice_id);
            }
        }
        let refused = (course.refused.len() >= SEVERAL).then_some("refused");
        let fails = away.or(refused).filter(|_| !batch.arrived && !batch.failed.is_empty());
        // First the endpoint, so that nobody takes its failure for that of its letters.
        let state = match fails {
            Some(reason) => match self.gateway.endpoint_fails(to.force, reason).await {
                Ok(state) => Some((reason, state)),
                Err(error) => return Err((error, course)),
            },
            None => None,
        };
        let mut again = Vec::new();
        for failed in &batch.failed {
            let at = self.again_at(&mut course, failed);
            course.look_at = Some(course.look_at.map_or(at, |known| known.min(at)));
            again.push(self.gateway.letter_again(failed.notice_id, at, failed.failure));
        }
        if let Some(error) = join_all(again).await.into_iter().find_map(Result::err) {
            return Err((error, course));
        }
        if batch.arrived {
            return self.got_through(to, course, batch.was_refused).await;
        }
        let Some((reason, state)) = state else { return Ok(Next::On(course)) };
        if course.gone.len() >= SEVERAL {
            self.stop_pushing(to, "several letters in a row got 410: the endpoint is gone").await;
            return Ok(Next::Rest(Course::default()));
        }
        let now = self.clock.now();
        let is_over = state.failing_since.is_some_and(|since| now > later(since, GIVE_UP_AFTER));
        if is_over && state.failing >= SEVERAL as u64 {
            let because = format!("nothing got through for three days: {reason}");
            self.stop_pushing(to, &because).await;
            return Ok(Next::Rest(Course::default()));
        }
        if course.failures == 0 {
            tracing::warn!(force = to.slug, reason, "nothing gets through to the endpoint");
        }
        Ok(Next::Rest(self.failed(course, put_off)))
    }

    /// Something arrived. After a failure of the endpoint, or once a letter that was refused is taken,
    /// the others need not wait for their turn: what was mended may be theirs.
    async fn got_through(
        &self,
        to: &PushTo,
        course: Course,
        was_refused: bool,
    ) -> Result<Next, (Refusal, Course)> {
        let now = self.clock.now();
        let is_new = course.freed_at.is_none_or(|at| now >= later(at, REST_MAX));
        let mut next = Course {
            failures: 0,
            until: None,
            refused: BTreeSet::new(),
            gone: BTreeSet::new(),
            ..course
        };
        if course.failures > 0 {
            tracing::info!(force = to.slug, "the endpoint answers again");
        }
        if course.failures > 0 || (was_refused && is_new) {
            next.freed_at = Some(now);
            next.place = None;
            if let Err(error) = self.gateway.letters_now(to.force).await {
                return Err((error, next));
            }
        }
        Ok(Next::On(next))
    }

    /// When a letter is tried again. Letters that keep failing while others arrive get places one
    /// after the other, so that however many there are, they cost no more than one try each.
    fn again_at(&self, course: &mut Course, failed: &Failed) -> Timestamp {
        let now = self.clock.now();
        let wait = match failed.failure.is_refused {
            true => REST_MAX,
            false => backoff(failed.attempts, self.clock.random()).min(REST_MAX),
        };
        let at = later(now, wait.max(failed.after));
        if !failed.failure.is_refused && failed.attempts < ATTEMPTS_MANY {
            return at;
        }
        let at = course.place.map_or(at, |place| place.max(at));
        course.place = Some(later(at, BETWEEN));
        at
    }

    fn endpoint(&self, to: &PushTo) -> Result<Endpoint, String> {
        let force = self.forces.iter().find(|force| force.slug == to.slug);
        let force = force.ok_or_else(|| format!("{} is not in gateway.toml", to.slug))?;
        self.push.endpoint(force, &to.url).map_err(|error| error.to_string())
    }

    async fn one(&self, to: &PushTo, endpoint: &Endpoint, due: Due) -> Result<End, Refusal> {
        let notice_id = due.letter.notice_id;
        let parcel = Parcel {
            notice_id,
            sequence: due.letter.sequence,
            media_type: due.letter.media_type,
            body: due.letter.body,
            headers: due.headers,
            delivered: due.delivered,
            taken_over: due.taken_over,
            timeout: due.timeout,
        };
        let Ok(answer) = supervisor::contain(self.push.push(endpoint, parcel)).await else {
            return Ok(End::Failed(Failed::unfit(notice_id)));
        };
        let taken_over = answer == Answer::TakenOver;
        let (status, reason, after, ended) = match answer {
            Answer::Delivered | Answer::TakenOver => {
                let ended = if taken_over { PushEnd::TakenOver } else { PushEnd::Delivered };
                self.metric.push(&to.slug, ended);
                self.gateway.letter_delivered(to.force, notice_id, taken_over).await?;
                return Ok(End::Arrived { was_refused: due.is_refused });
            }
            Answer::Gone => (Some(410), "gone", Duration::ZERO, PushEnd::Gone),
            Answer::Again { reason, after } => {
                (None, reason, after.unwrap_or_default(), PushEnd::Again)
            }
            Answer::Refused { status, reason } => {
                (status, reason, Duration::ZERO, PushEnd::Refused)
            }
        };
        self.metric.push(&to.slug, ended);
        let is_refused = ended != PushEnd::Again;
        if due.attempts == 0 {
            let slug = &to.slug;
            tracing::warn!(force = slug, %notice_id, status, reason, "a letter was not delivered");
        }
        Ok(End::Failed(Failed {
            notice_id,
            attempts: due.attempts + 1,
            failure: Failure { status, reason, is_refused },
            after,
            was_sent: status.is_some(),
            is_gone: ended == PushEnd::Gone,
        }))
    }

    /// Nothing more is pushed there until an operator resumes; what waits is kept.
    async fn stop_pushing(&self, to: &PushTo, because: &str) {
        tracing::error!(
            force = to.slug,
            because,
            "delivery is paused; mend it and run `cara-gateway delivery resume`"
        );
        if let Err(error) = self.gateway.pause_delivery(to.force, "gateway", because).await {
            away(&error);
        }
    }
}

/// What became of letters that went out together.
#[derive(Default)]
struct Batch {
    arrived: bool,
    /// One that arrived had been refused before.
    was_refused: bool,
    failed: Vec<Failed>,
}

/// Whether the round goes on.
enum Next {
    On(Course),
    Rest(Course),
}

/// How one push ended.
enum End {
    Arrived { was_refused: bool },
    Failed(Failed),
}

struct Failed {
    notice_id: Uuid,
    /// This one counted.
    attempts: u32,
    failure: Failure,
    /// The endpoint asked for at least this pause.
    after: Duration,
    /// The endpoint has answered it; otherwise its failure says nothing about the endpoint.
    was_sent: bool,
    is_gone: bool,
}

impl Failed {
    /// It cannot be read, written or sent: a fault of ours that concerns no other letter.
    fn unfit(notice_id: Uuid) -> Failed {
        let failure = Failure { status: None, reason: "not_writable", is_refused: true };
        let after = Duration::ZERO;
        Failed { notice_id, attempts: 1, failure, after, was_sent: false, is_gone: false }
    }
}

fn remember(letters: &mut BTreeSet<Uuid>, notice_id: Uuid) {
    if letters.len() < SEVERAL {
        letters.insert(notice_id);
    }
}

fn away(error: &Refusal) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "letters cannot be looked for or settled now; it is tried again");
}
