//! The health board: each room says how its part is, `/readyz` reads it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A part of the gateway that can fail alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The start has come to its end.
    Start,
    /// Every listener answers.
    Listener,
    /// There are file descriptors left for connections, letters and e-mail.
    Descriptors,
    /// A commit would succeed now.
    Store,
    /// Every stored row was looked at since the start.
    Scrub,
    /// What time has made due is looked for, and incidents are opened.
    Sweep,
    /// Every force's newest mapping version compiles.
    Mappings,
    /// Messages go out. Being away never stops acceptance.
    Broker,
    /// What providers report is read.
    Outcomes,
    /// Letters get through to the forces' endpoints. Not there without `[delivery]`.
    Letters,
    /// The mail server takes e-mail. Not there without `[mail]`.
    Mail,
}

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Good,
    /// The settings do without it.
    Unused,
    /// What is wrong and, if there is something, what to do; never a value from a record.
    Bad(String),
}

/// Shared by all clones. Every part is bad until its room says otherwise.
#[derive(Clone, Debug)]
pub struct Health {
    boards: Arc<RwLock<[Board; Part::ALL.len()]>>,
}

/// One part: as a whole, or provider by provider.
#[derive(Debug)]
struct Board {
    state: State,
    providers: BTreeMap<String, State>,
}

impl Part {
    pub const ALL: [Part; 11] = [
        Part::Start,
        Part::Listener,
        Part::Descriptors,
        Part::Store,
        Part::Scrub,
        Part::Sweep,
        Part::Mappings,
        Part::Broker,
        Part::Outcomes,
        Part::Letters,
        Part::Mail,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Part::Start => "start",
            Part::Listener => "listener",
            Part::Descriptors => "descriptors",
            Part::Store => "store",
            Part::Scrub => "scrub",
            Part::Sweep => "sweep",
            Part::Mappings => "mappings",
            Part::Broker => "broker",
            Part::Outcomes => "outcomes",
            Part::Letters => "letters",
            Part::Mail => "mail",
        }
    }

    /// Whether no record can be taken while the part is bad.
    pub fn stops_acceptance(self) -> bool {
        match self {
            Part::Start | Part::Listener | Part::Store => true,
            Part::Scrub | Part::Sweep | Part::Mappings | Part::Broker | Part::Outcomes => false,
            Part::Descriptors | Part::Letters | Part::Mail => false,
        }
    }
}

impl State {
    pub fn is_good(&self) -> bool {
        !matches!(self, State::Bad(_))
    }
}

impl Default for Health {
    fn default() -> Self {
        let boards = Part::ALL.map(|_| Board {
            state: State::Bad("not started yet".to_owned()),
            providers: BTreeMap::new(),
        });
        Health { boards: Arc::new(RwLock::new(boards)) }
    }
}

impl Health {
    /// Says how a part is now; answers whether that is a change, so that it is logged once.
    pub fn set(&self, part: Part, state: State) -> bool {
        let mut boards = self.boards.write().unwrap_or_else(PoisonError::into_inner);
        let board = &mut boards[part as usize];
        let before = std::mem::replace(&mut board.state, state);
        before != board.state
    }

    /// Says how a part is for one provider; answers whether that is a change. The part is good when
    /// it is good for every provider of which something was said, and names the others.
    pub fn set_for(&self, part: Part, provider: &str, state: State) -> bool {
        let mut boards = self.boards.write().unwrap_or_else(PoisonError::into_inner);
        let board = &mut boards[part as usize];
        if board.providers.get(provider) == Some(&state) {
            return false;
        }
        board.providers.insert(provider.to_owned(), state);
        let bad = board.providers.iter().filter_map(|(provider, state)| match state {
            State::Good | State::Unused => None,
            State::Bad(what) => Some(format!("{provider}: {what}")),
        });
        let bad = bad.collect::<Vec<_>>().join("; ");
        board.state = if bad.is_empty() { State::Good } else { State::Bad(bad) };
        true
    }

    pub fn good(&self, part: Part) -> bool {
        self.set(part, State::Good)
    }

    pub fn bad(&self, part: Part, what: impl Into<String>) -> bool {
        self.set(part, State::Bad(what.into()))
    }

    pub fn state(&self, part: Part) -> State {
        let boards = self.boards.read().unwrap_or_else(PoisonError::into_inner);
        boards[part as usize].state.clone()
    }

    /// Every part that is used, in the order of [`Part::ALL`].
    pub fn parts(&self) -> Vec<(Part, State)> {
        let parts = Part::ALL.into_iter().map(|part| (part, self.state(part)));
        parts.filter(|(_, state)| *state != State::Unused).collect()
    }

    /// Whether records can be taken: an absent broker alone does not say no, or a balancer would
    /// take every gateway out just when acceptance must go on.
    pub fn is_ready(&self) -> bool {
        Part::ALL
            .into_iter()
            .filter(|part| part.stops_acceptance())
            .all(|part| self.state(part).is_good())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_ready_before_it_says_so() {
        let health = Health::default();
        assert!(!health.is_ready());
        assert!(health.good(Part::Store));
        assert!(health.good(Part::Listener));
        assert!(!health.is_ready());
        assert!(health.good(Part::Start));
        assert!(health.is_ready());
        assert!(!health.good(Part::Start), "the same again is no change");
    }

    #[test]
    fn a_part_is_good_when_it_is_good_for_every_provider() {
        let health = Health::default();
        let away = State::Bad("away".to_owned());
        assert!(health.set_for(Part::Broker, "harbour", away.clone()));
        assert!(health.set_for(Part::Broker, "beacon", State::Good));
        assert!(!health.set_for(Part::Broker, "beacon", State::Good), "that is no change");
        assert_eq!(health.state(Part::Broker), State::Bad("harbour: away".to_owned()));
        health.set_for(Part::Broker, "beacon", away);
        let both = State::Bad("beacon: away; harbour: away".to_owned());
        assert_eq!(health.state(Part::Broker), both);
        health.set_for(Part::Broker, "harbour", State::Good);
        health.set_for(Part::Broker, "beacon", State::Good);
        assert!(health.state(Part::Broker).is_good());
    }

    #[test]
    fn an_absent_broker_is_named_and_does_not_stop_acceptance() {
        let health = Health::default();
        for part in Part::ALL {
            health.good(part);
        }
        health.bad(Part::Broker, "no address answers");
        assert!(health.is_ready());
        assert_eq!(health.state(Part::Broker), State::Bad("no address answers".to_owned()));
        health.clone().bad(Part::Store, "the disk is full");
        assert!(!health.is_ready(), "clones share one board");
    }
}
