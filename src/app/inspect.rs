//! Looks at a gateway's parts without serving.

use cara_flow::audit;
use std::fmt::Display;
use std::path::Path;

use anyhow::Context as _;
use futures_util::future::join_all;

use cara_amqp::Publisher;
use cara_config::Settings;
use cara_delivery::{Mailer, Push};
use cara_metric::{Health, Metric};
use cara_store::audit::Verified;
use cara_store_sqlite::Inspected;
use cara_store_sqlite::Sqlite;
use cara_tls::Trust;
use cara_vault::Vault;

/// A certificate that ends sooner is worth a line.
const DAYS_LEFT_MIN: i64 = 30;

/// What was found about one part of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PartFinding {
    /// `certificate api`, `store`, …
    pub part: String,
    pub is_good: bool,
    /// What is there, or what is wrong and what to do.
    pub what: String,
}

impl PartFinding {
    pub fn good(part: impl Into<String>, what: impl Into<String>) -> PartFinding {
        PartFinding { part: part.into(), is_good: true, what: what.into() }
    }

    pub fn bad(part: impl Into<String>, what: impl Into<String>) -> PartFinding {
        PartFinding { part: part.into(), is_good: false, what: what.into() }
    }

    fn of<T>(part: &str, outcome: Result<T, impl Display>, good: &str) -> PartFinding {
        match outcome {
            Ok(_) => PartFinding::good(part, good),
            Err(error) => PartFinding::bad(part, error.to_string()),
        }
    }
}

/// Walks the audit chain. The store must not be open elsewhere.
pub async fn audit(settings: &Settings) -> anyhow::Result<Verified> {
    let mut settings = settings.clone();
    settings.store.read_only = true;
    let gateway = super::gateway(&settings, super::clock(), Metric::default())?;
    let verified = audit::verify_audit(&gateway).await;
    gateway.close().await?;
    verified.context("the audit chain cannot be read")
}

/// Certificates, keys, store and broker, each tried as a start would; nothing is changed.
/// `deep`: every row of the store, which takes long.
pub async fn parts(settings: &Settings, deep: bool) -> Vec<PartFinding> {
    let mut found = certificates(settings);
    let vault = Vault::open(&settings.vault);
    found.push(PartFinding::of(
        "secrets",
        vault.as_ref(),
        "epochs, index key and audit key are there",
    ));
    if let Ok(vault) = &vault {
        found.push(store(settings, vault, deep));
        found.extend(epochs(settings, vault));
    }
    found.extend(brokers(settings).await);
    found.push(mail(settings).await);
    found
}

/// Whether people can be told of what is wrong: tried up to the envelope, nothing is sent.
async fn mail(settings: &Settings) -> PartFinding {
    match &settings.mail {
        None => PartFinding::good(
            "mail",
            "there is no [mail]: incidents are log lines and numbers only",
        ),
        Some(mail) => {
            let good =
                format!("{} operators are told through {}", mail.operators.len(), mail.server);
            match Mailer::open(mail, &super::clock()) {
                Ok(open) => PartFinding::of("mail", open.rehearse(&mail.operators).await, &good),
                Err(error) => PartFinding::bad("mail", error.to_string()),
            }
        }
    }
}

fn certificates(settings: &Settings) -> Vec<PartFinding> {
    let now = super::clock().now();
    let mut ends = Vec::new();
    let mut found = Vec::new();
    match Trust::open(settings, super::clock(), Metric::default()) {
        Ok(trust) => ends = trust.ends(),
        Err(errors) => {
            found.extend(errors.iter().map(|e| PartFinding::bad("certificates", e.to_string())));
        }
    }
    if let (Some(certificate), Some(key)) = (&settings.broker.certificate, &settings.broker.key) {
        match cara_tls::outgoing(certificate, key) {
            Ok(own) => ends.push(cara_tls::Expiry { name: "broker".to_owned(), at: own.ends_at }),
            Err(error) => found.push(PartFinding::bad("certificate broker", error.to_string())),
        }
    }
    if let Some(delivery) = &settings.delivery {
        match Push::open(delivery, &super::clock()) {
            Ok(push) => {
                let at = push.certificate_ends_at();
                ends.push(cara_tls::Expiry { name: "delivery".to_owned(), at });
            }
            Err(error) => found.push(PartFinding::bad("certificate delivery", error.to_string())),
        }
    }
    found.extend(ends.into_iter().map(|end| {
        let part = format!("certificate {}", end.name);
        match end.days_left(now) {
            ..0 => PartFinding::bad(part, "it has ended; replace the file, no restart is needed"),
            left if left < DAYS_LEFT_MIN => PartFinding::bad(
                part,
                format!("it ends in {left} days; replace the file, no restart is needed"),
            ),
            left => PartFinding::good(part, format!("{left} days are left")),
        }
    }));
    found
}

fn store(settings: &Settings, vault: &Vault, deep: bool) -> PartFinding {
    let path = &settings.store.path;
    if !path.exists() {
        return match is_writable(path) {
            true => PartFinding::good("store", "it is not there yet; the first start makes it"),
            false => PartFinding::bad(
                "store",
                format!("{} cannot be made; make its folder writable", path.display()),
            ),
        };
    }
    match Sqlite::inspect(&settings.store, vault, deep) {
        Ok(inspected) => match inspected.findings.is_empty() {
            true => PartFinding::good("store", words(&inspected, deep)),
            false => PartFinding::bad("store", spoilt(&inspected)),
        },
        Err(cara_store_sqlite::Error::InUse { .. }) => {
            PartFinding::good("store", "a gateway is serving it; /readyz says whether it commits")
        }
        Err(error) => PartFinding::bad("store", format!("{:#}", anyhow::Error::from(error))),
    }
}

/// Rows that a start would report and live with.
fn spoilt(inspected: &Inspected) -> String {
    let rows = &inspected.findings;
    let named = rows.iter().take(20).cloned().collect::<Vec<_>>().join("; ");
    let more = match rows.len().saturating_sub(20) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!(
        "the file is sound, but not every row is as it was written; ask the force to send the record \
         again, or put a backup back: {named}{more}"
    )
}

/// What was found about a store that a start would believe.
fn words(inspected: &Inspected, deep: bool) -> String {
    let looked = match deep {
        true => "every page, row, index and seal is as it was written",
        false => "header, schema, heads and each table's last 1,000 rows are sound",
    };
    let anchored = match inspected.anchored {
        Some(facts) => format!("store.anchor knows {facts} of its {} facts", inspected.facts),
        None => "store.anchor is not there: nobody can say that this is the newest copy".to_owned(),
    };
    let oldest = inspected.checked.iter().map(|checked| checked.at).min().flatten();
    let scrubbed = match oldest {
        Some(at) => format!("every row was last looked at by {at}"),
        None => {
            let left = inspected.checked.iter().filter(|checked| checked.at.is_none()).count();
            format!("the rows of {left} tables are not yet checked")
        }
    };
    let closed = match inspected.was_closed {
        true => "",
        false => "; the last run did not close it",
    };
    let marked = match inspected.was_marked {
        true => "; a run had found it damaged, and it may start again",
        false => "",
    };
    format!("{looked}; {anchored}; {scrubbed}{closed}{marked}")
}

/// Every key epoch that the store names opens what it wrapped. A store that is served is read beside its
/// gateway.
fn epochs(settings: &Settings, vault: &Vault) -> Option<PartFinding> {
    if !settings.store.path.exists() {
        return None;
    }
    let samples = match cara_store_sqlite::key_samples_beside(&settings.store.path) {
        Ok(samples) => samples,
        Err(error) => return Some(PartFinding::bad("epochs", format!("{error:#}"))),
    };
    let missing = Vec::from_iter(vault.epochs_missing(&samples));
    if missing.is_empty() {
        return Some(PartFinding::good(
            "epochs",
            "each that the store names opens what it wrapped",
        ));
    }
    let what = format!(
        "the store names {} and {} has not the right file; put it back from its own backup and \
         restart the gateway",
        missing.join(", "),
        settings.vault.epochs.display()
    );
    Some(PartFinding::bad("epochs", what))
}

/// The first folder above the store that is there can be written to.
fn is_writable(path: &Path) -> bool {
    let folder = path.ancestors().skip(1).find(|folder| folder.exists());
    folder.is_some_and(|folder| nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK).is_ok())
}

/// One line for each provider: the way of the work, both sides.
async fn brokers(settings: &Settings) -> Vec<PartFinding> {
    if !settings.broker.publish {
        let what = "`broker.publish` is false: records are kept, none is sent";
        return vec![PartFinding::bad("broker", what)];
    }
    let tried = settings.providers.iter().map(async |provider| {
        let (clock, metric) = (super::clock(), Metric::default());
        let health = Health::default();
        let made = Publisher::of(&settings.broker, &provider.slug, clock, metric, health);
        let outcome = match made {
            Ok(publisher) => publisher.try_out().await,
            Err(error) => Err(error),
        };
        let good = "it lets the gateway in, every queue is as it should be, and each side's \
                    exchange sent back a message that is for nobody";
        PartFinding::of(&format!("broker {}", provider.slug), outcome, good)
    });
    join_all(tried).await
}
