//! The numbers behind `/metrics`, in OpenMetrics text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::Troubles;

/// No sweep has ended yet.
const NEVER: u64 = u64::MAX;

/// Every number that the gateway counts. Clones share them.
#[derive(Clone, Debug)]
pub struct Metric {
    numbers: Arc<Numbers>,
    troubles: Troubles,
}

/// What happened to a message on its way to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageStep {
    Published,
    /// Acked and not returned.
    Confirmed,
    /// No queue wanted it.
    Returned,
    Retried,
}

/// How a push to a force's endpoint ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PushEnd {
    Delivered,
    TakenOver,
    Again,
    Refused,
    Gone,
}

#[derive(Debug)]
struct Numbers {
    registry: Registry,
    records: Family<RecordLabel, Counter>,
    refusals: Family<CodeLabel, Counter>,
    messages: Family<StepLabel, Counter>,
    outcomes: Family<OutcomeLabel, Counter>,
    safeguarding_concerns: Family<ForceLabel, Counter>,
    pushes: Family<PushLabel, Counter>,
    incidents_open: Family<KindLabel, Gauge>,
    backlog_rows: Gauge,
    backlog_age: Gauge<f64, AtomicU64>,
    commit_batch: Histogram,
    commit: Histogram,
    accept: Histogram,
    connections: Gauge,
    in_flight_bytes: Gauge,
    certificate_days_left: Family<NameLabel, Gauge>,
    holds_open: Family<ForceLabel, Gauge>,
    broker_up: Gauge,
    audit_rows: Gauge,
    panics: Counter,
    sweep_age: Gauge,
    /// On the monotonic clock, in milliseconds.
    swept_at_ms: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PushLabel {
    force: String,
    end: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RecordLabel {
    force: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    provider: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabel {
    step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameLabel {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ForceLabel {
    force: String,
}

impl MessageStep {
    fn name(self) -> &'static str {
        match self {
            MessageStep::Published => "published",
            MessageStep::Confirmed => "confirmed",
            MessageStep::Returned => "returned",
            MessageStep::Retried => "retried",
        }
    }
}

impl Default for Metric {
    fn default() -> Self {
        // 0.5 ms to 16 s
        let latency = || Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let mut numbers = Numbers {
            registry: Registry::with_prefix("cara"),
            records: Family::default(),
            refusals: Family::default(),
            messages: Family::default(),
            outcomes: Family::default(),
            safeguarding_concerns: Family::default(),
            pushes: Family::default(),
            incidents_open: Family::default(),
            backlog_rows: Gauge::default(),
            backlog_age: Gauge::default(),
            commit_batch: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            commit: latency(),
            accept: latency(),
            connections: Gauge::default(),
            in_flight_bytes: Gauge::default(),
            certificate_days_left: Family::default(),
            holds_open: Family::default(),
            broker_up: Gauge::default(),
            audit_rows: Gauge::default(),
            panics: Counter::default(),
            sweep_age: Gauge::default(),
            swept_at_ms: AtomicU64::new(NEVER),
        };
        numbers.register();
        Metric { numbers: Arc::new(numbers), troubles: Troubles::default() }
    }
}

impl Numbers {
    fn register(&mut self) {
        let all = &mut self.registry;
        all.register("records", "Records answered, by force and status", self.records.clone());
        all.register("refusals", "Calls refused, by problem code", self.refusals.clone());
        all.register("messages", "Steps of messages to the broker", self.messages.clone());
        all.register("outcomes", "Outcomes, by provider and status", self.outcomes.clone());
        all.register(
            "safeguarding_concerns",
            "Concerns that a person at the force has to be told of within 15 minutes",
            self.safeguarding_concerns.clone(),
        );
        all.register(
            "pushes",
            "Letters pushed to endpoints, by force and end",
            self.pushes.clone(),
        );
        all.register("incidents_open", "Incidents that are open", self.incidents_open.clone());
        all.register("backlog_rows", "Messages not settled", self.backlog_rows.clone());
        all.register_with_unit(
            "backlog_age",
            "Age of the oldest unsettled message",
            Unit::Seconds,
            self.backlog_age.clone(),
        );
        all.register("commit_batch_records", "Entries in a commit", self.commit_batch.clone());
        all.register_with_unit("commit", "Time of a commit", Unit::Seconds, self.commit.clone());
        all.register_with_unit(
            "accept",
            "Time from a body read whole to its answer",
            Unit::Seconds,
            self.accept.clone(),
        );
        all.register("connections", "Open connections of forces", self.connections.clone());
        all.register_with_unit(
            "in_flight",
            "Bytes set aside for bodies being read",
            Unit::Bytes,
            self.in_flight_bytes.clone(),
        );
        all.register(
            "certificate_days_left",
            "Days until a certificate ends",
            self.certificate_days_left.clone(),
        );
        all.register("holds_open", "Open holds, by force", self.holds_open.clone());
        all.register("broker_up", "1 while the broker is reached", self.broker_up.clone());
        all.register("audit_rows", "Length of the audit chain", self.audit_rows.clone());
        all.register_with_unit(
            "sweep_age",
            "Time since the last whole sweep",
            Unit::Seconds,
            self.sweep_age.clone(),
        );
        all.register("panics", "Faults of the gateway's own program", self.panics.clone());
    }
}

impl Metric {
    /// What the gateway sees to be wrong with itself.
    pub fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    /// A record was answered; `status` as in the API: `accepted`, `duplicate`, `held`.
    pub fn record(&self, force_code: &str, status: &'static str) {
        let label = RecordLabel { force: force_code.to_owned(), status };
        self.numbers.records.get_or_create(&label).inc();
    }

    /// An outcome was concluded: `applied`, `waits`, `already_applied`, `contradicts`,
    /// `rejected` or `set_aside`.
    pub fn outcome(&self, provider: &str, status: &'static str) {
        let label = OutcomeLabel { provider: provider.to_owned(), status };
        self.numbers.outcomes.get_or_create(&label).inc();
    }

    /// A victim worker has raised a concern.
    pub fn safeguarding_concern(&self, force_code: &str) {
        let label = ForceLabel { force: force_code.to_owned() };
        self.numbers.safeguarding_concerns.get_or_create(&label).inc();
    }

    /// A push to a force's endpoint has ended.
    pub fn push(&self, force: &str, end: PushEnd) {
        let end = match end {
            PushEnd::Delivered => "delivered",
            PushEnd::TakenOver => "taken_over",
            PushEnd::Again => "again",
            PushEnd::Refused => "refused",
            PushEnd::Gone => "gone",
        };
        let label = PushLabel { force: force.to_owned(), end };
        self.numbers.pushes.get_or_create(&label).inc();
    }

    /// Open incidents by kind; every kind is named.
    pub fn incidents(&self, open: impl IntoIterator<Item = (&'static str, u64)>) {
        for (kind, count) in open {
            let gauge = self.numbers.incidents_open.get_or_create(&KindLabel { kind });
            gauge.set(signed(count));
            drop(gauge);
        }
    }

    /// A call was refused with this `P` code.
    pub fn refusal(&self, code: &'static str) {
        self.numbers.refusals.get_or_create(&CodeLabel { code }).inc();
    }

    pub fn message(&self, step: MessageStep) {
        self.messages(step, 1);
    }

    pub fn messages(&self, step: MessageStep, count: u64) {
        let label = StepLabel { step: step.name() };
        self.numbers.messages.get_or_create(&label).inc_by(count);
    }

    /// The outbox as it is now; `age` of its oldest unsettled row.
    pub fn backlog(&self, rows: u64, age: Duration) {
        self.numbers.backlog_rows.set(signed(rows));
        self.numbers.backlog_age.set(age.as_secs_f64());
    }

    pub fn commit(&self, entries: usize, took: Duration) {
        self.numbers.commit_batch.observe(entries as f64);
        self.numbers.commit.observe(took.as_secs_f64());
    }

    pub fn accept(&self, took: Duration) {
        self.numbers.accept.observe(took.as_secs_f64());
    }

    pub fn connection_opened(&self) {
        self.numbers.connections.inc();
    }

    pub fn connection_closed(&self) {
        self.numbers.connections.dec();
    }

    pub fn in_flight_bytes(&self, bytes: usize) {
        self.numbers.in_flight_bytes.set(signed(bytes as u64));
    }

    /// `name` as in `gateway.toml`: `api`, `broker`, `ca police-ca`, `identity hampshire-records`.
    pub fn certificate_days_left(&self, name: &str, days: i64) {
        let label = NameLabel { name: name.to_owned() };
        self.numbers.certificate_days_left.get_or_create(&label).set(days);
    }

    pub fn holds_open(&self, force_code: &str, count: u64) {
        let label = ForceLabel { force: force_code.to_owned() };
        self.numbers.holds_open.get_or_create(&label).set(signed(count));
    }

    pub fn broker_up(&self, up: bool) {
        self.numbers.broker_up.set(i64::from(up));
    }

    pub fn audit_rows(&self, count: u64) {
        self.numbers.audit_rows.set(signed(count));
    }

    /// A sweep has come to its end at this moment of the monotonic clock.
    pub fn swept(&self, at: Duration) {
        let at_ms = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        self.numbers.swept_at_ms.store(at_ms, Ordering::Relaxed);
    }

    /// When that was; None before the first.
    pub fn swept_at(&self) -> Option<Duration> {
        let at = self.numbers.swept_at_ms.load(Ordering::Relaxed);
        (at != NEVER).then(|| Duration::from_millis(at))
    }

    /// How long ago that was, or the start.
    pub fn sweep_age(&self, age: Duration) {
        self.numbers.sweep_age.set(signed(age.as_secs()));
    }

    /// The program met a state that it calls impossible.
    pub fn panic(&self) {
        self.numbers.panics.inc();
    }

    /// The OpenMetrics text of `/metrics`.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.numbers.registry) {
            Ok(()) => text,
            Err(std::fmt::Error) => unreachable!("writing to a String does not fail"),
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metric = Metric::default();
        metric.record("44", "accepted");
        metric.clone().record("44", "accepted");
        metric.refusal("P413");
        metric.messages(MessageStep::Confirmed, 3);
        metric.backlog(5, Duration::from_millis(1500));
        metric.commit(7, Duration::from_millis(3));
        metric.certificate_days_left("api", 12);
        metric.broker_up(true);
        let text = metric.encode();
        for line in [
            "cara_records_total{force=\"44\",status=\"accepted\"} 2",
            "cara_refusals_total{code=\"P413\"} 1",
            "cara_messages_total{step=\"confirmed\"} 3",
            "cara_backlog_rows 5",
            "cara_backlog_age_seconds 1.5",
            "cara_commit_batch_records_sum 7.0",
            "cara_certificate_days_left{name=\"api\"} 12",
            "cara_broker_up 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
