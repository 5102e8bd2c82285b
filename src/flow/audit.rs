//! Walks the audit chain and says where it breaks.

use super::{Gateway, Refusal};
use crate::store::audit::Verified;

impl Gateway {
    /// Checks every link of the audit chain, in chunks.
    pub async fn verify_audit(&self) -> Result<Verified, Refusal> {
        Ok(crate::store::audit::verify(self.store.as_ref(), &self.vault).await?)
    }
}
