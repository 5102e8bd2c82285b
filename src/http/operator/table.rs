//! The operators' API as one table.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use cara_wire::operators::call::{self, Method};
use cara_wire::operators::delivery::LetterAsked;
use cara_wire::operators::hold::{
    FieldCorrection, HoldAsked, HoldCausesAsked, HoldShown, HoldsAsked,
};
use cara_wire::operators::mapping::{ForceAsked, MappingRollback, MappingRolledBack};
use cara_wire::operators::{
    Because, CertificateEnd, DeadQueues, DeadReturn, ForceDayAsked, GatewayStatus, MessagesMoved,
    ProviderDayAsked, SendAgain,
};

use super::call::{Asking, row};
use crate::http::openapi::Document;
use crate::http::problem::{self, Code, ProblemAnswer};
use crate::http::table::{ApiCall, BodyContent, Parameter, ParameterPlace, Right};
use crate::http::{internal, page};
use cara_flow::case::day;
use cara_flow::clock::sweep;
use cara_flow::hold::{cause, clear, list};
use cara_flow::incident;
use cara_flow::mapping::golive;
use cara_flow::notice::delivery;
use cara_flow::outbox::{reconcile, resend};
use cara_flow::{Failure, OrderRefusal, Role, Unfinished};

const LOOK: Right = Right { role: Role::Look, victims: false };
const OPERATE: Right = Right { role: Role::Operate, victims: false };
/// Personal data may be that of a victim.
const UNMASK: Right = Right { role: Role::Operate, victims: true };

/// Any call can be refused with these.
const EVERYWHERE: &[&Code] =
    &[&problem::NOT_AN_OPERATOR, &problem::INTERNAL, &problem::UNAVAILABLE];

const MOVED: &[&Code] = &[&problem::WRONG_STATE];

pub static CALLS: LazyLock<Vec<ApiCall>> = LazyLock::new(|| {
    let parts = [gateway(), holds(), ends(), mappings(), deliveries(), exchange(), documents()];
    parts.into_iter().flatten().collect()
});

/// The document of the operators' API, committed as `docs/operators-openapi.json`.
pub static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document {
    title: "CARA gateway: API for operators",
    description: "HTTP/1.1 on the Unix socket that `operators.socket` of gateway.toml names. The \
                  operating system says which user is at its other end; `x-role` is the least role \
                  that a call needs, `x-victims` whether it also needs the right to see victims. The \
                  commands of `cara-gateway` are a client of this API.",
    security: None,
    everywhere: EVERYWHERE,
    calls: &CALLS,
});

fn holds() -> Vec<ApiCall> {
    vec![
        row(
            call::HOLDS,
            LOOK,
            "Holds, oldest first",
            &[],
            |at, asked: HoldsAsked, ()| async move {
                let HoldsAsked { force, all, after } = asked;
                list::holds(at.gateway(), &at.operator, force, all, after).await
            },
        ),
        row(
            call::HOLD_CAUSES,
            LOOK,
            "Open holds by what they wait for",
            &[],
            |at, HoldCausesAsked { force }, ()| async move {
                cause::hold_causes(at.gateway(), &at.operator, force.as_deref()).await
            },
        ),
        row(call::HOLD, LOOK, "One hold", &[], |at, HoldAsked { hold_id }, ()| async move {
            let (hold, record) = list::hold_show(at.gateway(), &at.operator, hold_id, None).await?;
            Ok::<_, Unfinished<OrderRefusal>>(HoldShown { hold, record })
        }),
        row(
            call::UNMASK_HOLD,
            UNMASK,
            "One hold with the record as the force sent it; it is audited as a consultation",
            &[],
            |at, HoldAsked { hold_id }, Because { because }| async move {
                let (hold, record) =
                    list::hold_show(at.gateway(), &at.operator, hold_id, Some(because)).await?;
                Ok::<_, Unfinished<OrderRefusal>>(HoldShown { hold, record })
            },
        ),
        row(
            call::HOLDS_ALIKE,
            LOOK,
            "Everything that waits for the same reasons as a hold, and where it would go",
            MOVED,
            |at, HoldAsked { hold_id }, ()| async move {
                cause::holds_like(at.gateway(), &at.operator, hold_id).await
            },
        ),
    ]
}

/// How holds end.
fn ends() -> Vec<ApiCall> {
    vec![
        row(
            call::RELEASE_HOLD,
            OPERATE,
            "Translate the record again and let it go on, or say what still stops it",
            MOVED,
            |at, HoldAsked { hold_id }, Because { because }| async move {
                clear::release(at.gateway(), &at.operator, hold_id, because).await
            },
        ),
        row(
            call::CORRECT_HOLD,
            OPERATE,
            "The same with one field put right",
            MOVED,
            |at, HoldAsked { hold_id }, said: FieldCorrection| async move {
                let FieldCorrection { field, values, because } = said;
                let asked = (field.as_str(), values.0);
                clear::correct_hold(at.gateway(), &at.operator, hold_id, asked, because).await
            },
        ),
        row(
            call::RETURN_HOLD,
            OPERATE,
            "Give the record back to the force, which is told why",
            MOVED,
            |at, HoldAsked { hold_id }, Because { because }| async move {
                clear::return_hold(at.gateway(), &at.operator, hold_id, because).await
            },
        ),
    ]
}

fn mappings() -> Vec<ApiCall> {
    vec![
        row(
            call::MAPPINGS,
            LOOK,
            "Every version of a force's mappings, without their texts",
            &[],
            |at, ForceAsked { force }, ()| async move {
                golive::mapping_history(at.gateway(), &force).await
            },
        ),
        row(
            call::PUT_MAPPING,
            OPERATE,
            "Try a mapping on the records that are kept, or put live one that was tried",
            &[&problem::MAPPING, &problem::WRONG_STATE],
            |at, (), candidate| async move {
                golive::go_live(at.gateway(), &at.operator, candidate).await
            },
        ),
        row(
            call::ROLL_BACK_MAPPING,
            OPERATE,
            "Put an earlier version live again, as the next one",
            &[&problem::MAPPING, &problem::WRONG_STATE, &problem::ABSENT],
            |at, (), said: MappingRollback| async move {
                let MappingRollback { force, name, version, because } = said;
                let (gateway, by) = (at.gateway(), &at.operator);
                let version =
                    golive::roll_back(gateway, by, &force, &name, version, because).await?;
                Ok::<_, Unfinished<OrderRefusal>>(MappingRolledBack { version })
            },
        ),
    ]
}

fn deliveries() -> Vec<ApiCall> {
    vec![
        row(
            call::DELIVERIES,
            LOOK,
            "Where letters are pushed, how many wait, and what is paused",
            &[],
            |at, (), ()| async move { delivery::deliveries(at.gateway()).await },
        ),
        row(
            call::PAUSE_DELIVERY,
            OPERATE,
            "Push nothing to a force for now; what waits is kept",
            MOVED,
            |at, ForceAsked { force }, Because { because }| async move {
                delivery::pause(at.gateway(), &at.operator, &force, &because).await
            },
        ),
        row(
            call::RESUME_DELIVERY,
            OPERATE,
            "Push to a force again",
            MOVED,
            |at, ForceAsked { force }, Because { because }| async move {
                delivery::resume(at.gateway(), &at.operator, &force, &because).await
            },
        ),
        row(
            call::LETTER,
            LOOK,
            "One letter: where it is, and what its last try came to. What it says is not shown",
            &[],
            |at, LetterAsked { notice_id }, ()| async move {
                delivery::letter_shown(at.gateway(), &at.operator, notice_id).await
            },
        ),
        row(
            call::CANCEL_LETTER,
            OPERATE,
            "Push one letter no more; the force can still fetch its notice",
            MOVED,
            |at, LetterAsked { notice_id }, Because { because }| async move {
                delivery::cancel_letter(at.gateway(), &at.operator, notice_id, because).await
            },
        ),
        row(
            call::RESEND_LETTER,
            OPERATE,
            "Push one letter now, under its id; also one that had arrived or was cancelled",
            MOVED,
            |at, LetterAsked { notice_id }, Because { because }| async move {
                delivery::resend_letter(at.gateway(), &at.operator, notice_id, because).await
            },
        ),
    ]
}

/// The gateway itself.
fn gateway() -> Vec<ApiCall> {
    vec![
        row(call::STATUS, LOOK, "Who asks, and how the gateway is", &[], |at, (), ()| async move {
            Ok::<_, Failure>(status(&at))
        }),
        row(call::INCIDENTS, LOOK, "What is wrong now", &[], |at, (), ()| async move {
            incident::incidents(at.gateway()).await
        }),
        row(
            call::ACCEPT_CLOCK,
            OPERATE,
            "The clock is right: notices and alerts go on",
            MOVED,
            |at, (), Because { because }| async move {
                sweep::accept_clock(at.gateway(), &at.operator, because).await
            },
        ),
    ]
}

/// What went to and fro, and what did not arrive.
fn exchange() -> Vec<ApiCall> {
    vec![
        row(
            call::FORCE_DAY,
            LOOK,
            "Everything that came from a force and went to it on one day",
            &[],
            |at, ForceDayAsked { force, day }, ()| async move {
                day::force_day(at.gateway(), &at.operator, &force, day).await
            },
        ),
        row(
            call::PROVIDER_DAY,
            LOOK,
            "Messages to a provider by their own day, and what the provider says of it",
            &[],
            |at, ProviderDayAsked { provider, day }, ()| async move {
                reconcile::provider_day(at.gateway(), &at.operator, provider, day).await
            },
        ),
        row(
            call::DEAD_QUEUES,
            LOOK,
            "Messages that died on the broker",
            &[],
            |at, (), ()| async move {
                let queues = at.edge.dead_letters.list().await;
                Ok::<_, Failure>(DeadQueues { queues })
            },
        ),
        row(
            call::RETURN_DEAD,
            OPERATE,
            "Put every message of a dead queue back where it died, with the same id",
            &[&problem::ABSENT],
            |at, (), DeadReturn { queue }| async move {
                let messages = at.edge.dead_letters.give_back(queue.clone()).await?;
                let by = &at.operator.name;
                tracing::warn!(operator.name = %by, %queue, messages, "operator.dead_returned");
                Ok::<_, Unfinished<OrderRefusal>>(MessagesMoved { messages })
            },
        ),
        row(
            call::RESEND,
            OPERATE,
            "Send a provider again what it has lost, under the same ids",
            &[],
            |at, (), said: SendAgain| async move {
                let SendAgain { provider, since, because } = said;
                let (gateway, by) = (at.gateway(), &at.operator);
                let messages = resend::resend(gateway, by, provider, since, because).await?;
                Ok::<_, Unfinished<OrderRefusal>>(MessagesMoved { messages })
            },
        ),
    ]
}

/// The pages behind codes, and this API's own document.
fn documents() -> Vec<ApiCall> {
    let document = |path, operation, summary, content| ApiCall {
        method: Method::Get,
        path,
        operation,
        summary,
        parameters: &[],
        asked: None,
        body: None,
        answers: vec![(200, "The document", content)],
        problems: Vec::new(),
        right: Some(LOOK),
        handler: Box::new(|| web::get().to(show)),
    };
    let contract = document("/openapi.json", "getContract", "This contract", BodyContent::Contract);
    let summary = "What a published code or a kind of incident means and what to do";
    vec![
        contract,
        ApiCall {
            parameters: &[Parameter {
                name: "code",
                place: ParameterPlace::Path,
                required: true,
                shape: ("string", None),
                doc: "V101, M101, P413, broker_away …",
            }],
            problems: vec![&problem::ABSENT],
            handler: Box::new(|| web::get().to(page::show)),
            ..document("/problems/{code}", "getProblem", summary, BodyContent::Page)
        },
    ]
}

async fn show() -> Result<HttpResponse, ProblemAnswer> {
    Ok(HttpResponse::Ok().content_type("application/json").body(DOCUMENT.text()))
}

fn status(at: &Asking) -> GatewayStatus {
    let now = at.edge.clock.now();
    let ends = at.edge.trust.ends().into_iter();
    let certificates = ends.map(|end| CertificateEnd {
        days_left: end.days_left(now),
        ends_at: end.at,
        name: end.name,
    });
    GatewayStatus {
        operator: at.operator.name.clone(),
        readiness: internal::readiness(&at.edge),
        certificates: certificates.collect(),
    }
}
