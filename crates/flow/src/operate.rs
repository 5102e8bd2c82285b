//! What operators look at and order: causes of holds and corrections, incidents, the clock,
//! deliveries, a provider's day.

use std::collections::BTreeMap;

use cara_domain::Compartment;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{check_order, record_look};
use crate::case::day;
use crate::clock::sweep;
use crate::hold::{cause, clear};
use crate::mapping::golive::{self, Candidate};
use crate::notice::letter;
use crate::{Failure, Gateway, Operator, OrderRefusal, Role, Unfinished, WrongState};
use cara_metric::alert;
use cara_store::Fact;

/// What a field is to say; personal, so `Debug` shows nothing of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(pub Vec<String>);

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Values(…)")
    }
}

/// One order of an operator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    Incidents,
    /// Open holds by what they wait for; of one force, by its slug.
    HoldCauses {
        force: Option<String>,
    },
    /// Everything that waits for the same reason as this hold, and where it would go.
    HoldsLike {
        hold_id: Uuid,
    },
    /// One field of a held record is replaced: the whole list of a list field, else one value.
    CorrectHold {
        hold_id: Uuid,
        field: String,
        values: Values,
        because: String,
    },
    /// The clock is right: the sweep goes on.
    AcceptClock {
        because: String,
    },
    /// A mapping goes live, or is only tried.
    Activate(Box<Candidate>),
    /// An earlier version goes live again.
    RollBack {
        force: String,
        name: String,
        version: u32,
        because: String,
    },
    /// Every version of a force's mappings.
    MappingHistory {
        force: String,
    },
    /// Endpoints, whether they are paused, and how much waits.
    Deliveries,
    /// `force`: the slug.
    Pause {
        force: String,
        because: String,
    },
    Resume {
        force: String,
        because: String,
    },
    /// One letter: where it is, and what its last try came to.
    LetterShow {
        notice_id: Uuid,
    },
    /// It is pushed no more; the force can still fetch the notice.
    LetterCancel {
        notice_id: Uuid,
        because: String,
    },
    LetterResend {
        notice_id: Uuid,
        because: String,
    },
    /// Both directions of one force's day, every id by where it is.
    ReconcileForce {
        force: String,
        day: Date,
    },
    /// Messages to one side of a provider by their own day, and what the provider says of it.
    ReconcileProvider {
        provider: String,
        day: Date,
    },
}

/// Carries out an order, and answers what there is to see.
pub async fn order(
    gateway: &Gateway,
    operator: &Operator,
    order: Order,
) -> Result<Value, Unfinished<OrderRefusal>> {
    match order {
        Order::Incidents => Ok(incident_list(gateway).await?),
        Order::HoldCauses { force } => {
            let causes = cause::hold_causes(gateway, operator, force.as_deref()).await?;
            Ok(json!({ "causes": causes }))
        }
        Order::HoldsLike { hold_id } => {
            let alike = cause::holds_like(gateway, operator, hold_id).await?;
            serde_json::to_value(alike).map_err(Unfinished::ours)
        }
        Order::CorrectHold { hold_id, field, values, because } => {
            let asked = (field.as_str(), values.0);
            let corrected = clear::correct_hold(gateway, operator, hold_id, asked, because).await?;
            serde_json::to_value(corrected).map_err(Unfinished::ours)
        }
        Order::AcceptClock { because } => {
            sweep::accept_clock(gateway, operator, because).await?;
            Ok(Value::Null)
        }
        Order::Activate(candidate) => {
            let went = golive::go_live(gateway, operator, *candidate).await?;
            serde_json::to_value(went).map_err(Unfinished::ours)
        }
        Order::RollBack { force, name, version, because } => {
            let version =
                golive::roll_back(gateway, operator, &force, &name, version, because).await?;
            Ok(json!({ "version": version }))
        }
        Order::MappingHistory { force } => {
            Ok(json!({ "versions": golive::mapping_history(gateway, &force).await? }))
        }
        Order::Deliveries => Ok(delivery_list(gateway).await?),
        Order::Pause { force, because } => {
            pause(gateway, operator, &force, &because).await?;
            Ok(Value::Null)
        }
        Order::Resume { force, because } => {
            let force = gateway.forces.code_named(&force)?;
            letter::resume_delivery(gateway, operator, force, because).await?;
            Ok(Value::Null)
        }
        Order::LetterShow { notice_id } => letter::letter_shown(gateway, operator, notice_id).await,
        Order::LetterCancel { notice_id, because } => {
            letter::cancel_letter(gateway, operator, notice_id, because).await?;
            Ok(Value::Null)
        }
        Order::LetterResend { notice_id, because } => {
            letter::resend_letter(gateway, operator, notice_id, because).await?;
            Ok(Value::Null)
        }
        Order::ReconcileForce { force, day } => {
            let force = gateway.forces.code_named(&force)?;
            consulted(gateway, operator, &force.to_string(), day).await?;
            let day = day::reconciled_day(gateway, force, false, day).await?;
            serde_json::to_value(day).map_err(Unfinished::ours)
        }
        Order::ReconcileProvider { provider, day } => {
            consulted(gateway, operator, &provider, day).await?;
            Ok(provider_day(gateway, &provider, day).await?)
        }
    }
}

async fn pause(
    gateway: &Gateway,
    operator: &Operator,
    force: &str,
    because: &str,
) -> Result<(), Unfinished<OrderRefusal>> {
    check_order(operator, because)?;
    let force = gateway.forces.code_named(force)?;
    match letter::pause_delivery(gateway, force, &operator.name, because).await? {
        true => Ok(()),
        false => Err(WrongState::PausedAlready.into()),
    }
}

async fn consulted(
    gateway: &Gateway,
    operator: &Operator,
    whose: &str,
    day: Date,
) -> Result<(), Unfinished<OrderRefusal>> {
    if operator.role < Role::Look {
        return Err(OrderRefusal::Forbidden.into());
    }
    let fact = Fact::day_read(&operator.name, gateway.clock.now(), whose, day);
    Ok(record_look(gateway, fact).await?)
}

/// What stands in the store, and what is so now and cannot, or not yet, be noted there.
async fn incident_list(gateway: &Gateway) -> Result<Value, Failure> {
    let incidents = gateway.store.incidents().await?;
    let named =
        |((kind, about), count): ((_, String), _)| ((kind, gateway.forces.name_in(&about)), count);
    let mut unnoted: BTreeMap<(&str, String), u64> =
        gateway.metric.troubles().now().into_iter().map(named).collect();
    let line = |kind: &str, about: &str, count: u64, opened_at: Option<String>| {
        let page = alert::kind(kind);
        json!({
            "kind": kind, "about": about, "count": count, "opened_at": opened_at,
            "means": page.map_or("", |page| page.means),
            "now": page.map_or("", |page| page.now),
        })
    };
    let mut lines = Vec::new();
    for it in &incidents {
        unnoted.remove(&(it.kind.as_str(), it.about.clone()));
        lines.push(line(&it.kind, &it.about, it.count, Some(it.opened_at.to_string())));
    }
    let unnoted = unnoted.iter();
    lines.extend(unnoted.map(|((kind, about), count)| line(kind, about, *count, None)));
    Ok(json!({ "incidents": lines }))
}

async fn delivery_list(gateway: &Gateway) -> Result<Value, Failure> {
    let paused = gateway.store.paused().await?;
    let mut lines = Vec::new();
    for force in gateway.forces.all() {
        let live = gateway.live.letter(force.code);
        let url = live.as_ref().and_then(|live| live.plan.delivery()).map(|it| it.to.clone());
        let state = paused.iter().find(|it| it.force == force.code);
        let endpoint = gateway.store.endpoint(force.code).await?;
        lines.push(json!({
            "force": force.slug,
            "to": url,
            "waiting": gateway.store.pushes_waiting(force.code).await?,
            "paused": state.map(|it| json!({
                "at": it.at.to_string(), "by": it.by, "because": it.because,
            })),
            "arrived_at": endpoint.arrived_at.map(|at| at.to_string()),
            "failing_since": endpoint.failing_since.map(|at| at.to_string()),
            "reason": endpoint.reason,
            "failing": endpoint.failing,
        }));
    }
    Ok(json!({ "deliveries": lines }))
}

/// Both sides of a provider: messages by the day of their own time, and what it says of them.
async fn provider_day(gateway: &Gateway, provider: &str, day: Date) -> Result<Value, Failure> {
    let mut sides = Vec::new();
    for side in [Compartment::Offender, Compartment::Victim] {
        let messages = gateway.store.exchanged(provider.to_owned(), side, day).await?;
        let ids = |sent: bool| {
            let of = messages.iter().filter(move |(_, is_sent)| *is_sent == sent);
            of.map(|(id, _)| *id).collect::<Vec<_>>()
        };
        let said = gateway.store.reconciled(provider.to_owned(), side, day).await?;
        sides.push(json!({
            "side": if side == Compartment::Offender { "offender" } else { "victim" },
            "sent": ids(true),
            "queued": ids(false),
            "provider": said.map(|it| json!({
                "said_at": it.at.to_string(),
                "missing_there": it.missing_there, "missing_here": it.missing_here,
            })),
        }));
    }
    Ok(json!({ "provider": provider, "day": day.to_string(), "sides": sides }))
}
