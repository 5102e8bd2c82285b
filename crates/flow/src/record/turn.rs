//! Who may have a body parsed, translated and written now. A body takes room for what it becomes at
//! most, which its format and its bytes say; once its records are counted and that is not enough, it
//! gives its room back and waits for more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cara_document::{Limits, expansion};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::RecordRefusal;

/// What a record takes at most besides its bytes: what was found in it, what is sealed and written,
/// the answer and its text.
pub(crate) const RECORD_BYTES: usize = 24 << 10;
/// What needs more room stands in the queue.
const SMALL_BYTES_MAX: usize = 4 << 20;
/// How long a body waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The room for all bodies that are worked on. Large ones stand in a queue in which each force stands
/// once, for half of what bodies that are read may take; small ones have as much, of which no force has
/// more than half.
#[derive(Debug)]
pub struct Turns {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    /// Of each of both.
    bytes: usize,
    patience: Duration,
    forces: Mutex<HashMap<u8, Turn>>,
}

#[derive(Clone, Debug)]
struct Turn {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// The room of one body; dropped, it is free.
#[derive(Debug)]
pub struct Room {
    turns: Arc<Turns>,
    force: u8,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    bytes: usize,
    _permits: [OwnedSemaphorePermit; 2],
}

/// The most that reading a body of this media type takes.
pub fn weight(media_type: &str, body_bytes: usize) -> usize {
    let is = |name: &str, suffix: &str| media_type.ends_with(name) || media_type.ends_with(suffix);
    let expansion = match media_type {
        _ if is("/xml", "+xml") => expansion::XML,
        _ if is("/json", "+json") => expansion::JSON,
        "text/plain" => expansion::FIXED,
        _ => expansion::WORST,
    };
    expansion::most(body_bytes, expansion, &Limits::default())
}

impl Turns {
    pub fn of(bytes_max: usize) -> Arc<Self> {
        Self::with(bytes_max, PATIENCE)
    }

    fn with(bytes_max: usize, patience: Duration) -> Arc<Self> {
        let bytes = (bytes_max / 2).clamp(2 * SMALL_BYTES_MAX, u32::MAX as usize);
        Arc::new(Turns {
            small: Arc::new(Semaphore::new(bytes)),
            large: Arc::new(Semaphore::new(bytes)),
            bytes,
            patience,
            forces: Mutex::default(),
        })
    }

    /// Waits for the turn of a body that needs so many bytes; `None`: it did not come in time.
    pub async fn turn(self: &Arc<Self>, force: u8, bytes: usize) -> Option<Arc<Room>> {
        let held = Mutex::new(Some(self.wait(force, bytes).await?));
        Some(Arc::new(Room { turns: Arc::clone(self), force, held }))
    }

    async fn wait(&self, force: u8, bytes: usize) -> Option<Held> {
        let turn = self.of_force(force);
        let is_small = bytes <= SMALL_BYTES_MAX;
        let (own, all) = match is_small {
            true => (turn.small, &self.small),
            false => (turn.large, &self.large),
        };
        // What needs more than there is has all of it.
        let bytes = bytes.clamp(1, self.bytes);
        let cost = u32::try_from(bytes).ok()?;
        let waiting = async {
            let own = own.acquire_many_owned(if is_small { cost } else { 1 }).await.ok()?;
            let all = Arc::clone(all).acquire_many_owned(cost).await.ok()?;
            Some(Held { bytes, _permits: [own, all] })
        };
        tokio::time::timeout(self.patience, waiting).await.ok()?
    }

    fn of_force(&self, force: u8) -> Turn {
        let mut forces = self.forces.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = forces.entry(force).or_insert_with(|| Turn {
            small: Arc::new(Semaphore::new(self.bytes / 2)),
            large: Arc::new(Semaphore::new(1)),
        });
        turn.clone()
    }
}

impl Room {
    /// Whether so many bytes are within it; what they are otherwise refused with.
    pub(crate) fn holds(&self, bytes: usize) -> Result<(), RecordRefusal> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let has = held.as_ref().map_or(0, |held| held.bytes);
        match has >= bytes.min(self.turns.bytes) {
            true => Ok(()),
            false => Err(RecordRefusal::Crowded { bytes }),
        }
    }

    /// Gives its room back and waits for so much.
    pub(crate) async fn renew(&self, bytes: usize) -> Result<(), RecordRefusal> {
        self.put(None);
        let held = self.turns.wait(self.force, bytes).await;
        self.put(Some(held.ok_or(RecordRefusal::Crowded { bytes })?));
        Ok(())
    }

    fn put(&self, held: Option<Held>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_becomes_more_gives_its_room_back_before_it_waits() {
        let turns = Turns::with(64 << 20, Duration::from_millis(50));
        let room = turns.turn(1, 1000).await.unwrap();
        assert!(room.holds(1000).is_ok());
        assert!(matches!(room.holds(1001), Err(RecordRefusal::Crowded { bytes: 1001 })));
        let large = turns.turn(2, 20 << 20).await.unwrap();
        // Nobody else waits for what it held meanwhile.
        assert!(room.renew(20 << 20).await.is_err());
        assert!(room.holds(1).is_err());
        drop(large);
        room.renew(20 << 20).await.unwrap();
        assert!(room.holds(20 << 20).is_ok());
        assert!(turns.turn(1, 20 << 20).await.is_none(), "one large body of a force at a time");
        assert!(turns.turn(2, 12 << 20).await.is_some());
        room.renew(1 << 30).await.unwrap();
        assert!(room.holds(1 << 30).is_ok(), "what needs more than all has all");
    }

    #[tokio::test]
    async fn small_bodies_of_one_force_leave_room_for_anothers() {
        let turns = Turns::with(32 << 20, Duration::from_millis(50));
        let own = [turns.turn(1, 4 << 20).await, turns.turn(1, 4 << 20).await];
        assert!(own.iter().all(Option::is_some));
        assert!(turns.turn(1, 1).await.is_none());
        assert!(turns.turn(2, 4 << 20).await.is_some());
    }

    #[test]
    fn a_body_weighs_what_its_format_makes_of_it_within_the_limit_of_nodes() {
        assert_eq!(weight("application/xml", 1000), 1000 * expansion::XML);
        assert_eq!(weight("application/problem+json", 1000), 1000 * expansion::JSON);
        assert_eq!(weight("text/plain", 1000), 1000 * expansion::FIXED);
        assert_eq!(weight("image/png", 1000), 1000 * expansion::WORST);
        assert!(weight("text/csv", 4 << 20) < 80 << 20);
    }
}
