//! One message's way through the story, and what is at hand while a link lasts.

use std::collections::VecDeque;
use std::time::Duration;

use cara_wire::rejection::Rejection;
use futures_util::future::{BoxFuture, Fuse, FusedFuture as _};
use futures_util::stream::FuturesUnordered;
use uuid::Uuid;

use super::answer::Answers;
use super::line::{Lane, Line};
use cara_amqp::Error;
use cara_amqp::consumer::{Inflow, Received};
use cara_flow::case::conclude;
use cara_flow::case::conclude::{Arrived, Concluded};
use cara_flow::probe;
use cara_flow::{Failure, Gateway};

/// A message that nobody has concluded yet.
pub(super) struct WaitingMessage {
    pub received: Received,
    pub lane: Lane,
    pub is_urgent: bool,
    /// It went past the line, so it holds no lane.
    pub is_ahead: bool,
    /// Times at which it met a fault while the store was well.
    pub faults: u32,
}

pub(super) struct Done {
    pub waiting: WaitingMessage,
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
pub(super) struct RecordedRejections {
    pub rejected: Vec<(Received, Rejection)>,
    pub failure: Option<Failure>,
}

/// What is at hand while a link lasts; the broker hands all of it out again afterwards.
pub(super) struct Intake {
    pub inflow: Inflow,
    /// Messages that the broker hands out before one is done with.
    pub ahead: u16,
    pub urgent: VecDeque<WaitingMessage>,
    pub line: Line<WaitingMessage>,
    /// Bytes of the messages in line.
    pub line_bytes: usize,
    /// Since when more has come than is taken.
    pub full_since: Option<Duration>,
    pub working: FuturesUnordered<BoxFuture<'static, Done>>,
    /// What is tried again, and when.
    pub later: Vec<(Duration, WaitingMessage)>,
    pub rejected: Vec<(Received, Rejection)>,
    pub recording: Fuse<BoxFuture<'static, RecordedRejections>>,
    /// Rejected messages that are being recorded.
    pub recording_count: usize,
    pub recorded_at: Duration,
    pub answers: Answers,
    pub looking: Fuse<BoxFuture<'static, Result<u32, Error>>>,
    pub look_at: Duration,
    pub looks: u32,
    /// Messages that stood in the queue then.
    pub stand: u32,
    /// When something was last done with, or nothing stood there.
    pub progress_at: Duration,
    /// Why the store cannot commit, since when, and how often it said so.
    pub away: Option<(&'static str, Duration, u32)>,
    /// Messages read in this short round, and when the next begins.
    pub read: usize,
    pub round_at: Duration,
    pub is_proven: bool,
}

impl Intake {
    pub fn of(inflow: Inflow, ahead: u16, now: Duration) -> Intake {
        Intake {
            inflow,
            ahead,
            urgent: VecDeque::new(),
            line: Line::default(),
            line_bytes: 0,
            full_since: None,
            working: FuturesUnordered::new(),
            later: Vec::new(),
            rejected: Vec::new(),
            recording: Fuse::terminated(),
            recording_count: 0,
            recorded_at: Duration::ZERO,
            answers: Answers::default(),
            looking: Fuse::terminated(),
            look_at: now,
            looks: 0,
            stand: 0,
            progress_at: now,
            away: None,
            read: 0,
            round_at: now,
            is_proven: false,
        }
    }

    /// Messages that wait for something: their turn, a case, the store or an answer's queue.
    pub fn waiting(&self) -> usize {
        self.urgent.len() + self.line.len() + self.later.len() + self.answered_later()
    }

    /// Of these, rejected ones that wait until that is recorded and answered.
    pub fn answered_later(&self) -> usize {
        self.rejected.len() + self.recording_count + self.answers.len()
    }

    /// Whether nothing but the next message or look is waited for.
    pub fn is_idle(&self) -> bool {
        self.waiting() + self.working.len() == 0
            && self.recording.is_terminated()
            && self.answers.is_idle()
            && self.away.is_none()
    }

    pub fn push(&mut self, waiting: WaitingMessage) {
        self.line_bytes += waiting.received.body.len();
        self.line.push(waiting.lane, waiting);
    }

    pub fn pop(&mut self) -> Option<WaitingMessage> {
        let waiting = self.line.pop()?;
        self.line_bytes -= waiting.received.body.len();
        Some(waiting)
    }
}

pub(super) fn arrived(received: &Received) -> Arrived {
    Arrived {
        provider: received.queue.provider.clone(),
        side: received.queue.side,
        speaker: received.speaker.clone(),
        message_id: received.message_id,
        body: received.body.clone(),
    }
}

/// Carries one message through the story. Whatever happens there ends with this message.
pub(super) async fn work(gateway: Gateway, waiting: WaitingMessage) -> Done {
    let arrived = arrived(&waiting.received);
    let concluding = async {
        if let Some(lane) = waiting.lane {
            cara_supervisor::point(lane.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        }
        conclude::conclude(&gateway, &arrived).await
    };
    let concluded = cara_supervisor::contain(concluding).await;
    let fault = match concluded {
        Ok(Ok(concluded)) => return Done { waiting, worked: Worked::Concluded(concluded) },
        Ok(Err(Failure::Ours(error))) => format!("{error:#}"),
        Ok(Err(passing)) => passing.to_string(),
        Err(panicked) => panicked.to_string(),
    };
    // Either the store is away for everybody, or it is this message alone.
    let worked = match probe::probe(&gateway).await {
        Ok(()) => Worked::Fault(fault),
        Err(Failure::Passing { reason, .. }) => Worked::Away(reason),
        Err(_) => Worked::Away("the store failed"),
    };
    Done { waiting, worked }
}

/// What is wrong with a message by itself; nothing, when the look itself fails.
pub(super) fn at_sight(gateway: &Gateway, received: &Received) -> Option<Concluded> {
    let arrived = arrived(received);
    cara_supervisor::contain_now(|| conclude::at_sight(gateway, &arrived)).ok().flatten()
}
