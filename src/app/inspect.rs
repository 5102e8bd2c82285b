//! Looks at a gateway's parts without serving.

use anyhow::Context as _;

use crate::config::Settings;
use crate::metric::Metric;
use crate::store::audit::Verified;

/// Walks the audit chain. The store must not be open elsewhere.
pub async fn audit(settings: &Settings) -> anyhow::Result<Verified> {
    let gateway = super::gateway(settings, super::clock(), Metric::default())?;
    let verified = gateway.verify_audit().await;
    gateway.close().await?;
    verified.context("the audit chain cannot be read")
}
