//! Walks the audit chain and says where it breaks.

use super::{Gateway, Refusal};
use cara_store::audit::Verified;

impl Gateway {
    /// Checks every link of the audit chain, in chunks.
    pub async fn verify_audit(&self) -> Result<Verified, Refusal> {
        Ok(cara_store::audit::verify(self.store.as_ref(), &self.vault).await?)
    }
}
