//! Every field that a mapping may fill, by its dotted name (DESIGN section 5). One table: the
//! mapping compiler, the validator, the schemas and the handbook all read this one.

use std::borrow::Cow;

/// Where a field may go (DPA 2018 s37: only what the purpose needs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// To the provider's offender side.
    Provider,
    /// To the provider's victim side only.
    Victim,
    /// To nobody: it stays with the police and the gateway.
    Police,
}

/// Whether a referral can do without the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Mandatory,
    /// Mandatory when another field says so; the validator knows when.
    Conditional,
    Optional,
}

/// What kind of value the field holds. The draft holds text (or a date); the validator parses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldShape {
    /// Text of at most this many characters.
    Text(usize),
    /// One of these codes.
    Code(&'static [&'static str]),
    /// A calendar day.
    Date,
    /// A point in time, with or without an offset.
    Instant,
    Postcode,
    Phone,
    Email,
    Asn,
    PncId,
    Cro,
    PtiUrn,
    OffenceCode,
    /// Home Office two-digit force code.
    ForceCode,
}

/// Which block of a draft a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Fields that a referral has once.
    Root,
    /// `offences[]`
    Offence,
    /// `caution.conditions[]`
    Condition,
    /// `victim.children[]`
    Child,
    /// Fields of a decision.
    Decision,
}

/// What a mapping file fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fills {
    Referral,
    Decision,
}

impl Fills {
    pub const ALL: [Fills; 2] = [Fills::Referral, Fills::Decision];

    /// `referral/1`
    pub const fn name(self) -> &'static str {
        match self {
            Fills::Referral => "referral/1",
            Fills::Decision => "decision/1",
        }
    }

    /// `referral`: what its fields are fields of.
    pub const fn word(self) -> &'static str {
        match self {
            Fills::Referral => "referral",
            Fills::Decision => "decision",
        }
    }

    /// The group whose fields stand in `[fields]`.
    pub const fn root(self) -> Group {
        match self {
            Fills::Referral => Group::Root,
            Fills::Decision => Group::Decision,
        }
    }

    /// Every group, the root's first.
    pub const fn groups(self) -> &'static [Group] {
        match self {
            Fills::Referral => &[Group::Root, Group::Offence, Group::Condition, Group::Child],
            Fills::Decision => &[Group::Decision],
        }
    }

    /// What a `[[one]]` may fill: every first part of a dotted root name.
    pub const fn parts(self) -> &'static [&'static str] {
        match self {
            Fills::Referral => &[
                "source",
                "case",
                "officer",
                "offender",
                "relationship",
                "caution",
                "risk",
                "victim",
            ],
            Fills::Decision => &["decided_by"],
        }
    }
}

impl Group {
    pub const ALL: [Group; 5] =
        [Group::Root, Group::Offence, Group::Condition, Group::Child, Group::Decision];

    /// Whether a record has its fields once, so that they are named without the group.
    pub const fn is_root(self) -> bool {
        matches!(self, Group::Root | Group::Decision)
    }

    /// The name that `[[each]] fills = "…"` uses; empty for a root.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Root | Group::Decision => "",
            Group::Offence => "offences",
            Group::Condition => "caution.conditions",
            Group::Child => "victim.children",
        }
    }
}

/// One field of the referral: a row of [`FIELDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub(crate) u16);

/// What is fixed about a field.
#[derive(Debug)]
pub struct FieldSpec {
    /// As a mapping writes it: dotted for the root, bare inside an `[[each]]` group.
    pub name: &'static str,
    pub group: Group,
    pub goes: Goes,
    pub need: Need,
    pub shape: FieldShape,
    /// Takes every match in order, not one.
    pub list: bool,
    /// Must come from the record: no constant and no lookup default may fill it, and it accepts
    /// `not_recorded`, which is a flag.
    pub evidenced: bool,
    /// Offender-side free text that is searched for the victim.
    pub free_text: bool,
    /// One line for the person who writes a mapping.
    pub doc: &'static str,
}

impl FieldId {
    pub fn spec(self) -> &'static FieldSpec {
        &FIELDS[self.0 as usize]
    }

    /// Position among the fields of its own group, 0-based: the slot index in [`super::Fields`].
    pub fn slot_index(self) -> usize {
        self.0 as usize - GROUP_STARTS[self.spec().group as usize]
    }

    /// The field of this group with this name.
    pub fn find(group: Group, name: &str) -> Option<FieldId> {
        all(group).find(|id| id.spec().name == name)
    }

    /// Its name with its group's: `offences.cjs_code`, of one item `offences[2].cjs_code`.
    pub fn full_name(self, number: Option<usize>) -> Cow<'static, str> {
        let spec = self.spec();
        match (spec.group, number) {
            (Group::Root | Group::Decision, _) => Cow::Borrowed(spec.name),
            (group, Some(number)) => {
                Cow::Owned(format!("{}[{number}].{}", group.name(), spec.name))
            }
            (group, None) => Cow::Owned(format!("{}.{}", group.name(), spec.name)),
        }
    }

    pub fn index(self) -> usize {
        self.0 as usize
    }

    #[cfg(test)]
    pub(crate) fn from_index(index: usize) -> Option<FieldId> {
        (index < FIELDS.len()).then_some(FieldId(index as u16))
    }
}

/// The fields of one group in table order.
pub fn all(group: Group) -> impl Iterator<Item = FieldId> {
    let start = GROUP_STARTS[group as usize];
    (start..start + group_len(group)).map(|index| FieldId(index as u16))
}

/// How many fields the group has.
pub const fn group_len(group: Group) -> usize {
    GROUP_LENS[group as usize]
}

/// Where each group begins in the table, and how long it is; counted once, when compiled.
const GROUP_STARTS: [usize; Group::ALL.len()] = [
    group_start(Group::Root),
    group_start(Group::Offence),
    group_start(Group::Condition),
    group_start(Group::Child),
    group_start(Group::Decision),
];
const GROUP_LENS: [usize; Group::ALL.len()] = [
    count(Group::Root),
    count(Group::Offence),
    count(Group::Condition),
    count(Group::Child),
    count(Group::Decision),
];

const fn count(group: Group) -> usize {
    let mut index = 0;
    let mut len = 0;
    while index < FIELDS_TABLE.len() {
        if FIELDS_TABLE[index].group as u8 == group as u8 {
            len += 1;
        }
        index += 1;
    }
    len
}

const fn group_start(group: Group) -> usize {
    let mut index = 0;
    while index < FIELDS_TABLE.len() {
        if FIELDS_TABLE[index].group as u8 == group as u8 {
            return index;
        }
        index += 1;
    }
    FIELDS_TABLE.len()
}

pub const YES_NO: &[&str] = &["yes", "no"];

macro_rules! fields {
    ($( $group:ident $id:ident $name:literal $goes:ident $need:ident $shape:expr, [$($mark:ident)*], $doc:literal; )*) => {
        /// Every field, the root's first, then one group after another.
        pub static FIELDS: &[FieldSpec] = FIELDS_TABLE;
        const FIELDS_TABLE: &[FieldSpec] = &[$( FieldSpec {
            name: $name, group: Group::$group, goes: Goes::$goes, need: Need::$need,
            shape: $shape,
            list: false $(|| mark(stringify!($mark), "list"))*,
            evidenced: false $(|| mark(stringify!($mark), "evidenced"))*,
            free_text: false $(|| mark(stringify!($mark), "free_text"))*,
            doc: $doc,
        } ),*];
        #[expect(non_camel_case_types, reason = "the variants mirror the constants")]
        enum Position { $($id),* }
        impl FieldId { $( pub const $id: FieldId = FieldId(Position::$id as u16); )* }
    };
}

const fn mark(written: &str, sought: &str) -> bool {
    let (written, sought) = (written.as_bytes(), sought.as_bytes());
    if written.len() != sought.len() {
        return false;
    }
    let mut index = 0;
    while index < written.len() {
        if written[index] != sought[index] {
            return false;
        }
        index += 1;
    }
    true
}

use FieldShape::*;

fields! {
    Root SOURCE_RECORD_REF "source.record_ref" Police Mandatory Text(100), [], "The force's key for this case and this offender; the same for every later version of the record";
    Root SOURCE_MESSAGE_REF "source.message_ref" Police Optional Text(100), [], "The force's own number of this one sending";
    Root SOURCE_EXTRACTED_AT "source.extracted_at" Police Optional Instant, [], "When the force's system wrote this version of the record";
    Root SOURCE_ACTION "source.action" Police Optional Code(&["new", "amended", "withdrawn"]), [], "What the force says this record is; new when not filled";
    Root SOURCE_FORCE "source.force" Police Optional ForceCode, [], "The force's two-digit code, only where one system sends for several forces";
    Root CASE_OCCURRENCE_NUMBER "case.occurrence_number" Provider Mandatory Text(30), [], "The force's number of the occurrence";
    Root CASE_CRIME_REFERENCE "case.crime_reference" Provider Optional Text(30), [], "The force's crime number";
    Root CASE_ASN "case.asn" Police Optional Asn, [], "Arrest summons number";
    Root CASE_PTI_URN "case.pti_urn" Police Optional PtiUrn, [], "Unique reference number of the case file";
    Root CASE_CUSTODY_REFERENCE "case.custody_reference" Police Optional Text(30), [], "The force's custody record number";
    Root OFFICER_COLLAR_NUMBER "officer.collar_number" Provider Mandatory Text(20), [], "Collar number of the officer in the case";
    Root OFFICER_NAME "officer.name" Provider Mandatory Text(100), [], "Name of the officer in the case";
    Root OFFICER_UNIT "officer.unit" Provider Optional Text(100), [], "Unit or hub that sends the referral";
    Root OFFICER_EMAIL "officer.email" Provider Optional Email, [], "The officer's e-mail address";
    Root OFFICER_PHONE "officer.phone" Provider Optional Phone, [], "The officer's telephone number";
    Root OFFICER_COMPLIANCE_INBOX "officer.compliance_inbox" Police Mandatory Email, [], "Where a missed workshop is sent; its domain must be on the force's list";
    Root OFFENDER_TITLE "offender.title" Provider Optional Text(35), [], "Title as recorded";
    Root OFFENDER_GIVEN_NAMES "offender.given_names" Provider Mandatory Text(100), [list], "Given names in order";
    Root OFFENDER_FAMILY_NAME "offender.family_name" Provider Mandatory Text(100), [], "Family name as recorded";
    Root OFFENDER_KNOWN_AS "offender.known_as" Provider Optional Text(100), [], "The name the offender goes by";
    Root OFFENDER_DATE_OF_BIRTH "offender.date_of_birth" Provider Mandatory Date, [], "Date of birth";
    Root OFFENDER_SEX "offender.sex" Provider Mandatory Code(&["male", "female", "unknown", "unspecified"]), [], "Sex as recorded";
    Root OFFENDER_ETHNICITY_SELF_DEFINED "offender.ethnicity_self_defined" Provider Optional Code(&["W1", "W2", "W3", "W9", "M1", "M2", "M3", "M9", "A1", "A2", "A3", "A4", "A9", "B1", "B2", "B9", "O1", "O2", "O9", "NS"]), [], "Self-defined ethnicity, 16+1 or 18+1 code";
    Root OFFENDER_ETHNICITY_OBSERVED "offender.ethnicity_observed" Police Optional Code(&["IC1", "IC2", "IC3", "IC4", "IC5", "IC6", "IC7", "IC9"]), [], "Ethnicity as an officer saw it, 6+1 code";
    Root OFFENDER_PNC_ID "offender.pnc_id" Police Optional PncId, [], "PNC identifier";
    Root OFFENDER_CRO_NUMBER "offender.cro_number" Police Optional Cro, [], "Criminal Records Office number";
    Root OFFENDER_LOCAL_PERSON_REF "offender.local_person_ref" Police Optional Text(50), [], "The force's own key of the person";
    Root OFFENDER_ADDRESS_LINES "offender.address.lines" Provider Conditional Text(100), [list], "Address lines in order; mandatory unless no_fixed_abode is yes";
    Root OFFENDER_ADDRESS_POSTCODE "offender.address.postcode" Provider Conditional Postcode, [], "Postcode; mandatory unless no_fixed_abode is yes";
    Root OFFENDER_NO_FIXED_ABODE "offender.no_fixed_abode" Provider Optional Code(YES_NO), [], "Yes when the offender has no address";
    Root OFFENDER_PHONES "offender.phones" Provider Conditional Phone, [list], "Telephone numbers; at least one number or an e-mail address";
    Root OFFENDER_EMAIL "offender.email" Provider Conditional Email, [], "E-mail address; at least one number or an e-mail address";
    Root OFFENDER_PREFERRED_CONTACT "offender.preferred_contact" Provider Optional Code(&["phone", "text", "email", "post"]), [], "How the offender prefers to be reached";
    Root OFFENDER_LANGUAGE "offender.language" Provider Optional Text(35), [], "Language the offender needs";
    Root OFFENDER_INTERPRETER_NEEDED "offender.interpreter_needed" Provider Mandatory Code(YES_NO), [], "Whether an interpreter is needed";
    Root OFFENDER_ACCESS_NEEDS "offender.access_needs" Provider Optional Text(500), [free_text], "What the offender needs to take part";
    Root OFFENDER_SAFETY_WARNINGS "offender.safety_warnings" Provider Optional Text(200), [list free_text], "Warnings for whoever meets the offender";
    Root RELATIONSHIP_KIND "relationship.kind" Provider Mandatory Code(&["spouse", "civil_partner", "engaged", "intimate_partner", "shared_parent", "relative"]), [evidenced], "How the two people are connected (Domestic Abuse Act 2021 s2)";
    Root RELATIONSHIP_CURRENT "relationship.current" Provider Mandatory Code(YES_NO), [evidenced], "Whether the relationship still stands";
    Root CAUTION_KIND "caution.kind" Provider Mandatory Code(&["conditional_caution"]), [], "The disposal";
    Root CAUTION_GIVEN_ON "caution.given_on" Provider Mandatory Date, [evidenced], "The day the caution was given";
    Root CAUTION_GIVEN_BY_COLLAR_NUMBER "caution.given_by.collar_number" Provider Mandatory Text(20), [evidenced], "Collar number of the authorised person who gave it (CJA 2003 s22)";
    Root CAUTION_GIVEN_BY_RANK "caution.given_by.rank" Provider Mandatory Text(50), [evidenced], "Rank of the authorised person who gave it";
    Root CAUTION_ADMISSION_RECORDED "caution.admission_recorded" Provider Mandatory Code(YES_NO), [evidenced], "Whether the admission is recorded (CJA 2003 s23(3))";
    Root CAUTION_SIGNED_DOCUMENT_REF "caution.signed_document_ref" Provider Mandatory Text(50), [evidenced], "Reference of the signed document (CJA 2003 s23(5))";
    Root CAUTION_AUTHORITY "caution.authority" Provider Mandatory Code(&["police", "cps"]), [], "Who authorised the caution";
    Root CAUTION_AUTHORITY_REF "caution.authority_ref" Police Optional Text(50), [], "Reference of the authorisation";
    Root CAUTION_DEADLINE "caution.deadline" Provider Mandatory Date, [], "The day by which the conditions must be met, as police sent it";
    Root CAUTION_PROSECUTION_TIME_BAR "caution.prosecution_time_bar" Police Optional Date, [], "The last day on which proceedings may begin";
    Root RISK_TOOL "risk.tool" Provider Mandatory Code(&["dash", "dara", "other"]), [evidenced], "The risk assessment that was used";
    Root RISK_GRADE "risk.grade" Provider Mandatory Code(&["standard", "medium", "high"]), [evidenced], "The grade police gave";
    Root RISK_ASSESSED_ON "risk.assessed_on" Provider Mandatory Date, [evidenced], "The day of the assessment";
    Root RISK_COERCIVE_CONTROL "risk.coercive_control" Victim Mandatory Code(YES_NO), [evidenced], "Whether coercive or controlling behaviour is recorded";
    Root RISK_ORDERS_IN_FORCE "risk.orders_in_force" Victim Optional Text(200), [list evidenced], "Protective orders in force";
    Root RISK_DA_DISPOSAL_LAST_TWO_YEARS "risk.da_disposal_last_two_years" Police Mandatory Code(YES_NO), [evidenced], "Whether a domestic-abuse disposal is recorded in the last two years";
    Root RISK_SERVING_COMMUNITY_ORDER "risk.serving_community_order" Provider Mandatory Code(YES_NO), [evidenced], "Whether the offender serves a community sentence or order";
    Root VICTIM_REF "victim.ref" Victim Mandatory Text(50), [evidenced], "The force's key of the victim in this case";
    Root VICTIM_GIVEN_NAMES "victim.given_names" Victim Mandatory Text(100), [list evidenced], "Given names in order";
    Root VICTIM_FAMILY_NAME "victim.family_name" Victim Mandatory Text(100), [evidenced], "Family name as recorded";
    Root VICTIM_DATE_OF_BIRTH "victim.date_of_birth" Victim Optional Date, [evidenced], "Date of birth";
    Root VICTIM_SEX "victim.sex" Victim Optional Code(&["male", "female", "unknown", "unspecified"]), [evidenced], "Sex as recorded";
    Root VICTIM_VIEWS_SOUGHT "victim.views_sought" Victim Mandatory Code(YES_NO), [evidenced], "Whether the victim was asked";
    Root VICTIM_VIEWS "victim.views" Victim Mandatory Code(&["supports", "neutral", "opposes", "not_obtained"]), [evidenced], "What the victim said about the caution";
    Root VICTIM_VIEWS_ON "victim.views_on" Victim Conditional Date, [evidenced], "The day the views were taken; mandatory when they were obtained";
    Root VICTIM_CONTACT_AGREED "victim.contact_agreed" Victim Mandatory Code(&["yes", "no", "not_asked"]), [evidenced], "Whether the victim agreed to be contacted";
    Root VICTIM_SAFE_CONTACT_METHOD "victim.safe_contact.method" Victim Conditional Code(&["phone", "text", "email", "none_safe"]), [evidenced], "How it is safe to reach the victim; none_safe says that nothing is";
    Root VICTIM_SAFE_CONTACT_NUMBER "victim.safe_contact.number" Victim Conditional Phone, [evidenced], "The safe number";
    Root VICTIM_SAFE_CONTACT_EMAIL "victim.safe_contact.email" Victim Conditional Email, [evidenced], "The safe e-mail address";
    Root VICTIM_SAFE_CONTACT_TIMES "victim.safe_contact.times" Victim Optional Text(100), [list evidenced], "When it is safe";
    Root VICTIM_SAFE_CONTACT_VOICEMAIL_SAFE "victim.safe_contact.voicemail_safe" Victim Optional Code(YES_NO), [evidenced], "Whether a voicemail is safe; no when not filled";
    Root VICTIM_SAFE_CONTACT_TEXT_SAFE "victim.safe_contact.text_safe" Victim Optional Code(YES_NO), [evidenced], "Whether a text message is safe; no when not filled";
    Root VICTIM_SAFE_CONTACT_WHO_MAY_ANSWER "victim.safe_contact.who_may_answer" Victim Optional Text(100), [evidenced], "Who may answer";
    Root VICTIM_SAFE_CONTACT_CODE_WORD "victim.safe_contact.code_word" Victim Optional Text(50), [evidenced], "The word that proves who is calling";
    Root VICTIM_LIVES_WITH_OFFENDER "victim.lives_with_offender" Victim Mandatory Code(YES_NO), [evidenced], "Whether the two live together";
    Root VICTIM_LANGUAGE "victim.language" Victim Optional Text(35), [evidenced], "Language the victim needs";
    Root VICTIM_INTERPRETER_NEEDED "victim.interpreter_needed" Victim Optional Code(YES_NO), [evidenced], "Whether an interpreter is needed";
    Root VICTIM_ADDRESS_LINES "victim.address.lines" Police Optional Text(100), [list evidenced], "Address lines, used only to keep them out of offender-side text; never sent to anybody";
    Root VICTIM_ADDRESS_POSTCODE "victim.address.postcode" Police Optional Postcode, [evidenced], "Postcode, used only to keep it out of offender-side text; never sent to anybody";
    Offence OFFENCE_CJS_CODE "cjs_code" Provider Mandatory OffenceCode, [], "CJS offence code";
    Offence OFFENCE_TITLE "title" Provider Optional Text(120), [free_text], "Offence title";
    Offence OFFENCE_WORDING "wording" Provider Optional Text(2500), [free_text], "Offence wording";
    Offence OFFENCE_DATE_KIND "date_kind" Provider Optional Code(&["on", "before", "after", "between", "on_or_about", "on_or_before"]), [], "How the dates are meant; on when not filled";
    Offence OFFENCE_STARTED_ON "started_on" Provider Mandatory Date, [], "The day of the offence, or the first of several";
    Offence OFFENCE_ENDED_ON "ended_on" Provider Conditional Date, [], "The last day; mandatory when date_kind is between";
    Offence OFFENCE_LOCATION "location" Victim Optional Text(80), [], "Where it happened: often her home, so only for the victim side";
    Condition CONDITION_ID "id" Provider Mandatory Text(30), [], "The force's key of the condition";
    Condition CONDITION_KIND "kind" Provider Mandatory Code(&["cara", "no_contact", "other"]), [], "What the condition demands; exactly one is cara";
    Condition CONDITION_TEXT "text" Provider Conditional Text(1000), [free_text], "The condition in words; mandatory when kind is other";
    Condition CONDITION_DUE_BY "due_by" Provider Mandatory Date, [], "The day by which it must be met";
    Child CHILD_AGE_BAND "age_band" Victim Mandatory Code(&["0-4", "5-9", "10-15", "16-17"]), [evidenced], "Age band of a child of the household";
    Child CHILD_PRESENT "present" Victim Mandatory Code(YES_NO), [evidenced], "Whether the child was present (Domestic Abuse Act 2021 s3)";
    Decision DECISION_RECORD_REF "record_ref" Police Mandatory Text(100), [], "The force's key for the case, as source.record_ref of its referral";
    Decision DECISION_REF "decision_ref" Police Optional Text(100), [], "The force's key of this decision; the same for every sending of it";
    Decision DECISION_DECIDED_ON "decided_on" Provider Mandatory Date, [evidenced], "The day of the decision";
    Decision DECISION_DECISION "decision" Provider Mandatory Code(&["continue", "varied", "prosecute", "no_further_action", "withdrawn", "recalled"]), [evidenced], "What police decided about the caution (CJA 2003 s24A); recalled: the case was sent in error";
    Decision DECISION_NEW_DEADLINE "new_deadline" Provider Conditional Date, [evidenced], "The day by which the conditions must be met now; mandatory when the decision is varied";
    Decision DECISION_DECIDED_BY_COLLAR_NUMBER "decided_by.collar_number" Police Mandatory Text(20), [], "Collar number of whoever decided";
    Decision DECISION_SUPERSEDES "supersedes" Police Optional Text(100), [], "The decision_ref of an earlier decision that this one replaces";
    Decision DECISION_FORCE "force" Police Optional ForceCode, [], "The force's two-digit code, only where one system sends for several forces";
}

const _: () = assert!(FIELDS_TABLE.len() < u16::MAX as usize);
