//! Who may hold a connection: so many that shake hands, so many for each source address, so many for
//! each force, and a reserve for forces that hold few.
//!
//! Nobody is queued. Under pressure a newcomer takes the place of one that has been silent or idle
//! the longest, of whoever holds the most; where nobody is idle, the newcomer is closed at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::activity::{Activity, Phase};
use super::limit::Refusals;
use crate::clock::Clock;
use crate::config;

/// A force that holds fewer connections than this may use the reserve.
const FEW: usize = 8;
/// Who has said nothing for so long gives way to a newcomer.
const SILENT: Duration = Duration::from_millis(250);
/// A handshake that takes longer gives way to a newcomer.
const SLOW: Duration = Duration::from_secs(2);
/// A kept-alive connection without a request for so long gives way to a newcomer.
const IDLE: Duration = Duration::from_secs(1);

/// How many connections there may be.
#[derive(Debug)]
struct Bounds {
    /// Of one source address, at whatever stage.
    source: usize,
    /// In their handshake.
    coming: usize,
    /// Past their handshake.
    held: usize,
    /// Of those, what only forces with few connections may use.
    reserve: usize,
    /// Past their handshake, of one force.
    force: usize,
}

/// All connections of forces that are open now.
#[derive(Debug)]
pub(in crate::http) struct Permits {
    bounds: Bounds,
    clock: Clock,
    refusals: Arc<Refusals>,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    /// By number, so the oldest first.
    open: BTreeMap<u64, Place>,
    next: u64,
}

#[derive(Debug)]
struct Place {
    source: IpAddr,
    holder: Holder,
    activity: Arc<Activity>,
}

/// Whom a connection counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// It is in its handshake.
    Coming,
    /// Its certificate stands for nobody.
    Nobody,
    Force(u8),
}

/// The right to one connection; dropped, its place is free.
#[derive(Debug)]
pub(in crate::http) struct Permit {
    permits: Arc<Permits>,
    number: u64,
    pub(in crate::http) activity: Arc<Activity>,
}

impl Permits {
    pub(in crate::http) fn of(
        api: &config::Api,
        clock: Clock,
        refusals: Arc<Refusals>,
    ) -> Arc<Self> {
        let coming = (api.connections_max / 4).max(1);
        let held = (api.connections_max - coming).max(1);
        let bounds = Bounds {
            source: api.connections_per_source_max(),
            coming,
            held,
            reserve: held / 8,
            force: api.connections_per_force_max().min(held),
        };
        Arc::new(Permits { bounds, clock, refusals, places: Mutex::default() })
    }

    /// A place for a connection that has just been accepted; `None`: close it at once.
    pub(in crate::http) fn admit(self: &Arc<Self>, source: IpAddr) -> Option<Permit> {
        let source = group(source);
        let now = self.clock.monotonic();
        let activity = Arc::new(Activity::of(self.clock.clone()));
        let mut places = self.places();
        let has_room = places.room_of_source(&self.bounds, source, now)
            && places.room_to_come(&self.bounds, source, now);
        if !has_room {
            drop(places);
            self.refusals.count("source");
            return None;
        }
        places.next += 1;
        let number = places.next;
        let place = Place { source, holder: Holder::Coming, activity: Arc::clone(&activity) };
        places.open.insert(number, place);
        Some(Permit { permits: Arc::clone(self), number, activity })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The handshake is over: from now on the connection counts against one of these forces, the one
    /// that holds the fewest. None of them: it stands for nobody. False: close it at once.
    pub(in crate::http) fn hold(&self, forces: &[u8]) -> bool {
        let permits = &self.permits;
        let mut places = permits.places();
        let holders = forces.iter().map(|force| Holder::Force(*force));
        let fewest = holders.min_by_key(|holder| places.count(*holder));
        let holder = fewest.unwrap_or(Holder::Nobody);
        let has_room = places.room_of(&permits.bounds, holder, permits.clock.monotonic());
        match places.open.get_mut(&self.number) {
            // Somebody took its place while it shook hands.
            None => false,
            Some(place) if has_room => {
                place.holder = holder;
                self.activity.shaken();
                true
            }
            Some(_) => {
                drop(places);
                match holder {
                    Holder::Force(force) => permits.refusals.count_force(force),
                    Holder::Coming | Holder::Nobody => permits.refusals.count("source"),
                }
                false
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.places().open.remove(&self.number);
    }
}

impl Places {
    fn count(&self, holder: Holder) -> usize {
        self.open.values().filter(|place| place.holder == holder).count()
    }

    fn count_source(&self, source: IpAddr) -> usize {
        self.open.values().filter(|place| place.source == source).count()
    }

    /// Makes room among the connections of this source if need be.
    fn room_of_source(&mut self, bounds: &Bounds, source: IpAddr, now: Duration) -> bool {
        if self.count_source(source) < bounds.source {
            return true;
        }
        let own = |place: &Place| place.source == source;
        let victim = self.stale(now, own).or_else(|| self.idle(now, own));
        self.close(victim)
    }

    /// Makes room among those that shake hands if need be.
    fn room_to_come(&mut self, bounds: &Bounds, source: IpAddr, now: Duration) -> bool {
        let mut coming = BTreeMap::<IpAddr, usize>::new();
        for place in self.open.values().filter(|place| place.holder == Holder::Coming) {
            *coming.entry(place.source).or_default() += 1;
        }
        if coming.values().sum::<usize>() < bounds.coming {
            return true;
        }
        let own = coming.get(&source).copied().unwrap_or_default();
        let Some((largest, count)) = coming.into_iter().max_by_key(|(_, count)| *count) else {
            return true;
        };
        let of_largest = |place: &Place| place.source == largest;
        let victim = self.stale(now, of_largest).or_else(|| {
            // Nobody there is late, but another source has not had its share.
            let newest = self
                .open
                .iter()
                .rev()
                .find(|(_, place)| of_largest(place) && place.holder == Holder::Coming);
            newest.map(|(number, _)| *number).filter(|_| own + 1 < count)
        });
        self.close(victim)
    }

    /// Makes room for one more connection of this holder if need be.
    fn room_of(&mut self, bounds: &Bounds, holder: Holder, now: Duration) -> bool {
        let own = self.count(holder);
        let own_max = match holder {
            Holder::Force(_) => bounds.force,
            Holder::Coming | Holder::Nobody => FEW.min(bounds.force),
        };
        if own >= own_max {
            let victim = self.idle(now, |place| place.holder == holder);
            return self.close(victim);
        }
        let held = self.open.values().filter(|place| place.holder != Holder::Coming).count();
        let reserve = if own < FEW { 0 } else { bounds.reserve };
        if held < bounds.held - reserve {
            return true;
        }
        let mut holders: Vec<(usize, Holder)> = Vec::new();
        for place in self.open.values().filter(|place| place.holder != Holder::Coming) {
            if holders.iter().all(|(_, known)| *known != place.holder) {
                holders.push((self.count(place.holder), place.holder));
            }
        }
        holders.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        // Never of a force that holds fewer than the newcomer's would.
        let larger = holders.into_iter().filter(|(count, it)| *count > own || *it == holder);
        let victim = larger
            .map(|(_, largest)| self.idle(now, |place| place.holder == largest))
            .find_map(|victim| victim);
        self.close(victim)
    }

    /// The oldest that is late with its handshake: first of those that have said nothing.
    fn stale(&self, now: Duration, among: impl Fn(&Place) -> bool) -> Option<u64> {
        let late = |phase, patience| {
            let found = self.open.iter().find(|(_, place)| {
                let (at, since) = place.activity.phase();
                among(place) && at == phase && now.saturating_sub(since) >= patience
            });
            found.map(|(number, _)| *number)
        };
        late(Phase::Silent, SILENT).or_else(|| late(Phase::Shaking, SLOW))
    }

    /// The one that has been idle the longest.
    fn idle(&self, now: Duration, among: impl Fn(&Place) -> bool) -> Option<u64> {
        let held = self.open.iter().filter(|(_, place)| among(place));
        let idle = held.filter_map(|(number, place)| match place.activity.phase() {
            (Phase::Fresh | Phase::Idle, since) => Some((since, *number)),
            _ => None,
        });
        let oldest = idle.min();
        oldest.filter(|(since, _)| now.saturating_sub(*since) >= IDLE).map(|(_, number)| number)
    }

    /// Ends a connection, whose place is free from now on. False: there was none to end.
    fn close(&mut self, victim: Option<u64>) -> bool {
        let place = victim.and_then(|number| self.open.remove(&number));
        place.inspect(|place| place.activity.close()).is_some()
    }
}

/// One host may have a whole /64 of IPv6 addresses.
fn group(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests;
