//! The operators' API of the running gateway, through its Unix socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::{Method, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app;

/// Where the running gateway is.
#[derive(Debug, Args)]
pub(in crate::cli) struct At {
    /// The gateway's settings, which name the socket
    #[arg(long, value_name = "FILE", default_value = "gateway.toml")]
    config: PathBuf,
    /// The socket itself, instead of the settings
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// A call to the gateway.
pub(in crate::cli) struct Gateway {
    client: reqwest::Client,
    socket: PathBuf,
}

impl At {
    pub(in crate::cli) fn gateway(self) -> anyhow::Result<Gateway> {
        let socket = match self.socket {
            Some(socket) => socket,
            None => app::settings(&self.config)?.operators.socket,
        };
        Ok(Gateway { client: client(&socket)?, socket })
    }
}

#[expect(clippy::disallowed_methods, reason = "commands call nothing but the socket")]
fn client(socket: &Path) -> anyhow::Result<reqwest::Client> {
    // The library wants one before it makes any client; a second one is refused, which is fine.
    let _there_is_one = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .unix_socket(socket.to_path_buf())
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60));
    Ok(builder.build()?)
}

impl Gateway {
    pub(in crate::cli) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<T> {
        let request = self.client.request(Method::GET, self.url(path, query)?);
        Ok(self.answer(request).await?.json().await?)
    }

    pub(in crate::cli) async fn tell(
        &self,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Option<Value>> {
        let request = self.client.request(Method::POST, self.url(path, &[])?).json(body);
        let bytes = self.answer(request).await?.bytes().await?;
        Ok(if bytes.is_empty() { None } else { Some(serde_json::from_slice(&bytes)?) })
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<reqwest::Url> {
        let base = format!("http://operators{path}");
        let url = match query {
            [] => base.parse(),
            query => reqwest::Url::parse_with_params(&base, query),
        };
        url.context("this is no name of a hold or queue")
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Response> {
        let answer = request.send().await.with_context(|| {
            format!("no gateway answers at {}; is it running?", self.socket.display())
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let problem: Value = answer.json().await.unwrap_or_default();
        let said = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        bail!("the gateway said {}: {} {}", status.as_u16(), said("title"), said("detail"))
    }
}
