//! What waits to be worked on: cases side by side and in turn, one case's messages one after the
//! other.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

/// Whose messages wait for each other; nobody has looked whether there is such a case.
pub(super) type Lane = Option<Uuid>;

#[derive(Debug)]
pub(super) struct Line<T> {
    /// Also those whose message is worked on now; then the lane is not in `turns`.
    lanes: HashMap<Lane, VecDeque<T>>,
    turns: VecDeque<Lane>,
    count: usize,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Line { lanes: HashMap::new(), turns: VecDeque::new(), count: 0 }
    }
}

impl<T> Line<T> {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn has_turn(&self) -> bool {
        !self.turns.is_empty()
    }

    pub fn push(&mut self, lane: Lane, one: T) {
        self.count += 1;
        let waiting = self.lanes.entry(lane).or_insert_with(|| {
            self.turns.push_back(lane);
            VecDeque::new()
        });
        waiting.push_back(one);
    }

    /// The next whose lane is free; its lane is not, until [`Line::free`].
    pub fn pop(&mut self) -> Option<T> {
        let lane = self.turns.pop_front()?;
        let one = self.lanes.get_mut(&lane)?.pop_front()?;
        self.count -= 1;
        Some(one)
    }

    /// The message of this lane is done with.
    pub fn free(&mut self, lane: Lane) {
        match self.lanes.get(&lane) {
            Some(waiting) if waiting.is_empty() => drop(self.lanes.remove(&lane)),
            Some(_) => self.turns.push_back(lane),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cases_messages_wait_for_each_other_and_for_nobody_else() {
        let mut line = Line::default();
        let (one, other) = (Some(Uuid::from_u128(1)), None);
        for text in ["1a", "1b", "1c"] {
            line.push(one, text);
        }
        line.push(other, "2a");
        assert_eq!((line.pop(), line.pop(), line.pop()), (Some("1a"), Some("2a"), None));
        line.push(one, "1d");
        assert_eq!((line.pop(), line.len()), (None, 3));
        line.free(other);
        line.free(one);
        assert_eq!((line.pop(), line.pop()), (Some("1b"), None));
        line.push(other, "2b");
        assert_eq!(line.pop(), Some("2b"));
    }
}
