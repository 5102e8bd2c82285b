//! Walks the audit chain and says where it breaks.

use crate::{Gateway, Refusal};
use cara_store::audit::Verified;

/// Checks every link of the audit chain, in chunks.
pub async fn verify_audit(gateway: &Gateway) -> Result<Verified, Refusal> {
    Ok(cara_store::audit::verify(gateway.store.as_ref(), &gateway.vault).await?)
}
