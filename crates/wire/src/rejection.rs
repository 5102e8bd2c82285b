//! Why an outcome could not be applied: published codes, append-only, each with its page, and the
//! message that goes back to the provider. It names members and codes, never a value.

use cara_domain::Compartment;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A published code with its page.
#[derive(Debug, PartialEq, Eq)]
pub struct RejectionCode {
    /// `O101`; never reused.
    pub id: &'static str,
    pub name: &'static str,
    pub means: &'static str,
    pub cause: &'static str,
    pub fix: &'static str,
    pub avoid: &'static str,
}

macro_rules! codes {
    ($( $constant:ident $id:literal $name:literal
        means $means:literal cause $cause:literal fix $fix:literal avoid $avoid:literal; )*) => {
        $( pub static $constant: RejectionCode = RejectionCode {
            id: $id, name: $name, means: $means, cause: $cause, fix: $fix, avoid: $avoid,
        }; )*
        /// Every code of a rejected outcome.
        pub static ALL: &[&RejectionCode] = &[$( &$constant ),*];
    };
}

codes! {
    UNREADABLE "O101" "unreadable"
        means "The message is no CloudEvents 1.0 JSON object in structured mode. Nothing was taken from it."
        cause "A cut-off body, another encoding than UTF-8, or the bare outcome without its envelope."
        fix "Send the outcome again in an envelope with specversion 1.0, id, type, source and data."
        avoid "Write messages with a CloudEvents library, and try new code against the sandbox.";
    TOO_LARGE "O102" "too_large"
        means "The message is over 16 KiB, ten times the longest outcome. It was not read."
        cause "Case notes or a document put into an outcome."
        fix "Send the coded outcome alone."
        avoid "Keep notes in your own system: only facts cross.";
    WRONG_TYPE "O103" "wrong_type"
        means "The envelope's type is not the one of this exchange: uk.cara.outcome.v1 on the offender's side, uk.cara.victim_outcome.v1 on the victim's."
        cause "A message published to the other side's exchange, or a new version that this gateway does not know."
        fix "Publish it to the exchange of its side with the right type."
        avoid "Keep the two sides' users and exchanges in separate settings.";
    UNKNOWN_KIND "O104" "unknown_kind"
        means "The kind is none that this side reports."
        cause "A typing mistake, or a kind of the other side."
        fix "Use a kind that the published JSON Schema lists."
        avoid "Check messages against the JSON Schema before they are published.";
    MISSING "O105" "missing"
        means "A member that this kind needs is not there."
        cause "A field left empty in the source system."
        fix "Send the outcome again with the member that is named."
        avoid "Check messages against the JSON Schema before they are published.";
    MALFORMED "O106" "malformed"
        means "A member is there and is not as described: another type, a code that is not listed, a day that is none, an id that differs from the envelope's."
        cause "A date with a time, a number sent as text, a code of another list."
        fix "Correct the member that is named and send the outcome again under the same id."
        avoid "Check messages against the JSON Schema before they are published.";
    WRONG_SPEAKER "O107" "wrong_speaker"
        means "The message does not carry the broker user who may speak on this exchange as its user_id."
        cause "A client that does not set user_id, or another user's connection."
        fix "Set the property user_id to the user that the connection logged in with."
        avoid "Set it once where the client is made: the broker checks it.";
    UNKNOWN_REFERRAL "O201" "unknown_referral"
        means "There is no such referral for this provider. Another provider's looks the same."
        cause "A mistyped id, a case of another system, or live and test data mixed."
        fix "Send the outcome again with the referral_id that the referral message carried."
        avoid "Keep the referral_id with the case and never type it.";
    BEFORE_CAUTION "O202" "before_caution"
        means "It is said to have happened before the caution was given."
        cause "A wrong year, or an outcome of an earlier case."
        fix "Correct happened_on, or the day in the outcome, and send it again."
        avoid "Let the source system fill days by itself.";
    IN_FUTURE "O203" "in_future"
        means "It is said to have happened after today in Europe/London. Bookings may lie ahead; what happened may not."
        cause "A wrong year, or a workshop marked before it took place."
        fix "Send it again once it has happened, or with the right day."
        avoid "Send an outcome when it is recorded, not when it is planned.";
    REVISION_AHEAD "O204" "revision_ahead"
        means "It names a revision of the referral that was never sent."
        cause "A counter of the provider's own in the place of the referral's revision."
        fix "Put the revision of the newest referral message that was read into revision_seen."
        avoid "Copy revision_seen from the message.";
    NUMBER_TAKEN "O205" "number_taken"
        means "Another outcome of this referral and side has this number already. It stands; this one changes nothing."
        cause "Two workers that number outcomes by themselves, or a restored backup."
        fix "Send it with the next free number."
        avoid "Draw numbers in the transaction that stores the outcome.";
    ID_REUSED "O206" "id_reused"
        means "An outcome with this id and another content was taken before. That one stands."
        cause "An outcome edited after it was sent."
        fix "Send a correction that supersedes the first, and the right outcome under a new id."
        avoid "Never change an outcome that was sent.";
    CONTRADICTION "O207" "contradiction"
        means "It does not fit what was reported before: the programme has ended, or is not in a state in which this can happen. It is kept, changes nothing, and a person looks."
        cause "A missed message of the provider's own, or an outcome for the wrong case."
        fix "Report what is missing under the next numbers, or take a wrong outcome back with a correction."
        avoid "Report every booking, attendance and miss as it happens.";
    UNKNOWN_SUPERSEDES "O208" "unknown_supersedes"
        means "The correction names no earlier outcome of this referral and side."
        cause "An outcome that was rejected, or one of another case."
        fix "Name the outcome_id of the outcome that is taken back; one that was rejected needs no correction."
        avoid "Keep the outcome_id with what was reported.";
    TOO_MANY "O209" "too_many"
        means "This side of the referral has 200 outcomes already; an honest programme has a tenth of that. Nothing more is taken for it."
        cause "A loop that reports the same thing again under new ids."
        fix "Stop the loop, and ask the gateway's operators."
        avoid "Give an outcome its id once, and send it unchanged until the broker confirms it.";
}

impl RejectionCode {
    pub fn find(id: &str) -> Option<&'static RejectionCode> {
        ALL.iter().copied().find(|code| code.id == id)
    }
}

/// The CloudEvents type of rejections on this side.
pub const fn type_name(side: Compartment) -> &'static str {
    match side {
        Compartment::Offender => "uk.cara.outcome.rejected.v1",
        Compartment::Victim => "uk.cara.victim_outcome.rejected.v1",
    }
}

/// One thing wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFault {
    pub code: &'static RejectionCode,
    /// The member that it is about: `data.part`. Never its value.
    pub member: String,
}

/// The message on the provider's rejected queue.
#[derive(Clone, Debug)]
pub struct Rejection {
    pub side: Compartment,
    pub provider: String,
    /// The same for every copy of one answer; the provider drops ids that it has seen.
    pub id: Uuid,
    pub at: jiff::Timestamp,
    /// The message id of what is rejected, where it had one.
    pub message_id: Option<Uuid>,
    pub outcome_id: Option<Uuid>,
    pub referral_id: Option<Uuid>,
    pub faults: Vec<MessageFault>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: Uuid,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    time: jiff::Timestamp,
    datacontenttype: &'static str,
    data: RejectionContent<'a>,
}

/// What could not be applied, and why.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Said")]
pub(super) struct RejectionContent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referral_id: Option<Uuid>,
    problems: Vec<Problem<'a>>,
}

/// One thing wrong, with what to do about it.
#[derive(Serialize, JsonSchema)]
struct Problem<'a> {
    /// `O105`; its page is `GET /problems/O105`.
    code: &'static str,
    name: &'static str,
    /// The member that it is about: `data.part`. Never its value.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schemars(with = "Option<String>")]
    member: &'a str,
    means: &'static str,
    cause: &'static str,
    fix: &'static str,
    avoid: &'static str,
}

impl Rejection {
    /// `harbour.outcome.rejected`
    pub fn routing_key(&self) -> String {
        format!("{}.outcome.rejected", self.provider)
    }

    pub fn type_name(&self) -> &'static str {
        type_name(self.side)
    }

    /// The structured-mode JSON.
    pub fn body(&self) -> Vec<u8> {
        let problems = self.faults.iter().map(|fault| Problem {
            code: fault.code.id,
            name: fault.code.name,
            member: &fault.member,
            means: fault.code.means,
            cause: fault.code.cause,
            fix: fault.code.fix,
            avoid: fault.code.avoid,
        });
        let envelope = Envelope {
            specversion: "1.0",
            id: self.id,
            source: "/gateway",
            kind: self.type_name(),
            time: self.at,
            datacontenttype: "application/json",
            data: RejectionContent {
                message_id: self.message_id,
                outcome_id: self.outcome_id,
                referral_id: self.referral_id,
                problems: problems.collect(),
            },
        };
        match serde_json::to_vec(&envelope) {
            Ok(body) => body,
            Err(_) => unreachable!("a rejection has text keys and goes into memory"),
        }
    }
}
