//! The composition root: settings in, a running gateway out. It fails closed: whatever is missing
//! at the start stops it, except a broker, which may come later.

pub mod inspect;
mod need;

use std::sync::Arc;

use anyhow::Context;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::watch;

pub use crate::http::page;
use crate::http::{DeadLetters, Edge, Listening, knock};
use crate::worker;
use crate::worker::{Outside, Post};
use cara_amqp::{Consumer, Dialer, Publisher, Topology, dead};
use cara_clock::Clock;
use cara_config::{Fault, Settings};
use cara_delivery::{Mailer, Push};
use cara_flow::mapping::activate::{self, ChangedFiles};
use cara_flow::mapping::follow::Follower;
use cara_flow::probe;
use cara_flow::{Failure, Force, Forces, Gateway, OrderRefusal, Provider, Unfinished};
use cara_metric::alert::UNCLEAN_STOP;
use cara_metric::{Health, Metric, Part, State};
use cara_store::ForceNumber;
use cara_store_sqlite::Sqlite;
use cara_supervisor::Tasks;
use cara_tls::Trust;
use cara_vault::Vault;
use cara_wire::operators::DeadQueue;

/// Serves until the process is told to stop, then finishes what was promised.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let clock = Clock::system();
    let (metric, health) = (Metric::default(), Health::default());
    cara_supervisor::install(metric.clone());
    cara_supervisor::ensure_descriptors(need::descriptors(&settings))?;
    let trust = Trust::open(&settings, clock.clone(), metric.clone()).map_err(|errors| {
        let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("certificates cannot be used:\n{}", lines.join("\n"))
    })?;
    let trust = Arc::new(trust);
    let gateway = gateway(&settings, clock.clone(), metric.clone())?;
    let follower = mappings(&settings, &gateway, &health).await?;
    let dead_letters: Arc<dyn DeadLetters> =
        Arc::new(DeadQueues { brokers: brokers(&settings)?, gateway: gateway.clone() });
    let edge = Edge::assemble(
        settings.clone(),
        health.clone(),
        Arc::clone(&trust),
        gateway.clone(),
        Arc::new(gateway.clone()),
        dead_letters,
    );
    let listening = Listening::open(&edge)?;
    let stopper = listening.stopper();
    tracing::info!(api = %listening.api, internal = %listening.internal, "listening");

    let (stop, stopped) = watch::channel(false);
    let tasks = Tasks::default();
    let mut loops =
        Loops { gateway: gateway.clone(), health: health.clone(), stop: stopped, tasks };
    loops.watch(&settings, &trust, follower);
    loops.tell(&settings, trust)?;
    loops.deliver(&settings)?;
    loops.publish(&settings)?;
    // Below its reserve or locked it serves all the same: what waits goes out, and the part says so.
    match probe::probe(&gateway).await {
        Ok(()) => health.good(Part::Store),
        Err(error @ Failure::Passing { .. }) => health.bad(Part::Store, error.to_string()),
        Err(error) => return Err(error).context("the store cannot commit"),
    };
    health.good(Part::Start);

    let knocking = knock(listening.doors(), Arc::clone(&edge));
    let mut tasks = loops.tasks;
    tasks.spawn("listener probe", worker::until_stopped(knocking, stop.subscribe()));
    tasks.spawn("listeners", listening.run());
    let died = tokio::select! {
        signal = told_to_stop() => signal.map(|()| None)?,
        died = tasks.died() => Some(died),
    };
    cara_supervisor::end_in_time();
    cara_supervisor::hang("stop").await;
    stopper.stop().await;
    stop.send_replace(true);
    tasks.finish().await;
    let closed = gateway.close().await;
    if let Some(died) = died {
        anyhow::bail!("{died}. Start it again");
    }
    closed?;
    tracing::info!("stopped; everything that was acknowledged is on the disk");
    Ok(())
}

/// Puts the mappings live, and looks at them once before anybody is answered.
async fn mappings(
    settings: &Settings,
    gateway: &Gateway,
    health: &Health,
) -> anyhow::Result<Follower> {
    let cara_config::MappingSettings { folder, activate_changes, .. } = &settings.mappings;
    let changed = match activate_changes {
        true => ChangedFiles::GoLive,
        false => ChangedFiles::AreDrafts,
    };
    let warnings = activate::activate_mappings(gateway, folder, changed).await;
    for warning in &warnings.context("the mappings cannot go live")? {
        tracing::warn!("{warning}");
    }
    let mut follower = Follower::of(gateway.clone(), activate_changes.then(|| folder.clone()));
    worker::look(&mut follower, health).await.context("the mappings cannot be looked at")?;
    Ok(follower)
}

/// The loops of a gateway that serves.
struct Loops {
    gateway: Gateway,
    health: Health,
    stop: worker::Stop,
    tasks: Tasks,
}

impl Loops {
    /// Certificates, the store and the mappings are looked after.
    fn watch(&mut self, settings: &Settings, trust: &Arc<Trust>, follower: Follower) {
        let (gateway, health, stop) = (&self.gateway, &self.health, &self.stop);
        let certificates = cara_tls::watch(Arc::clone(trust));
        let certificates = worker::until_stopped(certificates, stop.clone());
        self.tasks.spawn("certificate watcher", certificates);
        let store = settings.store.clone();
        let watching = worker::watch(gateway.clone(), store, health.clone(), stop.clone());
        self.tasks.spawn("store watcher", watching);
        let scrubbing = worker::scrub(gateway.clone(), health.clone(), stop.clone());
        self.tasks.spawn("store scrub", scrubbing);
        self.tasks
            .spawn("mapping follower", worker::follow(follower, health.clone(), stop.clone()));
    }

    /// The sweep, and what tells the operators.
    fn tell(&mut self, settings: &Settings, trust: Arc<Trust>) -> anyhow::Result<()> {
        let Gateway { clock, metric, .. } = &self.gateway;
        let outside = outside(trust, settings, clock.clone())?;
        let post = match &settings.mail {
            Some(mail) => Some(Post {
                mail: Mailer::open(mail, clock).context("e-mail cannot be sent")?,
                operators: mail.operators.clone(),
            }),
            None => {
                tracing::warn!("there is no [mail]: incidents are only log lines and numbers");
                None
            }
        };
        let alarm = worker::alarm(post.clone(), clock.clone(), metric.clone(), self.stop.clone());
        self.tasks.spawn("alarm", alarm);
        let (gateway, health, stop) =
            (self.gateway.clone(), self.health.clone(), self.stop.clone());
        self.tasks.spawn("sweep", worker::sweep(gateway, outside, post, health, stop));
        Ok(())
    }

    fn deliver(&mut self, settings: &Settings) -> anyhow::Result<()> {
        let Some(delivery) = &settings.delivery else {
            self.health.set(Part::Letters, State::Unused);
            return Ok(());
        };
        let push = Push::open(delivery, &self.gateway.clock).context("letters cannot be pushed")?;
        let (forces, health) = (settings.forces.clone(), self.health.clone());
        let delivering =
            worker::deliver(self.gateway.clone(), push, forces, health, self.stop.clone());
        self.tasks.spawn("letters", delivering);
        Ok(())
    }

    /// Each provider's broker, both ways.
    fn publish(&mut self, settings: &Settings) -> anyhow::Result<()> {
        let Loops { gateway, health, stop, tasks } = self;
        if !settings.broker.publish {
            tracing::warn!("`broker.publish` is false: records are kept and nothing is sent");
            health.bad(Part::Broker, "`broker.publish` is false: nothing is sent");
            health.bad(Part::Outcomes, "`broker.publish` is false: nothing is read either");
            return Ok(());
        }
        for provider in &settings.providers {
            let consumer = Consumer::of(&settings.broker, provider)?;
            let consuming =
                worker::consume(gateway.clone(), consumer, health.clone(), stop.clone());
            tasks.spawn("outcomes", consuming);
            let (clock, metric) = (gateway.clock.clone(), gateway.metric.clone());
            let publisher =
                Publisher::of(&settings.broker, &provider.slug, clock, metric, health.clone())?;
            tasks.spawn("publisher", worker::publish(gateway.clone(), publisher, stop.clone()));
        }
        Ok(())
    }
}

/// The stories with everything they need, without any listener.
pub fn gateway(settings: &Settings, clock: Clock, metric: Metric) -> anyhow::Result<Gateway> {
    let vault = Arc::new(Vault::open(&settings.vault)?);
    let store = Sqlite::open(&settings.store, clock.clone(), Arc::clone(&vault), metric.clone())
        .with_context(|| format!("the store {} cannot be opened", settings.store.path.display()))?;
    if !store.ended_cleanly() {
        metric.troubles().happened(UNCLEAN_STOP, "gateway", clock.monotonic());
    }
    let forces: Forces = settings.forces.iter().map(|it| force(settings, it)).collect();
    let providers = settings.providers.iter().map(|it| Provider {
        slug: it.slug.clone(),
        contact: it.contact.clone(),
        margin_weeks: it.margin_weeks,
    });
    let mut forces = forces.with_providers(providers);
    forces.has_mail = settings.mail.is_some();
    forces.second_operator = settings.mappings.second_operator;
    let records_max = settings.api.records_max;
    Ok(Gateway::assemble(clock, vault, Arc::new(store), metric, forces, records_max))
}

fn force(settings: &Settings, force: &cara_config::ForceSettings) -> Force {
    Force {
        code: ForceNumber(force.code_number()),
        slug: force.slug.clone(),
        provider: Some(force.provider.clone()),
        test_provider: force.test_provider.clone(),
        agreement_ref: force.agreement_ref.clone(),
        compliance_domains: force.compliance_domains.clone(),
        silent_days: force.silent_days,
        store_bytes_per_day_max: settings.store_bytes_per_day_max(force),
    }
}

/// What only the rooms below the stories see: dead queues of the broker, certificates that end.
fn outside(trust: Arc<Trust>, settings: &Settings, clock: Clock) -> anyhow::Result<Outside> {
    let brokers = Arc::new(if settings.broker.publish { brokers(settings)? } else { Vec::new() });
    let delivery = settings.delivery.clone();
    let certificates = move || {
        let now = clock.now();
        let mut ends = trust.ends();
        if let Some(own) =
            delivery.as_ref().and_then(|it| cara_tls::outgoing(&it.certificate, &it.key).ok())
        {
            ends.push(cara_tls::Expiry { name: "delivery".to_owned(), at: own.ends_at });
        }
        let due = ends.iter().filter(|end| end.due(now).is_some());
        let left = |end: &cara_tls::Expiry| u64::try_from(end.days_left(now)).unwrap_or_default();
        due.map(|end| (("certificate_expiring", end.name.clone()), left(end))).collect()
    };
    let dead = move || {
        let brokers = Arc::clone(&brokers);
        async move { dead_in(&brokers).await }.boxed()
    };
    Ok(Outside { certificates: Arc::new(certificates), dead: Arc::new(dead) })
}

/// How many lie in each dead queue; None where the broker cannot be asked, which is said elsewhere.
async fn dead_in(brokers: &[(Dialer, Topology)]) -> worker::DeadCounts {
    let asked = brokers.iter().map(async |(dialer, topology)| {
        let standing = dead::list(dialer, topology, 1).await.ok();
        let count = |name: &str| {
            let standing = standing.as_ref()?;
            Some(standing.iter().find(|it| it.queue == name).map_or(0, |it| it.count.into()))
        };
        topology.dead().map(|(_, it)| (it.name.clone(), count(&it.name))).collect::<Vec<_>>()
    });
    join_all(asked).await.concat()
}

/// The virtual host of each provider, with what is in it.
fn brokers(settings: &Settings) -> Result<Vec<(Dialer, Topology)>, cara_amqp::Error> {
    let of = |provider: &str| Ok((Dialer::of(&settings.broker, provider)?, Topology::of(provider)));
    settings.providers.iter().map(|provider| of(&provider.slug)).collect()
}

async fn told_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// The gateway's own clock, for a command that asks for the time.
pub fn clock() -> Clock {
    Clock::system()
}

/// Settings, or every problem of the file as one text.
pub fn settings(path: &std::path::Path) -> anyhow::Result<Settings> {
    Settings::load(path).map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
        anyhow::anyhow!("{} cannot be used:\n{}", path.display(), lines.join("\n"))
    })
}

/// Log lines as JSON on standard error, `CARA_LOG` sets the level. The AMQP library stays silent:
/// its warnings would hold bodies.
pub fn start_log() -> anyhow::Result<()> {
    use tracing_subscriber::EnvFilter;
    let filter = std::env::var("CARA_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(filter)
        .context("CARA_LOG is no log filter; write info or debug")?
        .add_directive(cara_amqp::LOG_DIRECTIVE.parse()?);
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init()
        .map_err(|_| anyhow::anyhow!("the log was started twice"))
}

/// The broker's dead queues, for the operators' API.
struct DeadQueues {
    brokers: Vec<(Dialer, Topology)>,
    gateway: Gateway,
}

impl DeadLetters for DeadQueues {
    fn list(&self) -> BoxFuture<'_, Vec<DeadQueue>> {
        async move {
            let all = dead_in(&self.brokers).await.into_iter();
            let all = all.filter(|(_, messages)| *messages != Some(0));
            all.map(|(queue, messages)| DeadQueue { queue, messages }).collect()
        }
        .boxed()
    }

    fn give_back(&self, queue: String) -> BoxFuture<'_, Result<u64, Unfinished<OrderRefusal>>> {
        async move {
            let has = |it: &Topology| it.dead().any(|(_, living)| living.name == queue);
            let broker = self.brokers.iter().find(|(_, topology)| has(topology));
            let (dialer, topology) = broker.ok_or(OrderRefusal::Absent)?;
            let put_back = dead::put_back(dialer, topology, &queue, &[]);
            let put_back = put_back.await.map_err(away)?;
            self.gateway.wake().notify_waiters();
            Ok(put_back.returned.into())
        }
        .boxed()
    }
}

fn away(error: cara_amqp::Error) -> Failure {
    if error.is_passing() {
        Failure::Passing { reason: "the broker is away", retry_after_s: 10 }
    } else {
        Failure::ours(error)
    }
}
