//! The test world in one line: a gateway of its own process behind a real TLS socket, with its own
//! folder, certificates and secrets. What it starts, it ends.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::certificate::{Authority, Signed};
use crate::patience::{PATIENCE, eventually};

/// The forces of the test world: slug, code.
pub const FORCES: [(&str, &str); 4] =
    [("hampshire", "44"), ("west-midlands", "20"), ("leicestershire", "33"), ("norfolk", "36")];

/// What differs from the ordinary test world.
#[derive(Clone, Default)]
pub struct World {
    /// The lines of `[broker]`, as [`lines`] makes them; none: accept and keep, publish nothing.
    pub broker: Option<String>,
    /// Slug of the provider of every force: its queues are this test's own.
    pub provider: Option<String>,
    /// Lines put into `[api]`.
    pub api: String,
    /// Lines put into `[store]`.
    pub store: String,
    /// Start with a revocation list that names nobody yet.
    pub crl: bool,
    /// Hampshire's letters are pushed to this address.
    pub letters_to: Option<String>,
    /// One more force, slug and code; its mappings are in the world's own folder, if anywhere.
    pub newcomer: Option<(&'static str, &'static str)>,
    /// Further tables of the settings.
    pub tables: String,
}

/// A running gateway and everything that speaks to it.
pub struct TestGateway {
    pub folder: PathBuf,
    pub api: String,
    pub internal: String,
    pub authority: Authority,
    pub provider: String,
    /// What the process is started through, such as `prlimit`, with its arguments.
    pub through: Vec<String>,
    pub environment: Vec<(String, String)>,
    child: Option<Child>,
}

/// What the gateway answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub text: String,
}

/// One force's system: a client with its certificate.
#[derive(Clone)]
pub struct ForceSystem {
    pub client: reqwest::Client,
    pub api: String,
}

impl World {
    /// A gateway that publishes to this broker, for a provider of this test's own.
    pub fn publishing(broker: &crate::broker::Broker, provider: impl Into<String>) -> World {
        let provider = provider.into();
        broker.admit(&provider);
        World { broker: Some(lines(broker)), provider: Some(provider), ..World::default() }
    }

    pub async fn start(self) -> TestGateway {
        let mut gateway = self.lay_out();
        gateway.spawn().await;
        gateway
    }

    /// Everything but the process.
    pub fn lay_out(&self) -> TestGateway {
        provide_crypto();
        let folder = scratch("world");
        let authority = Authority::make("test police authority");
        let certificates = folder.join("certs");
        std::fs::create_dir_all(&certificates).unwrap();
        std::fs::write(certificates.join("ca.pem"), &authority.pem).unwrap();
        authority.server(1).write(&certificates, "server");
        if self.crl {
            std::fs::write(certificates.join("ca.crl"), authority.revoke(&[])).unwrap();
        }
        cara_vault::create_secrets(&folder.join("secrets")).unwrap();
        let provider = self.provider.clone().unwrap_or_else(|| unique("provider"));
        let (api, internal) = (free_port(), free_port());
        if let Some(to) = &self.letters_to {
            authority.client("gateway.example", 2).write(&certificates, "outgoing");
            mappings_with(&folder.join("mappings"), to);
        } else if self.newcomer.is_some() {
            copy(&own_mappings(), &folder.join("mappings"));
        }
        let text = self.settings(api, internal, &provider, &folder);
        std::fs::write(folder.join("gateway.toml"), text).unwrap();
        TestGateway {
            api: format!("https://localhost:{api}"),
            internal: format!("http://127.0.0.1:{internal}"),
            folder,
            authority,
            provider,
            through: Vec::new(),
            environment: Vec::new(),
            child: None,
        }
    }

    fn settings(&self, api: u16, internal: u16, provider: &str, folder: &Path) -> String {
        let crl = if self.crl { "certs/ca.crl" } else { "none" };
        let mappings = match (&self.letters_to, self.newcomer) {
            (None, None) => own_mappings(),
            _ => folder.join("mappings"),
        };
        let mappings = mappings.display();
        let delivery = match &self.letters_to {
            Some(_) => {
                "[delivery]\ncertificate = \"certs/outgoing.pem\"\nkey = \"certs/outgoing.key\"\n\
                 ca = \"certs/ca.pem\"\ntimeout_s = 5\n"
            }
            None => "",
        };
        let broker = match &self.broker {
            None => "urls = [\"amqp://127.0.0.1:1\"]\npublish = false\n".to_owned(),
            Some(lines) => lines.clone(),
        };
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
        let (api_lines, store_lines, tables) = (&self.api, &self.store, &self.tables);
        let mut text = format!(
            "[api]\nlisten = \"127.0.0.1:{api}\"\ncertificate = \"certs/server.pem\"\n\
             key = \"certs/server.key\"\nrequests_per_s_max = 100000\n{api_lines}\n\
             [internal]\nlisten = \"127.0.0.1:{internal}\"\n\
             [operators]\nsocket = \"operators.sock\"\n\
             [[operators.user]]\nname = \"{user}\"\nrole = \"administer\"\nvictims = true\n\
             [store]\npath = \"gateway.db\"\n{store_lines}\n\
             [vault]\nepochs = \"secrets/epochs\"\nindex_key = \"secrets/index.key\"\n\
             audit_key = \"secrets/audit.key\"\n\
             [broker]\n{broker}\n{delivery}[mappings]\nfolder = \"{mappings}\"\n\
             [[ca]]\nname = \"police-ca\"\ncertificate = \"certs/ca.pem\"\ncrl = \"{crl}\"\n\
             [[provider]]\nslug = \"{provider}\"\n{tables}\n"
        );
        for (slug, code) in FORCES.into_iter().chain(self.newcomer) {
            write!(
                text,
                "[[force]]\nslug = \"{slug}\"\ncode = \"{code}\"\nprovider = \"{provider}\"\n\
                 agreement_ref = \"ISA-{code}-1\"\ncompliance_domains = [\"{slug}.example\"]\n\
                 {}\
                 [[identity]]\nname = \"{slug}-records\"\nforces = [\"{slug}\"]\n\
                 san = \"records.{slug}.example\"\nca = \"police-ca\"\n\
                 [[identity]]\nname = \"{slug}-victim-unit\"\nforces = [\"{slug}\"]\n\
                 san = \"victims.{slug}.example\"\nca = \"police-ca\"\nvictims = true\n",
                match &self.letters_to {
                    Some(to) if slug == "hampshire" => format!("delivery_endpoints = [\"{to}\"]\n"),
                    _ => String::new(),
                }
            )
            .unwrap();
        }
        text
    }
}

impl TestGateway {
    /// The ordinary test world: no broker, everything else real.
    pub async fn start() -> TestGateway {
        World::default().start().await
    }

    /// Starts the process and waits until it is ready.
    pub async fn spawn(&mut self) {
        self.spawn_with(&[]).await;
    }

    /// The same with this in its environment.
    pub async fn spawn_with(&mut self, environment: &[(&str, &str)]) {
        self.begin(environment);
        self.ready().await;
    }

    /// Starts the process.
    pub fn begin(&mut self, environment: &[(&str, &str)]) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_path());
        let log = log.unwrap();
        let mut line = self.through.clone();
        line.push(env!("CARGO_BIN_EXE_cara-gateway").to_owned());
        let child = Command::new(&line[0])
            .args(&line[1..])
            .arg("serve")
            .arg("--config")
            .arg(self.folder.join("gateway.toml"))
            .envs(self.environment.iter().cloned())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Waits until the process is ready.
    pub async fn ready(&mut self) {
        if let Err(why) = self.comes_up().await {
            panic!("{why}:\n{}", self.log());
        }
    }

    /// The same where it may well refuse to start.
    pub async fn comes_up(&mut self) -> Result<(), String> {
        let ready = format!("{}/readyz", self.internal);
        let client = plain_client();
        let started = Instant::now();
        loop {
            if let Ok(answer) = client.get(&ready).send().await
                && answer.status().is_success()
            {
                return Ok(());
            }
            if let Some(status) = self.has_ended() {
                return Err(format!("the gateway ended with {status}"));
            }
            if started.elapsed() > PATIENCE {
                return Err("the gateway is not ready".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How the process ended, if it has.
    pub fn has_ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.as_mut()?.try_wait().unwrap()
    }

    /// Waits for the first look at all cases, so that none is told by the clock while a test goes on.
    pub async fn swept(&self) {
        let told = async || self.metrics().await.contains("cara_incidents_open{").then_some(());
        eventually("the first sweep", told).await;
    }

    pub fn log_path(&self) -> PathBuf {
        self.folder.join("gateway.log")
    }

    /// Everything the process has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// `kill -9`: no goodbye, no flush.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Waits until the process has ended by itself.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        eventually("the process ends", async || self.child.as_mut().unwrap().try_wait().unwrap())
            .await
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().unwrap();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        child.wait().unwrap()
    }

    /// A force's system with its ordinary certificate.
    pub fn force(&self, slug: &str) -> ForceSystem {
        let serial = 100 + FORCES.iter().position(|(it, _)| *it == slug).unwrap() as u64;
        self.with(&self.authority.client(&format!("records.{slug}.example"), serial))
    }

    /// A system with this certificate.
    pub fn with(&self, certificate: &Signed) -> ForceSystem {
        let client = self.client().identity(certificate.identity()).build().unwrap();
        ForceSystem { client, api: self.api.clone() }
    }

    /// A client that trusts the gateway's server and shows no certificate.
    pub fn client(&self) -> reqwest::ClientBuilder {
        let ca = reqwest::Certificate::from_pem(self.authority.pem.as_bytes()).unwrap();
        client_builder().tls_certs_only([ca])
    }

    pub async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.internal);
        plain_client().get(url).send().await.unwrap().text().await.unwrap()
    }

    /// Runs a command of the gateway in this world.
    pub fn command(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_cara-gateway"))
            .args(arguments)
            .arg("--config")
            .arg(self.folder.join("gateway.toml"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let last = lines.len().saturating_sub(30);
            eprintln!("the end of the gateway's log:\n{}", lines[last..].join("\n"));
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl ForceSystem {
    pub async fn post(&self, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.send(media_type, body, "", &[]).await.unwrap()
    }

    /// `query` begins with `?` when there is one.
    pub async fn send(
        &self,
        media_type: &str,
        body: impl Into<reqwest::Body>,
        query: &str,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let url = format!("{}/v1/records{query}", self.api);
        let mut request = self.client.post(url).header("content-type", media_type).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await?).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.api);
        Answer::of(self.client.get(url).send().await.unwrap()).await.unwrap()
    }

    pub async fn find(&self, record_ref: &str) -> Answer {
        let url = format!("{}/v1/referrals/find", self.api);
        let body = serde_json::json!({ "record_ref": record_ref });
        Answer::of(self.client.post(url).json(&body).send().await.unwrap()).await.unwrap()
    }
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> reqwest::Result<Self> {
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, body, text })
    }

    /// One record of the answer.
    pub fn record(&self, index: usize) -> &Value {
        &self.body["records"][index]
    }

    /// The names of what stops a record, in order.
    pub fn violations(&self, index: usize) -> Vec<String> {
        let findings = self.record(index)["violations"].as_array();
        let name = |finding: &Value| finding["name"].as_str().unwrap_or_default().to_owned();
        findings.map(|all| all.iter().map(name).collect()).unwrap_or_default()
    }
}

/// `[broker]` of a gateway that publishes to this one.
pub fn lines(broker: &crate::broker::Broker) -> String {
    let settings = broker.settings();
    let password = settings.password.unwrap();
    format!(
        "urls = [\"{}\"]\nuser = \"{}\"\npassword = \"{}\"\n",
        settings.urls[0],
        settings.user,
        password.path().display()
    )
}

pub fn plain_client() -> reqwest::Client {
    provide_crypto();
    client_builder().build().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "tests speak from outside")]
fn client_builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().http1_only().no_proxy().timeout(PATIENCE)
}

pub fn provide_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A folder of its own under the system's temporary one.
pub fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(unique(&format!("cara-{name}")));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A name that no other test of this or another process has.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A port of loopback that is free and stays so while its server is stopped for a while: below those
/// that the system gives to outgoing connections, and each given once.
pub fn free_port() -> u16 {
    const FIRST: u64 = 10_000;
    const COUNT: u64 = 20_000;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        // Other test processes begin elsewhere.
        let number = u64::from(std::process::id()) * 127 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + number % COUNT).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A file that only its owner may read.
pub fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new();
    let file = file.write(true).create(true).truncate(true).mode(0o600).open(path);
    std::io::Write::write_all(&mut file.unwrap(), text.as_bytes()).unwrap();
}

/// An example record of a mapping.
pub fn example(force: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings").join(force).join("examples");
    std::fs::read_to_string(path.join(name)).unwrap()
}

fn own_mappings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings")
}

/// A folder and everything below it.
pub fn copy(from: &Path, to: &Path) {
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        std::fs::create_dir_all(to.join(&below)).unwrap();
        for entry in std::fs::read_dir(from.join(&below)).unwrap() {
            let name = below.join(entry.unwrap().file_name());
            if from.join(&name).is_dir() {
                open.push(name);
            } else {
                std::fs::copy(from.join(&name), to.join(&name)).unwrap();
            }
        }
    }
}

/// The project's mappings, with Hampshire's letters pushed to this address.
fn mappings_with(folder: &Path, to: &str) {
    copy(&own_mappings(), folder);
    let file = folder.join("hampshire/notice.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let usual = "https://notices.hampshire.example/cara/inbox";
    assert!(text.contains(usual));
    std::fs::write(file, text.replace(usual, to)).unwrap();
}
