//! What can be wrong with a draft, or worth a look: published codes, append-only.
//!
//! A finding names code, field and source path. It never holds a value of the record.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::origin::Origin;

/// What a finding does to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Worth a look; the case goes on.
    Flag,
    /// Stops the record until ops clear it; the force did nothing wrong.
    Hold,
    /// The force must mend it.
    Violation,
}

/// One thing found in a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub code: FindingCode,
    /// Dotted, with a 1-based number for a group: `offences[2].cjs_code`. Empty: the whole record.
    pub field: Cow<'static, str>,
    /// Where in the record, as the mapping names it.
    pub origin: Option<Origin>,
    /// Line of the body, 1-based, where the reader knows it.
    pub line: Option<u32>,
    /// The check letter that would be right, for a wrong one.
    pub expected_letter: Option<char>,
    /// The name of the mapping's lookup or rule that made it.
    pub named: Option<std::sync::Arc<str>>,
}

impl Finding {
    pub fn new(code: FindingCode, field: impl Into<Cow<'static, str>>) -> Self {
        Finding {
            code,
            field: field.into(),
            origin: None,
            line: None,
            expected_letter: None,
            named: None,
        }
    }

    pub fn at(mut self, origin: Option<Origin>, line: Option<u32>) -> Self {
        self.origin = origin;
        self.line = line;
        self
    }
}

/// The page behind a code: what it means, usual cause, how to fix it, how to avoid it.
#[derive(Debug)]
pub struct FindingPage {
    /// `V101`; never reused.
    pub id: &'static str,
    /// `missing`; what JSON, SQL and logs carry beside the id.
    pub name: &'static str,
    pub kind: FindingKind,
    pub means: &'static str,
    pub cause: &'static str,
    pub fix: &'static str,
    pub avoid: &'static str,
}

/// A published code: an index into [`PAGES`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FindingCode(u16);

impl FindingCode {
    pub fn page(self) -> &'static FindingPage {
        &PAGES[self.0 as usize]
    }
    pub fn id(self) -> &'static str {
        self.page().id
    }
    pub fn name(self) -> &'static str {
        self.page().name
    }
    pub fn kind(self) -> FindingKind {
        self.page().kind
    }
    pub fn all() -> impl Iterator<Item = FindingCode> {
        (0..PAGES.len()).map(|index| FindingCode(index as u16))
    }
    /// The code with this id (`V101`) or name (`missing`).
    pub fn find(text: &str) -> Option<FindingCode> {
        FindingCode::all().find(|code| code.id() == text || code.name() == text)
    }
}

impl std::fmt::Debug for FindingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id(), self.name())
    }
}

macro_rules! codes {
    ($( $constant:ident $id:literal $name:literal $kind:ident means $means:literal cause $cause:literal fix $fix:literal avoid $avoid:literal; )*) => {
        pub static PAGES: &[FindingPage] = &[$( FindingPage { id: $id, name: $name, kind: FindingKind::$kind, means: $means, cause: $cause, fix: $fix, avoid: $avoid } ),*];
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "the variants mirror the constants")]
        enum Position { $($constant),* }
        impl FindingCode { $( pub const $constant: FindingCode = FindingCode(Position::$constant as u16); )* }
    };
}

codes! {
    MISSING "V101" "missing" Violation
        means "A mandatory field has no value."
        cause "The record does not hold it, or holds only a blank, at the place that the mapping names."
        fix "Fill the field in the record system and send the record again."
        avoid "Make the field mandatory in the export.";
    UNREADABLE_MANDATORY "V102" "unreadable_mandatory" Violation
        means "A mandatory field holds something that does not have the field's shape."
        cause "A typing mistake, another format than the agreed one, or a value in the wrong field."
        fix "Correct the value in the record system and send the record again."
        avoid "Let the record system check the shape when the value is typed.";
    UNREADABLE "V103" "unreadable" Flag
        means "An optional field held something that does not have the field's shape; it was left out."
        cause "A typing mistake, or another format than the agreed one."
        fix "Correct the value in the record system; the case goes on without it."
        avoid "Let the record system check the shape when the value is typed.";
    UNLISTED_CODE "V201" "unlisted_code" Hold
        means "The record holds a code that the force's mapping does not list."
        cause "The force added a value to a pick list."
        fix "Ops add the code to the lookup in the mapping, then release the record. The force has nothing to do."
        avoid "Tell the gateway's operators before a pick list changes.";
    MORE_THAN_ONE "V202" "more_than_one" Hold
        means "One value is expected and the record holds several different ones."
        cause "Several persons or events share the role that the mapping looks for."
        fix "Ops decide with the force which one is meant; the force mends the record, or ops narrow the path."
        avoid "Keep one record for one case and one offender.";
    RULE "V203" "rule" Hold
        means "A rule that the force wrote into its mapping holds this record."
        cause "The record is outside what this force refers without a further decision."
        fix "The person named in the rule decides; ops release the record or return it."
        avoid "Take the decision before the record is sent.";
    RULE_FLAG "V204" "rule_flag" Flag
        means "A rule that the force wrote into its mapping asks for a look."
        cause "The record is unusual for this force."
        fix "Nothing has to be done; the case goes on."
        avoid "Nothing: the rule is there to point at it.";
    NOT_RECORDED "V301" "not_recorded" Flag
        means "The record says that an evidenced field was not recorded."
        cause "The question was not asked, or the answer was not written down."
        fix "Record the fact and send the record again as amended."
        avoid "Ask and record it before the caution is given.";
    CONTACT_MISSING "V104" "contact_missing" Violation
        means "The offender has neither a telephone number nor an e-mail address."
        cause "The record holds no way to reach the offender, so the charity could not invite anybody."
        fix "Add a number or an e-mail address in the record system and send the record again."
        avoid "Ask for a number before the caution is given.";
    CHECK_LETTER "V111" "check_letter" Flag
        means "The check letter of an ASN, PNC identifier or CRO number does not fit its digits; the finding names the letter that would."
        cause "One character was mistyped, or two were exchanged."
        fix "Compare the number with its source and correct it; the case goes on."
        avoid "Copy such numbers from the system that made them instead of typing them.";
    DUMMY_ASN "V112" "dummy_asn" Flag
        means "The arrest summons number is one of those that stand in for a missing one."
        cause "The record was made before there was a real number."
        fix "Put the real number into the record when there is one; the case goes on."
        avoid "Create the arrest summons number before the caution is recorded.";
    SEVERAL_VICTIMS "V205" "several_victims" Hold
        means "The record names several victims, and a referral has one: the person in the relationship."
        cause "The occurrence has more than one injured party."
        fix "Ops ask the force which of them is the one in the relationship; the force mends the record or ops narrow the path."
        avoid "Give the person in the relationship a role of her own in the export.";
    VICTIM_CONTACT_IS_OFFENDERS "V206" "victim_contact_is_offenders" Hold
        means "The victim's number or e-mail address is one of the offender's as well."
        cause "The two share a telephone, or a value was typed for the wrong person."
        fix "Ops ask the force for a safe contact before anybody calls; the force mends the record."
        avoid "Ask the victim for a contact that only she answers.";
    DIFFERENT_PERSON "V207" "different_person" Hold
        means "The same record_ref came with another family name or birth date than before."
        cause "The record was reused for another person, or a name or birth date was corrected."
        fix "Ops ask the force: a correction is released, another person needs a record_ref of its own."
        avoid "Build record_ref from the occurrence and the person.";
    STALE_REVISION "V208" "stale_revision" Hold
        means "The record was extracted earlier than the revision that the gateway has."
        cause "Two sendings overtook each other, or an old file was sent again."
        fix "Nothing, if the newer revision is right: ops return it. Otherwise the force sends the right one with a later extracted_at."
        avoid "Send records in the order in which they were extracted.";
    POSSIBLY_STALE "V209" "possibly_stale" Hold
        means "The record equals an older revision and nothing says which of the two is newer."
        cause "An old file was sent again, or a change was taken back on purpose."
        fix "Ops ask the force which one is meant, then release or return it."
        avoid "Send extracted_at with every record.";
    WITHDRAWAL_UNKNOWN "V210" "withdrawal_unknown" Hold
        means "A withdrawal came for a case that the gateway does not know."
        cause "The record_ref differs from the one that was sent before, or the case was never sent."
        fix "Ops find the case that is meant together with the force; the force sends the withdrawal with its record_ref."
        avoid "Keep record_ref the same for every version of a record.";
    SUPERSEDED "V211" "superseded" Flag
        means "The hold was closed because a later version of the same record was accepted; it can no longer be released."
        cause "The force mended the record and sent it again."
        fix "Nothing has to be done."
        avoid "Nothing: this is how a hold ought to end.";
    GATEWAY_FAULT "V212" "gateway_fault" Hold
        means "A fault of the gateway's own met this record; it is kept as it came, and every other record goes on."
        cause "A fault in the gateway's program, or a state of its store that must not be."
        fix "Ops send the log lines with the hold's time to the gateway's developers, and release the hold with the mended release."
        avoid "Nothing on the force's side.";
    DECISION_CASE_UNKNOWN "V231" "decision_case_unknown" Hold
        means "A decision came for a case that the gateway does not know."
        cause "The record_ref differs from the one that was sent before, or the case itself is still held or was never sent."
        fix "Ops clear or find the case that is meant together with the force, then release the decision."
        avoid "Fill record_ref in decision.toml from the same places as in referral.toml.";
    DECISION_REF_REUSED "V232" "decision_ref_reused" Hold
        means "Another decision was sent before under the same decision_ref; this one says something else."
        cause "A decision was changed in the record system without a new key, or the key is not one of the decision."
        fix "Ops ask the force which one is right; the force sends it under a decision_ref of its own, with supersedes."
        avoid "Give every decision a key of its own and never change a decision that was sent.";
    DECISION_SUPERSEDES_UNKNOWN "V233" "decision_supersedes_unknown" Hold
        means "The decision replaces an earlier one that the gateway has not got."
        cause "The earlier decision was not sent, is still held, or was sent without its decision_ref."
        fix "Ops see to it that the earlier decision arrives, then release this one."
        avoid "Send every decision with its decision_ref, in the order in which they were taken.";
    DECISION_BEFORE_CAUTION "V234" "decision_before_caution" Hold
        means "The decision is dated before the day the caution was given."
        cause "One of the two dates was mistyped, or the decision belongs to another case."
        fix "Ops ask the force; it sends the decision again with the right date, or the case as amended."
        avoid "Let the record system compare the two dates.";
    DEADLINE_NOT_VARIED "V407" "deadline_not_varied" Violation
        means "A new deadline came with a decision that is not to vary the caution."
        cause "The wrong decision was picked, or a field of the form was left filled."
        fix "Correct the decision or leave the deadline out, and send the decision again."
        avoid "Offer the deadline only where the caution is varied.";
    SUPERSEDES_ITSELF "V408" "supersedes_itself" Violation
        means "The decision says that it replaces itself."
        cause "The mapping reads supersedes from the decision's own key, or the form holds it twice."
        fix "Fill supersedes with the decision_ref of the earlier decision and send it again."
        avoid "Leave supersedes empty unless another decision is replaced.";
    WITHHELD_VICTIM_NAMED "V302" "withheld_victim_named" Flag
        means "A free text of the offender's side held something that identifies the victim; the text was left out."
        cause "Her name, number, e-mail address, code word or address was written into an offence, a condition or a note."
        fix "Rewrite the text without her and send the record again as amended; the case goes on without it."
        avoid "Write the aggrieved, not the name, into texts that the offender may read.";
    UNDER_18_AT_OFFENCE "V303" "under_18_at_offence" Flag
        means "The offender was under 18 on the day of the offence."
        cause "The eighteenth birthday lies between the offence and the caution, or a date was mistyped."
        fix "Check both dates; the case goes on."
        avoid "Let the record system compare the two dates.";
    DEADLINE_PAST_16_WEEKS "V304" "deadline_past_16_weeks" Flag
        means "The deadline is more than 16 weeks after the caution was given."
        cause "A longer period was allowed, or a date was mistyped."
        fix "Check that a longer period was meant; the case goes on."
        avoid "Use a longer period only exceptionally.";
    DEADLINE_PAST_20_WEEKS "V305" "deadline_past_20_weeks" Flag
        means "The deadline is more than 20 weeks after the caution was given: longer than a conditional caution should ever run."
        cause "A date was mistyped, or the period was extended beyond the usual maximum."
        fix "Check the deadline at once and send the record again as amended if it is wrong; the case goes on."
        avoid "Let the record system refuse deadlines beyond 20 weeks.";
    TEXT_NOT_SAFE "V306" "text_not_safe" Flag
        means "The safe way to reach the victim is a text message, but nothing says that a text is safe."
        cause "text_safe was answered no, or was not asked."
        fix "Ask the victim again and send the record again as amended; until then text_safe counts as no."
        avoid "Record text_safe whenever the method is text.";
    UNDER_18 "V401" "under_18" Violation
        means "The offender was under 18 on the day the caution was given; the law allows it from 18 (CJA 2003 s22)."
        cause "The birth date or the day of the caution is wrong, or it is a youth case."
        fix "Correct the date and send the record again; a youth case is not for this programme."
        avoid "Let the record system check the age before an adult caution is recorded.";
    IN_FUTURE "V402" "in_future" Violation
        means "A day that must have passed lies in the future (Europe/London)."
        cause "A date was mistyped, or day and month were exchanged."
        fix "Correct the date and send the record again."
        avoid "Let the record system refuse future dates here.";
    DEADLINE_NOT_AFTER_CAUTION "V403" "deadline_not_after_caution" Violation
        means "The deadline is not after the day the caution was given."
        cause "One of the two dates was mistyped."
        fix "Correct the date and send the record again."
        avoid "Let the record system compare the two dates.";
    DATES_OUT_OF_ORDER "V404" "dates_out_of_order" Violation
        means "Two dates stand in an impossible order: an offence ends before it starts or comes after its caution, or a condition is due before the caution was given."
        cause "One of the two dates was mistyped."
        fix "Correct the date and send the record again."
        avoid "Let the record system compare the two dates.";
    NOT_ONE_CARA_CONDITION "V405" "not_one_cara_condition" Violation
        means "Exactly one condition must be the CARA one."
        cause "None of the conditions, or more than one, was recorded as CARA."
        fix "Correct the conditions and send the record again."
        avoid "Offer the CARA condition as one entry of the record system's list.";
    INBOX_DOMAIN "V406" "inbox_domain" Violation
        means "The compliance inbox is not at a domain that this force agreed with the gateway."
        cause "A private or mistyped address, or a domain that was never put on the list."
        fix "Use an inbox at an agreed domain and send the record again, or ask ops to put the domain on the force's list."
        avoid "Use one shared inbox of the force.";
}
