//! What a connection is doing: who may be asked to give way, and for how long it may be quiet.
//!
//! Time in which the gateway itself stood still never counts against a sender, and what has arrived
//! is read before anybody is judged.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Sleep;

use cara_clock::Clock;

/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may stand without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A wait is counted in so many steps, so that a stall costs a sender none of them.
const STEPS: u32 = 4;
/// A step that ends so much later than it was asked to is a stall of the gateway's own.
pub(in crate::http) const STALL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Phase {
    /// Accepted; not a byte has come.
    Silent,
    /// In its handshake.
    Shaking,
    /// Past its handshake, before its first request.
    Fresh,
    /// A part of a request's head has come.
    Head,
    /// A request is being answered.
    Busy,
    /// Between two requests.
    Idle,
}

/// Shared by a connection, its requests, and whoever may end it.
#[derive(Debug)]
pub(in crate::http) struct Activity {
    clock: Clock,
    state: Mutex<State>,
    waker: AtomicWaker,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// [`Clock::monotonic`]
    since: Duration,
    /// Counts the phases, and what is written in one.
    turn: u64,
    closing: bool,
}

impl Activity {
    pub(in crate::http) fn of(clock: Clock) -> Self {
        let since = clock.monotonic();
        let state = State { phase: Phase::Silent, since, turn: 0, closing: false };
        Activity { clock, state: Mutex::new(state), waker: AtomicWaker::new() }
    }

    /// The phase and when it began.
    pub(in crate::http) fn phase(&self) -> (Phase, Duration) {
        let state = self.state();
        (state.phase, state.since)
    }

    /// Asks the connection to end; a request that is being answered is answered first.
    pub(in crate::http) fn close(&self) {
        self.state().closing = true;
        self.waker.wake();
    }

    /// Whether the connection was asked to end and may; otherwise the task is woken when it is asked.
    pub(in crate::http) fn is_over(&self, cx: &Context<'_>) -> bool {
        self.waker.register(cx.waker());
        let state = self.state();
        state.closing && state.phase != Phase::Busy
    }

    /// The first byte of a handshake has come.
    pub(in crate::http) fn spoke(&self) {
        self.enter(Phase::Shaking);
    }

    pub(in crate::http) fn shaken(&self) {
        self.enter(Phase::Fresh);
    }

    /// Bytes have come.
    pub(in crate::http) fn came(&self) {
        if matches!(self.phase().0, Phase::Fresh | Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    /// Bytes have gone.
    pub(in crate::http) fn went(&self) {
        self.state().turn += 1;
    }

    pub(in crate::http) fn begin(&self) {
        self.enter(Phase::Busy);
    }

    pub(in crate::http) fn end(&self) {
        self.enter(Phase::Idle);
    }

    fn enter(&self, phase: Phase) {
        let since = self.clock.monotonic();
        let mut state = self.state();
        *state = State { phase, since, turn: state.turn + 1, ..*state };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts how long a connection has been quiet.
#[derive(Debug)]
pub(in crate::http) struct Quiet {
    turn: u64,
    steps_left: u32,
    step: Step,
}

/// One wait on the way to a verdict.
#[derive(Debug)]
struct Step {
    clock: Clock,
    sleep: Pin<Box<Sleep>>,
    length: Duration,
    began: Duration,
}

impl Quiet {
    pub(in crate::http) fn of(clock: Clock) -> Self {
        let step = Step::of(clock, HEAD / STEPS);
        Quiet { turn: u64::MAX, steps_left: STEPS, step }
    }

    /// Whether the connection has been quiet for longer than it may; otherwise the task is woken when
    /// that has to be asked again. To be asked after a read that found nothing.
    pub(in crate::http) fn is_over(&mut self, activity: &Activity, cx: &mut Context<'_>) -> bool {
        let (phase, turn) = {
            let state = activity.state();
            (state.phase, state.turn)
        };
        let length = match phase {
            Phase::Silent | Phase::Shaking | Phase::Fresh | Phase::Head => HEAD / STEPS,
            Phase::Busy | Phase::Idle => KEEP_ALIVE / STEPS,
        };
        if turn != self.turn {
            (self.turn, self.steps_left) = (turn, STEPS);
            self.step.restart(length);
        }
        while let Poll::Ready(in_time) = self.step.poll(cx) {
            if in_time && phase != Phase::Busy {
                self.steps_left -= 1;
            }
            if self.steps_left == 0 {
                return true;
            }
            self.step.restart(length);
        }
        false
    }
}

impl Step {
    fn of(clock: Clock, length: Duration) -> Self {
        let began = clock.monotonic();
        Step { clock, sleep: Box::pin(tokio::time::sleep(length)), length, began }
    }

    fn restart(&mut self, length: Duration) {
        self.began = self.clock.monotonic();
        self.length = length;
        self.sleep.set(tokio::time::sleep(length));
    }

    /// Ready: the step is over; true if it was over when it was meant to be.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let took = |step: &Step| step.clock.monotonic().saturating_sub(step.began);
        self.sleep.as_mut().poll(cx).map(|()| took(self) < self.length + STALL)
    }
}

/// Waits for so long, stalls of the gateway's own not counted.
pub(in crate::http) async fn wait(clock: &Clock, length: Duration) {
    let mut step = Step::of(clock.clone(), length / STEPS);
    let mut steps_left = STEPS;
    std::future::poll_fn(|cx| {
        while let Poll::Ready(in_time) = step.poll(cx) {
            steps_left -= u32::from(in_time);
            if steps_left == 0 {
                return Poll::Ready(());
            }
            step.restart(length / STEPS);
        }
        Poll::Pending
    })
    .await;
}
