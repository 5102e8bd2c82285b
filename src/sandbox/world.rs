//! The small world, up: certificates, a broker, the gateway as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

use super::broker::Private;
use super::certificate::Certificates;
use super::{Wishes, description, port, settings};
use crate::amqp::definitions::{Account, Definitions, Pair};
use crate::clock::Clock;

const GATEWAY_USER: &str = "cara-gateway";
const ADMINISTRATOR: &str = "administrator";

/// A start with a cold disk.
const READY_MAX: Duration = Duration::from_secs(60);

/// How long the gateway may take to finish what it promised.
const STOP_MAX: Duration = Duration::from_secs(40);

pub struct World {
    pub folder: PathBuf,
    pub api: String,
    pub internal: String,
    pub certificates: Certificates,
    /// The administrator's address of the broker.
    pub amqp: String,
    /// Provider, address of its intake user, address of its victims user.
    pub providers: Vec<(&'static str, String, String)>,
    broker: Option<Private>,
    gateway: Child,
}

/// The broker's addresses, however it came to be there.
struct Reached {
    broker: Option<Private>,
    amqp: String,
    /// For the gateway: address without user, user, password file relative to the folder.
    gateway: (String, String, String),
    providers: Vec<(&'static str, String, String)>,
}

impl World {
    pub async fn start(wishes: &Wishes, clock: &Clock) -> anyhow::Result<World> {
        provide_crypto();
        std::fs::create_dir_all(&wishes.folder)
            .with_context(|| format!("{} cannot be made", wishes.folder.display()))?;
        let folder = wishes.folder.canonicalize()?;
        let slugs: Vec<_> = settings::MEMBERS.iter().map(|member| member.slug).collect();
        let certificates = Certificates::make(&folder.join("certs"), &slugs)?;
        crate::vault::create_secrets(&folder.join("secrets"))?;
        let reached = match &wishes.amqp {
            Some(url) => running(&folder, url)?,
            None => private(&folder, clock).await?,
        };
        let [api, internal] = port::free(2)?[..] else { bail!("no ports") };
        let (url, user, password) = &reached.gateway;
        settings::write(&folder, api, internal, &settings::Broker { url, user, password })?;
        let gateway = spawn(&folder)?;
        let mut world = World {
            api: format!("https://localhost:{api}"),
            internal: format!("http://127.0.0.1:{internal}"),
            certificates,
            amqp: reached.amqp,
            providers: reached.providers,
            broker: reached.broker,
            gateway,
            folder,
        };
        if let Err(error) = world.ready().await {
            world.stop().await?;
            return Err(error);
        }
        description::write(&world)?;
        Ok(world)
    }

    pub fn log_path(&self) -> PathBuf {
        self.folder.join("gateway.log")
    }

    pub fn gateway_pid(&self) -> Option<u32> {
        self.gateway.id()
    }

    pub fn broker_pid(&self) -> Option<u32> {
        self.broker.as_ref().and_then(Private::pid)
    }

    /// Returns when the gateway has ended by itself.
    pub async fn gateway_ends(&mut self) {
        let _ = self.gateway.wait().await;
    }

    /// Ends the gateway in order, then the broker.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.gateway.id() {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(pid)?);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
            if tokio::time::timeout(STOP_MAX, self.gateway.wait()).await.is_err() {
                self.gateway.kill().await?;
            }
        }
        if let Some(broker) = &mut self.broker {
            broker.stop().await?;
        }
        Ok(())
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let url = format!("{}/readyz", self.internal);
        let client = plain_client()?;
        let waiting = async {
            loop {
                match client.get(&url).send().await {
                    Ok(answer) if answer.status().is_success() => return,
                    _ => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        let log = self.log_path();
        let see = || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            lines[lines.len().saturating_sub(10)..].join("\n")
        };
        tokio::select! {
            () = waiting => Ok(()),
            ended = self.gateway.wait() => {
                bail!("the gateway ended at its start ({}):\n{}", ended?, see())
            }
            () = tokio::time::sleep(READY_MAX) => bail!("the gateway is not ready:\n{}", see()),
        }
    }
}

/// A broker of the sandbox's own.
async fn private(folder: &Path, clock: &Clock) -> anyhow::Result<Reached> {
    let secrets = folder.join("secrets");
    let account = |name: &str| Account::of_folder(name, &secrets);
    let definitions = Definitions {
        vhost: "/".to_owned(),
        gateway: account(GATEWAY_USER)?,
        administrator: Some(account(ADMINISTRATOR)?),
        pairs: settings::PROVIDERS
            .iter()
            .map(|provider| Pair::of_folder(provider, &secrets))
            .collect::<Result<_, _>>()?,
    };
    let own = folder.join("broker");
    std::fs::create_dir_all(&own)?;
    let password = |name: &str| -> anyhow::Result<String> {
        let text = std::fs::read_to_string(secrets.join(format!("{name}.password")))?;
        Ok(text.trim().to_owned())
    };
    let secret = password(ADMINISTRATOR)?;
    let administrator = (ADMINISTRATOR, secret.as_str());
    let broker = Private::start(&own, &definitions.json()?, administrator, clock).await?;
    let url = |user: &str| Ok::<_, anyhow::Error>(broker.url(user, &password(user)?));
    let mut providers = Vec::new();
    for provider in settings::PROVIDERS {
        let intake = url(&crate::amqp::definitions::intake_user(provider))?;
        let victims = url(&crate::amqp::definitions::victims_user(provider))?;
        providers.push((provider, intake, victims));
    }
    let file = format!("secrets/{GATEWAY_USER}.password");
    Ok(Reached {
        amqp: url(ADMINISTRATOR)?,
        gateway: (broker.address(), GATEWAY_USER.to_owned(), file),
        providers,
        broker: Some(broker),
    })
}

/// A broker that runs already: its administrator's address serves everybody, since AMQP cannot
/// make users.
fn running(folder: &Path, url: &str) -> anyhow::Result<Reached> {
    let wrong = "the broker's address is amqp://user:password@host:port/vhost";
    let (scheme, rest) = url.split_once("://").context(wrong)?;
    let (login, place) = rest.rsplit_once('@').context(wrong)?;
    let (user, password) = login.split_once(':').context(wrong)?;
    let file = "secrets/running-broker.password";
    write_secret(&folder.join(file), password)?;
    let everybody = |provider| (provider, url.to_owned(), url.to_owned());
    Ok(Reached {
        broker: None,
        amqp: url.to_owned(),
        gateway: (format!("{scheme}://{place}"), user.to_owned(), file.to_owned()),
        providers: settings::PROVIDERS.into_iter().map(everybody).collect(),
    })
}

fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    Ok(())
}

/// The gateway is this same program.
fn spawn(folder: &Path) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join("gateway.log"))?;
    Command::new(std::env::current_exe()?)
        .arg("serve")
        .arg("--config")
        .arg(folder.join("gateway.toml"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A Ctrl-C on the terminal is for the sandbox, which ends things in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .context("the gateway cannot be started")
}

pub(super) fn provide_crypto() {
    // A provider that is there already serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for the internal listener.
#[expect(clippy::disallowed_methods, reason = "the sandbox speaks from outside, on loopback")]
pub(super) fn plain_client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?)
}
