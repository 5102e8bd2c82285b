//! By which words the places of a field are known, and in which part of a record it can stand.

use super::spot::Spot;
use cara_domain::FieldId;

/// The part of a record that a place stands in, by the nearest name that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// What the message says of itself.
    Message,
    Officer,
    Person,
    Disposal,
    Relationship,
    Offence,
    Condition,
    /// Nothing is proposed for what stands here.
    Risk,
    Victim,
    Children,
}

const ZONES: &[(Zone, &[&str])] = &[
    (Zone::Message, &["batch", "message", "export", "envelope", "header", "transmission"]),
    (Zone::Officer, &["officer"]),
    (Zone::Children, &["children"]),
    (Zone::Relationship, &["relationship"]),
    (Zone::Condition, &["condition"]),
    (
        Zone::Risk,
        &[
            "risk",
            "dash",
            "dara",
            "classification",
            "assessment",
            "assessed",
            "coercive",
            "grade",
            "tool",
            "prior",
            "order",
            "serving",
            "control",
        ],
    ),
    (Zone::Disposal, &["disposal", "outcome", "caution", "resolution", "oocd"]),
    (Zone::Offence, &["offence"]),
    (Zone::Person, &["person", "suspect", "nominal", "party", "individual", "subject"]),
];

/// Wherever one of these stands, it is about the victim.
const VICTIM: &[&str] = &[
    "victim",
    "safe",
    "view",
    "views",
    "care",
    "cohabit",
    "cohabits",
    "together",
    "agreed",
    "household",
];

/// The zone of a place; `None` where no name says.
pub(super) fn zone(spot: &Spot) -> Option<Zone> {
    let (last, before) = spot.words();
    let all = before.iter().chain([&last]);
    if all.flatten().any(|word| VICTIM.contains(&word.as_str())) {
        return Some(Zone::Victim);
    }
    std::iter::once(&last).chain(before.iter().rev()).find_map(|words| {
        let says = |listed: &&[&str]| words.iter().any(|word| listed.contains(&word.as_str()));
        ZONES.iter().find(|(_, listed)| says(listed)).map(|(zone, _)| *zone)
    })
}

/// Whether a field of the referral can stand in a zone.
pub(super) fn may_stand(field: FieldId, zone: Option<Zone>) -> bool {
    let Some(zone) = zone else { return true };
    let name = field.spec().name;
    match name.split('.').next().unwrap_or_default() {
        _ if matches!(zone, Zone::Risk | Zone::Victim | Zone::Children) => false,
        _ if !field.spec().group.is_root() => true,
        "source" => matches!(zone, Zone::Message),
        "case" => matches!(zone, Zone::Message | Zone::Offence),
        "officer" => matches!(zone, Zone::Officer),
        "offender" => matches!(zone, Zone::Person),
        "relationship" => matches!(zone, Zone::Relationship),
        "caution" => matches!(zone, Zone::Disposal),
        _ => false,
    }
}

/// The words by which a field is known: each phrase is words that all must be there.
pub(super) fn phrases(field: FieldId) -> &'static [&'static str] {
    CLUES.iter().find(|(of, _)| *of == field).map_or(&[], |(_, phrases)| phrases)
}

const CLUES: &[(FieldId, &[&str])] = &[
    (
        FieldId::SOURCE_MESSAGE_REF,
        &[
            "message id",
            "message ref",
            "message number",
            "batch id",
            "batch number",
            "batch",
            "export id",
            "transmission id",
            "correlation id",
        ],
    ),
    (
        FieldId::SOURCE_EXTRACTED_AT,
        &[
            "extracted",
            "extract date",
            "sent",
            "written",
            "exported",
            "generated",
            "created",
            "changed at",
            "last changed",
            "last updated",
            "updated",
            "timestamp",
            "sent at",
        ],
    ),
    (
        FieldId::SOURCE_ACTION,
        &[
            "status",
            "state",
            "action",
            "change",
            "change type",
            "message type",
            "update type",
            "event type",
            "record status",
            "operation",
        ],
    ),
    (FieldId::SOURCE_FORCE, &["force", "force code", "owning force", "force id"]),
    (
        FieldId::CASE_OCCURRENCE_NUMBER,
        &[
            "occurrence number",
            "occurrence",
            "occurrence id",
            "occurrence ref",
            "incident number",
            "incident",
            "incident ref",
            "case id",
            "case number",
            "case ref",
            "investigation",
            "investigation number",
            "investigation ref",
            "event number",
            "log number",
        ],
    ),
    (
        FieldId::CASE_CRIME_REFERENCE,
        &["crime ref", "crime number", "crime", "crime id", "crime report number"],
    ),
    (FieldId::CASE_ASN, &["asn", "arrest summons number", "summons number"]),
    (FieldId::CASE_PTI_URN, &["urn", "pti urn", "unique ref"]),
    (
        FieldId::CASE_CUSTODY_REFERENCE,
        &["custody ref", "custody number", "custody record", "custody"],
    ),
    (
        FieldId::OFFICER_COLLAR_NUMBER,
        &[
            "collar",
            "collar number",
            "force number",
            "officer number",
            "badge",
            "officer id",
            "epaulette",
            "staff number",
            "payroll number",
        ],
    ),
    (FieldId::OFFICER_NAME, &["officer name", "officer", "officer display name"]),
    (
        FieldId::OFFICER_UNIT,
        &["unit", "team", "station", "department", "hub", "officer section", "bcu"],
    ),
    (FieldId::OFFICER_EMAIL, &["officer email", "officer e email"]),
    (
        FieldId::OFFICER_PHONE,
        &["officer phone", "officer mobile", "officer contact number", "officer extension"],
    ),
    (
        FieldId::OFFICER_COMPLIANCE_INBOX,
        &[
            "inbox",
            "compliance inbox",
            "breach inbox",
            "compliance email",
            "breach email",
            "compliance",
            "breach",
            "team email",
            "unit email",
        ],
    ),
    (FieldId::OFFENDER_TITLE, &["title", "person title", "salutation"]),
    (
        FieldId::OFFENDER_GIVEN_NAMES,
        &["forename", "given name", "first name", "middle name", "name given", "person given name"],
    ),
    (
        FieldId::OFFENDER_FAMILY_NAME,
        &["surname", "family name", "last name", "name family", "person family name"],
    ),
    (FieldId::OFFENDER_KNOWN_AS, &["known as", "alias", "nickname", "preferred name"]),
    (FieldId::OFFENDER_DATE_OF_BIRTH, &["birth", "date birth", "birth date"]),
    (FieldId::OFFENDER_SEX, &["sex"]),
    (
        FieldId::OFFENDER_ETHNICITY_SELF_DEFINED,
        &[
            "self defined ethnicity",
            "ethnicity self",
            "ethnicity",
            "self defined",
            "ethnicity code",
            "self ethnicity",
        ],
    ),
    (
        FieldId::OFFENDER_ETHNICITY_OBSERVED,
        &[
            "ethnicity observed",
            "observed",
            "ic code",
            "ic",
            "officer defined ethnicity",
            "visual ethnicity",
            "ethnicity officer",
        ],
    ),
    (FieldId::OFFENDER_PNC_ID, &["pnc", "pnc id", "pnc number"]),
    (FieldId::OFFENDER_CRO_NUMBER, &["cro", "cro number"]),
    (
        FieldId::OFFENDER_LOCAL_PERSON_REF,
        &[
            "id",
            "person id",
            "person ref",
            "nominal id",
            "nominal ref",
            "person number",
            "person",
            "nominal number",
            "suspect id",
            "suspect ref",
            "suspect number",
            "person key",
        ],
    ),
    (FieldId::OFFENDER_ADDRESS_LINES, &["address line", "line", "address", "address text"]),
    (FieldId::OFFENDER_ADDRESS_POSTCODE, &["postcode", "address postcode"]),
    (FieldId::OFFENDER_NO_FIXED_ABODE, &["fixed abode", "abode", "homeless"]),
    (
        FieldId::OFFENDER_PHONES,
        &[
            "phone",
            "mobile",
            "contact phone",
            "contact mobile",
            "phone number",
            "mobile number",
            "contact",
            "home number",
            "contact number",
            "landline",
        ],
    ),
    (FieldId::OFFENDER_EMAIL, &["email", "contact email", "email address", "contact"]),
    (FieldId::OFFENDER_PREFERRED_CONTACT, &["preferred contact", "contact preference"]),
    (FieldId::OFFENDER_LANGUAGE, &["language", "language name", "first language"]),
    (FieldId::OFFENDER_INTERPRETER_NEEDED, &["interpreter", "language interpreter"]),
    (
        FieldId::OFFENDER_ACCESS_NEEDS,
        &["access need", "need", "disability", "adjustment", "accessibility", "support need"],
    ),
    (FieldId::OFFENDER_SAFETY_WARNINGS, &["warning", "hazard", "safety", "safety warning"]),
    (
        FieldId::RELATIONSHIP_KIND,
        &["relationship", "relationship type", "relationship code", "relationship kind"],
    ),
    (
        FieldId::RELATIONSHIP_CURRENT,
        &["relationship current", "relationship now", "relationship active"],
    ),
    (
        FieldId::CAUTION_GIVEN_ON,
        &[
            "given on",
            "given",
            "given date",
            "date given",
            "caution date",
            "disposal date",
            "outcome date",
            "disposal on",
            "caution on",
        ],
    ),
    (
        FieldId::CAUTION_GIVEN_BY_COLLAR_NUMBER,
        &[
            "given by collar",
            "given by number",
            "given by id",
            "given by",
            "authority by collar",
            "caution collar",
        ],
    ),
    (FieldId::CAUTION_GIVEN_BY_RANK, &["given by rank", "rank", "authority by rank"]),
    (
        FieldId::CAUTION_ADMISSION_RECORDED,
        &["admission", "admitted", "admission recorded", "admission made", "guilt admitted"],
    ),
    (
        FieldId::CAUTION_SIGNED_DOCUMENT_REF,
        &[
            "signed document",
            "document",
            "document ref",
            "signed document ref",
            "form ref",
            "signed form",
            "mg",
        ],
    ),
    (FieldId::CAUTION_AUTHORITY, &["authority", "authority by", "decision maker"]),
    (
        FieldId::CAUTION_AUTHORITY_REF,
        &["authority ref", "caution ref", "authority number", "cps ref", "decision ref"],
    ),
    (
        FieldId::CAUTION_DEADLINE,
        &[
            "deadline",
            "complete by",
            "completion date",
            "due by",
            "compliance date",
            "end date",
            "expiry",
            "expires",
            "due",
        ],
    ),
    (
        FieldId::CAUTION_PROSECUTION_TIME_BAR,
        &["time bar", "prosecution time bar", "statutory limit", "limitation", "prosecute by"],
    ),
    (FieldId::OFFENCE_CJS_CODE, &["cjs code", "offence code", "code", "cjs"]),
    (FieldId::OFFENCE_TITLE, &["title", "offence title", "description", "text", "name"]),
    (
        FieldId::OFFENCE_WORDING,
        &["wording", "offence wording", "particulars", "details", "narrative", "text"],
    ),
    (
        FieldId::OFFENCE_DATE_KIND,
        &["date type", "date kind", "date code", "when kind", "when type", "kind", "date"],
    ),
    (
        FieldId::OFFENCE_STARTED_ON,
        &[
            "start",
            "from",
            "start date",
            "from date",
            "date from",
            "when from",
            "offence date",
            "on",
            "date",
            "started on",
            "earliest",
        ],
    ),
    (
        FieldId::OFFENCE_ENDED_ON,
        &["end", "to", "end date", "to date", "date to", "when to", "ended on", "latest"],
    ),
    (FieldId::OFFENCE_LOCATION, &["location", "offence location", "venue", "address"]),
    (FieldId::CONDITION_ID, &["id", "number", "condition id", "condition number", "ref", "code"]),
    (FieldId::CONDITION_KIND, &["type", "kind", "code", "condition type", "condition code"]),
    (
        FieldId::CONDITION_TEXT,
        &["text", "wording", "description", "details", "condition text", "condition"],
    ),
    (
        FieldId::CONDITION_DUE_BY,
        &["due", "due by", "deadline", "complete by", "to", "end", "by date", "due date"],
    ),
];

/// Words that say little where they are not part of the phrase.
const FILLING: &[&str] = &[
    "at", "on", "in", "of", "the", "is", "number", "code", "value", "date", "name", "text", "ref",
    "id", "details", "type", "flag", "recorded", "needed", "required", "status", "state", "kind",
    "line",
];

/// What a name adds that is the phrase and nothing else.
const EXACT: i32 = 4;

/// How well the names of a place fit the field's words, the surest more than 20; `None`: they do
/// not. What the block is of has no part in it.
pub(super) fn name_score(field: FieldId, spot: &Spot) -> Option<i32> {
    let (last, before) = spot.words();
    let filling_only = last.iter().all(|word| FILLING.contains(&word.as_str()));
    let score = |phrase: &&str| {
        let mut score = 0;
        let mut in_last = Vec::new();
        for word in phrase.split(' ') {
            if last.iter().any(|own| own == word) {
                score += 10;
                in_last.push(word);
            } else if before.iter().flatten().any(|own| own == word) {
                score += 6;
            } else {
                return None;
            }
        }
        if in_last.is_empty() && !filling_only {
            return None;
        }
        for word in last.iter().filter(|word| !in_last.contains(&word.as_str())) {
            score -= if FILLING.contains(&word.as_str()) { 1 } else { 4 };
        }
        // The whole name and nothing else, and it says something.
        if in_last.len() == last.len() && !filling_only {
            score += EXACT;
        }
        Some(score)
    };
    phrases(field).iter().filter_map(score).max()
}

/// Fields that are known by the look of their texts, whatever the place is called.
pub(super) fn is_told_by_text(field: FieldId) -> bool {
    [
        FieldId::CASE_ASN,
        FieldId::CASE_PTI_URN,
        FieldId::OFFENDER_PNC_ID,
        FieldId::OFFENDER_CRO_NUMBER,
        FieldId::OFFENDER_ADDRESS_POSTCODE,
        FieldId::OFFENCE_CJS_CODE,
    ]
    .contains(&field)
}
