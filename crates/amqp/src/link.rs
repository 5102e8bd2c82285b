//! One channel that publishes one side's messages to a provider: a window of events on their way, and what became of each.
//!
//! A confirmation is judged only after everything that arrived before it was looked at; `verdict`
//! says why.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cara_wire::{Event, event};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered, StreamExt as _};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use uuid::Uuid;

use super::channel::{self, MANDATORY};
use super::verdict::{Fate, Returns};
use cara_clock::Clock;

/// What [`Link::step`] saw.
#[derive(Debug)]
pub enum LinkEvent<T> {
    /// At least one.
    Settled(Vec<(T, Fate)>),
    /// The broker asks to wait; it is no failure.
    Blocked,
    Unblocked,
    /// The link cannot be used any more; everything that was on its way is in doubt.
    Broken(Ended<T>),
    /// The channel alone is at its end: the broker closed it, or confirms nothing on it.
    Closed(Ended<T>),
}

/// How a link ended.
#[derive(Debug)]
pub struct Ended<T> {
    pub settled: Vec<(T, Fate)>,
    pub reason: String,
    pub cause: EndCause,
}

/// What ended a link, as far as the broker said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// A fault of what was sent.
    Message,
    /// The exchange is gone; the next declaration brings it back.
    Missing,
    /// A confirm did not come in time; the connection may be well.
    Silence,
    /// The broker is going away, or nobody knows.
    Other,
}

/// A publishing channel. `T` is whatever the caller wants back with an event's fate.
pub struct Link<T> {
    /// Kept: dropping the last one closes the connection.
    connection: Arc<Connection>,
    channel: Channel,
    notices: BoxStream<'static, lapin::Event>,
    confirming: FuturesUnordered<BoxFuture<'static, Landed>>,
    /// Everything on its way, oldest first.
    in_flight: BTreeMap<u64, Flight<T>>,
    next_number: u64,
    returns: Returns,
    blocked: bool,
    window: usize,
    confirm_timeout: Duration,
    user_id: Option<String>,
    clock: Clock,
}

/// An event on its way.
struct Flight<T> {
    tag: T,
    id: Uuid,
    published: Duration,
}

/// The library's answer for an event, by its number in `in_flight`.
struct Landed {
    number: u64,
    confirmation: Result<Confirmation, lapin::Error>,
}

/// Notes that something was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// How a link behaves, beside its connection.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Unconfirmed events at once.
    pub window: usize,
    pub confirm_timeout: Duration,
    /// Written as `user_id`, which the broker checks; none when the certificate names the user.
    pub user_id: Option<String>,
}

impl<T: Send + 'static> Link<T> {
    /// `channel` is in confirm mode already.
    pub(crate) fn over(
        connection: Arc<Connection>,
        channel: Channel,
        manner: Manner,
        clock: Clock,
    ) -> Self {
        let blocked = connection.status().blocked();
        Link {
            notices: connection.events_listener().boxed(),
            connection,
            channel,
            confirming: FuturesUnordered::new(),
            in_flight: BTreeMap::new(),
            next_number: 0,
            returns: Returns::default(),
            blocked,
            window: manner.window,
            confirm_timeout: manner.confirm_timeout,
            user_id: manner.user_id,
            clock,
        }
    }

    /// How many more events may be published now.
    pub fn free(&self) -> usize {
        if self.blocked { 0 } else { self.window.saturating_sub(self.in_flight.len()) }
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Puts an event on its way; [`Link::step`] says what became of it. The order of calls is the
    /// order on the wire.
    pub fn publish(&mut self, tag: T, event: &Event) {
        let number = self.next_number;
        self.next_number += 1;
        let flight = Flight { tag, id: event.message_id(), published: self.clock.monotonic() };
        self.in_flight.insert(number, flight);
        let channel = self.channel.clone();
        let (exchange, routing_key) = (event.exchange(), event.routing_key());
        let properties = properties(event, self.user_id.as_deref());
        let body = event.body().clone();
        self.confirming.push(Box::pin(async move {
            let sent = channel
                .basic_publish(exchange.into(), routing_key.into(), MANDATORY, &body, properties)
                .await;
            let confirmation = match sent {
                Ok(confirm) => confirm.await,
                Err(error) => Err(error),
            };
            Landed { number, confirmation }
        }));
    }

    /// Gives back everything that is on its way, as in doubt.
    pub fn abandon(&mut self) -> Vec<(T, Fate)> {
        self.in_doubt().collect()
    }

    /// Waits until something is known. Dropping the future loses nothing.
    pub async fn step(&mut self) -> LinkEvent<T> {
        let overdue_in = self.overdue_in();
        let mut overdue = pin!(tokio::time::sleep(overdue_in.unwrap_or(Duration::MAX / 4)));
        std::future::poll_fn(|cx| {
            let landed = self.drain(cx);
            if !landed.is_empty() {
                return Poll::Ready(self.judged(landed));
            }
            if let Poll::Ready(step) = self.noticed(cx) {
                return Poll::Ready(step);
            }
            if overdue_in.is_some() && overdue.as_mut().poll(cx).is_ready() {
                let settled = self.in_doubt().collect();
                let reason = "a confirm did not come in time".to_owned();
                return Poll::Ready(LinkEvent::Closed(Ended {
                    settled,
                    reason,
                    cause: EndCause::Silence,
                }));
            }
            Poll::Pending
        })
        .await
    }

    /// What the connection itself says.
    fn noticed(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent<T>> {
        while let Poll::Ready(notice) = self.notices.poll_next_unpin(cx) {
            match notice {
                Some(lapin::Event::ConnectionBlocked(_)) if !self.blocked => {
                    self.blocked = true;
                    return Poll::Ready(LinkEvent::Blocked);
                }
                Some(lapin::Event::ConnectionUnblocked) if self.blocked => {
                    self.unblocked();
                    return Poll::Ready(LinkEvent::Unblocked);
                }
                Some(lapin::Event::Error(error)) if !self.connection.status().connected() => {
                    return Poll::Ready(self.broken(&error.to_string(), cause(&error)));
                }
                None => return Poll::Ready(self.broken("the connection ended", EndCause::Other)),
                Some(_) => {}
            }
        }
        if !self.connection.status().connected() {
            Poll::Ready(self.broken("the broker closed the connection", EndCause::Other))
        } else if !self.channel.status().connected() {
            let settled = self.in_doubt().collect();
            let reason = "the broker closed the channel".to_owned();
            Poll::Ready(LinkEvent::Closed(Ended { settled, reason, cause: EndCause::Other }))
        } else {
            Poll::Pending
        }
    }

    /// How long until the oldest unconfirmed event is overdue; none while there is nothing to wait
    /// for or the broker asks to wait.
    fn overdue_in(&self) -> Option<Duration> {
        if self.blocked {
            return None;
        }
        let (_, oldest) = self.in_flight.first_key_value()?;
        Some((oldest.published + self.confirm_timeout).saturating_sub(self.clock.monotonic()))
    }

    /// Time spent blocked does not count against a confirm.
    fn unblocked(&mut self) {
        self.blocked = false;
        let now = self.clock.monotonic();
        self.in_flight.values_mut().for_each(|flight| flight.published = now);
    }

    /// Everything that has landed. It looks until nothing was woken while it looked, so whatever
    /// arrived before one of these is among them.
    fn drain(&mut self, cx: &mut Context<'_>) -> Vec<Landed> {
        let mut landed = Vec::new();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut flagged = Context::from_waker(&waker);
        loop {
            woken.0.store(false, Ordering::SeqCst);
            match self.confirming.poll_next_unpin(&mut flagged) {
                Poll::Ready(Some(one)) => landed.push(one),
                Poll::Ready(None) => return landed,
                Poll::Pending if woken.0.load(Ordering::SeqCst) => {}
                Poll::Pending if !landed.is_empty() => return landed,
                // The caller's waker last: that is the one that is kept.
                Poll::Pending => match self.confirming.poll_next_unpin(cx) {
                    Poll::Ready(Some(one)) => landed.push(one),
                    Poll::Ready(None) | Poll::Pending => return landed,
                },
            }
        }
    }

    fn judged(&mut self, landed: Vec<Landed>) -> LinkEvent<T> {
        for one in &landed {
            if let Ok(confirmation) = &one.confirmation {
                self.returns.note(confirmation);
            }
        }
        let mut broken = None;
        let mut settled = Vec::with_capacity(landed.len());
        for one in landed {
            let Some(flight) = self.in_flight.remove(&one.number) else { continue };
            let fate = match one.confirmation {
                Ok(confirmation) => self.returns.fate(flight.id, &confirmation),
                Err(error) => {
                    broken.get_or_insert(error);
                    Fate::Unknown
                }
            };
            settled.push((flight.tag, fate));
        }
        if self.in_flight.is_empty() {
            self.returns.clear();
        }
        match broken {
            Some(error) => {
                settled.extend(self.in_doubt());
                let (reason, cause) = (error.to_string(), cause(&error));
                let ended = Ended { settled, reason, cause };
                match self.connection.status().connected() {
                    true => LinkEvent::Closed(ended),
                    false => LinkEvent::Broken(ended),
                }
            }
            None => LinkEvent::Settled(settled),
        }
    }

    fn broken(&mut self, reason: &str, cause: EndCause) -> LinkEvent<T> {
        let settled = self.in_doubt().collect();
        LinkEvent::Broken(Ended { settled, reason: reason.to_owned(), cause })
    }

    /// Gives everything back that is still on its way.
    fn in_doubt(&mut self) -> impl Iterator<Item = (T, Fate)> {
        self.confirming.clear();
        std::mem::take(&mut self.in_flight).into_values().map(|flight| (flight.tag, Fate::Unknown))
    }
}

/// What this error of the broker's says.
pub(crate) fn cause(error: &lapin::Error) -> EndCause {
    const NOT_FOUND: u16 = 404;
    const CONNECTION_FORCED: u16 = 320;
    match error.kind() {
        lapin::ErrorKind::ProtocolError(said) => match said.get_id() {
            NOT_FOUND => EndCause::Missing,
            CONNECTION_FORCED => EndCause::Other,
            _ => EndCause::Message,
        },
        _ => EndCause::Other,
    }
}

fn properties(event: &Event, user_id: Option<&str>) -> BasicProperties {
    let mut headers = FieldTable::default();
    let traceparent = LongString::from(event.traceparent());
    headers.insert("traceparent".into(), AMQPValue::LongString(traceparent));
    let (id, at) = (event.message_id(), event.timestamp());
    channel::properties(id, event.type_name(), event::CONTENT_TYPE, at, user_id)
        .with_headers(headers)
}
