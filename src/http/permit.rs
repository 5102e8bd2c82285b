//! Who may hold a connection: so many that shake hands, so many for each source address, so many for
//! each force, and a reserve for forces that hold few.
//!
//! Nobody is queued. Under pressure a newcomer takes the place of one that has been silent or idle
//! the longest, of whoever holds the most; where nobody is idle, the newcomer is closed at once.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::activity::{Activity, Phase};
use super::limit::{Refusals, SOURCE};
use cara_clock::Clock;

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
    open: HashMap<u64, Place>,
    next: u64,
    /// In each of these the oldest come first.
    sources: HashMap<IpAddr, BTreeSet<u64>>,
    coming: HashMap<IpAddr, BTreeSet<u64>>,
    holders: HashMap<Holder, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Place {
    source: IpAddr,
    holder: Holder,
    activity: Arc<Activity>,
}

/// Whom a connection counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        api: &cara_config::ApiSettings,
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

    /// How many may be in their handshake.
    pub(in crate::http) fn coming_max(&self) -> usize {
        self.bounds.coming
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
            self.refusals.count(SOURCE);
            return None;
        }
        let place = Place { source, holder: Holder::Coming, activity: Arc::clone(&activity) };
        let number = places.open(place);
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
        // Without a place of its own, somebody took it while it shook hands.
        let Some(mut place) = places.take(self.number) else { return false };
        if has_room {
            place.holder = holder;
            self.activity.shaken();
        }
        places.put(self.number, place);
        drop(places);
        match holder {
            _ if has_room => {}
            Holder::Force(force) => permits.refusals.count_force(force),
            Holder::Coming | Holder::Nobody => permits.refusals.count(SOURCE),
        }
        has_room
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.places().take(self.number);
    }
}

impl Places {
    fn open(&mut self, place: Place) -> u64 {
        self.next += 1;
        self.put(self.next, place);
        self.next
    }

    fn put(&mut self, number: u64, place: Place) {
        self.sources.entry(place.source).or_default().insert(number);
        match place.holder {
            Holder::Coming => self.coming.entry(place.source).or_default().insert(number),
            holder => self.holders.entry(holder).or_default().insert(number),
        };
        self.open.insert(number, place);
    }

    fn take(&mut self, number: u64) -> Option<Place> {
        let place = self.open.remove(&number)?;
        leave(&mut self.sources, place.source, number);
        match place.holder {
            Holder::Coming => leave(&mut self.coming, place.source, number),
            holder => leave(&mut self.holders, holder, number),
        }
        Some(place)
    }

    fn count(&self, holder: Holder) -> usize {
        self.holders.get(&holder).map_or(0, BTreeSet::len)
    }

    /// Makes room among the connections of this source if need be.
    fn room_of_source(&mut self, bounds: &Bounds, source: IpAddr, now: Duration) -> bool {
        let Some(own) = self.sources.get(&source).filter(|own| own.len() >= bounds.source) else {
            return true;
        };
        let victim = self.stale(now, source).or_else(|| self.idle(now, own));
        self.close(victim)
    }

    /// Makes room among those that shake hands if need be.
    fn room_to_come(&mut self, bounds: &Bounds, source: IpAddr, now: Duration) -> bool {
        if self.coming.values().map(BTreeSet::len).sum::<usize>() < bounds.coming {
            return true;
        }
        let own = self.coming.get(&source).map_or(0, BTreeSet::len);
        let Some((largest, all)) = self.coming.iter().max_by_key(|(_, all)| all.len()) else {
            return true;
        };
        // Where nobody is late, another source may not have had its share.
        let newest = || all.last().copied().filter(|_| own + 1 < all.len());
        let victim = self.stale(now, *largest).or_else(newest);
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
            let victim = self.holders.get(&holder).and_then(|own| self.idle(now, own));
            return self.close(victim);
        }
        let held: usize = self.holders.values().map(BTreeSet::len).sum();
        let reserve = if own < FEW { 0 } else { bounds.reserve };
        if held < bounds.held - reserve {
            return true;
        }
        // Never of a force that holds fewer than the newcomer's would.
        let may_lose = |(it, all): &(&Holder, &BTreeSet<u64>)| all.len() > own || **it == holder;
        let mut larger: Vec<_> = self.holders.iter().filter(may_lose).map(|(_, all)| all).collect();
        larger.sort_by_key(|all| std::cmp::Reverse(all.len()));
        let victim = larger.into_iter().find_map(|all| self.idle(now, all));
        self.close(victim)
    }

    /// The oldest of this source that is late with its handshake: first of those that have said
    /// nothing.
    fn stale(&self, now: Duration, source: IpAddr) -> Option<u64> {
        let coming = self.coming.get(&source)?;
        let since = |number: &u64, wanted: Phase| {
            let (phase, since) = self.open.get(number)?.activity.phase();
            (phase == wanted).then_some(now.saturating_sub(since))
        };
        // They are silent since they came: if the oldest is not late, none is.
        let silent = coming.iter().find_map(|it| Some((*it, since(it, Phase::Silent)?)));
        let silent = silent.filter(|(_, waited)| *waited >= SILENT).map(|(number, _)| number);
        let slow = |number: &&u64| since(number, Phase::Shaking).is_some_and(|it| it >= SLOW);
        silent.or_else(|| coming.iter().find(slow).copied())
    }

    /// The one of these that has been idle the longest.
    fn idle(&self, now: Duration, among: &BTreeSet<u64>) -> Option<u64> {
        let idle =
            among.iter().filter_map(|number| match self.open.get(number)?.activity.phase() {
                (Phase::Fresh | Phase::Idle, since) => Some((since, *number)),
                _ => None,
            });
        let oldest = idle.min();
        oldest.filter(|(since, _)| now.saturating_sub(*since) >= IDLE).map(|(_, number)| number)
    }

    /// Ends a connection, whose place is free from now on. False: there was none to end.
    fn close(&mut self, victim: Option<u64>) -> bool {
        let place = victim.and_then(|number| self.take(number));
        place.inspect(|place| place.activity.close()).is_some()
    }
}

fn leave<K: Eq + std::hash::Hash>(groups: &mut HashMap<K, BTreeSet<u64>>, key: K, number: u64) {
    if let Some(group) = groups.get_mut(&key) {
        group.remove(&number);
        if group.is_empty() {
            groups.remove(&key);
        }
    }
}

/// One host may have a whole /64 of IPv6 addresses.
pub(in crate::http) fn group(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests;
