//! The stories: what happens to a record, told once, whoever asks. Edges speak only to this room.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cara_document::Limits;
use cara_domain::correct::Barred;
use cara_wire::api;
use uuid::Uuid;

use cara_clock::Clock;
use cara_metric::Metric;
use cara_store::{Fact, ForceCode, Operation, Scrubbed, Store};
use cara_vault::Vault;

mod accept;
pub mod activate;
pub mod audit;
mod cause;
mod caused;
mod clearing;
mod compare;
pub mod conclude;
mod consult;
mod decide;
mod difference;
pub mod dispatch;
mod fault;
pub mod follow;
pub mod golive;
mod growth;
mod kept;
mod live;
pub mod letter;
pub mod mail;
pub mod notice;
pub mod operate;
mod prepare;
mod read;
mod reconcile;
mod release;
pub mod replay;
mod resend;
pub mod sweep;
pub mod turn;

pub use live::{Live, LivePlan};

/// Everything a story needs. Clones share it.
#[derive(Clone)]
pub struct Gateway {
    pub clock: Clock,
    pub(crate) vault: Arc<Vault>,
    pub(crate) store: Arc<dyn Store>,
    pub metric: Metric,
    live: Arc<Live>,
    forces: Arc<Forces>,
    limits: Arc<Limits>,
    records_max: usize,
    letters_wake: Arc<tokio::sync::Notify>,
    faults: Arc<fault::Faults>,
}

impl Gateway {
    pub fn assemble(
        clock: Clock,
        vault: Arc<Vault>,
        store: Arc<dyn Store>,
        metric: Metric,
        forces: Forces,
        records_max: usize,
    ) -> Self {
        Gateway {
            clock,
            vault,
            store,
            metric,
            live: Arc::default(),
            forces: Arc::new(forces),
            limits: Arc::new(Limits::default()),
            records_max,
            letters_wake: Arc::default(),
            faults: Arc::default(),
        }
    }

    /// Fires when there may be a letter to push. It says nothing else: look.
    pub fn letters_wake(&self) -> Arc<tokio::sync::Notify> {
        Arc::clone(&self.letters_wake)
    }

    /// Fires when there may be something to publish. It says nothing else: look.
    pub fn wake(&self) -> Arc<tokio::sync::Notify> {
        self.store.wake()
    }

    /// Why the process must end: see [`Store::is_poisoned`].
    pub fn poison(&self) -> Option<&'static str> {
        self.store.poison()
    }

    /// Whether the store can commit now; also reads how much waits, for the metrics.
    pub async fn probe(&self) -> Result<(), Refusal> {
        self.store.probe().await?;
        self.tell_growth();
        let backlog = self.store.backlog().await?;
        let age = backlog.oldest.map(|oldest| self.clock.now().duration_since(oldest));
        let age = age.and_then(|age| std::time::Duration::try_from(age).ok()).unwrap_or_default();
        self.metric.backlog(backlog.rows, age);
        Ok(())
    }

    /// Looks at some stored rows: see [`Store::scrub`].
    pub async fn scrub(&self) -> Result<Scrubbed, Refusal> {
        Ok(self.store.scrub().await?)
    }

    /// Finishes what was promised and closes the store.
    pub async fn close(&self) -> Result<(), Refusal> {
        Ok(self.store.close().await?)
    }

    pub fn live(&self) -> &Live {
        &self.live
    }

    pub fn forces(&self) -> &Forces {
        &self.forces
    }
}

/// One force as `gateway.toml` describes it.
#[derive(Clone, Debug)]
pub struct Force {
    pub code: ForceCode,
    pub slug: String,
    /// Where live records go; absent while the force only tests.
    pub provider: Option<String>,
    /// Where records of test identities go; a provider that is marked as a test one.
    pub test_provider: Option<String>,
    pub agreement_ref: String,
    pub compliance_domains: Vec<String>,
    /// After so many days without a record a person is told.
    pub silent_days: u32,
    /// What its records may add to the store in a day in London, in bytes.
    pub store_bytes_per_day_max: u64,
}

/// One provider as `gateway.toml` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub slug: String,
    /// How police reach it.
    pub contact: Option<String>,
    /// The weeks that it needs from the first workshop to completion.
    pub margin_weeks: u32,
}

/// Two workshops four to five weeks apart (DOMAIN 1.4).
const MARGIN_WEEKS_USUAL: u32 = 5;

const UNLISTED_PREFIX: &str = "force-";

impl Force {
    /// A force of which the store holds cases and `gateway.toml` nothing.
    fn unlisted(code: ForceCode) -> Force {
        Force {
            code,
            slug: format!("{UNLISTED_PREFIX}{code} (not in gateway.toml)"),
            provider: None,
            test_provider: None,
            agreement_ref: "none: the force is not in gateway.toml".to_owned(),
            compliance_domains: Vec::new(),
            silent_days: u32::MAX,
            store_bytes_per_day_max: u64::MAX,
        }
    }

    /// The provider for a record, so that test data never reaches a live queue, nor the reverse.
    fn provider(&self, test: bool) -> Result<&str, Refusal> {
        let provider = if test { &self.test_provider } else { &self.provider };
        provider.as_deref().ok_or(Refusal::Forbidden)
    }
}

/// The forces that this gateway serves, and their providers.
#[derive(Clone, Debug, Default)]
pub struct Forces {
    forces: BTreeMap<ForceCode, Force>,
    providers: BTreeMap<String, Provider>,
    /// Whether there is a mail server to tell people by.
    pub has_mail: bool,
    /// Whether a change that can get somebody hurt needs two operators.
    pub second_operator: bool,
}

impl FromIterator<Force> for Forces {
    fn from_iter<I: IntoIterator<Item = Force>>(forces: I) -> Self {
        let forces = forces.into_iter().map(|force| (force.code, force)).collect();
        Forces { forces, ..Forces::default() }
    }
}

impl Forces {
    /// Adds what is known of their providers.
    pub fn with_providers(mut self, providers: impl IntoIterator<Item = Provider>) -> Forces {
        let named = providers.into_iter().map(|provider| (provider.slug.clone(), provider));
        self.providers = named.collect();
        self
    }

    /// What is known of a provider; the usual, for one that is no longer in the settings.
    pub fn provider(&self, slug: &str) -> Provider {
        let usual =
            || Provider { slug: slug.to_owned(), contact: None, margin_weeks: MARGIN_WEEKS_USUAL };
        self.providers.get(slug).cloned().unwrap_or_else(usual)
    }

    /// A stored force outlives the settings: one that is not in `gateway.toml` is marked in its slug.
    pub fn of(&self, code: ForceCode) -> Cow<'_, Force> {
        match self.forces.get(&code) {
            Some(force) => Cow::Borrowed(force),
            None => Cow::Owned(Force::unlisted(code)),
        }
    }

    /// Whether the force is in `gateway.toml`.
    pub fn lists(&self, code: ForceCode) -> bool {
        self.forces.contains_key(&code)
    }

    /// The code of a force that an operator names: by its slug, or as `force-44` where it is not in
    /// `gateway.toml` any more.
    pub fn code_named(&self, name: &str) -> Result<ForceCode, Refusal> {
        let listed = self.with_slug(name).map(|force| force.code);
        let code = name.strip_prefix(UNLISTED_PREFIX).filter(|digits| digits.len() == 2);
        let unlisted = code.and_then(|digits| digits.parse().ok()).map(ForceCode);
        listed.or_else(|absent| unlisted.ok_or(absent))
    }

    /// As commands take it: the slug, or `force-44` where it is not in `gateway.toml` any more.
    pub fn name(&self, code: ForceCode) -> String {
        let listed = self.forces.get(&code).map(|force| force.slug.clone());
        listed.unwrap_or_else(|| format!("{UNLISTED_PREFIX}{code}"))
    }

    /// What an incident is about; a force has its name there, though some rooms know only its code.
    pub fn name_in(&self, about: &str) -> String {
        match about.parse() {
            Ok(code) if about.len() == 2 => self.name(ForceCode(code)),
            _ => about.to_owned(),
        }
    }

    /// The force that a caller names by its slug.
    pub fn with_slug(&self, slug: &str) -> Result<&Force, Refusal> {
        let force = self.forces.values().find(|force| force.slug == slug);
        force.ok_or(Refusal::Parameter { name: "force" })
    }

    pub fn all(&self) -> impl Iterator<Item = &Force> {
        self.forces.values()
    }
}

impl From<cara_store::Error> for Refusal {
    fn from(error: cara_store::Error) -> Self {
        match error {
            cara_store::Error::Unavailable { reason } => {
                Refusal::Unavailable { reason, retry_after_s: 5 }
            }
            other => Refusal::internal(other),
        }
    }
}

impl From<cara_vault::Error> for Refusal {
    fn from(error: cara_vault::Error) -> Self {
        Refusal::internal(error)
    }
}

/// The page behind an `M` code.
pub fn mapping_page(code: &str) -> Option<api::ProblemPage> {
    let it = cara_mapping::code::MappingCode::find(code)?.page();
    Some(api::ProblemPage::of(it.id, it.name, [it.means, it.cause, it.fix, it.avoid]))
}

/// The fact that a force withdrew a case that was only held.
fn fact_of_withdrawal(bench: &prepare::Bench<'_>, entry_id: Uuid) -> Fact {
    Fact {
        operation: Operation::Alteration,
        by: bench.caller.identity.clone(),
        at: bench.received_at,
        about: format!("withdrawal {entry_id}"),
        to: None,
        note: None,
    }
}

/// Who is calling, proven by a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The identity's name in `gateway.toml`.
    pub identity: String,
    /// Never empty.
    pub forces: Vec<ForceCode>,
    /// A test identity's records never reach a live queue.
    pub test: bool,
    /// May read the notices that concern victims.
    pub victims: bool,
}

/// One body of `POST /v1/records`, read whole.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Without parameters, lower case: `application/xml`.
    pub media_type: String,
    pub body: Bytes,
    /// `?mapping=`: names the mapping instead of looking for one that matches.
    pub mapping: Option<String>,
    pub idempotency_key: Option<String>,
    /// Translate and answer; store nothing.
    pub dry_run: bool,
    /// What it may become; none: whatever it does.
    pub room: Option<Arc<turn::Room>>,
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// The gateway has taken responsibility for at least one record: 202.
    Taken(api::RecordsAnswer),
    /// Every record is at fault: 422. Each is held all the same.
    AllAtFault(api::RecordsAnswer),
    /// A dry run: 200, nothing is stored.
    DryRun(api::RecordsAnswer),
}

/// Why a call was not carried out. The edge turns each into a problem.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// 400, with the place where reading stopped.
    #[error("the body cannot be read: {reason}")]
    Unparseable { code: &'static str, reason: String, line: Option<u32>, column: Option<u32> },
    /// 413
    #[error("the body is over a limit: {limit}")]
    TooLarge { limit: String },
    /// 415
    #[error("no mapping of this force reads this media type")]
    MediaType,
    /// 422: none of the force's mappings fits the body; `?mapping=` can name one of these.
    #[error("no mapping fits this body")]
    NoMapping { names: Vec<String> },
    /// 403: the record names a force that this identity does not stand for. Nothing is kept.
    #[error("the record names a force outside this identity's set")]
    ForeignForce,
    /// 403
    #[error("this identity or role has not the right")]
    Forbidden,
    /// 404: absent, or another force's, which looks the same.
    #[error("there is no such thing for this caller")]
    Absent,
    /// 409: the idempotency key is bound to another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// 409: the thing is not in the state that the call needs.
    #[error("not in the state that this needs: {state}")]
    WrongState { state: &'static str },
    /// 400: a parameter of the call.
    #[error("the parameter {name} is not as described")]
    Parameter { name: &'static str },
    /// 400: a field of a held record that may not be corrected so.
    #[error("it cannot be corrected so: {0}")]
    Barred(#[source] Barred),
    /// 422: a mapping that cannot go live; the report names every problem of the file.
    #[error("the mapping cannot go live")]
    Mapping { report: String },
    /// 503: promises nothing.
    #[error("it could not be stored: {reason}")]
    Unavailable { reason: &'static str, retry_after_s: u32 },
    /// 503: other bodies take the room for what this one becomes.
    #[error("{bytes} bytes of room are needed for what the body becomes")]
    Crowded { bytes: usize },
    /// 503: the force's records have made the store grow by its limit of a day.
    #[error("the force's records may add {bytes_max} bytes to the store in a day, and have")]
    DayFull { bytes_max: u64, retry_after_s: u32 },
    /// 500: we must mend it.
    #[error("the gateway failed")]
    Internal(#[source] anyhow::Error),
}

impl Refusal {
    /// Something that cannot be, or that only we can mend.
    pub fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Refusal {
        Refusal::Internal(anyhow::Error::new(error))
    }
}

/// An operator, proven by the operating system's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
    pub role: Role,
    pub victims: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Look,
    Operate,
    Administer,
}

/// A hold in the operators' list.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HoldLine {
    pub hold_id: Uuid,
    pub force: String,
    pub received_at: String,
    pub state: String,
    pub causes: Vec<api::FindingView>,
    /// What holds it, in words; see [`HoldCause`].
    #[serde(default)]
    pub cause: String,
    /// Unlisted codes that look like codes (12 characters at most, no space); others are not shown.
    pub unlisted: Vec<String>,
}

/// One page of the operators' list of holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HoldPage {
    pub holds: Vec<HoldLine>,
    /// Ask again with `after` set to this for the rest.
    pub next: Option<Uuid>,
}

/// Open holds that wait for the same reason.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HoldCause {
    /// `risk grade: XHI`, `missing: offender.phones`; several of one record with `; ` between.
    pub cause: String,
    pub count: u64,
    /// In London: the time alone when it is of today.
    pub since: String,
    /// The force's slug.
    pub force: String,
    /// The oldest of them.
    pub like: Uuid,
}

/// Where everything that waits for the same reason as one hold would go.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Alike {
    pub cause: String,
    pub force: String,
    /// `referral version 2`: what would read them.
    pub mapping: String,
    /// `cara.intake.harbour`; the victim's side goes to the provider's own queue for it.
    pub queues: Vec<String>,
    /// Oldest first.
    pub hold_ids: Vec<Uuid>,
}

/// How a release or a correction ended.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Released {
    pub hold_id: Uuid,
    /// The record's fate on the full path; still `held` when it is at fault again.
    pub record: api::RecordAnswer,
    /// Who asked first for this correction; another operator has to ask for the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waits_after: Option<String>,
}
