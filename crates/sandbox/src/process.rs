//! The gateway as a process of its own, so that a newcomer can kill it like a real one.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::client;
use cara_clock::Clock;

const START_S_MAX: u64 = 60;
const STOP_S_MAX: u64 = 30;

/// Ends the process when the sandbox is gone, however it went: then its stdin ends.
const KEEPER: &str = r#"cat >/dev/null || :; kill -TERM "$1" 2>/dev/null"#;

/// A running `cara-gateway serve`.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    keeper: Child,
    pid: u32,
}

impl Serving {
    /// Starts `program serve` and answers when it is ready and has found its broker.
    pub async fn start(
        program: &Path,
        settings: &Path,
        internal: &str,
        log: &Path,
        clock: &Clock,
    ) -> anyhow::Result<Serving> {
        let log_file = fs::File::create(log)?;
        let child = Command::new(program)
            .arg("serve")
            .arg("--config")
            .arg(settings)
            .stdin(Stdio::null())
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            // A Ctrl-C on the terminal is for the sandbox, which ends things in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let pid = child.id().context("the gateway ended at once")?;
        let keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER, "gateway-keeper", &pid.to_string()])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let mut serving = Serving { child, keeper, pid };
        serving.ready(internal, log, clock).await?;
        Ok(serving)
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it ends by itself or is ended from outside.
    pub async fn ended(&mut self) -> std::io::Result<std::process::ExitStatus> {
        self.child.wait().await
    }

    /// Tells it to stop and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.keeper.kill().await?;
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM)?;
        let ending = tokio::time::timeout(Duration::from_secs(STOP_S_MAX), self.child.wait());
        if ending.await.is_err() {
            self.child.kill().await?;
            bail!("the gateway did not stop within {STOP_S_MAX} s and was killed");
        }
        Ok(())
    }

    async fn ready(&mut self, internal: &str, log: &Path, clock: &Clock) -> anyhow::Result<()> {
        let client = client::plain()?;
        let until = clock.monotonic() + Duration::from_secs(START_S_MAX);
        loop {
            if self.child.try_wait()?.is_some() {
                bail!("the gateway did not start:\n{}", last_lines(log));
            }
            if let Ok(answer) = client.get(format!("{internal}/readyz")).send().await
                && answer.status().is_success()
                && let Ok(said) = answer.json::<serde_json::Value>().await
                && parts_are_good(&said)
            {
                return Ok(());
            }
            if clock.monotonic() > until {
                bail!("the gateway was not ready within {START_S_MAX} s:\n{}", last_lines(log));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Ready is also a gateway whose broker is away; here it has to be there. A store that a former run
/// has filled is looked through for longer than anybody waits.
fn parts_are_good(readiness: &serde_json::Value) -> bool {
    let is_good = |part: &serde_json::Value| part["good"] == true || part["name"] == "scrub";
    readiness["parts"].as_array().is_some_and(|parts| parts.iter().all(is_good))
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_broker_that_is_away_is_waited_for_and_a_scrub_is_not() {
        let parts = |broker: bool, scrub: bool| {
            let part = |name: &str, good: bool| json!({ "name": name, "good": good });
            parts_are_good(&json!({ "parts": [part("broker", broker), part("scrub", scrub)] }))
        };
        assert!(parts(true, false) && parts(true, true));
        assert!(!parts(false, true) && !parts_are_good(&json!({})));
    }
}
