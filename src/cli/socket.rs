//! The operators' API of the running gateway, through its Unix socket. Commands call it by its own
//! types, and say its answer in words or as it is.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cara_wire::api::ProblemView;
use cara_wire::operators::call::OperatorCall;
use clap::Args;
use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::format::{self, Shape};
use crate::app;

/// Where the running gateway is, and how its answer is said.
#[derive(Debug, Args)]
pub(in crate::cli) struct At {
    /// The gateway's settings, which name the socket
    #[arg(long, value_name = "FILE", default_value = "gateway.toml")]
    config: PathBuf,
    /// The socket itself, instead of the settings
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) shape: Shape,
}

/// A running gateway's socket.
pub(in crate::cli) struct Socket {
    client: reqwest::Client,
    path: PathBuf,
}

impl At {
    pub(in crate::cli) fn socket(&self) -> anyhow::Result<Socket> {
        let path = match &self.socket {
            Some(path) => path.clone(),
            None => app::settings(&self.config)?.operators.socket,
        };
        Ok(Socket { client: client(&path)?, path })
    }

    /// Makes a call, and says its answer.
    pub(in crate::cli) async fn say<P: Serialize, B: Serialize, A: DeserializeOwned + Serialize>(
        &self,
        call: OperatorCall<P, B, A>,
        parameters: &P,
        body: &B,
        out: &mut dyn Write,
        words: impl FnOnce(&A, &mut dyn Write) -> anyhow::Result<ExitCode>,
    ) -> anyhow::Result<ExitCode> {
        let answer = self.socket()?.call(&call, parameters, body).await?;
        format::say(self.shape, &answer, out, |out| words(&answer, out))
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

impl Socket {
    pub(in crate::cli) async fn call<P: Serialize, B: Serialize, A: DeserializeOwned>(
        &self,
        call: &OperatorCall<P, B, A>,
        parameters: &P,
        body: &B,
    ) -> anyhow::Result<A> {
        let url = address(call.path, &serde_json::to_value(parameters)?)?;
        let method: Method = call.method.name().parse()?;
        let is_post = method == Method::POST;
        let request = self.client.request(method, url);
        let request = if is_post { request.json(body) } else { request };
        let answer = request.send().await.with_context(|| {
            format!("no gateway answers at {}; is it running?", self.path.display())
        })?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if status.is_success() {
            let bytes = if bytes.is_empty() { &b"null"[..] } else { &bytes };
            return serde_json::from_slice(bytes).context(
                "the gateway answers otherwise than this command knows: is it of another version?",
            );
        }
        match serde_json::from_slice::<ProblemView>(&bytes) {
            Ok(problem) if problem.status == 404 => bail!("{}", absent(call.path)),
            Ok(problem) => {
                bail!("{} ({}, `cara-gateway explain {1}`)", problem.detail, problem.code)
            }
            Err(_) => bail!("the gateway answered {} and did not say why", status.as_u16()),
        }
    }
}

/// What is not there, and what names those that are.
fn absent(path: &str) -> &'static str {
    match path.split('/').nth(2) {
        Some("holds") => "There is no such hold: `hold list --all` names those that there are.",
        Some("letters") => "No letter of this id is pushed: `incident list` names those that wait.",
        Some("mappings") => {
            "There is no such version: `mapping history` names those that there are."
        }
        Some("dead") => "There is no such dead queue: `dead list` names those that there are.",
        _ => "The gateway has no such call: is it of another version than this command?",
    }
}

/// The path with the parameters that it names; the others are its query.
fn address(path: &str, parameters: &Value) -> anyhow::Result<Url> {
    let mut url: Url = "http://operators/".parse()?;
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let named = |part: &str| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_owned());
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.clear();
        for part in path.split('/').skip(1) {
            match named(part) {
                Some(name) => parts.push(&text(&parameters[name])),
                None => parts.push(part),
            };
        }
    }
    let query = parameters.as_object().into_iter().flatten();
    let query = query.filter(|(name, value)| {
        !value.is_null() && !path.split('/').any(|part| named(part).as_ref() == Some(*name))
    });
    for (name, value) in query {
        url.query_pairs_mut().append_pair(name, &text(value));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_into_the_path_where_it_names_them_else_into_the_query() {
        let asked = serde_json::json!({ "force": "a/b c&d", "day": "2026-05-09", "after": null });
        let url = address("/v1/reconciliation/forces/{force}", &asked).unwrap();
        let said = "http://operators/v1/reconciliation/forces/a%2Fb%20c&d?day=2026-05-09";
        assert_eq!(url.as_str(), said);
        assert_eq!(address("/v1/dead", &Value::Null).unwrap().as_str(), "http://operators/v1/dead");
    }
}
