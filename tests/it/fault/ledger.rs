//! What each party of a fault test has in its books, and the account of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// One message as the charity saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub referral_id: String,
    pub revision: u64,
    pub victim: bool,
    pub message_id: String,
}

/// A notice as a force read it.
#[derive(Clone, Debug)]
pub struct Noticed {
    pub referral_id: String,
    pub kind: String,
    pub force: &'static str,
}

/// The books of one row; shared by all clones.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

#[derive(Default)]
pub struct Book {
    /// Every (referral, revision) that got a 202, and when it did first.
    pub acknowledged: BTreeMap<(String, u64), Instant>,
    /// Answers that no force should get, whatever happens to the gateway.
    pub wrong: Vec<String>,
    /// In order of arrival.
    pub seen: Vec<Seen>,
    /// Referrals whose outcome `accepted` the broker has confirmed to the charity.
    pub reported: BTreeSet<String>,
    /// By notice id.
    pub notices: BTreeMap<String, Noticed>,
    /// When a force was first told that a referral was accepted: the end of its whole way.
    pub round: BTreeMap<String, Instant>,
    /// Ids of the notices that arrived at an endpoint.
    pub letters: BTreeSet<String>,
}

/// What the books say when they are laid side by side.
#[derive(Debug, Default)]
pub struct Account {
    pub records: usize,
    pub records_delivered: usize,
    pub outcomes: usize,
    pub outcomes_delivered: usize,
    pub lost: Vec<String>,
    /// Something that came twice in a way that no reader can drop, or out of its order.
    pub doubled: Vec<String>,
    pub wrong: Vec<String>,
}

impl Account {
    pub fn add(&mut self, other: Account) {
        self.records += other.records;
        self.records_delivered += other.records_delivered;
        self.outcomes += other.outcomes;
        self.outcomes_delivered += other.outcomes_delivered;
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.wrong.extend(other.wrong);
    }
}

impl Ledger {
    pub fn book<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// The first record acknowledged after `since` that has gone the whole way round.
    pub fn round_since(&self, since: Instant) -> Option<Instant> {
        self.book(|book| {
            let after = book.acknowledged.iter().filter(|(_, at)| **at >= since);
            after.filter_map(|((referral, _), _)| book.round.get(referral)).min().copied()
        })
    }

    /// How much has moved: grows while something still arrives.
    pub fn arrivals(&self) -> usize {
        self.book(|book| book.seen.len() + book.notices.len() + book.letters.len())
    }

    /// `pushed`: the force whose letters go to an endpoint.
    pub fn account(&self, pushed: Option<&str>) -> Account {
        self.book(|book| book.account(pushed))
    }
}

impl Book {
    pub fn notice(&mut self, id: &str, noticed: Noticed) {
        if noticed.kind == "accepted" {
            self.round.entry(noticed.referral_id.clone()).or_insert_with(Instant::now);
        }
        self.notices.insert(id.to_owned(), noticed);
    }

    fn account(&self, pushed: Option<&str>) -> Account {
        let mut account = Account {
            records: self.acknowledged.len(),
            outcomes: self.reported.len(),
            wrong: self.wrong.clone(),
            ..Account::default()
        };
        let mut ids: HashMap<(&str, u64, bool), &str> = HashMap::new();
        let mut copies = BTreeSet::new();
        let mut latest: HashMap<(&str, bool), u64> = HashMap::new();
        for message in &self.seen {
            let key = (message.referral_id.as_str(), message.revision, message.victim);
            let id = ids.entry(key).or_insert(&message.message_id);
            if *id != message.message_id {
                account.doubled.push(format!("two ids for {key:?}"));
            }
            let newest = latest.entry((&message.referral_id, message.victim)).or_default();
            // A copy of an older revision may follow; a first one may not.
            if copies.insert(&message.message_id) && message.revision < *newest {
                account.doubled.push(format!("{key:?} came after revision {newest}"));
            }
            *newest = (*newest).max(message.revision);
        }
        for (referral, revision) in self.acknowledged.keys() {
            // Amendments change the offender's side only; a side that did not change is not sent.
            let lacks: Vec<_> = [(true, 1), (false, *revision)]
                .into_iter()
                .filter(|(victim, wanted)| !ids.contains_key(&(referral, *wanted, *victim)))
                .map(|(victim, wanted)| format!("{referral} revision {wanted}, victim's {victim}"))
                .collect();
            account.records_delivered += usize::from(lacks.is_empty());
            account.lost.extend(lacks);
        }
        let mut told: HashMap<(&str, &str), usize> = HashMap::new();
        for notice in self.notices.values() {
            *told.entry((&notice.referral_id, &notice.kind)).or_default() += 1;
        }
        for ((referral, kind), count) in &told {
            if *count > 1 {
                account.doubled.push(format!("{count} notices {kind} of {referral}"));
            }
        }
        for referral in &self.reported {
            match told.contains_key(&(referral, "accepted")) {
                true => account.outcomes_delivered += 1,
                false => account.lost.push(format!("the outcome of {referral}")),
            }
        }
        let letters = self.notices.iter().filter(|(_, notice)| Some(notice.force) == pushed);
        for (id, notice) in letters.filter(|(id, _)| !self.letters.contains(*id)) {
            account.lost.push(format!("the letter {} {id}", notice.kind));
        }
        account
    }
}

#[test]
fn the_account_finds_a_loss_a_second_id_a_broken_lane_and_what_came_back_twice() {
    let seen = |revision, victim, id: &str| Seen {
        referral_id: "a".to_owned(),
        revision,
        victim,
        message_id: id.to_owned(),
    };
    let notice = |book: &mut Book, id: &str| {
        let (referral_id, kind) = ("a".to_owned(), "accepted".to_owned());
        book.notice(id, Noticed { referral_id, kind, force: "hampshire" });
    };
    let account = |change: &dyn Fn(&mut Book)| {
        let ledger = Ledger::default();
        ledger.book(|book| {
            book.acknowledged.insert(("a".to_owned(), 1), Instant::now());
            book.reported.insert("a".to_owned());
            book.seen = vec![seen(1, true, "1"), seen(1, false, "2")];
            book.letters.insert("n".to_owned());
            notice(book, "n");
            change(book);
        });
        let account = ledger.account(Some("hampshire"));
        (account.lost.len(), account.doubled.len())
    };
    assert_eq!(account(&|_| {}), (0, 0));
    assert_eq!(account(&|book| book.seen.push(seen(1, true, "1"))), (0, 0), "a copy is no fault");
    assert_eq!(account(&|book| drop(book.seen.pop())), (1, 0));
    assert_eq!(account(&|book| book.notices.clear()), (1, 0));
    assert_eq!(account(&|book| book.letters.clear()), (1, 0));
    assert_eq!(account(&|book| book.seen.push(seen(1, true, "3"))), (0, 1));
    assert_eq!(account(&|book| book.seen.insert(0, seen(2, true, "4"))), (0, 1));
    let twice = account(&|book| {
        book.letters.insert("m".to_owned());
        notice(book, "m");
    });
    assert_eq!(twice, (0, 1));
}
