//! What reads and claims cost beside 200,000 cases, counted in steps of SQLite's machine, so that a
//! busy computer changes nothing; and that a stop waits for none of them.

#![expect(clippy::disallowed_methods, reason = "tests look at the machine's clock from outside")]

use cara_domain::Compartment;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use uuid::Uuid;

use super::contract::{HAMPSHIRE, NORFOLK};
use super::*;
use cara_store::{Digest, HoldFilter, LateBefore, NoticeFilter};

const CASES: u64 = 200_000;
/// Of SQLite's machine between two counts.
const STEPS_PER_COUNT: i32 = 100;

fn day() -> jiff::civil::Date {
    "2026-03-02".parse().unwrap()
}

/// A folder whose store has many cases, and a connection as a reader has it.
fn filled(name: &str) -> (Folder, Sqlite, Connection) {
    let folder = Folder::create(name);
    let store = folder.open_with(&folder.options()).unwrap();
    let connection = folder.outsider();
    connection.execute_batch("PRAGMA synchronous = OFF; BEGIN").unwrap();
    connection.execute_batch(include_str!("fill.sql")).unwrap();
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let qpsg = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
    connection.set_db_config(qpsg, true).unwrap();
    (folder, store, connection)
}

struct Counter {
    connection: Connection,
    steps: Arc<AtomicU64>,
    found: Vec<String>,
}

impl Counter {
    fn of(mut connection: Connection) -> Counter {
        let steps = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&steps);
        let count = move || {
            counted.fetch_add(STEPS_PER_COUNT as u64, std::sync::atomic::Ordering::Relaxed);
            false
        };
        connection.progress_handler(STEPS_PER_COUNT, Some(count)).unwrap();
        Counter { connection, steps, found: Vec::new() }
    }

    /// Runs a read twice, as it is run again and again, and holds the second against its limit.
    fn at_most<T>(
        &mut self,
        thousands: u64,
        name: &str,
        read: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) {
        read(&self.connection).unwrap();
        let before = self.steps.load(std::sync::atomic::Ordering::Relaxed);
        let started = std::time::Instant::now();
        read(&self.connection).unwrap();
        let took = started.elapsed();
        let steps = self.steps.load(std::sync::atomic::Ordering::Relaxed) - before;
        let line = format!("{name}: {steps} steps, {:.1} ms", took.as_secs_f64() * 1e3);
        println!("{line}");
        if steps > thousands * 1_000 {
            self.found.push(format!("{line}, at most {thousands},000"));
        }
    }
}

#[test]
fn no_read_costs_more_because_there_are_many_cases() {
    let (folder, _store, connection) = filled("large");
    let now = folder.clock.now() + jiff::SignedDuration::from_hours(48);
    let before = LateBefore { gap: now, recall: now, pair: now, urgent: now };
    let stream = |test_data| NoticeFilter {
        force: HAMPSHIRE,
        test_data,
        stream: Compartment::Offender,
        after: 0,
    };
    let holds = |force, open_only| HoldFilter { force, record: None, open_only };
    let id = Uuid::from_u128(7);
    let many: Vec<Uuid> = (0..1_000).map(Uuid::from_u128).collect();
    let mut reads = Counter::of(connection);

    // What loops ask for.
    reads.at_most(1, "pending::oldest", outbox::oldest);
    reads.at_most(1_000, "sweep::late", |c| sweep::late(c, &before));
    reads.at_most(1, "day::last_heard", |c| day::last_heard(c, HAMPSHIRE));
    reads.at_most(1, "day::last_heard of nobody", |c| day::last_heard(c, NORFOLK));
    reads.at_most(1, "incident::incidents", incident::incidents);
    reads.at_most(1, "mail::mails", |c| mail::mails(c, now, 20));
    reads.at_most(1, "letter::paused", letter::paused);
    reads.at_most(10, "hold::untold_holds", |c| hold::untold_holds(c, now));
    let harm = harm::Harm::none(Mark::beside(&folder.options().anchor), Metric::default());
    reads.at_most(2, "letter::due", |c| letter::due(c, &harm, HAMPSHIRE, now, 16));
    reads.at_most(40, "case::cases that have ended", |c| case::cases(c, 0, 500));
    reads.at_most(80, "case::cases", |c| case::cases(c, 150_000, 500));
    reads.at_most(1, "mapping::numbers", mapping::numbers);
    reads.at_most(1, "mapping::newest", mapping::newest);

    // What forces ask for.
    let digest = Digest([7; 32]);
    let record = folder.vault.record_index(HAMPSHIRE.0, false, "A/1");
    reads.at_most(1, "referral::look", |c| referral::look(c, HAMPSHIRE, record));
    reads.at_most(1, "hold::open", |c| hold::open(c, NORFOLK, digest));
    reads.at_most(1, "referral::referral", |c| referral::referral(c, id));
    reads.at_most(1, "case::case", |c| case::case(c, id));
    reads.at_most(1, "notice::next_notice", |c| notice::next_notice(c, &stream(false)));
    reads.at_most(1, "notice::next_notice of a test", |c| notice::next_notice(c, &stream(true)));
    reads.at_most(10, "notice::notices", |c| notice::notices(c, &stream(false), 100));

    // What commands ask for, a chunk at a time.
    let start = reconciliation::DayPlace::START;
    let first = reconciliation::DayPlace::Revisions { force: 44, after: 0 };
    let side = Compartment::Offender;
    reads.at_most(1, "reconciliation::exchanged, start", |c| {
        reconciliation::exchanged(c, "harbour", side, day(), start)
    });
    reads.at_most(80, "reconciliation::exchanged", |c| {
        reconciliation::exchanged(c, "harbour", side, day(), first)
    });
    reads.at_most(20, "case::absent_outcomes", |c| case::absent_outcomes(c, &many));
    reads.at_most(1, "referral::kept_count of nothing", |c| {
        referral::kept_count(c, HAMPSHIRE, "decision", 100_000)
    });
    reads.at_most(1, "referral::kept_raws of nothing", |c| {
        referral::kept_raws(c, HAMPSHIRE, "decision", None, 25)
    });
    reads.at_most(3, "referral::kept_raws", |c| {
        referral::kept_raws(c, HAMPSHIRE, "referral", None, 25)
    });
    reads.at_most(100, "hold::kept_holds of nobody", |c| {
        hold::kept_holds(c, HAMPSHIRE, "referral", None, 25)
    });
    reads.at_most(2, "hold::kept_holds", |c| hold::kept_holds(c, NORFOLK, "referral", None, 25));
    reads.at_most(1, "hold::list of nobody", |c| {
        hold::list(c, &holds(Some(HAMPSHIRE), false), None, 500)
    });
    reads.at_most(30, "hold::list", |c| hold::list(c, &holds(None, false), None, 500));
    reads.at_most(30, "hold::list, open", |c| hold::list(c, &holds(None, true), None, 500));
    reads.at_most(20, "audit::audit_rows", |c| audit::audit_rows(c, 0, 1_000));

    // As much as there is: what waits is counted once at a start and for a list, a whole day is asked
    // for by a person.
    reads.at_most(1_200, "pending::count", outbox::count);
    reads.at_most(500, "letter::waiting", |c| letter::waiting(c, HAMPSHIRE));
    reads.at_most(1_500, "referral::kept_count", |c| {
        referral::kept_count(c, HAMPSHIRE, "referral", 100_000)
    });
    reads.at_most(6_000, "day::day", |c| day::day(c, HAMPSHIRE, false, day()));

    // 200,000 rows wait: a claim looks at a few of them.
    let claims = Claims::open(&reads.connection).unwrap();
    assert_eq!(claims.rows(), CASES);
    let claimed = std::cell::Cell::new(0);
    reads.at_most(60, "claims::pick", |c| {
        let route =
            cara_store::OutboxRoute { provider: "harbour".to_owned(), side: Compartment::Victim };
        let picked = claims.pick(c, &folder.clock, &route, 500, 60)?;
        claimed.set(claimed.get() + picked.leases.len());
        Ok(())
    });
    assert_eq!(claimed.get(), 1_000);
    assert!(reads.found.is_empty(), "\n{}", reads.found.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_many_messages_is_whole_and_a_stop_waits_for_none_of_it() {
    let (_folder, store, connection) = filled("stop");
    drop(connection);
    let store = Arc::new(store);
    let started = std::time::Instant::now();
    for side in [Compartment::Offender, Compartment::Victim] {
        let all = store.exchanged("harbour".into(), side, day()).await.unwrap();
        let sent = all.iter().filter(|(_, is_sent)| *is_sent).count() as u64;
        assert_eq!((all.len() as u64, sent), (CASES / 10 * 9, CASES / 20 * 9));
        let ids: std::collections::HashSet<_> = all.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), all.len());
    }
    println!("both sides of a provider's day: {:?}", started.elapsed());
    let outcomes: Vec<Uuid> = (0..CASES).map(|i| Uuid::from_u128(u128::from(i))).collect();
    assert_eq!(store.absent_outcomes(outcomes).await.unwrap().len() as u64, CASES);
    println!("and its outcomes: {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(30), "it took {:?}", started.elapsed());

    let reading = Arc::clone(&store);
    // Longer than anything that the program reads.
    let endless = tokio::spawn(async move {
        let read = reading.read(|connection| {
            connection.query_row(
                "SELECT count(*) FROM revision AS a, revision AS b WHERE a.action + b.action = 7",
                [],
                |_| Ok(()),
            )
        });
        read.await
    });
    let reading = Arc::clone(&store);
    let walk = tokio::spawn(async move {
        reading.exchanged("harbour".into(), Compartment::Offender, day()).await
    });
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let reading = Arc::clone(&store);
            tokio::spawn(async move { reading.day(HAMPSHIRE, false, day()).await })
        })
        .collect();
    // So that both readers are busy.
    while store.readers.waiting() < 50 {
        tokio::task::yield_now().await;
    }
    let started = std::time::Instant::now();
    store.close().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2), "it took {:?}", started.elapsed());
    let stopped = |error: cara_store::Error| {
        matches!(error, cara_store::Error::Unavailable { reason: step::STOPPING })
    };
    assert!(endless.await.unwrap().is_err_and(stopped));
    assert!(walk.await.unwrap().is_err_and(stopped));
    for one in waiting {
        assert!(one.await.unwrap().is_err_and(stopped));
    }
}

/// What was confirmed is put back in chunks, between which other work gets its turn, and no chunk
/// begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_resend_of_many_messages_goes_through_them_once() {
    let (folder, store, connection) = filled("resend");
    drop(connection);
    let store = Arc::new(store);
    let now = folder.clock.now() + jiff::SignedDuration::from_hours(1);
    let why = contract::fact(&folder.clock, cara_store::Operation::Disclosure, Uuid::nil());
    let sending = Arc::clone(&store);
    let started = std::time::Instant::now();
    let resent =
        tokio::spawn(
            async move { sending.resend("harbour".into(), start(), now, why).await.unwrap() },
        );
    let mut written = 0;
    while !resent.is_finished() {
        store.probe().await.unwrap();
        written += 1;
        tokio::task::yield_now().await;
    }
    assert_eq!(resent.await.unwrap(), CASES / 10 * 9);
    println!("resent in {:?}, {written} writes in between", started.elapsed());
    assert!(written >= 20, "{written} writes got their turn");
}
