//! What waits for the provider: claimed, settled, sent again, compared with what the provider has.

pub mod dispatch;
pub(crate) mod message;
pub mod reconcile;
pub mod resend;
