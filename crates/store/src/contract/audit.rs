//! The audit chain, written by every kind of step.

use super::*;

pub async fn facts_of_every_step_are_chained_in_order(place: &dyn TestStore) {
    let store = place.open();
    let clock = place.clock();
    assert_eq!(links(&*store, place).await, 0);
    let one = revision(place, "A/1", 1);
    let about = one.referral_id;
    write(&*store, accept(place, one)).await;
    let consulted = Entry {
        audit: vec![fact(clock, Operation::Consultation, about)],
        ..entry(What::Nothing { entry_id: about })
    };
    assert_eq!(write(&*store, consulted).await, about);
    drain(&*store, clock).await;

    let rows = store.audit_rows(0, 100).await.unwrap();
    let facts: Vec<Fact> =
        rows.iter().map(|row| serde_json::from_str(&row.fact).unwrap()).collect();
    let operations: Vec<_> = facts.iter().map(|fact| fact.operation()).collect();
    use Operation::{Collection, Consultation, Disclosure};
    assert_eq!(operations, vec![Collection, Consultation, Disclosure, Disclosure]);
    assert_eq!(facts[2].to(), Some("harbour"));
    assert_eq!(rows.iter().map(|row| row.sequence).collect::<Vec<_>>(), vec![1, 2, 3, 4]);
    assert_eq!(store.audit_rows(2, 1).await.unwrap()[0].sequence, 3);
    assert_eq!(links(&*store, place).await, 4);

    let store = place.crash(store);
    assert_eq!(links(&*store, place).await, 4);
    write(&*store, accept(place, revision(place, "A/2", 1))).await;
    assert_eq!(links(&*store, place).await, 5);
}
