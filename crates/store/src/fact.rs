//! Every fact of the audit, each with its constructor: nothing else can make one. `docs/audit.md`
//! is written from the same table.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who did it, where no person and no other system did.
pub const GATEWAY: &str = "gateway";

/// A fact for the audit chain (DPA 2018 s62): ids, codes, times and digests only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    operation: Operation,
    /// Who did it: an identity's name, an operator's user name, a provider's slug, or [`GATEWAY`].
    by: String,
    at: Timestamp,
    about: String,
    /// Recipient of a disclosure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    to: Option<String>,
    /// Short code or reason given by a person: never a value from a record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
}

/// The six operations of DPA 2018 s62(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Collection,
    Alteration,
    Consultation,
    Disclosure,
    Combination,
    Erasure,
}

impl Operation {
    pub fn name(self) -> &'static str {
        match self {
            Operation::Collection => "collection",
            Operation::Alteration => "alteration",
            Operation::Consultation => "consultation",
            Operation::Disclosure => "disclosure",
            Operation::Combination => "combination",
            Operation::Erasure => "erasure",
        }
    }
}

/// What may be said of one kind of fact; `{…}` stands for what a fact of it fills in.
#[derive(Debug)]
pub struct FactKind {
    pub name: &'static str,
    pub operation: Operation,
    /// What happened.
    pub meaning: &'static str,
    pub by: &'static str,
    pub about: &'static str,
    pub to: Option<&'static str>,
    pub note: Option<&'static str>,
}

macro_rules! facts {
    ($( $(#[doc = $meaning:literal])+
        $operation:ident $name:ident($($given:ident: $type:ty),*)
        by $by:literal about $about:literal $(to $to:literal)? $(note $note:literal)?; )*) => {
        impl Fact {
            $(
                $(#[doc = $meaning])+
                pub fn $name(by: &str, at: Timestamp, $($given: $type),*) -> Fact {
                    Fact {
                        operation: Operation::$operation,
                        by: by.to_owned(),
                        at,
                        about: format!($about),
                        to: facts!(@filled $($to)?),
                        note: facts!(@filled $($note)?),
                    }
                }
            )*
        }

        /// Every kind of fact.
        pub const FACTS: &[FactKind] = &[$( FactKind {
            name: stringify!($name),
            operation: Operation::$operation,
            meaning: concat!($($meaning),+),
            by: $by,
            about: $about,
            to: facts!(@said $($to)?),
            note: facts!(@said $($note)?),
        } ),*];
    };
    (@filled) => { None };
    (@filled $text:literal) => { Some(format!($text)) };
    (@said) => { None };
    (@said $text:literal) => { Some($text) };
}

facts! {
    /// A record opened a case.
    Collection case_opened(referral_id: Uuid, revision: u32)
        by "identity or operator" about "{referral_id}/{revision}";
    /// A record amended a case or took it back.
    Alteration case_amended(referral_id: Uuid, revision: u32)
        by "identity or operator" about "{referral_id}/{revision}";
    /// A record is held.
    Collection record_held(hold_id: Uuid)
        by "identity or operator" about "hold {hold_id}";
    /// A force took back a record that was only held.
    Alteration held_record_withdrawn(entry_id: Uuid)
        by "identity or operator" about "withdrawal {entry_id}";
    /// A good record of the case ended this hold.
    Alteration hold_superseded(hold_id: Uuid)
        by "identity or operator" about "hold {hold_id} superseded";
    /// A withdrawal of the case ended this hold.
    Alteration hold_withdrawn(hold_id: Uuid)
        by "identity or operator" about "hold {hold_id} withdrawn";
    /// An operator let a held record go on.
    Alteration hold_released(hold_id: Uuid, because: &str)
        by "operator" about "hold {hold_id} released" note "{because}";
    /// An operator put one field of a held record right, and it went on.
    Alteration hold_corrected(hold_id: Uuid, field: &str, because: &str)
        by "operator" about "hold {hold_id} corrected {field}" note "{because}";
    /// An operator asked for a correction that needs a second operator.
    Alteration correction_asked(hold_id: Uuid, field: &str, because: &str)
        by "operator" about "hold {hold_id} correction of {field} waits for a second operator"
        note "{because}";
    /// An operator gave a held record back to its force.
    Alteration hold_returned(hold_id: Uuid, force: &str, because: &str)
        by "operator" about "hold {hold_id} returned" to "{force}" note "{because}";
    /// A decision of police was taken.
    Collection decision_taken(decision_id: Uuid, decided: &str, referral_id: Uuid, caution: &str)
        by "identity or operator" about "decision {decision_id} {decided}"
        note "referral {referral_id} is {caution}";
    /// An outcome from a provider was taken.
    Collection outcome_taken(outcome_id: Uuid, kind: &str, referral_id: Uuid, programme: &str)
        by "provider's broker user" about "outcome {outcome_id} {kind}"
        note "referral {referral_id} is {programme}";
    /// An outcome was rejected.
    Collection outcome_rejected(outcome_id: Uuid, codes: &str)
        by "provider" about "rejected outcome {outcome_id}" note "{codes}";
    /// A message that names no outcome was rejected.
    Collection message_rejected(codes: &str)
        by "provider" about "rejected outcome without an id" note "{codes}";
    /// Several outcomes of one side were rejected together.
    Collection outcomes_rejected(count: usize, side: &str, codes: &str)
        by "provider" about "{count} rejected outcomes ({side} side)" note "{codes}";
    /// What a provider says of a day was compared with what is stored.
    Combination day_reconciled(provider: &str, day: Date, there: usize, here: usize)
        by "provider's broker user" about "reconciliation of {provider} for {day}"
        note "{there} missing there, {here} missing here";
    /// The broker has confirmed a message of a revision.
    Disclosure revision_sent(referral_id: Uuid, revision: u32, kind: &str, provider: &str)
        by "gateway" about "{referral_id}/{revision} {kind}" to "{provider}";
    /// The broker has confirmed a message that no revision carries.
    Disclosure message_sent(referral_id: Uuid, kind: &str, provider: &str)
        by "gateway" about "{referral_id} {kind}" to "{provider}";
    /// An operator had everything sent again that was confirmed in a time.
    Disclosure sent_again(provider: &str, since: Timestamp, until: Timestamp, because: &str)
        by "operator" about "everything confirmed from {since} to {until}, again"
        to "{provider}" note "{because}";
    /// A force has taken a notice over.
    Disclosure notice_taken_over(notice_id: Uuid, kind: &str, identity: &str)
        by "gateway" about "notice {notice_id} {kind}" to "{identity}";
    /// A letter has arrived at its force's endpoint.
    Disclosure letter_arrived(notice_id: Uuid, force: &str)
        by "gateway" about "notice {notice_id}" to "endpoint of {force}";
    /// A letter has arrived, and the endpoint has taken its notice over.
    Disclosure letter_taken_over(notice_id: Uuid, force: &str)
        by "gateway" about "notice {notice_id}" to "endpoint of {force}" note "taken over";
    /// An operator stopped the pushing of a letter.
    Alteration letter_cancelled(notice_id: Uuid, because: &str)
        by "operator" about "letter {notice_id} is pushed no more" note "{because}";
    /// An operator had a letter pushed again.
    Alteration letter_resent(notice_id: Uuid, because: &str)
        by "operator" about "letter {notice_id} is pushed again" note "{because}";
    /// An operator paused the pushing to a force.
    Alteration delivery_paused(force: &str, because: &str)
        by "operator" about "delivery to {force} paused" note "{because}";
    /// An operator resumed the pushing to a force.
    Alteration delivery_resumed(force: &str, because: &str)
        by "operator" about "delivery to {force} resumed" note "{because}";
    /// A version of a mapping went live.
    Alteration mapping_live(force: &str, name: &str, version: u32, because: &str)
        by "operator or gateway" about "mapping {force}/{name} version {version}" note "{because}";
    /// An operator said that the clock is right.
    Alteration clock_accepted(because: &str)
        by "operator" about "clock accepted" note "{because}";
    /// A referral was looked at.
    Consultation referral_read(referral_id: Uuid)
        by "identity" about "{referral_id}";
    /// A force's notices were listed.
    Consultation notices_read(first: u64, last: u64, force: &str)
        by "identity" about "notices {first}..{last} of {force}";
    /// A force's notices that concern victims were listed.
    Consultation victim_notices_read(first: u64, last: u64, force: &str)
        by "identity" about "victim notices {first}..{last} of {force}";
    /// A notice was fetched as a letter.
    Consultation letter_fetched(notice_id: Uuid, kind: &str)
        by "identity" about "notice {notice_id} {kind}";
    /// An operator looked at where a letter is.
    Consultation letter_read(notice_id: Uuid)
        by "operator" about "letter {notice_id}";
    /// An operator listed holds.
    Consultation holds_read()
        by "operator" about "hold list";
    /// An operator listed holds by what they wait for.
    Consultation hold_causes_read()
        by "operator" about "hold list by cause";
    /// An operator looked for holds that wait for the same reason.
    Consultation holds_alike_read(hold_id: Uuid)
        by "operator" about "holds like {hold_id}";
    /// An operator looked at a hold, without its record.
    Consultation hold_read(hold_id: Uuid)
        by "operator" about "hold {hold_id}";
    /// An operator read a held record.
    Consultation held_record_read(hold_id: Uuid, because: &str)
        by "operator" about "hold {hold_id} unmasked" note "{because}";
    /// A held record was read again, to be released.
    Consultation release_tried(hold_id: Uuid, because: &str)
        by "operator" about "hold {hold_id} release" note "{because}";
    /// A held record was read again, to be released with one field put right.
    Consultation correction_tried(hold_id: Uuid, field: &str, because: &str)
        by "operator" about "hold {hold_id} correct {field}" note "{because}";
    /// An operator looked at a force's or a provider's day.
    Consultation day_read(whose: &str, day: Date)
        by "operator" about "reconciliation {whose} {day}";
    /// A mapping was tried on kept records.
    Consultation mapping_tried(records: u64, force: &str, name: &str)
        by "operator" about "{records} kept records of {force}/{name} tried";
    /// A mapping was tried on kept records, and values of these were shown.
    Consultation tried_values_shown(force: &str, name: &str, ids: &str, because: &str)
        by "operator" about "mapping {force}/{name} tried, values shown of {ids}"
        note "{because}";
    /// A mapping that went live was tried on open holds.
    Consultation holds_tried(count: usize, force: &str, name: &str)
        by "operator" about "{count} open holds of {force}/{name} tried";
}

impl Fact {
    /// For the contract's tests, which mean nothing by it.
    #[cfg(feature = "contract")]
    pub fn of_contract(operation: Operation, at: Timestamp, about: &str, to: Option<&str>) -> Fact {
        let (by, to) = ("hampshire-records".to_owned(), to.map(str::to_owned));
        Fact { operation, by, at, about: about.to_owned(), to, note: None }
    }

    #[cfg(feature = "contract")]
    pub fn to(&self) -> Option<&str> {
        self.to.as_deref()
    }

    pub fn operation(&self) -> Operation {
        self.operation
    }

    pub fn by(&self) -> &str {
        &self.by
    }

    pub fn about(&self) -> &str {
        &self.about
    }
}

/// The table of `docs/audit.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Facts of the audit\n\n\
         Each fact is a link of the audit chain, with its time, and what it says (DPA 2018 s62). Ids, \
         codes, counts and reasons that persons gave; never a value from a record. `{…}` is filled \
         in. This page is written from `crates/store/src/fact.rs` (`CARA_WRITE=1 cargo test -p \
         cara-store`).\n\n\
         | fact | operation | what happened | by | about | to | note |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for kind in FACTS {
        let code = |text: Option<&str>| text.map_or(String::new(), |text| format!("`{text}`"));
        text.push_str(&format!(
            "| `{}` | {} |{} | {} | `{}` | {} | {} |\n",
            kind.name,
            kind.operation.name(),
            kind.meaning,
            kind.by,
            kind.about,
            code(kind.to),
            code(kind.note),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_fact() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md");
        let made = document();
        if std::env::var_os("CARA_WRITE").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        let read = std::fs::read_to_string(path).unwrap_or_default();
        assert!(read == made, "docs/audit.md is another; CARA_WRITE=1 renews it");
    }

    #[test]
    fn a_fact_says_what_its_kind_says() {
        let id = Uuid::nil();
        let fact = Fact::hold_corrected("ann", Timestamp::UNIX_EPOCH, id, "offender.sex", "seen");
        assert_eq!((fact.operation(), fact.by()), (Operation::Alteration, "ann"));
        assert_eq!(fact.about(), format!("hold {id} corrected offender.sex"));
        assert_eq!((fact.to, fact.note.as_deref()), (None, Some("seen")));
    }
}
