//! The API for forces as one table. The listener and the OpenAPI document are made from it.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use cara_wire::api;
use cara_wire::operators::call::Method;

use super::openapi::Document;
use super::problem::{self, Code};
use super::table::{ApiCall, BodyContent, Parameter, ParameterPlace};
use super::{notice, page, reconciliation, record, referral, whoami};

/// Any call can be refused with these.
pub const EVERYWHERE: &[&Code] =
    &[&problem::CERTIFICATE, &problem::TOO_MANY, &problem::INTERNAL, &problem::UNAVAILABLE];

/// Which of an identity's forces a call is about.
const FORCE: Parameter = Parameter {
    name: "force",
    place: ParameterPlace::Query,
    required: false,
    shape: ("string", None),
    doc: "Two digits; needed when the identity stands for several forces",
};

const LETTER: &str = "The letter with the lowest number that nobody has taken over. Notice-Id is the \
    same in every copy: drop by it. Notice-Sequence rises for each force and stream without gap; \
    order is per case, and a higher number may come before a lower one of another case. One that \
    cannot be written is passed, with those of its case (docs/delivery.md)";
const PAGE: &str = "One page, by sequence. A number that is missing between two is in `unreadable`: \
    operators are told, ask for it again later";

pub static ROUTES: LazyLock<Vec<ApiCall>> = LazyLock::new(|| {
    vec![
        ApiCall {
            method: Method::Post,
            path: "/v1/records",
            operation: "postRecords",
            summary: "Hand over records in the force's own format",
            parameters: &[
                Parameter {
                    name: "dry_run",
                    place: ParameterPlace::Query,
                    required: false,
                    shape: ("boolean", None),
                    doc: "true: translate and answer, store nothing",
                },
                Parameter {
                    name: "mapping",
                    place: ParameterPlace::Query,
                    required: false,
                    shape: ("string", None),
                    doc: "Names the mapping instead of looking for one that fits",
                },
                Parameter {
                    name: "Idempotency-Key",
                    place: ParameterPlace::Header,
                    required: false,
                    shape: ("string", None),
                    doc: "Bound to the body by a 202; at most 255 characters",
                },
            ],
            asked: None,
            body: Some(BodyContent::ForceFormat),
            answers: vec![
                (
                    202,
                    "The gateway has taken one record at least",
                    BodyContent::of::<api::RecordsAnswer>(),
                ),
                (200, "A dry run; nothing is stored", BodyContent::of::<api::RecordsAnswer>()),
            ],
            problems: vec![
                &problem::UNREADABLE,
                &problem::PARAMETER,
                &problem::FORBIDDEN,
                &problem::FOREIGN_FORCE,
                &problem::TOO_SLOW,
                &problem::KEY_REUSED,
                &problem::TOO_LARGE,
                &problem::MEDIA_TYPE,
                &problem::CONTENT_ENCODING,
                &problem::AT_FAULT,
                &problem::NO_MAPPING,
                &problem::DAY_FULL,
            ],
            right: None,
            handler: Box::new(|| web::post().to(record::post)),
        },
        ApiCall {
            method: Method::Get,
            path: "/v1/referrals/{referral_id}",
            operation: "getReferral",
            summary: "Where a referral is",
            parameters: &[Parameter {
                name: "referral_id",
                place: ParameterPlace::Path,
                required: true,
                shape: ("string", Some("uuid")),
                doc: "As the 202 gave it",
            }],
            asked: None,
            body: None,
            answers: vec![(
                200,
                "States, flags, holds, notices",
                BodyContent::of::<api::ReferralView>(),
            )],
            problems: vec![&problem::ABSENT],
            right: None,
            handler: Box::new(|| web::get().to(referral::show)),
        },
        ApiCall {
            method: Method::Post,
            path: "/v1/referrals/find",
            operation: "findReferral",
            summary: "Where a record is, by the force's own key",
            parameters: &[],
            asked: None,
            body: Some(BodyContent::of::<api::Find>()),
            answers: vec![(
                200,
                "The referral and the open holds",
                BodyContent::of::<api::FindAnswer>(),
            )],
            problems: vec![
                &problem::ABSENT,
                &problem::PARAMETER,
                &problem::UNREADABLE,
                &problem::TOO_SLOW,
                &problem::TOO_LARGE,
                &problem::CONTENT_ENCODING,
            ],
            right: None,
            handler: Box::new(|| web::post().to(referral::find)),
        },
        ApiCall {
            method: Method::Get,
            path: "/v1/reconciliation",
            operation: "getReconciliation",
            summary: "Everything that arrived on one day, by where it is now",
            parameters: &[
                Parameter {
                    name: "day",
                    place: ParameterPlace::Query,
                    required: true,
                    shape: ("string", Some("date")),
                    doc: "A day in Europe/London",
                },
                FORCE,
            ],
            asked: None,
            body: None,
            answers: vec![(
                200,
                "Counts and ids by state",
                BodyContent::of::<api::Reconciliation>(),
            )],
            problems: vec![&problem::PARAMETER, &problem::ABSENT],
            right: None,
            handler: Box::new(|| web::get().to(reconciliation::show)),
        },
        ApiCall {
            method: Method::Get,
            path: "/v1/notices",
            operation: "getNotices",
            summary: "What the force is told, in order",
            parameters: &[
                Parameter {
                    name: "after",
                    place: ParameterPlace::Query,
                    required: false,
                    shape: ("integer", Some("int64")),
                    doc: "Sequences above this one; 0 for all",
                },
                Parameter {
                    name: "limit",
                    place: ParameterPlace::Query,
                    required: false,
                    shape: ("integer", None),
                    doc: "At most so many, and never more than 500",
                },
                Parameter {
                    name: "stream",
                    place: ParameterPlace::Query,
                    required: false,
                    shape: ("string", None),
                    doc: "offender, or victim for an identity that may read it; each has its own numbers",
                },
                FORCE,
            ],
            asked: None,
            body: None,
            answers: vec![(200, PAGE, BodyContent::of::<api::NoticePage>())],
            problems: vec![&problem::PARAMETER, &problem::ABSENT, &problem::FORBIDDEN],
            right: None,
            handler: Box::new(|| web::get().to(notice::list)),
        },
        ApiCall {
            method: Method::Get,
            path: "/v1/notices/next",
            operation: "getNextNotice",
            summary: "The first notice that is not taken over, in the force's own format",
            parameters: &[
                Parameter {
                    name: "after",
                    place: ParameterPlace::Query,
                    required: false,
                    shape: ("integer", Some("int64")),
                    doc: "Sequences above this one; 0 for all",
                },
                Parameter {
                    name: "stream",
                    place: ParameterPlace::Query,
                    required: false,
                    shape: ("string", None),
                    doc: "offender, or victim for an identity that may read it; each has its own numbers",
                },
                FORCE,
            ],
            asked: None,
            body: None,
            answers: vec![
                (200, LETTER, BodyContent::ForceFormat),
                (204, "None waits that can be written as a letter", BodyContent::Nothing),
            ],
            problems: vec![&problem::PARAMETER, &problem::ABSENT, &problem::FORBIDDEN],
            right: None,
            handler: Box::new(|| web::get().to(notice::next)),
        },
        ApiCall {
            method: Method::Post,
            path: "/v1/notices/{notice_id}/acknowledge",
            operation: "acknowledgeNotice",
            summary: "The force has taken a notice over; repeating it is harmless",
            parameters: &[Parameter {
                name: "notice_id",
                place: ParameterPlace::Path,
                required: true,
                shape: ("string", Some("uuid")),
                doc: "As the notice gives it",
            }],
            asked: None,
            body: None,
            answers: vec![(204, "It is taken over", BodyContent::Nothing)],
            problems: vec![&problem::ABSENT],
            right: None,
            handler: Box::new(|| web::post().to(notice::acknowledge)),
        },
        ApiCall {
            method: Method::Get,
            path: "/v1/whoami",
            operation: "getWhoami",
            summary: "Whom the certificate stands for",
            parameters: &[],
            asked: None,
            body: None,
            answers: vec![(200, "Identity, forces, mappings", BodyContent::of::<api::Whoami>())],
            problems: vec![],
            right: None,
            handler: Box::new(|| web::get().to(whoami::show)),
        },
        ApiCall {
            method: Method::Get,
            path: "/problems/{code}",
            operation: "getProblem",
            summary: "What a published code means and what to do",
            parameters: &[Parameter {
                name: "code",
                place: ParameterPlace::Path,
                required: true,
                shape: ("string", None),
                doc: "V101, M101, P413 …",
            }],
            asked: None,
            body: None,
            answers: vec![(200, "The page in four parts", BodyContent::Page)],
            problems: vec![&problem::ABSENT],
            right: None,
            handler: Box::new(|| web::get().to(page::show)),
        },
        ApiCall {
            method: Method::Get,
            path: "/openapi.json",
            operation: "getContract",
            summary: "This contract",
            parameters: &[],
            asked: None,
            body: None,
            answers: vec![(200, "OpenAPI 3.1", BodyContent::Contract)],
            problems: vec![],
            right: None,
            handler: Box::new(|| web::get().to(show)),
        },
    ]
});

/// The document of the API for forces, committed as `docs/openapi.json`.
pub static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document {
    title: "CARA gateway: API for forces",
    description: "HTTP/1.1 over TLS 1.3 with a client certificate. A 202 means that the record can \
                  no longer be lost.",
    security: Some(("certificate", "mutualTLS")),
    everywhere: EVERYWHERE,
    calls: &ROUTES,
});

async fn show() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.text())
}
