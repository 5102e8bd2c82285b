//! A whole draft of an invented case, for tests, examples and benches. The persons do not exist;
//! the numbers are from the ranges that Ofcom keeps for fiction.

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::draft::{Draft, Fields, Value};
use super::field::{FieldId, Group};
use super::origin::Origin;
use super::referral::{Context, Referral, Validated};

/// The day on which [`draft`] is valid.
pub const TODAY: Date = date(2025, 9, 1);

/// A context in which [`draft`] is valid: noon UTC of [`TODAY`].
pub fn context(compliance_domains: &[String]) -> Context<'_> {
    let now = Timestamp::constant(1_756_728_000, 0);
    Context { now, today: TODAY, compliance_domains }
}

/// The domains to which [`draft`]'s force lets missed workshops be sent.
pub fn compliance_domains() -> Vec<String> {
    vec!["hampshire.police.example".to_owned()]
}

/// A referral made of [`draft`], without any flag.
pub fn referral() -> Referral {
    match super::validate(draft(), &context(&compliance_domains())) {
        Validated::Referral(referral) => *referral,
        _ => unreachable!("the example draft is valid"),
    }
}

/// Every field that a full case fills, except those that only cases with something unusual fill.
pub fn draft() -> Draft<'static> {
    let mut draft = Draft::empty();
    fill(&mut draft.root, ROOT_TEXTS);
    let lists: [(FieldId, &[&'static str]); 6] = [
        (FieldId::OFFENDER_GIVEN_NAMES, &["Dominic", "Aled"]),
        (FieldId::OFFENDER_ADDRESS_LINES, &["Flat 2", "81 Harbour Parade", "Southampton"]),
        (FieldId::OFFENDER_PHONES, &["07700 900123", "023 8000 0456"]),
        (FieldId::OFFENDER_SAFETY_WARNINGS, &["Has a large dog"]),
        (FieldId::VICTIM_GIVEN_NAMES, &["Morwenna"]),
        (FieldId::VICTIM_ADDRESS_LINES, &["14 Quillfeather Rise", "Southampton"]),
    ];
    for (id, texts) in lists {
        let texts = texts.iter().map(|&text| text.into()).collect();
        draft.root.set(id, Value::List(texts), Some(Origin(id.index() as u16)));
    }
    for (id, day) in [
        (FieldId::OFFENDER_DATE_OF_BIRTH, date(1991, 4, 17)),
        (FieldId::CAUTION_GIVEN_ON, date(2025, 8, 20)),
        (FieldId::CAUTION_DEADLINE, date(2025, 12, 1)),
        (FieldId::CAUTION_PROSECUTION_TIME_BAR, date(2026, 2, 8)),
        (FieldId::RISK_ASSESSED_ON, date(2025, 8, 9)),
        (FieldId::VICTIM_DATE_OF_BIRTH, date(1993, 11, 2)),
        (FieldId::VICTIM_VIEWS_ON, date(2025, 8, 15)),
    ] {
        set_day(&mut draft.root, id, day);
    }
    let extracted_at = Value::Instant(Timestamp::constant(1_756_713_600, 0));
    let id = FieldId::SOURCE_EXTRACTED_AT;
    draft.root.set(id, extracted_at, Some(Origin(id.index() as u16)));
    draft.offences = vec![
        offence("CJ88116", "Assault by beating", "Assaulted the aggrieved by beating her"),
        offence("CD71039", "Criminal damage", "Damaged a telephone of the aggrieved"),
    ];
    draft.conditions = vec![
        condition("1", "cara", "Attend both CARA workshops"),
        condition("2", "no_contact", "Not to contact the aggrieved"),
    ];
    let mut child = Fields::empty(Group::Child);
    fill(&mut child, &[(FieldId::CHILD_AGE_BAND, "5-9"), (FieldId::CHILD_PRESENT, "no")]);
    draft.children = vec![child];
    draft
}

const ROOT_TEXTS: &[(FieldId, &str)] = &[
    (FieldId::SOURCE_RECORD_REF, "44250312345/N7731"),
    (FieldId::SOURCE_MESSAGE_REF, "EXP-000981"),
    (FieldId::SOURCE_ACTION, "new"),
    (FieldId::CASE_OCCURRENCE_NUMBER, "44250312345"),
    (FieldId::CASE_CRIME_REFERENCE, "44/31234/25"),
    (FieldId::CASE_ASN, "2544AA0100000012345W"),
    (FieldId::CASE_PTI_URN, "44AA0012325"),
    (FieldId::CASE_CUSTODY_REFERENCE, "CU/0912/25"),
    (FieldId::OFFICER_COLLAR_NUMBER, "24417"),
    (FieldId::OFFICER_NAME, "Imogen Farthing"),
    (FieldId::OFFICER_UNIT, "Out of Court Disposals Hub"),
    (FieldId::OFFICER_EMAIL, "imogen.farthing@hampshire.police.example"),
    (FieldId::OFFICER_PHONE, "023 8000 0101"),
    (FieldId::OFFICER_COMPLIANCE_INBOX, "cara.compliance@hampshire.police.example"),
    (FieldId::OFFENDER_TITLE, "Mr"),
    (FieldId::OFFENDER_FAMILY_NAME, "O'Haverley-Stokes"),
    (FieldId::OFFENDER_KNOWN_AS, "Dom"),
    (FieldId::OFFENDER_SEX, "male"),
    (FieldId::OFFENDER_ETHNICITY_SELF_DEFINED, "W1"),
    (FieldId::OFFENDER_ETHNICITY_OBSERVED, "IC1"),
    (FieldId::OFFENDER_PNC_ID, "1981/0000034U"),
    (FieldId::OFFENDER_CRO_NUMBER, "065656/91H"),
    (FieldId::OFFENDER_LOCAL_PERSON_REF, "N7731"),
    (FieldId::OFFENDER_ADDRESS_POSTCODE, "SO14 3ZZ"),
    (FieldId::OFFENDER_EMAIL, "dominic@stokes.example"),
    (FieldId::OFFENDER_PREFERRED_CONTACT, "phone"),
    (FieldId::OFFENDER_LANGUAGE, "English"),
    (FieldId::OFFENDER_INTERPRETER_NEEDED, "no"),
    (FieldId::OFFENDER_ACCESS_NEEDS, "Needs large print"),
    (FieldId::RELATIONSHIP_KIND, "intimate_partner"),
    (FieldId::RELATIONSHIP_CURRENT, "no"),
    (FieldId::CAUTION_KIND, "conditional_caution"),
    (FieldId::CAUTION_GIVEN_BY_COLLAR_NUMBER, "1182"),
    (FieldId::CAUTION_GIVEN_BY_RANK, "Sergeant"),
    (FieldId::CAUTION_ADMISSION_RECORDED, "yes"),
    (FieldId::CAUTION_SIGNED_DOCUMENT_REF, "MG14-5567"),
    (FieldId::CAUTION_AUTHORITY, "police"),
    (FieldId::CAUTION_AUTHORITY_REF, "DM-2210"),
    (FieldId::RISK_TOOL, "dash"),
    (FieldId::RISK_GRADE, "standard"),
    (FieldId::RISK_COERCIVE_CONTROL, "no"),
    (FieldId::RISK_DA_DISPOSAL_LAST_TWO_YEARS, "no"),
    (FieldId::RISK_SERVING_COMMUNITY_ORDER, "no"),
    (FieldId::VICTIM_REF, "N8842"),
    (FieldId::VICTIM_FAMILY_NAME, "Tregarrow"),
    (FieldId::VICTIM_SEX, "female"),
    (FieldId::VICTIM_VIEWS_SOUGHT, "yes"),
    (FieldId::VICTIM_VIEWS, "supports"),
    (FieldId::VICTIM_CONTACT_AGREED, "yes"),
    (FieldId::VICTIM_SAFE_CONTACT_METHOD, "phone"),
    (FieldId::VICTIM_SAFE_CONTACT_NUMBER, "+44 7700 900987"),
    (FieldId::VICTIM_SAFE_CONTACT_EMAIL, "m.tregarrow@mail.example"),
    (FieldId::VICTIM_SAFE_CONTACT_TIMES, "weekdays 10 to 14"),
    (FieldId::VICTIM_SAFE_CONTACT_VOICEMAIL_SAFE, "no"),
    (FieldId::VICTIM_SAFE_CONTACT_TEXT_SAFE, "yes"),
    (FieldId::VICTIM_SAFE_CONTACT_WHO_MAY_ANSWER, "her sister"),
    (FieldId::VICTIM_SAFE_CONTACT_CODE_WORD, "bluebird"),
    (FieldId::VICTIM_LIVES_WITH_OFFENDER, "no"),
    (FieldId::VICTIM_ADDRESS_POSTCODE, "SO17 1XY"),
];

fn offence(code: &'static str, title: &'static str, wording: &'static str) -> Fields<'static> {
    let mut offence = Fields::empty(Group::Offence);
    fill(
        &mut offence,
        &[
            (FieldId::OFFENCE_CJS_CODE, code),
            (FieldId::OFFENCE_TITLE, title),
            (FieldId::OFFENCE_WORDING, wording),
            (FieldId::OFFENCE_LOCATION, "14 Quillfeather Rise"),
        ],
    );
    set_day(&mut offence, FieldId::OFFENCE_STARTED_ON, date(2025, 8, 8));
    offence
}

fn condition(id: &'static str, kind: &'static str, text: &'static str) -> Fields<'static> {
    let mut condition = Fields::empty(Group::Condition);
    let texts = [
        (FieldId::CONDITION_ID, id),
        (FieldId::CONDITION_KIND, kind),
        (FieldId::CONDITION_TEXT, text),
    ];
    fill(&mut condition, &texts);
    set_day(&mut condition, FieldId::CONDITION_DUE_BY, date(2025, 11, 24));
    condition
}

fn fill(fields: &mut Fields<'static>, texts: &[(FieldId, &'static str)]) {
    for &(id, text) in texts {
        fields.set(id, Value::Text(text.into()), Some(Origin(id.index() as u16)));
    }
}

fn set_day(fields: &mut Fields<'static>, id: FieldId, day: Date) {
    fields.set(id, Value::Date(day), Some(Origin(id.index() as u16)));
}
