//! A walk over the records of a mapping that are still kept: accepted ones and open holds as one, the
//! newest first, a few in memory at a time.

use std::collections::VecDeque;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Failure, Gateway};
use cara_store::{ForceNumber, HoldRow, KeptPlace, KeptRaw};
use cara_vault::{RawKey, Sealed, WrappedKeys};

/// Records that are in memory at a time, and between which other work gets its turn.
pub(crate) const AT_ONCE: usize = 25;

/// A kept record, still sealed.
pub(crate) struct Retained {
    pub id: Uuid,
    /// 0 of a hold.
    pub revision: u32,
    pub keys: WrappedKeys,
    pub raw: Sealed<RawKey>,
    received_at: Timestamp,
}

impl From<KeptRaw> for Retained {
    fn from(it: KeptRaw) -> Retained {
        let KeptRaw { referral_id: id, revision, keys, raw, received_at, .. } = it;
        Retained { id, revision, keys, raw, received_at }
    }
}

impl From<HoldRow> for Retained {
    fn from(it: HoldRow) -> Retained {
        let HoldRow { hold_id: id, keys, raw, received_at, .. } = it;
        Retained { id, revision: 0, keys, raw, received_at }
    }
}

/// A walk over the kept records of a mapping, the newest first.
pub(crate) struct Walk {
    gateway: Gateway,
    force: ForceNumber,
    name: String,
    accepted: Source<KeptPlace>,
    held: Source<Uuid>,
}

/// One of the two sorts of kept records, read as it is needed.
struct Source<P> {
    waiting: VecDeque<Retained>,
    place: Option<P>,
    is_dry: bool,
}

impl<P> Default for Source<P> {
    fn default() -> Self {
        Source { waiting: VecDeque::new(), place: None, is_dry: false }
    }
}

impl<P> Source<P> {
    fn wants_more(&self) -> bool {
        self.waiting.is_empty() && !self.is_dry
    }

    fn fill(&mut self, rows: Vec<Retained>, place: Option<P>) {
        self.is_dry = rows.len() < AT_ONCE;
        self.place = place;
        self.waiting.extend(rows);
    }
}

impl Walk {
    pub fn of(gateway: &Gateway, force: ForceNumber, name: &str) -> Walk {
        let (gateway, name) = (gateway.clone(), name.to_owned());
        Walk { gateway, force, name, accepted: Source::default(), held: Source::default() }
    }

    /// The next records, at most so many; none at the end.
    pub async fn next(&mut self, at_most: usize) -> Result<Vec<Retained>, Failure> {
        let mut taken = Vec::new();
        while taken.len() < at_most.min(AT_ONCE) {
            self.refill().await?;
            let (accepted, held) = (self.accepted.waiting.front(), self.held.waiting.front());
            let newer_is_held = match (accepted, held) {
                (None, None) => break,
                (accepted, held) => {
                    held.map(|it| it.received_at) > accepted.map(|it| it.received_at)
                }
            };
            let source =
                if newer_is_held { &mut self.held.waiting } else { &mut self.accepted.waiting };
            taken.extend(source.pop_front());
        }
        Ok(taken)
    }

    async fn refill(&mut self) -> Result<(), Failure> {
        let (store, force) = (&self.gateway.store, self.force);
        if self.accepted.wants_more() {
            let rows = store.kept_raws(force, self.name.clone(), self.accepted.place, AT_ONCE);
            let rows = rows.await?;
            let place = rows.last().map(|row| row.place);
            self.accepted.fill(rows.into_iter().map(Retained::from).collect(), place);
        }
        if self.held.wants_more() {
            let rows = store.kept_holds(force, self.name.clone(), self.held.place, AT_ONCE);
            let rows = rows.await?;
            let place = rows.last().map(|row| row.hold_id);
            self.held.fill(rows.into_iter().map(Retained::from).collect(), place);
        }
        Ok(())
    }
}
