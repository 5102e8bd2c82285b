//! The sandbox as the world of a measurement, and what can be read off it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::push::Load;

pub struct World {
    child: Child,
    pub folder: PathBuf,
    pub api_port: u16,
    pub internal: String,
    pub amqp: String,
    /// The provider's own user for the offender's side.
    pub intake_url: String,
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    gateway_pid: i32,
    broker_pid: i32,
    client: reqwest::Client,
}

impl World {
    pub async fn start() -> anyhow::Result<Self> {
        let binary = std::env::current_exe()?;
        let binary = binary.parent().and_then(|path| path.parent()).context("target folder")?;
        let binary = binary.join("cara-sandbox");
        if !binary.exists() {
            bail!("{} is missing: run `cargo build --release` first", binary.display());
        }
        let folder = std::env::temp_dir().join(format!("cara-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let child = Command::new(binary)
            .arg("--dir")
            .arg(&folder)
            .env("CARA_API__REQUESTS_PER_S_MAX", "1000000")
            .env_remove("AMQP_URL")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(folder.join("sandbox.log"))?)
            .spawn()?;
        let description = folder.join("sandbox.json");
        let started = Instant::now();
        while !description.exists() {
            if started.elapsed() > Duration::from_secs(60) {
                bail!("the sandbox did not come up: see {}", folder.join("sandbox.log").display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let json: Value = serde_json::from_str(&std::fs::read_to_string(description)?)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("sandbox.json");
        let path = |value: &Value| text(value).map(|path| folder.join(path));
        let pid = |value: &Value| {
            value.as_i64().and_then(|pid| i32::try_from(pid).ok()).context("sandbox.json: pids")
        };
        let api = text(&json["api"])?;
        let api_port = api.rsplit(':').next().and_then(|port| port.parse().ok());
        let force = &json["forces"]["hampshire"];
        #[expect(clippy::disallowed_methods, reason = "a plain loopback client of a measurement")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(World {
            child,
            client,
            api_port: api_port.context("sandbox.json: api")?,
            internal: text(&json["internal"])?,
            amqp: text(&json["amqp"])?,
            intake_url: text(&json["providers"]["harbour"]["intake_url"])?,
            ca: path(&json["ca"])?,
            certificate: path(&force["cert"])?,
            key: path(&force["key"])?,
            gateway_pid: pid(&json["pids"]["gateway"])?,
            broker_pid: pid(&json["pids"]["broker"])?,
            folder,
        })
    }

    /// Waits until the outbox is empty.
    pub async fn drained(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let url = format!("{}/metrics", self.internal);
            let page = self.client.get(url).send().await?.text().await?;
            let rows = page.lines().find(|line| line.starts_with("cara_backlog_rows "));
            let rows = rows.and_then(|line| line.rsplit(' ').next()).context("backlog metric")?;
            if rows.parse::<f64>()? == 0.0 {
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(300) {
                bail!("the backlog does not drain: {rows} rows");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The sum of a counter over its labels; 0 before it was ever counted.
    pub async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let url = format!("{}/metrics", self.internal);
        let page = self.client.get(url).send().await?.text().await?;
        let lines = page.lines().filter(|line| line.starts_with(name));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum())
    }

    /// Bytes of one offender's and one victim's message, read from the queues.
    pub async fn message_bytes(&self, _load: &Load) -> anyhow::Result<(usize, usize)> {
        let connection =
            lapin::Connection::connect(&self.harbour_url(), lapin::ConnectionProperties::default())
                .await?;
        let channel = connection.create_channel().await?;
        let mut bytes = [0; 2];
        for (index, queue) in ["cara.intake.harbour", "cara.victims.harbour"].iter().enumerate() {
            let options = lapin::options::BasicGetOptions { no_ack: false };
            let message = channel.basic_get((*queue).into(), options).await?;
            bytes[index] = message.context("an empty queue")?.delivery.data.len();
        }
        Ok((bytes[0], bytes[1]))
    }

    /// The administrator in the virtual host of the provider that the load is for.
    pub fn harbour_url(&self) -> String {
        format!("{}/cara.harbour", self.amqp)
    }

    pub async fn stop_broker(&self) -> anyhow::Result<()> {
        signal(self.broker_pid, nix::sys::signal::Signal::SIGKILL)?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(())
    }

    pub fn gateway_mb(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway_pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 = line.context("VmRSS")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024)
    }

    pub fn database(&self) -> anyhow::Result<PathBuf> {
        let found = walk(&self.folder).into_iter().find(|path| path.ends_with("gateway.db"));
        found.context("the sandbox has no gateway.db")
    }

    pub fn stop(mut self) -> anyhow::Result<()> {
        signal(i32::try_from(self.child.id())?, nix::sys::signal::Signal::SIGINT)?;
        self.child.wait()?;
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}

fn signal(pid: i32, signal: nix::sys::signal::Signal) -> anyhow::Result<()> {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).context("signal")
}

fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
