//! Pushing as operators see and order it: endpoints that are paused, letters that do not arrive.

use cara_wire::operators::delivery::{
    DeliveryLine, DeliveryList, DeliveryPause, LetterState, LetterView,
};
use uuid::Uuid;

use crate::audit::check_order;
use crate::notice::kind_in_words;
use crate::{Failure, Gateway, Operator, OrderRefusal, Unfinished, WrongState, write};
use cara_store::{
    EndpointChange, Entry, Fact, ForceNumber, LetterChange, NoticeRow, Paused, PushState, What,
};

/// Pushes nothing more to a force until somebody resumes; the queue is kept. `false`: it is paused
/// already.
pub async fn pause_endpoint(
    gateway: &Gateway,
    force: ForceNumber,
    by: &str,
    because: &str,
) -> Result<bool, Failure> {
    let at = gateway.clock.now();
    let fact = Fact::delivery_paused(by, at, &force.to_string(), because);
    let (by, because) = (by.to_owned(), because.to_owned());
    let what = What::Endpoint(EndpointChange::Pause(Paused { force, at, by, because }));
    let is_paused = write::entry(gateway, Entry::of(what, vec![fact])).await?;
    gateway.letters_wake.notify_one();
    Ok(is_paused)
}

/// Where each force's letters are pushed, whether that is paused, and how much waits.
pub async fn deliveries(gateway: &Gateway) -> Result<DeliveryList, Failure> {
    let paused = gateway.store.paused().await?;
    let mut deliveries = Vec::new();
    for force in gateway.forces.all() {
        let live = gateway.live.letter(force.code);
        let state = paused.iter().find(|it| it.force == force.code);
        let endpoint = gateway.store.endpoint(force.code).await?;
        deliveries.push(DeliveryLine {
            force: force.slug.clone(),
            to: live.as_ref().and_then(|live| live.plan.delivery()).map(|it| it.to.clone()),
            waiting: gateway.store.pushes_waiting(force.code).await?,
            paused: state.map(|it| DeliveryPause {
                at: it.at,
                by: it.by.clone(),
                because: it.because.clone(),
            }),
            arrived_at: endpoint.arrived_at,
            failing_since: endpoint.failing_since,
            reason: endpoint.reason,
            failing: endpoint.failing,
        });
    }
    Ok(DeliveryList { deliveries })
}

/// The same for an operator, who names the force by its slug.
pub async fn pause(
    gateway: &Gateway,
    operator: &Operator,
    force: &str,
    because: &str,
) -> Result<(), Unfinished<OrderRefusal>> {
    check_order(operator, because)?;
    let force = gateway.forces.code_named(force)?;
    match pause_endpoint(gateway, force, &operator.name, because).await? {
        true => Ok(()),
        false => Err(WrongState::PausedAlready.into()),
    }
}

/// Pushes to a force, by its slug, again.
pub async fn resume(
    gateway: &Gateway,
    operator: &Operator,
    force: &str,
    because: &str,
) -> Result<(), Unfinished<OrderRefusal>> {
    check_order(operator, because)?;
    let force = gateway.forces.code_named(force)?;
    let now = gateway.clock.now();
    let fact = Fact::delivery_resumed(&operator.name, now, &force.to_string(), because);
    let what = What::Endpoint(EndpointChange::Resume { force });
    changed(gateway, what, fact, WrongState::NotPaused).await
}

/// One letter and what its last try came to. What it says is not shown.
pub async fn letter_shown(
    gateway: &Gateway,
    operator: &Operator,
    notice_id: Uuid,
) -> Result<LetterView, Unfinished<OrderRefusal>> {
    let (row, state) = letter(gateway, notice_id).await?;
    let fact = Fact::letter_read(&operator.name, gateway.clock.now(), notice_id);
    write::fact(gateway, fact).await?;
    Ok(LetterView {
        notice_id,
        force: gateway.forces.of(row.force).slug.clone(),
        sequence: row.sequence,
        kind: kind_in_words(&row).to_owned(),
        referral_id: row.about.referral_id(),
        made_at: row.made_at,
        state: standing(&row, &state),
        taken_over_at: row.taken_over_at,
        cancelled_at: row.cancelled_at,
        delivered_at: state.delivered_at,
        push_cancelled_at: state.push_cancelled_at,
        attempts: state.attempts,
        failing_since: state.failing_since,
        next_try_at: state.not_before,
        status: state.status,
        reason: state.reason,
    })
}

/// A letter is pushed no more. Its notice keeps its number, is there for the force to fetch, and
/// later letters of the case may pass.
pub async fn cancel_letter(
    gateway: &Gateway,
    operator: &Operator,
    notice_id: Uuid,
    because: String,
) -> Result<(), Unfinished<OrderRefusal>> {
    check_order(operator, &because)?;
    let (row, state) = letter(gateway, notice_id).await?;
    let at = gateway.clock.now();
    let fact = Fact::letter_cancelled(&operator.name, at, notice_id, &because);
    let what = What::Letter(LetterChange::CancelPush { notice_id, at });
    changed(gateway, what, fact, WrongState::Letter(standing(&row, &state))).await
}

/// A letter is pushed now, under its id; also one that had arrived or been cancelled.
pub async fn resend_letter(
    gateway: &Gateway,
    operator: &Operator,
    notice_id: Uuid,
    because: String,
) -> Result<(), Unfinished<OrderRefusal>> {
    check_order(operator, &because)?;
    let (row, state) = letter(gateway, notice_id).await?;
    let fact = Fact::letter_resent(&operator.name, gateway.clock.now(), notice_id, &because);
    let what = What::Letter(LetterChange::PushAnew { notice_id });
    changed(gateway, what, fact, WrongState::Letter(standing(&row, &state))).await
}

/// `otherwise`: why it cannot be, where the store refuses it.
async fn changed(
    gateway: &Gateway,
    what: What,
    fact: Fact,
    otherwise: WrongState,
) -> Result<(), Unfinished<OrderRefusal>> {
    match write::entry(gateway, Entry::of(what, vec![fact])).await? {
        true => {
            gateway.letters_wake.notify_one();
            Ok(())
        }
        false => Err(otherwise.into()),
    }
}

/// Notices that are pushed to nobody are absent: those of victims, and those of test data.
async fn letter(
    gateway: &Gateway,
    notice_id: Uuid,
) -> Result<(NoticeRow, PushState), Unfinished<OrderRefusal>> {
    let row = gateway.store.notice(notice_id).await?.ok_or(OrderRefusal::Absent)?;
    let state = gateway.store.push_state(notice_id).await?;
    let state = state.filter(|state| state.is_pushed).ok_or(OrderRefusal::Absent)?;
    Ok((row, state))
}

fn standing(row: &NoticeRow, state: &PushState) -> LetterState {
    if row.taken_over_at.is_some() {
        LetterState::TakenOver
    } else if row.cancelled_at.is_some() {
        LetterState::NoticeCancelled
    } else if state.delivered_at.is_some() {
        LetterState::Arrived
    } else if state.push_cancelled_at.is_some() {
        LetterState::PushCancelled
    } else if state.is_refused {
        LetterState::Refused
    } else {
        LetterState::Waits
    }
}
