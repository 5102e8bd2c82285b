//! Entries to the store, one at a time.

use crate::{Failure, Gateway};
use cara_store::{Entry, Fact, NotWritten, What};

/// Writes an entry, unless somebody else was first: then nothing is written, and the answer is
/// `false`.
pub(crate) async fn entry(gateway: &Gateway, entry: Entry) -> Result<bool, Failure> {
    match gateway.store.write(vec![entry]).await.pop() {
        Some(Ok(_receipt)) => Ok(true),
        Some(Err(NotWritten::Conflict)) => Ok(false),
        Some(Err(refused)) => Err(refused.into()),
        None => Err(Failure::Ours(anyhow::anyhow!("the store gave no answer"))),
    }
}

/// Writes a change that the audit does not name; `false`: somebody else was first.
pub(crate) async fn change(gateway: &Gateway, what: What) -> Result<bool, Failure> {
    entry(gateway, Entry::of(what, Vec::new())).await
}

/// Writes a fact of which nothing else is written.
pub(crate) async fn fact(gateway: &Gateway, fact: Fact) -> Result<(), Failure> {
    let what = What::Nothing { entry_id: gateway.clock.id() };
    match entry(gateway, Entry::of(what, vec![fact])).await? {
        true => Ok(()),
        // Nobody else can have its id.
        false => Err(Failure::Ours(anyhow::anyhow!("a new id was taken"))),
    }
}
