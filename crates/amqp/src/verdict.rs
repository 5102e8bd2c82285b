//! What a confirmation says of its event.
//!
//! The library attaches a returned message to whichever confirmation comes next, not to its own.
//! A returned message always comes before its own confirmation; so once everything that arrived
//! before a confirmation has been noted, a confirmation that carries nothing is a clear answer, and
//! one that carries a stranger's return leaves its own event in doubt.

use std::collections::HashSet;

use lapin::Confirmation;
use lapin::message::BasicReturnMessage;
use uuid::Uuid;

/// What became of a published event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Acked and not returned: the broker has it on disk in a queue.
    Confirmed,
    /// No queue is bound for its routing key.
    Returned,
    /// The broker would not take it now: a queue is full or has lost its majority.
    Refused,
    /// The connection broke first, or the broker's answer was not clear: it may be there or not.
    Unknown,
}

/// The returned messages that were noted and not yet matched with their own confirmation.
#[derive(Debug, Default)]
pub(crate) struct Returns {
    ids: HashSet<Uuid>,
    /// One came back without a readable id: nobody knows whose.
    unnamed: bool,
}

impl Returns {
    /// Notes what came with a confirmation, whosever it is. To be called for all confirmations that
    /// have arrived before the first of them is judged.
    pub fn note(&mut self, confirmation: &Confirmation) {
        let (Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) = confirmation
        else {
            return;
        };
        match returned_id(message) {
            Some(id) => drop(self.ids.insert(id)),
            None => self.unnamed = true,
        }
    }

    /// What became of the event with this id.
    pub fn fate(&mut self, id: Uuid, confirmation: &Confirmation) -> Fate {
        if self.ids.remove(&id) {
            return Fate::Returned;
        }
        match confirmation {
            _ if self.unnamed => Fate::Unknown,
            Confirmation::Ack(None) => Fate::Confirmed,
            Confirmation::Nack(None) => Fate::Refused,
            // A stranger's return: its own may still be on the way.
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Fate::Unknown,
            Confirmation::NotRequested => Fate::Unknown,
        }
    }

    /// Nothing is on its way any more, so nothing can be mixed up.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.unnamed = false;
    }
}

fn returned_id(message: &BasicReturnMessage) -> Option<Uuid> {
    message.properties.message_id().as_ref()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use lapin::BasicProperties;
    use lapin::message::Delivery;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn returned(name: &str) -> Confirmation {
        let mut delivery = Delivery::mock(0, "".into(), "".into(), false, Vec::new());
        delivery.properties = BasicProperties::default().with_message_id(name.into());
        let message =
            BasicReturnMessage { delivery, reply_code: 312, reply_text: "NO_ROUTE".into() };
        Confirmation::Ack(Some(message))
    }

    /// All are noted, then judged in order.
    fn check(confirmations: &[(u128, Confirmation)], expected: &[Fate]) {
        let mut returns = Returns::default();
        confirmations.iter().for_each(|(_, confirmation)| returns.note(confirmation));
        let fates = confirmations.iter();
        let fates: Vec<_> = fates.map(|(number, said)| returns.fate(id(*number), said)).collect();
        assert_eq!(fates, expected);
    }

    #[test]
    fn an_event_with_its_own_return_is_returned() {
        check(&[(1, returned(&id(1).to_string()))], &[Fate::Returned]);
    }

    #[test]
    fn a_return_that_came_with_an_earlier_confirmation_finds_its_event() {
        let confirmations = [(1, returned(&id(2).to_string())), (2, Confirmation::Ack(None))];
        check(&confirmations, &[Fate::Unknown, Fate::Returned]);
    }

    #[test]
    fn a_return_that_comes_with_a_later_confirmation_leaves_its_event_in_doubt() {
        let mut returns = Returns::default();
        let early = returned(&id(1).to_string());
        returns.note(&early);
        assert_eq!(returns.fate(id(2), &early), Fate::Unknown);
        let late = returned(&id(2).to_string());
        returns.note(&late);
        assert_eq!(returns.fate(id(1), &late), Fate::Returned);
    }

    #[test]
    fn a_return_without_an_id_leaves_everything_in_doubt_until_nothing_is_on_its_way() {
        let mut returns = Returns::default();
        let unnamed = returned("no id");
        returns.note(&unnamed);
        assert_eq!(returns.fate(id(1), &unnamed), Fate::Unknown);
        assert_eq!(returns.fate(id(2), &Confirmation::Ack(None)), Fate::Unknown);
        returns.clear();
        assert_eq!(returns.fate(id(3), &Confirmation::Ack(None)), Fate::Confirmed);
    }

    #[test]
    fn a_refusal_is_no_confirm() {
        check(&[(1, Confirmation::Nack(None))], &[Fate::Refused]);
        check(&[(1, Confirmation::NotRequested)], &[Fate::Unknown]);
    }
}
