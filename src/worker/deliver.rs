//! Letters to the forces' endpoints: each force on its own, so that one that is down slows nobody
//! else; each case's letters one after the other. A letter's failure is the letter's; an endpoint
//! fails only when nothing gets through.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::{self, JoinSet};
use uuid::Uuid;

use super::{Stop, stopped};
use cara_clock::{Backoff, later};
use cara_delivery::{Answer, Endpoint, Parcel, Push};
use cara_flow::notice::letter::{Delivered, DueLetter, PushFailure, PushTo};
use cara_flow::notice::{delivery, letter};
use cara_flow::{Failure, Gateway};
use cara_metric::{Health, Part, PushEnd, State, alert};
use cara_store::ForceNumber;

mod round;

use round::{Failed, PushResult, Round, is_failing};

/// Letters of one force that are on their way at once.
pub const AT_ONCE: usize = 16;
/// Looked at this often even if nobody says that something waits.
const POLL: Duration = Duration::from_secs(5);
/// Neither a letter nor an endpoint that failed rests longer, unless the endpoint asks for it: what
/// was mended is noticed within a minute.
const REST_MAX: Duration = Duration::from_secs(45);
const BACKOFF: Backoff = Backoff::of(Duration::from_secs(1), REST_MAX);
/// So many different letters in a row that do not get through are the endpoint's failure.
const SEVERAL: usize = 3;
/// How long a stop waits for what is on its way.
const STOP_MAX: Duration = Duration::from_secs(10);

/// What the loops of all forces share.
#[derive(Clone)]
struct Shared {
    gateway: Gateway,
    push: Arc<Push>,
    forces: Arc<Vec<cara_config::ForceSettings>>,
    health: Health,
    stop: Stop,
}

/// How it goes with one force's endpoint. It lives in memory: after a start each is tried at once.
#[derive(Clone, Debug, Default)]
struct EndpointState {
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
    At(ForceNumber),
    All,
}

impl Look {
    fn is_at(self, force: ForceNumber) -> bool {
        self == Look::All || self == Look::At(force)
    }
}

/// Pushes until told to stop.
pub async fn deliver(
    gateway: Gateway,
    push: Push,
    forces: Vec<cara_config::ForceSettings>,
    health: Health,
    stop: Stop,
) {
    let (push, forces) = (Arc::new(push), Arc::new(forces));
    let shared = Shared { gateway, push, forces, health, stop };
    Rounds {
        shared,
        states: HashMap::new(),
        working: JoinSet::new(),
        busy: HashMap::new(),
        passed: HashSet::new(),
    }
    .run()
    .await;
}

/// The rounds of all forces.
struct Rounds {
    shared: Shared,
    states: HashMap<ForceNumber, EndpointState>,
    working: JoinSet<Option<EndpointState>>,
    busy: HashMap<task::Id, (ForceNumber, Arc<Notify>)>,
    /// Forces that were busy when a wake-up came: it may be about what their round no longer saw.
    passed: HashSet<ForceNumber>,
}

impl Rounds {
    async fn run(mut self) {
        let wake = self.shared.gateway.letters_wake();
        let mut stop = self.shared.stop.clone();
        let mut look = Look::All;
        loop {
            if look != Look::None {
                match letter::endpoints(&self.shared.gateway).await {
                    Ok(endpoints) => {
                        self.begin(endpoints, look);
                        self.shared.say_troubles().await;
                    }
                    Err(error) => self.shared.away(&error),
                }
            }
            let rest = self.shared.rest(self.states.values());
            look = tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                Some(ended) = self.working.join_next_with_id() => self.ended(ended),
                () = wake.notified() => Look::All,
                () = tokio::time::sleep(rest) => Look::All,
            };
        }
        // What is on its way may come to its end; what does not is sent again after the next start.
        let ending = async { while self.working.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_MAX, ending).await.is_err() {
            tracing::warn!(
                "stopped before every endpoint had answered; those letters are sent again"
            );
            self.working.shutdown().await;
        }
    }

    /// A round for each force that has none and does not rest.
    fn begin(&mut self, endpoints: Vec<PushTo>, look: Look) {
        // One that is paused begins anew when it is resumed.
        self.states.retain(|force, _| endpoints.iter().any(|to| to.force == *force));
        for to in endpoints.into_iter().filter(|to| look.is_at(to.force)) {
            let (force, shared) = (to.force, self.shared.clone());
            let state = self.states.entry(force).or_default();
            if let Some((_, wake)) = self.busy.values().find(|it| it.0 == force) {
                self.passed.insert(force);
                wake.notify_one();
            } else if state.until.is_none_or(|until| shared.gateway.clock.now() >= until) {
                (state.until, state.look_at) = (None, None);
                let (state, more) = (state.clone(), Arc::new(Notify::new()));
                let wake = Arc::clone(&more);
                // A panic ends this round only.
                let round =
                    cara_supervisor::contain(async move { shared.round(&to, state, &more).await });
                let round = async move { round.await.ok() };
                self.busy.insert(self.working.spawn(round).id(), (force, wake));
            }
        }
    }

    fn ended(&mut self, ended: Result<(task::Id, Option<EndpointState>), task::JoinError>) -> Look {
        let (id, state) = match ended {
            Ok((id, state)) => (id, state),
            Err(error) => (error.id(), None),
        };
        let Some((force, _)) = self.busy.remove(&id) else { return Look::None };
        let known = self.states.entry(force).or_default();
        *known = state.unwrap_or_else(|| self.shared.broke_off(known));
        // The end of a round is no reason to look: it looked until nothing waited.
        if self.passed.remove(&force) { Look::At(force) } else { Look::None }
    }
}

impl Shared {
    /// Until the next look of the loop's own accord: never at once, whatever stands there.
    fn rest<'c>(&self, states: impl Iterator<Item = &'c EndpointState>) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(200);
        let now = self.gateway.clock.now();
        let next = states.filter_map(|state| state.until.max(state.look_at)).min();
        let until = next.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
        until.unwrap_or(POLL).clamp(SHORTEST, POLL)
    }

    /// A round that panicked ends itself only: its force rests like one whose endpoint failed.
    fn broke_off(&self, known: &EndpointState) -> EndpointState {
        tracing::error!(
            "a round of letters broke off by a fault of the gateway; it is tried again"
        );
        self.failed(known.clone(), Duration::ZERO)
    }

    /// One failure more of the whole endpoint.
    fn failed(&self, state: EndpointState, at_least: Duration) -> EndpointState {
        let failures = state.failures.saturating_add(1);
        let rest = BACKOFF.after(failures, self.gateway.clock.random()).min(REST_MAX).max(at_least);
        EndpointState { failures, until: Some(later(self.gateway.clock.now(), rest)), ..state }
    }

    /// The store does not answer for all letters.
    fn away(&self, error: &Failure) {
        let what = format!("letters cannot be looked for: {error}");
        if self.health.bad(Part::Letters, what) {
            away(error);
        }
    }

    async fn say_troubles(&self) {
        match letter::letter_troubles(&self.gateway).await {
            Ok(now) => {
                let troubles = self.gateway.metric.troubles();
                let letters = now.letters.into_iter().map(|id| (id, 1));
                troubles.exactly(alert::LETTER_REFUSED, letters);
                let what = now.endpoints.iter().map(|(slug, count)| {
                    format!("nothing gets through to {slug}, {count} letters wait")
                });
                let paused = now.paused.iter().map(|slug| format!("paused for {slug}"));
                let what = what.chain(paused).collect::<Vec<_>>().join("; ");
                let state = if what.is_empty() { State::Good } else { State::Bad(what) };
                self.health.set(Part::Letters, state);
                troubles.exactly(alert::ENDPOINT_FAILING, now.endpoints);
            }
            Err(error) => self.away(&error),
        }
    }

    /// Pushes what waits for one force until nothing does, or its endpoint fails.
    async fn round(&self, to: &PushTo, state: EndpointState, wake: &Notify) -> EndpointState {
        match self.endpoint(to) {
            Ok(endpoint) => Round::of(self, to, &endpoint, state).run(wake).await,
            Err(reason) => {
                self.stop_pushing(to, &reason).await;
                EndpointState::default()
            }
        }
    }

    fn endpoint(&self, to: &PushTo) -> Result<Endpoint, String> {
        let force = self.forces.iter().find(|force| force.slug == to.slug);
        let force = force.ok_or_else(|| format!("{} is not in gateway.toml", to.slug))?;
        self.push.endpoint(force, &to.url).map_err(|error| error.to_string())
    }

    async fn one(
        &self,
        to: &PushTo,
        endpoint: &Endpoint,
        due: DueLetter,
    ) -> Result<PushResult, Failure> {
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
        let Ok(answer) = cara_supervisor::contain(self.push.push(endpoint, parcel)).await else {
            return Ok(PushResult::Failed(Failed::unfit(notice_id)));
        };
        let (status, reason, after, ended) = match answer {
            Answer::Delivered | Answer::TakenOver => {
                let (ended, delivered) = match answer {
                    Answer::TakenOver => (PushEnd::TakenOver, Delivered::TakenOver),
                    _ => (PushEnd::Delivered, Delivered::Arrived),
                };
                self.gateway.metric.push(&to.slug, ended);
                letter::letter_delivered(&self.gateway, to.force, notice_id, delivered).await?;
                let was_failing = is_failing(due.attempts, due.is_refused);
                return Ok(PushResult::Arrived { was_failing });
            }
            Answer::Gone => (Some(410), "gone", Duration::ZERO, PushEnd::Gone),
            Answer::Again { reason, after } => {
                (None, reason, after.unwrap_or_default(), PushEnd::Again)
            }
            Answer::Refused { status, reason } => {
                (status, reason, Duration::ZERO, PushEnd::Refused)
            }
        };
        self.gateway.metric.push(&to.slug, ended);
        let is_refused = ended != PushEnd::Again;
        if due.attempts == 0 {
            let slug = &to.slug;
            tracing::warn!(force = slug, %notice_id, status, reason, "a letter was not delivered");
        }
        Ok(PushResult::Failed(Failed {
            notice_id,
            attempts: due.attempts + 1,
            failure: PushFailure { status, reason, is_refused },
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
        if let Err(error) =
            delivery::pause_endpoint(&self.gateway, to.force, "gateway", because).await
        {
            away(&error);
        }
    }
}

fn away(error: &Failure) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "letters cannot be looked for or settled now; it is tried again");
}
