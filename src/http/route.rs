//! The API for forces as one table. The listener and the OpenAPI document are made from it.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route as Handler};

use super::problem::{self, Code, Refused};
use super::{notice, openapi, page, reconciliation, record, referral, whoami};

/// One call of the API.
pub struct Route {
    pub method: Method,
    /// `{name}` stands for a part of the path.
    pub path: &'static str,
    /// Stable name for generated clients.
    pub operation: &'static str,
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    pub body: Option<Content>,
    /// Status, meaning, content.
    pub answers: &'static [(u16, &'static str, Content)],
    /// Beside [`EVERYWHERE`].
    pub problems: &'static [&'static Code],
    handler: fn() -> Handler,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub place: Place,
    pub required: bool,
    /// JSON Schema type and format.
    pub shape: (&'static str, Option<&'static str>),
    pub doc: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Header,
}

/// What a body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A type of `wire::api`, by its name.
    Json(&'static str),
    /// Whatever the force's mapping reads.
    ForceFormat,
    /// The four-part page, also as HTML and text.
    Page,
    /// This document.
    Contract,
    Nothing,
}

/// Any call can be refused with these.
pub const EVERYWHERE: &[&Code] =
    &[&problem::CERTIFICATE, &problem::TOO_MANY, &problem::INTERNAL, &problem::UNAVAILABLE];

/// Which of an identity's forces a call is about.
const FORCE: Parameter = Parameter {
    name: "force",
    place: Place::Query,
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

pub const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/v1/records",
        operation: "postRecords",
        summary: "Hand over records in the force's own format",
        parameters: &[
            Parameter {
                name: "dry_run",
                place: Place::Query,
                required: false,
                shape: ("boolean", None),
                doc: "true: translate and answer, store nothing",
            },
            Parameter {
                name: "mapping",
                place: Place::Query,
                required: false,
                shape: ("string", None),
                doc: "Names the mapping instead of looking for one that fits",
            },
            Parameter {
                name: "Idempotency-Key",
                place: Place::Header,
                required: false,
                shape: ("string", None),
                doc: "Bound to the body by a 202; at most 255 characters",
            },
        ],
        body: Some(Content::ForceFormat),
        answers: &[
            (202, "The gateway has taken one record at least", Content::Json("RecordsAnswer")),
            (200, "A dry run; nothing is stored", Content::Json("RecordsAnswer")),
        ],
        problems: &[
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
        handler: || web::post().to(record::post),
    },
    Route {
        method: Method::Get,
        path: "/v1/referrals/{referral_id}",
        operation: "getReferral",
        summary: "Where a referral is",
        parameters: &[Parameter {
            name: "referral_id",
            place: Place::Path,
            required: true,
            shape: ("string", Some("uuid")),
            doc: "As the 202 gave it",
        }],
        body: None,
        answers: &[(200, "States, flags, holds, notices", Content::Json("ReferralView"))],
        problems: &[&problem::ABSENT],
        handler: || web::get().to(referral::show),
    },
    Route {
        method: Method::Post,
        path: "/v1/referrals/find",
        operation: "findReferral",
        summary: "Where a record is, by the force's own key",
        parameters: &[],
        body: Some(Content::Json("Find")),
        answers: &[(200, "The referral and the open holds", Content::Json("Found"))],
        problems: &[
            &problem::ABSENT,
            &problem::PARAMETER,
            &problem::UNREADABLE,
            &problem::TOO_SLOW,
            &problem::TOO_LARGE,
            &problem::CONTENT_ENCODING,
        ],
        handler: || web::post().to(referral::find),
    },
    Route {
        method: Method::Get,
        path: "/v1/reconciliation",
        operation: "getReconciliation",
        summary: "Everything that arrived on one day, by where it is now",
        parameters: &[
            Parameter {
                name: "day",
                place: Place::Query,
                required: true,
                shape: ("string", Some("date")),
                doc: "A day in Europe/London",
            },
            FORCE,
        ],
        body: None,
        answers: &[(200, "Counts and ids by state", Content::Json("Reconciliation"))],
        problems: &[&problem::PARAMETER, &problem::ABSENT],
        handler: || web::get().to(reconciliation::show),
    },
    Route {
        method: Method::Get,
        path: "/v1/notices",
        operation: "getNotices",
        summary: "What the force is told, in order",
        parameters: &[
            Parameter {
                name: "after",
                place: Place::Query,
                required: false,
                shape: ("integer", Some("int64")),
                doc: "Sequences above this one; 0 for all",
            },
            Parameter {
                name: "limit",
                place: Place::Query,
                required: false,
                shape: ("integer", None),
                doc: "At most so many, and never more than 500",
            },
            Parameter {
                name: "stream",
                place: Place::Query,
                required: false,
                shape: ("string", None),
                doc: "offender, or victim for an identity that may read it; each has its own numbers",
            },
            FORCE,
        ],
        body: None,
        answers: &[(200, PAGE, Content::Json("NoticePage"))],
        problems: &[&problem::PARAMETER, &problem::ABSENT, &problem::FORBIDDEN],
        handler: || web::get().to(notice::list),
    },
    Route {
        method: Method::Get,
        path: "/v1/notices/next",
        operation: "getNextNotice",
        summary: "The first notice that is not taken over, in the force's own format",
        parameters: &[
            Parameter {
                name: "after",
                place: Place::Query,
                required: false,
                shape: ("integer", Some("int64")),
                doc: "Sequences above this one; 0 for all",
            },
            Parameter {
                name: "stream",
                place: Place::Query,
                required: false,
                shape: ("string", None),
                doc: "offender, or victim for an identity that may read it; each has its own numbers",
            },
            FORCE,
        ],
        body: None,
        answers: &[
            (200, LETTER, Content::ForceFormat),
            (204, "None waits that can be written as a letter", Content::Nothing),
        ],
        problems: &[&problem::PARAMETER, &problem::ABSENT, &problem::FORBIDDEN],
        handler: || web::get().to(notice::next),
    },
    Route {
        method: Method::Post,
        path: "/v1/notices/{notice_id}/acknowledge",
        operation: "acknowledgeNotice",
        summary: "The force has taken a notice over; repeating it is harmless",
        parameters: &[Parameter {
            name: "notice_id",
            place: Place::Path,
            required: true,
            shape: ("string", Some("uuid")),
            doc: "As the notice gives it",
        }],
        body: None,
        answers: &[(204, "It is taken over", Content::Nothing)],
        problems: &[&problem::ABSENT],
        handler: || web::post().to(notice::acknowledge),
    },
    Route {
        method: Method::Get,
        path: "/v1/whoami",
        operation: "getWhoami",
        summary: "Whom the certificate stands for",
        parameters: &[],
        body: None,
        answers: &[(200, "Identity, forces, mappings", Content::Json("Whoami"))],
        problems: &[],
        handler: || web::get().to(whoami::show),
    },
    Route {
        method: Method::Get,
        path: "/problems/{code}",
        operation: "getProblem",
        summary: "What a published code means and what to do",
        parameters: &[Parameter {
            name: "code",
            place: Place::Path,
            required: true,
            shape: ("string", None),
            doc: "V101, M101, P413 …",
        }],
        body: None,
        answers: &[(200, "The page in four parts", Content::Page)],
        problems: &[&problem::ABSENT],
        handler: || web::get().to(page::show),
    },
    Route {
        method: Method::Get,
        path: "/openapi.json",
        operation: "getContract",
        summary: "This contract",
        parameters: &[],
        body: None,
        answers: &[(200, "OpenAPI 3.1", Content::Contract)],
        problems: &[],
        handler: || web::get().to(openapi::show),
    },
];

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// Puts every call of the table, and nothing else, on a listener.
pub(in crate::http) fn configure(config: &mut ServiceConfig) {
    for route in ordered() {
        let allow = route.method.name();
        let wrong_method = move || async move {
            let detail = format!("This address answers {allow} only.");
            Err::<HttpResponse, _>(Refused::new(&problem::METHOD, detail))
        };
        let resource = web::resource(route.path).route((route.handler)());
        config.service(resource.default_service(web::route().to(wrong_method)));
    }
    config.default_service(web::route().to(absent));
}

/// Fixed addresses before those with a part that varies: the first that fits is taken.
fn ordered() -> impl Iterator<Item = &'static Route> {
    let fixed = ROUTES.iter().filter(|route| !route.path.contains('{'));
    fixed.chain(ROUTES.iter().filter(|route| route.path.contains('{')))
}

async fn absent() -> Result<HttpResponse, Refused> {
    Err(Refused::new(&problem::ABSENT, "GET /openapi.json names every address."))
}
