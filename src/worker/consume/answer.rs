//! Answers to a provider, beside the reading: each is tried until its queue has it, and only then is
//! what it answers acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use cara_wire::rejection::Rejection;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Fuse, FusedFuture as _};

use cara_amqp::Consumer;
use cara_amqp::consumer::{Answering, OutcomeQueue, Received};
use cara_clock::Backoff;

/// Answers of one round.
const AT_ONCE: usize = 256;
const ANSWERED_S_MAX: u64 = 30;
const BACKOFF: Backoff = Backoff::of(Duration::from_secs(1), Duration::from_secs(60));
/// So many may wait while no answer is taken; what is answered with more goes to the dead queue,
/// where it can be put back from.
const STUCK_MAX: usize = 256;
const STUCK_S_MAX: u64 = 600;
const STUCK_S_MIN: u64 = 60;

pub(super) struct Owed {
    pub received: Received,
    pub rejections: Vec<Rejection>,
}

pub(super) struct Sent {
    owed: Vec<Owed>,
    /// Whether the queue has all answers of each.
    taken: Vec<bool>,
    link: Option<Answering>,
    reason: Option<String>,
}

pub(super) struct Answers {
    owed: VecDeque<Owed>,
    sending: Fuse<BoxFuture<'static, Sent>>,
    /// Those on their way.
    sent: usize,
    link: Option<Answering>,
    not_before: Duration,
    backoff: Backoff,
    failing_since: Option<Duration>,
}

impl Default for Answers {
    fn default() -> Self {
        Answers {
            owed: VecDeque::new(),
            sending: Fuse::terminated(),
            sent: 0,
            link: None,
            not_before: Duration::ZERO,
            backoff: BACKOFF,
            failing_since: None,
        }
    }
}

impl Answers {
    pub fn owe(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }

    /// Also those on their way.
    pub fn len(&self) -> usize {
        self.owed.len() + self.sent
    }

    pub fn is_idle(&self) -> bool {
        self.owed.is_empty() && self.sending.is_terminated()
    }

    /// Whether no answer is taken now.
    pub fn is_failing(&self) -> bool {
        self.failing_since.is_some()
    }

    /// Sends what waits, unless something is on its way or was refused a moment ago.
    pub fn begin(&mut self, consumer: &Consumer, queue: &Arc<OutcomeQueue>, now: Duration) {
        if self.owed.is_empty() || now < self.not_before || !self.sending.is_terminated() {
            return;
        }
        let owed: Vec<_> = self.owed.drain(..self.owed.len().min(AT_ONCE)).collect();
        self.sent = owed.len();
        let (link, consumer, queue) = (self.link.take(), consumer.clone(), Arc::clone(queue));
        self.sending = send(consumer, queue, link, owed).boxed().fuse();
    }

    pub fn is_sending(&self) -> bool {
        !self.sending.is_terminated()
    }

    pub async fn sent(&mut self) -> Sent {
        (&mut self.sending).await
    }

    /// What may be acknowledged now, and what could not be sent.
    pub fn settle(&mut self, sent: Sent, now: Duration) -> (Vec<Received>, Option<String>) {
        self.sent = 0;
        let mut answered = Vec::new();
        let mut left = Vec::new();
        for (owed, taken) in sent.owed.into_iter().zip(sent.taken) {
            if taken { answered.push(owed.received) } else { left.push(owed) }
        }
        self.link = sent.link;
        if left.is_empty() {
            (self.backoff, self.failing_since) = (BACKOFF, None);
            return (answered, None);
        }
        // A new link declares the queue again, if that is what is wrong.
        self.link = None;
        self.failing_since.get_or_insert(now);
        self.not_before = now + self.backoff.next(0);
        for owed in left.into_iter().rev() {
            self.owed.push_front(owed);
        }
        let reason = sent.reason.unwrap_or_else(|| "its rejected queue takes no answer".to_owned());
        (answered, Some(reason))
    }

    /// What has waited for its answer for too long, or with too many others.
    pub fn stuck(&mut self, now: Duration) -> Vec<Received> {
        let Some(since) = self.failing_since else { return Vec::new() };
        let keep = match now.saturating_sub(since).as_secs() {
            ..STUCK_S_MIN => usize::MAX,
            STUCK_S_MIN..STUCK_S_MAX => STUCK_MAX,
            STUCK_S_MAX.. => 0,
        };
        let beyond = self.owed.len().saturating_sub(keep);
        self.owed.drain(..beyond).map(|owed| owed.received).collect()
    }
}

async fn send(
    consumer: Consumer,
    queue: Arc<OutcomeQueue>,
    link: Option<Answering>,
    owed: Vec<Owed>,
) -> Sent {
    let none = vec![false; owed.len()];
    let failed = |owed, reason| Sent { owed, taken: none, link: None, reason: Some(reason) };
    let link = match link {
        Some(link) => link,
        None => match consumer.answering(&queue).await {
            Ok(link) => link,
            Err(error) => return failed(owed, error.to_string()),
        },
    };
    let all: Vec<_> = owed.iter().flat_map(|owed| &owed.rejections).collect();
    let answering = link.answer(&all);
    let taken = match tokio::time::timeout(Duration::from_secs(ANSWERED_S_MAX), answering).await {
        Ok(Ok(taken)) => taken,
        Ok(Err(error)) => return failed(owed, error.to_string()),
        Err(_) => return failed(owed, "the broker does not confirm answers".to_owned()),
    };
    let mut taken = taken.into_iter();
    let taken = owed.iter().map(|owed| taken.by_ref().take(owed.rejections.len()).all(|it| it));
    let taken = taken.collect();
    Sent { owed, taken, link: Some(link), reason: None }
}
