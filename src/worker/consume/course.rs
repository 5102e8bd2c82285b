//! One message's way through the story, and what is at hand while a link lasts.

use std::collections::VecDeque;
use std::time::Duration;

use cara_record::wire::rejection::Rejection;
use futures_util::future::{BoxFuture, Fuse, FusedFuture as _};
use futures_util::stream::FuturesUnordered;

use super::answer::Answers;
use super::line::{Lane, Line};
use crate::amqp::Error;
use crate::amqp::consumer::{Inflow, Received};
use crate::flow::conclude::{Arrived, Concluded};
use crate::flow::{Gateway, Refusal};
use crate::supervisor;

/// A message that nobody has concluded yet.
pub(super) struct Waiting {
    pub received: Received,
    pub lane: Lane,
    pub is_urgent: bool,
    /// It went past the line, so it holds no lane.
    pub is_ahead: bool,
    /// Times at which it met a fault while the store was well.
    pub faults: u32,
}

pub(super) struct Done {
    pub waiting: Waiting,
    pub worked: Worked,
}

pub(super) enum Worked {
    Concluded(Concluded),
    /// The store cannot commit now.
    Away(&'static str),
    /// A fault of ours: it would hit nobody else.
    Fault(String),
}

/// What is recorded together, given back when the store did not take it.
pub(super) struct Recorded {
    pub rejected: Vec<(Received, Rejection)>,
    pub refusal: Option<Refusal>,
}

/// What is at hand while a link lasts; the broker hands all of it out again afterwards.
pub(super) struct Course {
    pub inflow: Inflow,
    pub urgent: VecDeque<Waiting>,
    pub line: Line<Waiting>,
    pub working: FuturesUnordered<BoxFuture<'static, Done>>,
    /// What is tried again, and when.
    pub later: Vec<(Duration, Waiting)>,
    pub rejected: Vec<(Received, Rejection)>,
    pub recording: Fuse<BoxFuture<'static, Recorded>>,
    pub recorded_at: Duration,
    pub answers: Answers,
    pub looking: Fuse<BoxFuture<'static, Result<u32, Error>>>,
    pub look_at: Duration,
    pub looks: u32,
    /// When something was last done with, or nothing stood there.
    pub progress_at: Duration,
    /// Why the store cannot commit, since when, and how often it said so.
    pub away: Option<(&'static str, Duration, u32)>,
    /// Messages read in this short round, and when the next begins.
    pub read: usize,
    pub round_at: Duration,
    pub is_proven: bool,
}

impl Course {
    pub fn of(inflow: Inflow, now: Duration) -> Course {
        Course {
            inflow,
            urgent: VecDeque::new(),
            line: Line::default(),
            working: FuturesUnordered::new(),
            later: Vec::new(),
            rejected: Vec::new(),
            recording: Fuse::terminated(),
            recorded_at: Duration::ZERO,
            answers: Answers::default(),
            looking: Fuse::terminated(),
            look_at: now,
            looks: 0,
            progress_at: now,
            away: None,
            read: 0,
            round_at: now,
            is_proven: false,
        }
    }

    /// Whether nothing but the next message or look is waited for.
    pub fn is_idle(&self) -> bool {
        let at_hand = self.urgent.len() + self.line.len() + self.working.len() + self.later.len();
        at_hand + self.rejected.len() == 0
            && self.recording.is_terminated()
            && self.answers.is_idle()
            && self.away.is_none()
    }
}

pub(super) fn arrived(received: &Received) -> Arrived {
    Arrived {
        provider: received.inbox.provider.clone(),
        side: received.inbox.side,
        speaker: received.speaker.clone(),
        message_id: received.message_id,
        body: received.body.clone(),
    }
}

/// Carries one message through the story. Whatever happens there ends with this message.
pub(super) async fn work(gateway: Gateway, waiting: Waiting) -> Done {
    let arrived = arrived(&waiting.received);
    let concluded = supervisor::contain(gateway.conclude(&arrived)).await;
    let fault = match concluded {
        Ok(Ok(concluded)) => return Done { waiting, worked: Worked::Concluded(concluded) },
        Ok(Err(Refusal::Internal(error))) => format!("{error:#}"),
        Ok(Err(refusal)) => refusal.to_string(),
        Err(panicked) => panicked.to_string(),
    };
    // Either the store is away for everybody, or it is this message alone.
    let worked = match gateway.probe().await {
        Ok(()) => Worked::Fault(fault),
        Err(Refusal::Unavailable { reason, .. }) => Worked::Away(reason),
        Err(_) => Worked::Away("the store failed"),
    };
    Done { waiting, worked }
}

/// What is wrong with a message by itself; nothing, when the look itself fails.
pub(super) fn at_sight(gateway: &Gateway, received: &Received) -> Option<Concluded> {
    let arrived = arrived(received);
    supervisor::contain_now(|| gateway.at_sight(&arrived)).ok().flatten()
}
