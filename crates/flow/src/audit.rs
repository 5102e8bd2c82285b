//! The audit: what is recorded before an answer is given, and whether the chain holds.
//!
//! A consultation is in the audit chain before the answer is given (DPA 2018 s62(2)).

use crate::{Failure, Gateway, Operator, OrderRefusal, Role, Unfinished, write};
use cara_store::audit::Verified;
use cara_store::{Fact, READ_ONLY};

/// Commits the fact of an operator's look at what shows no values. What helps to save a store that is
/// opened for reading only is shown: the log has the fact instead of the store.
pub(crate) async fn record_look(gateway: &Gateway, fact: Fact) -> Result<(), Failure> {
    let (by, about) = (fact.by().to_owned(), fact.about().to_owned());
    match write::fact(gateway, fact).await {
        Err(Failure::Passing { reason: READ_ONLY, .. }) => {
            tracing::warn!(by, about, "consulted in a store that is opened for reading only");
            Ok(())
        }
        recorded => recorded,
    }
}

/// Whoever changes something may do so, and gives a reason.
pub(crate) fn check_order(
    operator: &Operator,
    because: &str,
) -> Result<(), Unfinished<OrderRefusal>> {
    if operator.role < Role::Operate {
        return Err(OrderRefusal::Forbidden.into());
    }
    if because.trim().is_empty() {
        return Err(OrderRefusal::Parameter { name: "because" }.into());
    }
    Ok(())
}

/// Checks every link of the audit chain, in chunks.
pub async fn verify_audit(gateway: &Gateway) -> Result<Verified, Failure> {
    Ok(cara_store::audit::verify(gateway.store.as_ref(), &gateway.vault).await?)
}
