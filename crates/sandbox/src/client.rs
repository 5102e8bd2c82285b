//! HTTP as somebody outside speaks it.

use std::time::Duration;

use anyhow::Context as _;

use super::description::{Description, ForceAccess};

/// For the internal listener.
pub fn plain() -> anyhow::Result<reqwest::Client> {
    Ok(builder().build()?)
}

/// A force's system: its own certificate, and no trust in anybody but the sandbox's CA.
pub fn of_force(description: &Description, force: &ForceAccess) -> anyhow::Result<reqwest::Client> {
    let read = |path: &std::path::Path| {
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let mut own = read(&force.cert)?;
    own.extend(read(&force.key)?);
    let ca = reqwest::Certificate::from_pem(&read(&description.ca)?)?;
    let builder = builder().https_only(true).tls_certs_only([ca]);
    Ok(builder.identity(reqwest::Identity::from_pem(&own)?).build()?)
}

#[expect(clippy::disallowed_methods, reason = "outsiders do not use the gateway's own builders")]
fn builder() -> reqwest::ClientBuilder {
    // The library wants one before it makes any client; a second one is refused, which is fine.
    let _there_is_one = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
}
