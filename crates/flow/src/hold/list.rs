//! Holds as operators see them.

use cara_wire::api;
use cara_wire::operators::hold::{HoldLine, HoldPage, UnlistedCode};
use uuid::Uuid;

use crate::audit::{check_order, record_look};
use crate::hold::cause;
use crate::record::read::view;
use crate::{Failure, Gateway, Operator, OrderRefusal, Unfinished, case_file, write};
use cara_store::{Fact, HoldEnd, HoldFilter, HoldRow};

/// Holds in one page.
pub(crate) const HOLDS_PAGE: usize = 500;

/// Holds oldest first, for operators.
pub async fn holds(
    gateway: &Gateway,
    operator: &Operator,
    force: Option<String>,
    all: bool,
    after: Option<Uuid>,
) -> Result<HoldPage, Unfinished<OrderRefusal>> {
    let force = match force {
        None => None,
        Some(slug) => Some(gateway.forces.code_named(&slug)?),
    };
    let filter = HoldFilter { force, record: None, open_only: !all };
    let rows = gateway.store.holds(filter, after, HOLDS_PAGE).await?;
    record_look(gateway, Fact::holds_read(&operator.name, gateway.clock.now())).await?;
    let next = (rows.len() == HOLDS_PAGE).then(|| rows[HOLDS_PAGE - 1].hold_id);
    let holds = rows.iter().map(|row| hold_line(gateway, row)).collect::<Result<_, Failure>>()?;
    Ok(HoldPage { holds, next })
}

/// One hold. With a reason, the record as the force sent it, for those who may see victims.
pub async fn hold_show(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    unmask: Option<String>,
) -> Result<(HoldLine, Option<String>), Unfinished<OrderRefusal>> {
    let row = gateway.store.hold(hold_id).await?.ok_or(OrderRefusal::Absent)?;
    let line = hold_line(gateway, &row)?;
    let now = gateway.clock.now();
    let Some(because) = unmask else {
        record_look(gateway, Fact::hold_read(&operator.name, now, hold_id)).await?;
        return Ok((line, None));
    };
    if !operator.victims {
        return Err(OrderRefusal::Forbidden.into());
    }
    check_order(operator, &because)?;
    let fact = Fact::held_record_read(&operator.name, now, hold_id, &because);
    write::fact(gateway, fact).await?;
    Ok((line, Some(case_file::held_text(gateway, &row)?)))
}

fn hold_line(gateway: &Gateway, row: &HoldRow) -> Result<HoldLine, Failure> {
    let unlisted = case_file::unlisted_of(gateway, row)?.into_iter();
    let unlisted = unlisted.map(|(field, text)| UnlistedCode { field, text: cause::shown(text) });
    let view = hold_view(row);
    Ok(HoldLine {
        hold_id: row.hold_id,
        force: gateway.forces.of(row.force).slug.clone(),
        received_at: row.received_at,
        state: view.state,
        causes: view.causes,
        unlisted: unlisted.collect(),
    })
}

pub(crate) fn hold_view(row: &HoldRow) -> api::HoldView {
    api::HoldView {
        hold_id: row.hold_id,
        received_at: row.received_at.to_string(),
        causes: row.causes.iter().map(view).collect(),
        state: hold_state(row.ended.map(|(end, _)| end)).to_owned(),
    }
}

pub(crate) fn hold_state(end: Option<HoldEnd>) -> &'static str {
    match end {
        None => "open",
        Some(HoldEnd::Released) => "released",
        Some(HoldEnd::Corrected) => "corrected",
        Some(HoldEnd::Returned) => "returned",
        Some(HoldEnd::Superseded) => "superseded",
        Some(HoldEnd::Withdrawn) => "withdrawn",
    }
}
