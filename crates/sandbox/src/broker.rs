//! A private `rabbitmq-server` in the sandbox's folder, on ports of its own, ended with the sandbox
//! however that ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lapin::{Connection, ConnectionProperties};
use tokio::process::{Child, ChildStdin, Command};

use super::port;
use cara_clock::Clock;

/// The package's own program. The one on the path would switch to the system's user and folders.
const SERVERS: [&str; 2] =
    ["/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/lib/rabbitmq/bin/rabbitmq-server"];

/// A cold start on a slow machine.
const START_S_MAX: u64 = 120;

/// Runs the name server and the broker until its stdin ends, which happens when the sandbox ends,
/// even by `kill -9`. Nothing listens but on loopback.
const KEEPER: &str = r#"
epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 </dev/null &
names=$!
"$BROKER_PROGRAM" </dev/null &
broker=$!
trap : TERM INT
cat >/dev/null || :
kill -TERM "$broker" 2>/dev/null
wait "$broker"
kill -TERM "$names" 2>/dev/null
wait "$names"
"#;

/// A broker of one's own. Dropping it ends it; [`Private::stop`] also waits until it has.
#[derive(Debug)]
pub struct Private {
    folder: PathBuf,
    server: PathBuf,
    ports: Ports,
    /// One of its virtual hosts.
    vhost: String,
    keeper: Option<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    child: Child,
    /// Its end ends the broker.
    _stdin: Option<ChildStdin>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    amqp: u16,
    distribution: u16,
    names: u16,
}

impl Private {
    /// Starts a broker whose files are under `folder`, with these definitions (users, rights,
    /// topology). Answers when `administrator` can log in to the first virtual host in them.
    pub async fn start(
        folder: &Path,
        definitions: &serde_json::Value,
        administrator: (&str, &str),
        clock: &Clock,
    ) -> anyhow::Result<Private> {
        let server = SERVERS.iter().map(PathBuf::from).find(|server| server.exists());
        let server = server.context(
            "there is no rabbitmq-server. Install it (apt-get install rabbitmq-server), or name a \
             running broker with --amqp amqp://user:password@host",
        )?;
        let [amqp, distribution, names] = port::free(3)?[..] else { bail!("no ports") };
        let vhost = definitions["vhosts"][0]["name"].as_str().unwrap_or_default().to_owned();
        let mut broker = Private {
            folder: folder.to_path_buf(),
            server,
            ports: Ports { amqp, distribution, names },
            vhost,
            keeper: None,
        };
        broker.write_files(definitions)?;
        broker.restart(administrator, clock).await?;
        Ok(broker)
    }

    /// Starts it again where it was, after [`Private::stop`].
    pub async fn restart(
        &mut self,
        administrator: (&str, &str),
        clock: &Clock,
    ) -> anyhow::Result<()> {
        let log = fs::File::create(self.folder.join("start.log"))?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", KEEPER, "broker-keeper"])
            .env_clear()
            .envs(self.environment())
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A Ctrl-C on the terminal is for the sandbox, which ends things in order.
            .process_group(0);
        let mut child = command.spawn().context("the broker cannot be started")?;
        let stdin = child.stdin.take();
        self.keeper = Some(Keeper { child, _stdin: stdin });
        self.ready(administrator, clock).await
    }

    /// `amqp://127.0.0.1:port`, without user, password and virtual host.
    pub fn address(&self) -> String {
        format!("amqp://127.0.0.1:{}", self.ports.amqp)
    }

    /// Without a virtual host.
    pub fn url(&self, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@127.0.0.1:{}", self.ports.amqp)
    }

    /// The broker's process.
    pub fn pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.folder.join("pid")).ok()?;
        text.trim().parse().ok()
    }

    /// Ends it in order and waits until it has.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(Keeper { mut child, _stdin }) = self.keeper.take() {
            drop(_stdin);
            child.wait().await.context("the broker's end cannot be waited for")?;
        }
        Ok(())
    }

    async fn ready(&mut self, administrator: (&str, &str), clock: &Clock) -> anyhow::Result<()> {
        let url = format!("{}/{}", self.url(administrator.0, administrator.1), self.vhost);
        let until = clock.monotonic() + Duration::from_secs(START_S_MAX);
        loop {
            let died = match &mut self.keeper {
                Some(keeper) => keeper.child.try_wait()?.is_some(),
                None => true,
            };
            if !died && let Ok(connection) = connect(&url, "sandbox").await {
                return Ok(connection.close(200, "there it is".into()).await?);
            }
            if died || clock.monotonic() > until {
                let logs = self.folder.display();
                bail!("the private broker did not start; see {logs}/start.log and {logs}/log");
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    fn write_files(&self, definitions: &serde_json::Value) -> anyhow::Result<()> {
        for folder in ["", "home", "mnesia", "log", "generated"] {
            fs::create_dir_all(self.folder.join(folder))?;
        }
        let definitions_file = self.folder.join("definitions.json");
        super::certificate::write(&definitions_file, &definitions.to_string(), 0o600)?;
        let settings = format!(
            "listeners.tcp.1 = 127.0.0.1:{}\n\
             load_definitions = {}\n\
             loopback_users = none\n\
             disk_free_limit.absolute = 64MB\n\
             raft.wal_max_size_bytes = 16777216\n\
             log.file.level = warning\n",
            self.ports.amqp,
            definitions_file.display()
        );
        fs::write(self.folder.join("rabbitmq.conf"), settings)?;
        fs::write(self.folder.join("plugins"), "[].\n")?;
        Ok(fs::write(self.folder.join("environment"), "")?)
    }

    /// Everything that would otherwise come from the system's own broker is set.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let within = |name: &str| self.folder.join(name).display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        vec![
            ("PATH", format!("{path}:/usr/bin:/bin:/usr/sbin:/sbin")),
            ("LANG", "C.UTF-8".to_owned()),
            ("HOME", within("home")),
            ("BROKER_PROGRAM", self.server.display().to_string()),
            ("ERL_EPMD_PORT", self.ports.names.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODENAME", "cara-sandbox@localhost".to_owned()),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODE_PORT", self.ports.amqp.to_string()),
            ("RABBITMQ_DIST_PORT", self.ports.distribution.to_string()),
            ("RABBITMQ_CONF_ENV_FILE", within("environment")),
            ("RABBITMQ_CONFIG_FILE", within("rabbitmq.conf")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", within("advanced.config")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", within("plugins")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", within("generated")),
            ("RABBITMQ_MNESIA_BASE", within("mnesia")),
            ("RABBITMQ_LOG_BASE", within("log")),
            ("RABBITMQ_PID_FILE", within("pid")),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "+sbwt none +sbwtdcpu none +sbwtdio none \
                 -kernel inet_dist_use_interface {127,0,0,1}"
                    .to_owned(),
            ),
        ]
    }
}

/// A connection of an outsider; `purpose` is what the broker's operator sees as its name.
pub(crate) async fn connect(url: &str, purpose: &str) -> anyhow::Result<Connection> {
    let properties = ConnectionProperties::default().with_connection_name(purpose.into());
    let dialing = Connection::connect(url, properties);
    let connection = tokio::time::timeout(Duration::from_secs(10), dialing).await;
    Ok(connection.context("the broker does not answer")??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_private_broker_starts_stops_and_starts_again_with_its_users() {
        let clock = Clock::system();
        let folder = std::env::temp_dir().join(format!("cara-broker-{}", std::process::id()));
        let hash = "ZgwGgtcnh8nCKDXNGdm4ogPYiWAZRq7Bj8YxW5NrcjLXqnqd";
        let definitions = serde_json::json!({
            "vhosts": [{ "name": "cara.harbour" }],
            "users": [{ "name": "boss", "password_hash": hash, "tags": ["administrator"],
                        "hashing_algorithm": "rabbit_password_hashing_sha256" }],
            "permissions": [{ "user": "boss", "vhost": "cara.harbour",
                              "configure": ".*", "write": ".*", "read": ".*" }],
        });
        let boss = ("boss", "sandbox");
        let mut broker = Private::start(&folder, &definitions, boss, &clock).await.unwrap();
        let pid = broker.pid().unwrap();
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        assert!(
            connect(&(broker.url("guest", "guest") + "/cara.harbour"), "nobody").await.is_err()
        );
        broker.stop().await.unwrap();
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        broker.restart(boss, &clock).await.unwrap();
        broker.stop().await.unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }
}
