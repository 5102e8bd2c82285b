//! One force's letters on their way: started in the order of their numbers, a few at once, a case's
//! one after the other. A letter that fails or is not answered costs the others one place.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{AT_ONCE, BACKOFF, EndpointState, REST_MAX, SEVERAL, Shared, away};
use cara_clock::later;
use cara_delivery::Endpoint;
use cara_flow::Failure;
use cara_flow::notice::letter;
use cara_flow::notice::letter::{PushFailure, PushTo};

/// A push that was tried for so long is a person's business.
const GIVE_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);
/// Letters of one force that keep failing are tried no closer together than this, however many.
const BETWEEN: Duration = Duration::from_secs(3);
/// A letter that has failed so often waits for such a place.
const ATTEMPTS_MANY: u32 = 6;
/// Looked for again only once so many places are free: each look is a query.
const PLACES_FREE: usize = AT_ONCE / 4;

/// How one push ended.
pub(super) enum PushResult {
    /// `was_failing`: it was refused before, or had failed often.
    Arrived {
        was_failing: bool,
    },
    Failed(Failed),
}

pub(super) struct Failed {
    pub notice_id: Uuid,
    /// This one counted.
    pub attempts: u32,
    pub failure: PushFailure,
    /// The endpoint asked for at least this pause.
    pub after: Duration,
    /// The endpoint has answered it; otherwise its failure says nothing about the endpoint.
    pub was_sent: bool,
    pub is_gone: bool,
}

impl Failed {
    /// It cannot be read, written or sent: a fault of ours that concerns no other letter.
    pub fn unfit(notice_id: Uuid) -> Failed {
        let failure = PushFailure { status: None, reason: "not_writable", is_refused: true };
        let after = Duration::ZERO;
        Failed { notice_id, attempts: 1, failure, after, was_sent: false, is_gone: false }
    }
}

pub(super) fn is_failing(attempts: u32, is_refused: bool) -> bool {
    is_refused || attempts >= ATTEMPTS_MANY
}

/// Letters on their way to one force, until nothing waits or the endpoint fails.
pub(super) struct Round<'r> {
    shared: &'r Shared,
    to: &'r PushTo,
    endpoint: &'r Endpoint,
    state: EndpointState,
    flying: FuturesUnordered<BoxFuture<'r, (Uuid, Result<PushResult, Failure>)>>,
    on_way: BTreeSet<Uuid>,
    /// Failed, and not judged yet: whether it is the letter or the endpoint is known once another
    /// letter has arrived, or none has.
    held: Vec<Failed>,
    /// The one letter that may go meanwhile, and how many such failed.
    probe: Option<Uuid>,
    probes_failed: usize,
    /// More may wait than was looked for.
    look: bool,
    /// Pushing was stopped.
    is_over: bool,
}

impl<'r> Round<'r> {
    pub fn of(
        shared: &'r Shared,
        to: &'r PushTo,
        endpoint: &'r Endpoint,
        state: EndpointState,
    ) -> Round<'r> {
        Round {
            shared,
            to,
            endpoint,
            state,
            flying: FuturesUnordered::new(),
            on_way: BTreeSet::new(),
            held: Vec::new(),
            probe: None,
            probes_failed: 0,
            look: true,
            is_over: false,
        }
    }

    /// `wake`: something more may wait.
    pub async fn run(mut self, wake: &Notify) -> EndpointState {
        if let Err(error) = self.fly(wake).await {
            // The store is away: what was on its way goes again, under its id.
            away(&error);
        }
        self.state
    }

    async fn fly(&mut self, wake: &Notify) -> Result<(), Failure> {
        loop {
            if self.look {
                self.begin().await?;
            }
            if self.flying.is_empty() {
                if self.held.is_empty() {
                    return Ok(());
                }
                self.judge(false).await?;
                continue;
            }
            tokio::select! {
                Some((notice_id, end)) = self.flying.next() => self.ended(notice_id, end?).await?,
                () = wake.notified() => self.look = true,
            }
        }
    }

    /// How many more may be put on their way now.
    fn room_for(&self) -> usize {
        if self.is_over || self.state.until.is_some() || *self.shared.stop.borrow() {
            return 0;
        }
        if !self.held.is_empty() {
            return usize::from(self.probe.is_none() && self.flying.len() < AT_ONCE);
        }
        // An endpoint that failed is asked with one letter before it gets many.
        match self.state.failures {
            0 => AT_ONCE.saturating_sub(self.flying.len()),
            _ => usize::from(self.flying.is_empty()),
        }
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        let free = self.room_for();
        let is_whole = !self.held.is_empty() || self.state.failures > 0;
        if free == 0 || !(is_whole || free >= PLACES_FREE) {
            return Ok(());
        }
        self.look = false;
        let mut passed = self.on_way.clone();
        passed.extend(self.held.iter().map(|failed| failed.notice_id));
        let turn = letter::due_letters(&self.shared.gateway, self.to.force, free, &passed).await?;
        for due in turn.due {
            let notice_id = due.letter.notice_id;
            if !self.held.is_empty() {
                self.probe = Some(notice_id);
            }
            self.on_way.insert(notice_id);
            let (shared, to, endpoint) = (self.shared, self.to, self.endpoint);
            let push = async move { (notice_id, shared.one(to, endpoint, due).await) };
            self.flying.push(push.boxed());
        }
        if !turn.unfit.is_empty() {
            let unfit: Vec<_> = turn.unfit.into_iter().map(Failed::unfit).collect();
            self.look = true;
            self.again(&unfit).await?;
        }
        Ok(())
    }

    async fn ended(&mut self, notice_id: Uuid, end: PushResult) -> Result<(), Failure> {
        self.on_way.remove(&notice_id);
        self.look = true;
        let was_probe = self.probe.take_if(|probe| *probe == notice_id).is_some();
        match end {
            PushResult::Arrived { was_failing } => {
                self.judge(true).await?;
                self.got_through(was_failing).await
            }
            PushResult::Failed(failed) => {
                self.held.push(failed);
                self.probes_failed += usize::from(was_probe);
                match self.probes_failed + 1 >= SEVERAL {
                    true => self.judge(false).await,
                    false => Ok(()),
                }
            }
        }
    }

    /// Says of each letter that failed when it is tried again, and of the endpoint how it goes.
    async fn judge(&mut self, arrived: bool) -> Result<(), Failure> {
        let held = std::mem::take(&mut self.held);
        (self.probe, self.probes_failed) = (None, 0);
        if held.is_empty() {
            return Ok(());
        }
        self.look = true;
        let (mut put_off, mut away) = (Duration::ZERO, None);
        for failed in &held {
            put_off = put_off.max(failed.after);
            if !failed.failure.is_refused {
                away = Some(failed.failure.reason);
            } else if failed.was_sent {
                remember(&mut self.state.refused, failed.notice_id);
            }
            if failed.is_gone {
                remember(&mut self.state.gone, failed.notice_id);
            }
        }
        let refused = (self.state.refused.len() >= SEVERAL).then_some("refused");
        let fails = away.or(refused).filter(|_| !arrived);
        // First the endpoint, so that nobody takes its failure for that of its letters.
        let state = match fails {
            Some(reason) => {
                let state =
                    letter::endpoint_fails(&self.shared.gateway, self.to.force, reason).await?;
                Some((reason, state))
            }
            None => None,
        };
        self.again(&held).await?;
        let Some((reason, state)) = state else { return Ok(()) };
        if self.state.gone.len() >= SEVERAL {
            let because = "several letters in a row got 410: the endpoint is gone";
            self.stop_pushing(because).await;
            return Ok(());
        }
        let now = self.shared.gateway.clock.now();
        let is_over = state.failing_since.is_some_and(|since| now > later(since, GIVE_UP_AFTER));
        if is_over && state.failing >= SEVERAL as u64 {
            let because = format!("nothing got through for three days: {reason}");
            self.stop_pushing(&because).await;
            return Ok(());
        }
        if self.state.failures == 0 {
            tracing::warn!(force = self.to.slug, reason, "nothing gets through to the endpoint");
        }
        self.state = self.shared.failed(std::mem::take(&mut self.state), put_off);
        Ok(())
    }

    async fn again(&mut self, failed: &[Failed]) -> Result<(), Failure> {
        let mut again = Vec::with_capacity(failed.len());
        for failed in failed {
            let at = self.again_at(failed);
            let look_at = &mut self.state.look_at;
            *look_at = Some(look_at.map_or(at, |known| known.min(at)));
            again.push(letter::letter_again(
                &self.shared.gateway,
                failed.notice_id,
                at,
                failed.failure,
            ));
        }
        join_all(again).await.into_iter().collect()
    }

    async fn stop_pushing(&mut self, because: &str) {
        self.shared.stop_pushing(self.to, because).await;
        (self.state, self.is_over) = (EndpointState::default(), true);
    }

    /// Something arrived. After a failure of the endpoint, or once a letter that kept failing is
    /// taken, the others need not wait for their turn: what was mended may be theirs.
    async fn got_through(&mut self, was_failing: bool) -> Result<(), Failure> {
        let now = self.shared.gateway.clock.now();
        let state = &mut self.state;
        let had_failed = state.failures > 0;
        (state.failures, state.until) = (0, None);
        state.refused.clear();
        state.gone.clear();
        if had_failed {
            tracing::info!(force = self.to.slug, "the endpoint answers again");
        }
        let is_new = state.freed_at.is_none_or(|at| now >= later(at, REST_MAX));
        if had_failed || (was_failing && is_new) {
            (state.freed_at, state.place) = (Some(now), None);
            letter::letters_now(&self.shared.gateway, self.to.force).await?;
        }
        Ok(())
    }

    /// When a letter is tried again. Letters that keep failing while others arrive get places one
    /// after the other, so that however many there are, they cost no more than one try each.
    fn again_at(&mut self, failed: &Failed) -> Timestamp {
        let now = self.shared.gateway.clock.now();
        let wait = match failed.failure.is_refused {
            true => REST_MAX,
            false => {
                BACKOFF.after(failed.attempts, self.shared.gateway.clock.random()).min(REST_MAX)
            }
        };
        let at = later(now, wait.max(failed.after));
        if !is_failing(failed.attempts, failed.failure.is_refused) {
            return at;
        }
        let at = self.state.place.map_or(at, |place| place.max(at));
        self.state.place = Some(later(at, BETWEEN));
        at
    }
}

fn remember(letters: &mut BTreeSet<Uuid>, notice_id: Uuid) {
    if letters.len() < SEVERAL {
        letters.insert(notice_id);
    }
}
