//! Brings the small world up, in order, and down again, in the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use lapin::uri::{AMQPScheme, AMQPUri};

use super::broker::{self, Private};
use super::certificate::Certificates;
use super::console::Console;
use super::description::{Description, ForceAccess, Pids, ProviderAccess};
use super::endpoint::{self, LetterEndpoint};
use super::ledger::Ledger;
use super::port;
use super::process::Serving;
use super::record::SHAPES;
use super::settings::{self, Addresses, BrokerAccess};
use cara_amqp::definitions::{Account, Definitions, Pair};
use cara_amqp::topology::vhost;
use cara_clock::Clock;

/// A Unix socket's path may not be longer.
const SOCKET_PATH_BYTES_MAX: usize = 100;

const ADMINISTRATOR: &str = "administrator";

/// What the newcomer asked for.
#[derive(Clone, Debug)]
pub struct Wishes {
    pub folder: PathBuf,
    /// An administrator's URL of a running broker.
    pub amqp: Option<String>,
    /// The program that serves.
    pub program: PathBuf,
}

/// A running sandbox.
#[derive(Debug)]
pub struct World {
    pub description: Description,
    broker: Option<Private>,
    gateway: Serving,
    file: PathBuf,
    program: PathBuf,
    /// What was told and what was seen in this world.
    pub ledger: Ledger,
    pub endpoint: Arc<LetterEndpoint>,
}

/// The broker as the rest of the world needs it.
struct Reached {
    own: Option<Private>,
    access: BrokerAccess,
    administrator_url: String,
    providers: BTreeMap<String, ProviderAccess>,
}

impl World {
    /// Makes what is missing under the folder and starts everything. What an earlier run left
    /// there (certificates, records, mappings that were changed) is used again.
    pub async fn start(wishes: &Wishes, console: &Console, clock: &Clock) -> anyhow::Result<World> {
        fs::create_dir_all(&wishes.folder)
            .with_context(|| format!("{} cannot be made", wishes.folder.display()))?;
        let folder = wishes.folder.canonicalize()?;
        for name in ["data", "run", "secrets"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let slugs: Vec<_> = SHAPES.iter().map(|shape| shape.force).collect();
        let certificates = Certificates::make(&folder.join("certs"), &slugs)?;
        let ledger = Ledger::default();
        let endpoint = Arc::new(LetterEndpoint::open(&certificates, &ledger).await?);
        settings::write_mappings(&folder.join("mappings"), &endpoint.url)?;
        console.line(&format!("certificates  {}", folder.join("certs").display()));
        console.line(&format!("mappings      {}", folder.join("mappings").display()));

        let mut reached = match &wishes.amqp {
            Some(url) => given(url, console).await?,
            None => own(&folder, clock).await?,
        };
        let place = reached.access.address.clone();
        let own_pid = reached.own.as_ref().and_then(Private::pid);
        console.line(&match own_pid {
            Some(pid) => format!("broker        {place} (its own, process {pid})"),
            None => format!("broker        {place}"),
        });

        console.line(&format!(
            "endpoint      {} ({} takes its letters there)",
            endpoint.url,
            endpoint::FORCE
        ));
        let to = &endpoint.url;
        let started = gateway(&folder, &certificates, &reached.access, to, wishes, clock).await;
        let (gateway, addresses) = match started {
            Ok(started) => started,
            Err(error) => {
                if let Some(own) = &mut reached.own {
                    own.stop().await?;
                }
                return Err(error);
            }
        };
        let description = describe(&certificates, &addresses, &reached, gateway.pid());
        let file = folder.join("sandbox.json");
        description.write(&file)?;
        let (api, internal) = (&description.api, &description.internal);
        console.line(&format!(
            "gateway       {api} (process {}), health and metrics {internal}",
            gateway.pid()
        ));
        console.line(&format!("its log       {}", folder.join("gateway.log").display()));
        console.line(&format!("described in  {}", file.display()));
        let program = wishes.program.clone();
        let broker = reached.own;
        Ok(World { description, broker, gateway, file, program, ledger, endpoint })
    }

    /// Waits until the gateway ends without having been asked to; answers what to say about it.
    pub async fn gateway_ended(&mut self) -> anyhow::Result<String> {
        let status = self.gateway.ended().await?;
        let settings = self.file.with_file_name("gateway.toml");
        Ok(format!(
            "the gateway ended by itself ({status}); nothing is lost. Start it again with: {} serve \
             --config {}",
            shell_word(&self.program),
            shell_word(&settings)
        ))
    }

    /// Ends the gateway, then the broker, then what described them.
    pub async fn stop(self) -> anyhow::Result<()> {
        let gateway = self.gateway.stop().await;
        if let Some(mut broker) = self.broker {
            broker.stop().await?;
        }
        fs::remove_file(&self.file).ok();
        gateway
    }

    /// A command that sends one record as Hampshire and works when it is pasted into a shell.
    pub fn curl(&self) -> Option<String> {
        let Description { api, ca, forces, .. } = &self.description;
        let (slug, force) = forces.iter().find(|(slug, _)| *slug == "hampshire")?;
        let example = self.file.parent()?.join(format!("mappings/{slug}/examples/full.xml"));
        Some(format!(
            "curl --cacert {} --cert {} --key {} -H 'content-type: application/xml' \
             --data-binary @{} {api}/v1/records",
            shell_word(ca),
            shell_word(&force.cert),
            shell_word(&force.key),
            shell_word(&example),
        ))
    }
}

/// A private broker with two users for each provider.
async fn own(folder: &Path, clock: &Clock) -> anyhow::Result<Reached> {
    let passwords = folder.join("secrets/broker");
    fs::create_dir_all(&passwords)?;
    let gateway = Account::of_folder("cara-gateway", &passwords)?;
    let administrator = Account::of_folder(ADMINISTRATOR, &passwords)?;
    let pairs = settings::providers().into_iter().map(|slug| Pair::of_folder(slug, &passwords));
    let definitions = Definitions {
        gateway: gateway.clone(),
        administrator: Some(administrator.clone()),
        pairs: pairs.collect::<Result<_, _>>()?,
    };
    let password = |account: &Account| account.password.clone().unwrap_or_default();
    let broker = Private::start(
        &folder.join("broker"),
        &definitions.json()?,
        (ADMINISTRATOR, &password(&administrator)),
        clock,
    )
    .await?;
    let url = |account: &Account| broker.url(&account.name, &password(account));
    let providers = definitions.pairs.iter().map(|pair| {
        let slug = pair.provider.clone();
        let at = |account: &Account| format!("{}/{}", url(account), vhost(&slug));
        let provider = ProviderAccess::of(&slug, at(&pair.intake), at(&pair.victims));
        (slug, provider)
    });
    Ok(Reached {
        providers: providers.collect(),
        administrator_url: url(&administrator),
        access: BrokerAccess {
            address: broker.address(),
            gateway,
            unencrypted: false,
            everybody_is_one: false,
        },
        own: Some(broker),
    })
}

/// A broker that runs already. AMQP cannot make users or virtual hosts, so everybody is its
/// administrator, and its virtual hosts have to be there.
async fn given(url: &str, console: &Console) -> anyhow::Result<Reached> {
    let parsed: AMQPUri = url
        .parse()
        .map_err(|_| anyhow::anyhow!("write --amqp as amqp://user:password@host:port"))?;
    if parsed.scheme == AMQPScheme::AMQPS {
        bail!(
            "the sandbox speaks amqp:// only; for a broker with TLS write a gateway.toml and run \
             `cara-gateway serve`"
        );
    }
    let user = &parsed.authority.userinfo;
    let gateway = Account { name: user.username.clone(), password: Some(user.password.clone()) };
    let place = format!("{}:{}", parsed.authority.host, parsed.authority.port);
    let address = format!("amqp://{place}");
    let authority = url.split('/').nth(2).unwrap_or_default();
    let administrator_url = format!("amqp://{authority}");
    console.line(
        "note          AMQP cannot make users: on this broker the charity reads as its administrator",
    );
    let mut providers = BTreeMap::new();
    for slug in settings::providers() {
        let (vhost, name) = (vhost(slug), &user.username);
        let url = format!("{administrator_url}/{vhost}");
        broker::connect(&url, "sandbox").await.with_context(|| {
            format!(
                "the broker has no virtual host {vhost} for {name}. Run there: rabbitmqctl \
                 add_vhost {vhost}; rabbitmqctl set_permissions -p {vhost} {name} '.*' '.*' '.*'"
            )
        })?;
        providers.insert(slug.to_owned(), ProviderAccess::of(slug, url.clone(), url));
    }
    Ok(Reached {
        own: None,
        access: BrokerAccess { address, gateway, unencrypted: true, everybody_is_one: true },
        administrator_url,
        providers,
    })
}

async fn gateway(
    folder: &Path,
    certificates: &Certificates,
    access: &BrokerAccess,
    letters_to: &str,
    wishes: &Wishes,
    clock: &Clock,
) -> anyhow::Result<(Serving, Addresses)> {
    let [api_port, internal_port] = port::free(2)?[..] else { bail!("no ports") };
    let mut socket = folder.join("run/operators.sock");
    if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        socket = std::env::temp_dir().join(format!("cara-sandbox-{api_port}.sock"));
    }
    let letters_to = letters_to.to_owned();
    let addresses = Addresses { api_port, internal_port, socket, letters_to };
    let settings = settings::write(folder, certificates, access, &addresses)?;
    let internal = format!("http://127.0.0.1:{internal_port}");
    let log = folder.join("gateway.log");
    let serving = Serving::start(&wishes.program, &settings, &internal, &log, clock).await?;
    Ok((serving, addresses))
}

fn describe(
    certificates: &Certificates,
    addresses: &Addresses,
    reached: &Reached,
    gateway_pid: u32,
) -> Description {
    let forces = SHAPES.iter().map(|shape| {
        let paths = certificates.paths(&format!("forces/{}", shape.force));
        let force =
            ForceAccess { code: shape.code.to_owned(), cert: paths.certificate, key: paths.key };
        (shape.force.to_owned(), force)
    });
    Description {
        api: format!("https://localhost:{}", addresses.api_port),
        internal: format!("http://127.0.0.1:{}", addresses.internal_port),
        socket: addresses.socket.clone(),
        amqp: reached.administrator_url.clone(),
        providers: reached.providers.clone(),
        ca: certificates.ca(),
        forces: forces.collect(),
        pids: Pids { gateway: gateway_pid, broker: reached.own.as_ref().and_then(Private::pid) },
    }
}

/// A path as one word of a shell's command line.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
