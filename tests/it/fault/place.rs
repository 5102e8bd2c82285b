//! The place where faults strike: one gateway with everything around it under load, and what a
//! person on duty would see of it.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ledger::Ledger;
use super::load::Load;
use super::outside::{Endpoint, Mood, Postbox};
use crate::broker::Broker;
use crate::world::{TestGateway, World, free_port, plain_client};

/// A liveness probe that waits longer than this for its answer has failed.
const PROBE: Duration = Duration::from_secs(2);

/// The force whose letters are pushed; the others poll.
pub const PUSHED: &str = "hampshire";

/// Incidents of what happened, which stay for an hour after it.
const HAPPENED: [&str; 2] = ["unclean_stop", "layout_missing"];

/// Whether it is said though it is over.
pub fn is_over(sign: &str) -> bool {
    HAPPENED
        .iter()
        .any(|kind| sign.strip_prefix("incident ").is_some_and(|it| it.starts_with(kind)))
}

pub struct Place {
    pub gateway: TestGateway,
    pub broker: Broker,
    pub endpoint: Endpoint,
    pub postbox: Postbox,
    pub ledger: Ledger,
    pub load: Load,
    /// What a process that is not there any more had said.
    pub signs: BTreeSet<String>,
}

impl Place {
    /// A gateway with a store of its own for this provider, under load. `ready`: what the fault needs
    /// before the process starts.
    pub async fn start(broker: Broker, provider: &str, ready: fn(&mut TestGateway)) -> Place {
        let (port, mail) = (free_port(), free_port());
        let postbox = Postbox::at(mail).await;
        let world = World {
            letters_to: Some(format!("https://localhost:{port}/inbox")),
            // The load is no flood here, also when what has waited comes at once.
            tables: format!(
                "outcomes_per_minute_max = 60000\n[mail]\nserver = \"localhost:{mail}\"\ntls = \"none\"\n\
                 from = \"gateway@gateway.example\"\noperators = [\"ops@gateway.example\"]\n"
            ),
            ..World::publishing(&broker, provider)
        };
        let mut gateway = world.lay_out();
        ready(&mut gateway);
        let ledger = Ledger::default();
        let mut endpoint = Endpoint::at(port, &ledger);
        endpoint.be(Mood::Good, &gateway).await;
        gateway.spawn().await;
        let load = Load::start(&gateway, &broker, &ledger);
        Place { gateway, broker, endpoint, postbox, ledger, load, signs: BTreeSet::new() }
    }

    /// Sends a signal to the gateway.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        send(signal, i32::try_from(self.gateway.pid()).unwrap());
    }

    /// Everything that is not well, as the probes, the operators' command and the process's own end
    /// show it: `exit …`, `livez`, `readyz PART`, `incident KIND`.
    pub async fn look(&mut self) -> BTreeSet<String> {
        let mut signs = self.signs.clone();
        if let Some(status) = self.gateway.has_ended() {
            let code = status.code().map_or("by signal".to_owned(), |code| code.to_string());
            signs.insert(format!("exit {code}: {}", self.last_line()));
            return signs;
        }
        let probe = plain_client();
        let live = probe.get(format!("{}/livez", self.gateway.internal)).timeout(PROBE).send();
        if !live.await.is_ok_and(|answer| answer.status().is_success()) {
            signs.insert("livez".to_owned());
            return signs;
        }
        let ready = probe.get(format!("{}/readyz", self.gateway.internal)).timeout(PROBE).send();
        if let Ok(answer) = ready.await
            && let Ok(text) = answer.text().await
        {
            let parts: Value = serde_json::from_str(&text).unwrap_or_default();
            let parts = parts["parts"].as_array().cloned().unwrap_or_default();
            // "Not yet checked" stands after every start until each row was looked at, in its own time.
            let bad = parts.iter().filter(|part| part["good"] == false && part["name"] != "scrub");
            signs.extend(bad.map(|part| format!("readyz {}", part["name"].as_str().unwrap())));
        }
        let kinds = self.incidents().await;
        signs.extend(kinds.into_iter().map(|kind| format!("incident {kind}")));
        signs
    }

    /// Kinds of the incidents that `cara-gateway incident list` names; of what happened and is over,
    /// with how often.
    async fn incidents(&self) -> BTreeSet<String> {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_cara-gateway"));
        command
            .args(["incident", "list", "--config"])
            .arg(self.gateway.folder.join("gateway.toml"));
        command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(5), command.output()).await;
        let Ok(Ok(output)) = output else { return BTreeSet::new() };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().filter(|line| !line.starts_with(' ') && line.contains(" since "));
        let sign = |line: &str| {
            let (kind, rest) = line.split_once(' ')?;
            let count = rest.rsplit_once(", since ")?.0.rsplit(' ').next()?;
            Some(match HAPPENED.contains(&kind) {
                true => format!("{kind} {count}"),
                false => kind.to_owned(),
            })
        };
        lines.filter_map(sign).collect()
    }

    /// Looks until one of these has been seen that was not `before`; answers everything new that was
    /// seen meanwhile.
    pub async fn told(
        &mut self,
        by: &[&str],
        before: &BTreeSet<String>,
        patience: Duration,
    ) -> BTreeSet<String> {
        let started = Instant::now();
        let mut seen = BTreeSet::new();
        loop {
            seen.extend(self.look().await.difference(before).cloned());
            if is_told(&seen, by) || started.elapsed() > patience {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The last thing that the process said, without the folder of this test.
    pub fn last_line(&self) -> String {
        let log = self.gateway.log();
        let last = log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let folder = format!("{}/", self.gateway.folder.display());
        last.replace(&folder, "").replace('|', "/").chars().take(160).collect()
    }

    /// Starts the gateway again after its process has ended, however it did.
    pub async fn start_again(&mut self) {
        self.gateway.kill();
        self.gateway.spawn().await;
    }

    /// Starts it where it should refuse; what it says then is a sign.
    pub async fn start_refused(&mut self) {
        self.gateway.kill();
        self.gateway.begin(&[]);
        if self.gateway.comes_up().await.is_err() && self.gateway.has_ended().is_some() {
            self.signs.insert(format!("start refused: {}", self.last_line()));
        }
    }

    /// Runs a command of the gateway's, which must go well.
    pub async fn order(&self, arguments: &[&str]) {
        let output = tokio::task::block_in_place(|| self.gateway.command(arguments));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
    }

    /// Runs `rabbitmqctl` against the broker.
    pub fn control(&self, arguments: &[&str]) {
        tokio::task::block_in_place(|| self.broker.control(arguments));
    }

    pub async fn endpoint(&mut self, mood: Mood) {
        self.endpoint.be(mood, &self.gateway).await;
    }
}

/// Whether one of these signs stands among those that were seen.
pub fn is_told(seen: &BTreeSet<String>, by: &[&str]) -> bool {
    seen.iter().any(|sign| by.iter().any(|wanted| sign.starts_with(wanted)))
}

pub fn send(signal: nix::sys::signal::Signal, pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
}
