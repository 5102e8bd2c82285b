use super::*;
use cara_metric::{Metric, alert};

struct Door {
    permits: Arc<Permits>,
    clock: Clock,
    metric: Metric,
}

const SECOND: Duration = Duration::from_secs(1);

impl Door {
    fn of(bounds: Bounds) -> Door {
        let (clock, metric) = (Clock::manual(jiff::Timestamp::UNIX_EPOCH), Metric::default());
        let refusals = Refusals::of(clock.clone(), metric.clone());
        let (places, own) = (Mutex::default(), clock.clone());
        Door { permits: Arc::new(Permits { bounds, clock: own, refusals, places }), clock, metric }
    }

    fn admit(&self, source: &str) -> Option<Permit> {
        self.permits.admit(source.parse().unwrap())
    }

    fn held(&self, source: &str, forces: &[u8]) -> Option<Permit> {
        let permit = self.admit(source)?;
        permit.activity.spoke();
        permit.hold(forces).then_some(permit)
    }

    fn told(&self) -> Vec<String> {
        self.metric.troubles().now().into_keys().map(|(_, about)| about).collect()
    }
}

fn bounds() -> Bounds {
    Bounds { source: 1000, coming: 4, held: 40, reserve: 8, force: 16 }
}

fn gave_way(permit: &Permit) -> bool {
    permit.activity.is_over(&std::task::Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn the_silent_give_way_to_whoever_comes() {
    let door = Door::of(bounds());
    let silent: Vec<_> = (0..4).filter_map(|_| door.admit("10.0.0.1")).collect();
    assert!(door.admit("10.0.0.1").is_none(), "they may just not have been read yet");
    assert_eq!(door.told(), ["source"]);
    door.clock.advance(SILENT);
    silent[0].activity.spoke();
    let newcomer = door.admit("10.0.0.1").unwrap();
    assert!(!gave_way(&silent[0]) && gave_way(&silent[1]) && !gave_way(&silent[2]));
    assert!(!silent[1].hold(&[44]), "its place is gone");
    assert!(newcomer.hold(&[44]));
}

#[test]
fn a_source_with_fewer_handshakes_finds_room_beside_one_with_many() {
    let door = Door::of(bounds());
    let many: Vec<_> = (0..4).filter_map(|_| door.admit("10.0.0.1")).collect();
    assert!(door.held("10.0.0.2", &[44]).is_some());
    assert!(gave_way(&many[3]) && !gave_way(&many[0]));
    let same = [door.admit("2001:db8::1"), door.admit("2001:db8::2"), door.admit("2001:db8::3")];
    assert!(same[0].is_some() && same[1].is_some(), "they had less than their share");
    assert!(same[2].is_none(), "two addresses of one /64 are one source");
}

#[test]
fn one_source_holds_so_many() {
    let door = Door::of(Bounds { source: 3, ..bounds() });
    let held: Vec<_> = (0..3).filter_map(|n| door.held("10.0.0.1", &[n + 1])).collect();
    assert!(door.admit("10.0.0.1").is_none());
    assert!(door.admit("10.0.0.2").is_some());
    door.clock.advance(IDLE);
    assert!(door.admit("10.0.0.1").is_some());
    assert!(gave_way(&held[0]) && !gave_way(&held[1]), "the oldest that is idle gave way");
}

#[test]
fn a_force_takes_its_share_and_others_find_room() {
    let door = Door::of(bounds());
    let mut all: Vec<_> = (0..16).filter_map(|_| door.held("10.0.0.1", &[44])).collect();
    assert!(door.held("10.0.0.1", &[44]).is_none(), "nobody has been idle for long");
    assert_eq!(door.told(), ["44"]);
    all.extend((0..16).filter_map(|_| door.held("10.0.0.2", &[20])));
    assert_eq!(all.len(), 32);
    all.iter().for_each(|permit| permit.activity.begin());
    let few: Vec<_> = (0..8).filter_map(|_| door.held("10.0.0.3", &[13])).collect();
    assert_eq!(few.len(), 8, "the reserve is theirs");
    assert!(door.held("10.0.0.3", &[13]).is_none());
    assert!(door.held("10.0.0.3", &[36]).is_none(), "everybody is busy");
    all[5].activity.end();
    door.clock.advance(IDLE);
    assert!(door.held("10.0.0.3", &[36]).is_some());
    assert!(gave_way(&all[5]));
}

#[test]
fn the_idle_give_way_within_their_own_force() {
    let door = Door::of(bounds());
    let own: Vec<_> = (0..16).filter_map(|_| door.held("10.0.0.1", &[44])).collect();
    own[0].activity.begin();
    door.clock.advance(SECOND);
    assert!(door.held("10.0.0.9", &[44]).is_some());
    assert!(!gave_way(&own[0]), "a request is being answered");
    assert!(gave_way(&own[1]));
    own[1].activity.begin();
    assert!(!gave_way(&own[1]), "what came meanwhile is answered first");
    own[1].activity.end();
    assert!(gave_way(&own[1]));
}

#[test]
fn a_connection_counts_against_the_force_that_holds_the_fewest() {
    let door = Door::of(bounds());
    let own: Vec<_> = (0..15).filter_map(|_| door.held("10.0.0.1", &[44])).collect();
    let shared: Vec<_> = (0..17).filter_map(|_| door.held("10.0.0.1", &[44, 20])).collect();
    assert_eq!((own.len(), shared.len()), (15, 17));
    assert!(door.held("10.0.0.1", &[44]).is_none() && door.held("10.0.0.1", &[20]).is_none());
    let strangers: Vec<_> = (0..9).filter_map(|_| door.held("10.0.0.1", &[])).collect();
    assert_eq!(strangers.len(), 8);
    drop((own, shared, strangers));
    assert!(door.permits.places().open.is_empty());
    assert!(door.metric.troubles().now().keys().all(|(kind, _)| *kind == alert::FORCE_AT_LIMITS));
}
