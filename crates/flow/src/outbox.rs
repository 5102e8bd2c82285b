//! What waits for the provider: claimed, settled, sent again, compared with what the provider has.

pub mod dispatch;
pub(crate) mod message;
pub(crate) mod reconcile;
pub mod resend;
