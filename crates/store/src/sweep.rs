//! What clocks look at and what they write: notices that no outcome caused, incidents, e-mail,
//! pushes to forces, and what providers say of a day.

use cara_domain::Compartment;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::outcome::{About, NewNotice};
use super::push::PushFailed;
use super::row::{Cause, ForceCode, MappingRef};
use cara_vault::{Digest, Raw, Sealed, WrappedKeys};

/// What clocks look at of one case: clear columns only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseClock {
    pub referral_id: Uuid,
    pub force: ForceCode,
    pub provider: String,
    pub test_data: bool,
    /// When the first revision was received.
    pub received_at: Timestamp,
    /// When the first revision's message to the offender's side was confirmed.
    pub sent_at: Option<Timestamp>,
    /// As police sent it last, or as they varied it.
    pub deadline: Option<Date>,
    /// The state's name; `sent` before the first outcome.
    pub programme: String,
    pub caution: String,
    pub booked_on: Option<Date>,
    /// Kind and cause of the notices that clocks have made of it.
    pub told: Vec<(String, Uuid)>,
}

/// A chunk of the walk over all cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasePage {
    pub cases: Vec<CaseClock>,
    /// Where the walk goes on; none at its end.
    pub next: Option<i64>,
}

/// What a person has to know of, as the store sees it now. Counts are never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// Open holds by force.
    pub holds_open: Vec<(ForceCode, u64)>,
    /// Referrals with a number missing for too long.
    pub gaps: Vec<Uuid>,
    /// Recalls that the provider has not confirmed.
    pub recalls: Vec<Uuid>,
    /// Messages whose other half was confirmed too long ago, by provider.
    pub pairs: Vec<(String, u64)>,
    /// Safeguarding concerns that nobody has taken over, however new, by force.
    pub concerns: Vec<(ForceCode, u64)>,
    /// Urgent notices that nobody has taken over, by force.
    pub not_collected: Vec<(ForceCode, u64)>,
    /// Those of them of which no e-mail was written yet.
    pub unmailed: Vec<Uuid>,
    /// Days on which a provider's counts and ours differ.
    pub reconciliation: Vec<(String, Date)>,
}

/// The moments before which something is late.
#[derive(Clone, Copy, Debug)]
pub struct LateBefore {
    pub gap: Timestamp,
    pub recall: Timestamp,
    pub pair: Timestamp,
    pub urgent: Timestamp,
}

/// Something that an operator has to know of until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub incident_id: Uuid,
    /// `hold_open`, `outcome_gap` …
    pub kind: String,
    /// A force's code, a provider's slug or a referral's id.
    pub about: String,
    pub count: u64,
    pub opened_at: Timestamp,
    /// When it was said last.
    pub told_at: Timestamp,
}

/// When the sweep ran last, and whether it has stopped because the clock cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    pub seen_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
}

/// An e-mail that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Also its Message-ID: the same for every try.
    pub mail_id: Uuid,
    pub about: MailAbout,
    pub attempts: u32,
    pub made_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailAbout {
    /// To the operators; `opened`, `open` or `closed`.
    Incident { incident: Incident, stage: String, is_closed: bool },
    /// To the notice's compliance inbox.
    Notice(Uuid),
}

/// An endpoint to which nothing is pushed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    pub force: ForceCode,
    pub at: Timestamp,
    /// An operator's name, or `gateway`.
    pub by: String,
    pub because: String,
}

/// What a sweep or a delivery writes; each `Conflict` unless things are as it expects.
#[derive(Debug)]
pub enum Tend {
    /// The sweep ran, or stopped: the clock cannot be right.
    Seen {
        at: Timestamp,
        stopped: bool,
    },
    /// An operator says that the clock is right.
    AcceptClock {
        at: Timestamp,
    },
    /// A notice that a clock made. `facts` of the case it was made from; a hold must be open.
    Notice {
        about: About,
        facts: u32,
        notice: NewNotice,
    },
    OpenIncident {
        incident: Incident,
        mail: Option<Uuid>,
    },
    /// Still open; said again when there is a `mail` or `told` is set.
    Incident {
        incident_id: Uuid,
        count: u64,
        told: Option<Timestamp>,
        mail: Option<Uuid>,
    },
    CloseIncident {
        incident_id: Uuid,
        at: Timestamp,
        mail: Option<Uuid>,
    },
    /// Nobody has taken the notice over: its inbox gets an e-mail, once.
    MailNotice {
        notice_id: Uuid,
        mail_id: Uuid,
        at: Timestamp,
    },
    MailSent {
        mail_id: Uuid,
        at: Timestamp,
    },
    MailAgain {
        mail_id: Uuid,
        not_before: Timestamp,
    },
    MailDead {
        mail_id: Uuid,
        reason: &'static str,
    },
    /// The force's endpoint has the letter; with `taken_over` it said so.
    Delivered {
        notice_id: Uuid,
        at: Timestamp,
        taken_over: bool,
    },
    /// A try that failed. `reason` is a code of ours.
    PushAgain {
        notice_id: Uuid,
        at: Timestamp,
        not_before: Timestamp,
        failed: PushFailed,
    },
    /// Letters that wait to be tried again need not.
    PushNow {
        force: ForceCode,
    },
    /// An operator wants this letter pushed now, as if it never had been.
    PushAnew {
        notice_id: Uuid,
    },
    /// An operator wants it pushed no more; the notice stays.
    CancelPush {
        notice_id: Uuid,
        at: Timestamp,
    },
    /// Nothing gets through to the force's endpoint.
    EndpointFails {
        force: ForceCode,
        at: Timestamp,
        reason: &'static str,
    },
    Pause(Paused),
    Resume {
        force: ForceCode,
    },
    /// A mapping waits for a second operator; it replaces one that waited before.
    PendPlan(PendingPlan),
    /// An open hold was tried in vain: what stops it now, and by which version.
    HeldAgain(Box<HeldAgain>),
    /// A correction waits for a second operator; it replaces one that waited for the same hold.
    PendCorrection(PendingCorrection),
    /// What a provider says of a day, compared; it replaces what it said before.
    Reconciled(Reconciled),
}

/// A mapping that one operator wants to go live and that another has to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingPlan {
    pub force: ForceCode,
    pub name: String,
    pub sha256: String,
    pub by: String,
    pub at: Timestamp,
    pub because: String,
}

/// What stops an open hold after it was tried again.
#[derive(Debug)]
pub struct HeldAgain {
    pub hold_id: Uuid,
    pub causes: Vec<Cause>,
    pub mapping: MappingRef,
    /// As of [`super::NewHold`].
    pub unlisted: Option<Sealed<Raw>>,
}

/// A correction of an open hold that one operator wants and that another has to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCorrection {
    pub hold_id: Uuid,
    /// `offender.phones`
    pub field: String,
    /// Keyed hash of field and value: the value itself is nowhere.
    pub digest: Digest,
    pub by: String,
    pub at: Timestamp,
    pub because: String,
}

/// Which version of which mapping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanNumber {
    pub force: ForceCode,
    /// `referral`
    pub name: String,
    pub version: u32,
}

/// Where a walk over kept records, the newest first, goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptPlace {
    pub received_day: Date,
    pub revision_row: i64,
}

/// A record as it was kept, with the revision that was made of it.
#[derive(Debug)]
pub struct KeptRaw {
    pub place: KeptPlace,
    pub received_at: Timestamp,
    pub referral_id: Uuid,
    pub revision: u32,
    pub keys: WrappedKeys,
    pub raw: Sealed<Raw>,
}

/// What a provider's side says of a day, compared with what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    pub provider: String,
    pub side: Compartment,
    pub day: Date,
    pub at: Timestamp,
    /// Outcomes that the provider says it reported and that are not here.
    pub missing_here: Vec<Uuid>,
    /// Messages that were sent and that the provider says it has not got.
    pub missing_there: Vec<Uuid>,
}
