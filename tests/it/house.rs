//! A gateway without a socket whose clock belongs to the test: records go in, outcomes go in, time
//! passes when the test says so.

use cara_domain::Compartment;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cara_clock::Clock;
use cara_flow::case::conclude;
use cara_flow::case::conclude::{Arrived, Concluded};
use cara_flow::clock::sweep;
use cara_flow::mapping::activate::{self, ChangedFiles};
use cara_flow::notice;
use cara_flow::notice::NoticeQuery;
use cara_flow::outbox::dispatch;
use cara_flow::record::Accepted;
use cara_flow::record::Submission;
use cara_flow::record::accept;
use cara_flow::{
    Caller, Force, Forces, Gateway, Operator, Provider, RecordRefusal, Role, Unfinished,
};
use cara_metric::Metric;
use cara_store::{ForceNumber, Store};
use cara_store_sqlite::Sqlite;
use cara_vault::Vault;
use cara_wire::Event;
use cara_wire::api::{NoticeFacts, RecordsAnswer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::record::XML;
use crate::world::{scratch, unique};

/// One charity's slug for every test: nothing is published.
const PROVIDER: &str = "harbour";

/// What hampshire's records may make the store grow by in a day.
const GROWTH: u64 = 2 << 30;

pub struct House {
    pub folder: PathBuf,
    pub clock: Clock,
    pub gateway: Gateway,
    pub store: Arc<dyn Store>,
    place: cara_config::StoreSettings,
    /// Whether some changes need two operators.
    two: bool,
    pub metric: Metric,
}

impl House {
    /// The gateway of hampshire, at this moment.
    pub async fn at(now: &str) -> House {
        House::of(now, true).await
    }

    /// The same where one operator may do everything.
    pub async fn alone_at(now: &str) -> House {
        House::of(now, false).await
    }

    async fn of(now: &str, two: bool) -> House {
        let folder = scratch(&unique("house"));
        cara_vault::create_secrets(&folder.join("secrets")).unwrap();
        let place = cara_config::StoreSettings {
            path: folder.join("gateway.db"),
            anchor: folder.join("secrets/store.anchor"),
            read_only: false,
            disk_reserve_bytes: 0,
        };
        let clock = Clock::manual(now.parse().unwrap());
        let metric = Metric::default();
        let (gateway, store) = gateway(&folder, &place, &clock, two, &metric, GROWTH).await;
        House { folder, clock, gateway, store, place, two, metric }
    }

    /// Ends the gateway and starts another on the same file; nothing else may hold the first.
    pub async fn restart(&mut self) {
        self.gateway.close().await.unwrap();
        let again =
            gateway(&self.folder, &self.place, &self.clock, self.two, &self.metric, GROWTH).await;
        (self.gateway, self.store) = again;
    }

    /// From now on hampshire's records may make the store grow by so much in a day.
    pub async fn limit_growth(&mut self, bytes: u64) {
        self.gateway =
            on_store(&self.folder, &self.store, &self.clock, self.two, &self.metric, bytes).await;
    }

    /// Another gateway on the same store.
    pub async fn neighbour(&self) -> Gateway {
        on_store(&self.folder, &self.store, &self.clock, self.two, &Metric::default(), GROWTH).await
    }

    /// The text of the version that is live of one of hampshire's mappings.
    pub async fn live_text(&self, name: &str) -> String {
        let versions = self.store.plan_versions().await.unwrap();
        versions.into_iter().find(|it| it.name == name).unwrap().text
    }

    pub fn pass(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(hours * 3600));
    }

    pub async fn push(&self, media_type: &str, body: &str) -> RecordsAnswer {
        self.offer(media_type, body).await.unwrap()
    }

    pub async fn offer(
        &self,
        media_type: &str,
        body: &str,
    ) -> Result<RecordsAnswer, Unfinished<RecordRefusal>> {
        let submission = Submission {
            media_type: media_type.to_owned(),
            body: Bytes::from(body.to_owned()),
            mapping: None,
            idempotency_key: None,
            dry_run: false,
            room: None,
        };
        match accept::accept(&self.gateway, &caller(), submission).await? {
            Accepted::Taken(answer) | Accepted::AllAtFault(answer) => Ok(answer),
            Accepted::DryRun(_) => unreachable!("nobody asked for one"),
        }
    }

    /// A record that is accepted.
    pub async fn refer(&self, record: &str) -> Uuid {
        let answer = self.push(XML, record).await;
        answer.records[0].referral_id.unwrap_or_else(|| panic!("{answer:?}"))
    }

    pub async fn report(
        &self,
        referral_id: Uuid,
        number: u32,
        kind: &str,
        more: Value,
    ) -> Concluded {
        self.say(&self.outcome(referral_id, number, kind, more)).await
    }

    /// An outcome of the offender's side that happened today.
    pub fn outcome(&self, referral_id: Uuid, number: u32, kind: &str, more: Value) -> Value {
        let mut outcome = json!({
            "outcome_id": self.clock.id(), "referral_id": referral_id, "number": number,
            "revision_seen": 1, "kind": kind, "happened_on": self.clock.today().to_string(),
            "recorded_at": self.clock.now().to_string(),
        });
        for (name, value) in more.as_object().unwrap() {
            outcome[name] = value.clone();
        }
        outcome
    }

    pub async fn say(&self, outcome: &Value) -> Concluded {
        let message = json!({
            "specversion": "1.0", "id": outcome["outcome_id"], "source": "/providers/harbour",
            "type": "uk.cara.outcome.v1", "data": outcome,
        });
        self.message(&message).await
    }

    pub async fn message(&self, message: &Value) -> Concluded {
        self.message_of(Compartment::Offender, message).await
    }

    pub async fn message_of(&self, side: Compartment, message: &Value) -> Concluded {
        let user = match side {
            Compartment::Offender => "intake",
            Compartment::Victim => "victims",
        };
        let arrived = Arrived {
            provider: PROVIDER.to_owned(),
            side,
            speaker: Some(format!("{PROVIDER}-{user}")),
            message_id: None,
            body: Bytes::from(message.to_string()),
        };
        conclude::conclude(&self.gateway, &arrived).await.unwrap()
    }

    /// Plays a broker that confirms: what waits and may go out now goes, `rounds` times.
    pub async fn confirm(&self, rounds: u32) -> Vec<Event> {
        let mut sent = Vec::new();
        for _ in 0..rounds {
            let mut work = Vec::new();
            for side in [Compartment::Victim, Compartment::Offender] {
                let claim = dispatch::claim(&self.gateway, PROVIDER.to_owned(), side, 100, 60);
                work.extend(claim.await.unwrap());
            }
            sent.extend(work.iter().map(|work| work.event.clone()));
            let now = self.clock.now();
            let done = work.into_iter().map(|work| work.done(now)).collect();
            dispatch::settle(&self.gateway, done).await.unwrap();
        }
        sent
    }

    pub async fn notices(&self) -> Vec<NoticeFacts> {
        notice::notices(&self.gateway, &caller(), NoticeQuery::default()).await.unwrap().notices
    }

    pub async fn kinds(&self) -> Vec<String> {
        self.notices().await.into_iter().map(|notice| notice.kind).collect()
    }

    /// Kinds of the incidents that are open.
    pub async fn open_incidents(&self) -> BTreeSet<String> {
        sweep::incidents(&self.gateway).await.unwrap().into_iter().map(|it| it.kind).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn caller() -> Caller {
    Caller {
        identity: "hampshire-records".to_owned(),
        forces: vec![ForceNumber(44)],
        test: false,
        victims: false,
    }
}

pub fn operator() -> Operator {
    Operator { name: "ops".to_owned(), role: Role::Operate, victims: false }
}

async fn gateway(
    folder: &std::path::Path,
    place: &cara_config::StoreSettings,
    clock: &Clock,
    two: bool,
    metric: &Metric,
    growth: u64,
) -> (Gateway, Arc<dyn Store>) {
    let vault = vault(folder);
    let store = Sqlite::open(place, clock.clone(), vault, Metric::default()).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    (on_store(folder, &store, clock, two, metric, growth).await, store)
}

fn vault(folder: &std::path::Path) -> Arc<Vault> {
    Arc::new(Vault::open(&secrets(&folder.join("secrets"))).unwrap())
}

/// Where the secrets lie that `cara_vault::create_secrets` made in a folder.
pub fn secrets(folder: &std::path::Path) -> cara_config::VaultSettings {
    let secret = |name: &str| cara_config::SecretFile::at(folder.join(name), name);
    cara_config::VaultSettings {
        epochs: folder.join("epochs"),
        index_key: secret("index.key"),
        audit_key: secret("audit.key"),
    }
}

async fn on_store(
    folder: &std::path::Path,
    store: &Arc<dyn Store>,
    clock: &Clock,
    two: bool,
    metric: &Metric,
    growth: u64,
) -> Gateway {
    let vault = vault(folder);
    let force = Force {
        code: ForceNumber(44),
        slug: "hampshire".to_owned(),
        provider: Some(PROVIDER.to_owned()),
        test_provider: None,
        agreement_ref: "ISA-44-1".to_owned(),
        compliance_domains: vec!["hampshire.example".to_owned()],
        silent_days: 7,
        store_bytes_per_day_max: growth,
    };
    let provider = Provider {
        slug: PROVIDER.to_owned(),
        contact: Some("the duty line of Harbour".to_owned()),
        margin_weeks: 5,
    };
    let mut forces = Forces::from_iter([force]).with_providers([provider]);
    forces.has_mail = true;
    forces.second_operator = two;
    let gateway =
        Gateway::assemble(clock.clone(), vault, Arc::clone(store), metric.clone(), forces, 1000);
    let mappings = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
    let warnings =
        activate::activate_mappings(&gateway, &mappings, ChangedFiles::AreDrafts).await.unwrap();
    assert!(warnings.iter().all(|it| it.contains("is a draft")), "{warnings:?}");
    gateway
}
