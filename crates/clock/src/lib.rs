//! The one place that reads time and makes ids, so that a test can own both.

mod backoff;

pub use backoff::Backoff;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

/// Gives the time of day, a time that never goes back, and ids. Clones share one source.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System {
        started: Instant,
    },
    /// A test's clock: time stands still until it is moved.
    Manual(Arc<Mutex<Manual>>),
}

#[derive(Debug)]
struct Manual {
    now: Timestamp,
    monotonic: Duration,
    ids_made: u64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this room is the one that may read the clock")]
    pub fn system() -> Self {
        Clock { source: Source::System { started: Instant::now() } }
    }

    /// A clock that stands at `now` until [`Clock::advance`]; ids count up from it.
    pub fn manual(now: Timestamp) -> Self {
        let manual = Manual { now, monotonic: Duration::ZERO, ids_made: 0 };
        Clock { source: Source::Manual(Arc::new(Mutex::new(manual))) }
    }

    /// The time of day (UTC). It may jump; durations are measured with [`Clock::monotonic`].
    #[expect(clippy::disallowed_methods, reason = "this room is the one that may read the clock")]
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::System { .. } => Timestamp::now(),
            Source::Manual(manual) => lock(manual).now,
        }
    }

    /// The day in Europe/London, on which all day rules of the domain are decided.
    pub fn today(&self) -> jiff::civil::Date {
        london_day(self.now())
    }

    /// Time since some fixed moment; never goes back.
    pub fn monotonic(&self) -> Duration {
        match &self.source {
            Source::System { started } => started.elapsed(),
            Source::Manual(manual) => lock(manual).monotonic,
        }
    }

    /// A new UUIDv7: ordered by time, so that rows keyed by it are appended.
    #[expect(clippy::disallowed_methods, reason = "this room is the one that may make ids")]
    pub fn id(&self) -> Uuid {
        match &self.source {
            Source::System { .. } => Uuid::now_v7(),
            Source::Manual(manual) => {
                let mut manual = lock(manual);
                manual.ids_made += 1;
                let mut counter = [0; 10];
                counter[2..].copy_from_slice(&manual.ids_made.to_be_bytes());
                let unix_ms = u64::try_from(manual.now.as_millisecond()).unwrap_or(0);
                uuid::Builder::from_unix_timestamp_millis(unix_ms, &counter).into_uuid()
            }
        }
    }

    /// Random bits: the half of a fresh id that is not the time.
    pub fn random(&self) -> u64 {
        self.id().as_u64_pair().1
    }

    /// Sets a manual clock's time of day, as a person might who mends it; its monotonic time stays.
    pub fn set(&self, now: Timestamp) {
        if let Source::Manual(manual) = &self.source {
            lock(manual).now = now;
        }
    }

    /// Moves a manual clock on; a system clock moves by itself and ignores this.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.source {
            let mut manual = lock(manual);
            manual.monotonic += by;
            manual.now = manual.now.saturating_add(by).unwrap_or(manual.now);
        }
    }
}

/// So much after a moment; the last moment that there is where it would be beyond that.
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The calendar day of a moment in Europe/London.
pub fn london_day(at: Timestamp) -> jiff::civil::Date {
    london().to_datetime(at).date()
}

/// The first moment of a day in Europe/London.
pub fn london_start(day: jiff::civil::Date) -> Timestamp {
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    london().to_timestamp(midnight).unwrap_or(Timestamp::MAX)
}

/// A moment as people in London write it: the time alone on `today`, else the day before it.
pub fn london_words(at: Timestamp, today: jiff::civil::Date) -> String {
    let at = london().to_datetime(at);
    let pattern = if at.date() == today { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.strftime(pattern).to_string()
}

fn london() -> &'static jiff::tz::TimeZone {
    static LONDON: std::sync::OnceLock<jiff::tz::TimeZone> = std::sync::OnceLock::new();
    LONDON.get_or_init(|| match jiff::tz::TimeZone::get("Europe/London") {
        Ok(zone) => zone,
        Err(_) => unreachable!("the time zone database is compiled in"),
    })
}

fn lock(manual: &Mutex<Manual>) -> std::sync::MutexGuard<'_, Manual> {
    manual.lock().unwrap_or_else(PoisonError::into_inner)
}
