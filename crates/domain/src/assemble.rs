//! Puts the compartments together from a draft, block by block; every block is read to its end, so
//! that all findings come at once.

use jiff::civil::Date;

use super::choice::{Action, ConditionKind, ContactAgreed, DateKind, SafeMethod, Views, YesNo};
use super::field::FieldId;
use super::finding::{Finding, FindingCode};
use super::identifier::{Asn, Cro, Email, ForceCode, PncId, Postcode};
use super::offender_side::{
    CaseNumbers, CautionContent, Condition, GivenBy, Offence, Offender, OffenderRisk, Officer,
    PostalAddress, Relationship,
};
use super::police::Police;
use super::read::FieldDemand::{self, May, Must, WhenThere};
use super::read::{FromSlot, Reader};
use super::recorded::Recorded;
use super::referral::RecordSource;
use super::victim_side::{self, Child, SafeContact, Victim};

/// The source fields that could be read.
pub struct ReadSource {
    pub record_ref: Option<String>,
    /// None when something else than the three actions is there.
    pub action: Option<Action>,
    pub force: Option<ForceCode>,
    pub message_ref: Option<String>,
    pub extracted_at: Option<jiff::Timestamp>,
}

impl ReadSource {
    pub fn whole(self) -> Option<RecordSource> {
        Some(RecordSource {
            record_ref: self.record_ref?,
            message_ref: self.message_ref,
            extracted_at: self.extracted_at,
            action: self.action?,
            force: self.force,
        })
    }
}

pub fn source(read: &mut Reader<'_, '_>) -> ReadSource {
    ReadSource {
        record_ref: read.must(FieldId::SOURCE_RECORD_REF),
        message_ref: read.may(FieldId::SOURCE_MESSAGE_REF),
        extracted_at: read.may(FieldId::SOURCE_EXTRACTED_AT),
        action: with_default(read, FieldId::SOURCE_ACTION, Action::New),
        force: read.plain(FieldId::SOURCE_FORCE, WhenThere),
    }
}

/// An optional field whose absence means `default`; unreadable means nothing.
fn with_default<T: FromSlot>(read: &mut Reader<'_, '_>, id: FieldId, default: T) -> Option<T> {
    if read.is_absent(id) { Some(default) } else { read.plain(id, WhenThere) }
}

pub fn case(read: &mut Reader<'_, '_>) -> Option<CaseNumbers> {
    let occurrence_number = read.must(FieldId::CASE_OCCURRENCE_NUMBER);
    let crime_reference = read.may(FieldId::CASE_CRIME_REFERENCE);
    Some(CaseNumbers { occurrence_number: occurrence_number?, crime_reference })
}

pub fn officer(read: &mut Reader<'_, '_>) -> Option<Officer> {
    let collar_number = read.must(FieldId::OFFICER_COLLAR_NUMBER);
    let name = read.must(FieldId::OFFICER_NAME);
    let unit = read.may(FieldId::OFFICER_UNIT);
    let email = read.may(FieldId::OFFICER_EMAIL);
    let phone = read.may(FieldId::OFFICER_PHONE);
    Some(Officer { collar_number: collar_number?, name: name?, unit, email, phone })
}

/// The offender, and the birth date whether the rest could be read or not.
pub fn offender(read: &mut Reader<'_, '_>) -> (Option<Offender>, Option<Date>) {
    let title = read.may(FieldId::OFFENDER_TITLE);
    let given_names = read.list(FieldId::OFFENDER_GIVEN_NAMES, Must);
    let family_name = read.must(FieldId::OFFENDER_FAMILY_NAME);
    let known_as = read.may(FieldId::OFFENDER_KNOWN_AS);
    let date_of_birth = read.must(FieldId::OFFENDER_DATE_OF_BIRTH);
    let sex = read.must(FieldId::OFFENDER_SEX);
    let ethnicity_self_defined = read.may(FieldId::OFFENDER_ETHNICITY_SELF_DEFINED);
    let no_fixed_abode = read.may(FieldId::OFFENDER_NO_FIXED_ABODE);
    let housed = FieldDemand::must_if(no_fixed_abode != Some(YesNo::Yes));
    let lines = read.list(FieldId::OFFENDER_ADDRESS_LINES, housed);
    let postcode = read.plain(FieldId::OFFENDER_ADDRESS_POSTCODE, housed);
    let phones = read.list(FieldId::OFFENDER_PHONES, May);
    let email = read.may(FieldId::OFFENDER_EMAIL);
    if phones.is_empty() && email.is_none() {
        no_contact(read);
    }
    let preferred_contact = read.may(FieldId::OFFENDER_PREFERRED_CONTACT);
    let language = read.may(FieldId::OFFENDER_LANGUAGE);
    let interpreter_needed = read.must(FieldId::OFFENDER_INTERPRETER_NEEDED);
    let access_needs = read.may(FieldId::OFFENDER_ACCESS_NEEDS);
    let safety_warnings = read.list(FieldId::OFFENDER_SAFETY_WARNINGS, May);
    let homeless = lines.is_empty() && postcode.is_none();
    let whole = || {
        Some(Offender {
            title,
            given_names,
            family_name: family_name?,
            known_as,
            date_of_birth: date_of_birth?,
            sex: sex?,
            ethnicity_self_defined,
            address: (!homeless).then_some(PostalAddress { lines, postcode }),
            no_fixed_abode,
            phones,
            email,
            preferred_contact,
            language,
            interpreter_needed: interpreter_needed?,
            access_needs,
            safety_warnings,
        })
    };
    (whole(), date_of_birth)
}

/// Neither number nor address: whatever was left out as unreadable was needed after all.
fn no_contact(read: &mut Reader<'_, '_>) {
    let ids = [FieldId::OFFENDER_PHONES, FieldId::OFFENDER_EMAIL];
    let mut told = false;
    for id in ids {
        if read.left_out(id) {
            read.find(FindingCode::UNREADABLE_MANDATORY, id);
            told = true;
        }
        told |= read.is_explained(id.spec().name);
    }
    if !told {
        read.find(FindingCode::CONTACT_MISSING, FieldId::OFFENDER_PHONES);
    }
}

/// What the rules ask of an offence, whether the rest of it could be read or not.
#[derive(Clone, Copy)]
pub struct OffenceDates {
    pub kind: Option<DateKind>,
    pub started_on: Option<Date>,
    pub ended_on: Option<Date>,
}

pub fn offence(read: &mut Reader<'_, '_>) -> (Option<Offence>, OffenceDates, Option<String>) {
    let cjs_code = read.must(FieldId::OFFENCE_CJS_CODE);
    let title = read.may(FieldId::OFFENCE_TITLE);
    let wording = read.may(FieldId::OFFENCE_WORDING);
    let kind = with_default(read, FieldId::OFFENCE_DATE_KIND, DateKind::On);
    let started_on = read.must(FieldId::OFFENCE_STARTED_ON);
    let between = FieldDemand::must_if(kind == Some(DateKind::Between));
    let ended_on = read.plain(FieldId::OFFENCE_ENDED_ON, between);
    let location = read.may(FieldId::OFFENCE_LOCATION);
    let dates = OffenceDates { kind, started_on, ended_on };
    let whole = || {
        let (cjs_code, date_kind, started_on) = (cjs_code?, kind?, started_on?);
        Some(Offence { cjs_code, title, wording, date_kind, started_on, ended_on })
    };
    (whole(), dates, location)
}

pub fn relationship(read: &mut Reader<'_, '_>) -> Option<Relationship> {
    let kind = read.recorded(FieldId::RELATIONSHIP_KIND, Must);
    let current = read.recorded(FieldId::RELATIONSHIP_CURRENT, Must);
    Some(Relationship { kind: kind?, current: current? })
}

/// The days that the rules compare, whether the rest of the caution could be read or not.
#[derive(Clone, Copy)]
pub struct CautionDates {
    pub given_on: Option<Date>,
    pub deadline: Option<Date>,
}

/// The caution without its conditions.
pub fn caution(read: &mut Reader<'_, '_>) -> (Option<CautionContent>, CautionDates) {
    let kind = read.must(FieldId::CAUTION_KIND);
    let given_on = read.recorded(FieldId::CAUTION_GIVEN_ON, Must);
    let collar_number = read.recorded(FieldId::CAUTION_GIVEN_BY_COLLAR_NUMBER, Must);
    let rank = read.recorded(FieldId::CAUTION_GIVEN_BY_RANK, Must);
    let admission_recorded = read.recorded(FieldId::CAUTION_ADMISSION_RECORDED, Must);
    let signed_document_ref = read.recorded(FieldId::CAUTION_SIGNED_DOCUMENT_REF, Must);
    let authority = read.must(FieldId::CAUTION_AUTHORITY);
    let deadline = read.must(FieldId::CAUTION_DEADLINE);
    let dates =
        CautionDates { given_on: given_on.as_ref().and_then(|day| day.value().copied()), deadline };
    let whole = || {
        Some(CautionContent {
            kind: kind?,
            given_on: given_on?,
            given_by: GivenBy { collar_number: collar_number?, rank: rank? },
            admission_recorded: admission_recorded?,
            signed_document_ref: signed_document_ref?,
            authority: authority?,
            conditions: Vec::new(),
            deadline: deadline?,
        })
    };
    (whole(), dates)
}

/// What the rules ask of a condition, whether the rest of it could be read or not.
#[derive(Clone, Copy)]
pub struct ConditionFacts {
    pub kind: Option<ConditionKind>,
    pub due_by: Option<Date>,
}

pub fn condition(read: &mut Reader<'_, '_>) -> (Option<Condition>, ConditionFacts) {
    let id = read.must(FieldId::CONDITION_ID);
    let kind = read.must(FieldId::CONDITION_KIND);
    let worded = FieldDemand::must_if(kind == Some(ConditionKind::Other));
    let text = read.plain(FieldId::CONDITION_TEXT, worded);
    let due_by = read.must(FieldId::CONDITION_DUE_BY);
    let whole = || Some(Condition { id: id?, kind: kind?, text, due_by: due_by? });
    (whole(), ConditionFacts { kind, due_by })
}

/// The offender side's part of the risk assessment, and its day.
pub fn risk(read: &mut Reader<'_, '_>) -> (Option<OffenderRisk>, Option<Date>) {
    let tool = read.recorded(FieldId::RISK_TOOL, Must);
    let grade = read.recorded(FieldId::RISK_GRADE, Must);
    let assessed_on = read.recorded(FieldId::RISK_ASSESSED_ON, Must);
    let serving_community_order = read.recorded(FieldId::RISK_SERVING_COMMUNITY_ORDER, Must);
    let day = assessed_on.as_ref().and_then(|day| day.value().copied());
    let whole = || {
        Some(OffenderRisk {
            tool: tool?,
            grade: grade?,
            assessed_on: assessed_on?,
            serving_community_order: serving_community_order?,
        })
    };
    (whole(), day)
}

pub fn victim_risk(read: &mut Reader<'_, '_>) -> Option<victim_side::VictimRisk> {
    let coercive_control = read.recorded(FieldId::RISK_COERCIVE_CONTROL, Must);
    let orders_in_force = read.recorded_list(FieldId::RISK_ORDERS_IN_FORCE, May);
    Some(victim_side::VictimRisk { coercive_control: coercive_control?, orders_in_force })
}

/// The victim's days that the rules compare.
#[derive(Clone, Copy)]
pub struct VictimDates {
    pub date_of_birth: Option<Date>,
    pub views_on: Option<Date>,
}

/// The victim without children.
pub fn victim(read: &mut Reader<'_, '_>) -> (Option<Victim>, VictimDates) {
    let reference = read.recorded(FieldId::VICTIM_REF, Must);
    let given_names = read.recorded_list(FieldId::VICTIM_GIVEN_NAMES, Must);
    let family_name = read.recorded(FieldId::VICTIM_FAMILY_NAME, Must);
    let date_of_birth = read.recorded(FieldId::VICTIM_DATE_OF_BIRTH, May);
    let sex = read.recorded(FieldId::VICTIM_SEX, May);
    let views_sought = read.recorded(FieldId::VICTIM_VIEWS_SOUGHT, Must);
    let views = read.recorded(FieldId::VICTIM_VIEWS, Must);
    let obtained = matches!(views, Some(Recorded::Is(views)) if views != Views::NotObtained);
    let views_on = read.recorded(FieldId::VICTIM_VIEWS_ON, FieldDemand::must_if(obtained));
    let contact_agreed = read.recorded(FieldId::VICTIM_CONTACT_AGREED, Must);
    let agreed = contact_agreed == Some(Recorded::Is(ContactAgreed::Yes));
    let safe_contact = safe_contact(read, agreed);
    let lives_with_offender = read.recorded(FieldId::VICTIM_LIVES_WITH_OFFENDER, Must);
    let language = read.recorded(FieldId::VICTIM_LANGUAGE, May);
    let interpreter_needed = read.recorded(FieldId::VICTIM_INTERPRETER_NEEDED, May);
    // Her address goes to nobody and is not kept; only what is wrong with it is noted.
    read.recorded_list::<String>(FieldId::VICTIM_ADDRESS_LINES, May);
    read.recorded::<Postcode>(FieldId::VICTIM_ADDRESS_POSTCODE, May);
    let day = |day: &Option<Recorded<Date>>| day.as_ref().and_then(|day| day.value().copied());
    let dates = VictimDates { date_of_birth: day(&date_of_birth), views_on: day(&views_on) };
    let whole = || {
        Some(Victim {
            reference: reference?,
            given_names: given_names?,
            family_name: family_name?,
            date_of_birth,
            sex,
            views_sought: views_sought?,
            views: views?,
            views_on,
            contact_agreed: contact_agreed?,
            safe_contact,
            lives_with_offender: lives_with_offender?,
            language,
            interpreter_needed,
            children: Vec::new(),
        })
    };
    (whole(), dates)
}

/// The safe contact, mandatory when she agreed. Without a method it says nothing and is left out.
fn safe_contact(read: &mut Reader<'_, '_>, agreed: bool) -> Option<SafeContact> {
    let method = read.recorded(FieldId::VICTIM_SAFE_CONTACT_METHOD, FieldDemand::must_if(agreed));
    let is = |wanted| agreed && method == Some(Recorded::Is(wanted));
    let by_number = FieldDemand::must_if(is(SafeMethod::Phone) || is(SafeMethod::Text));
    let by_email = FieldDemand::must_if(is(SafeMethod::Email));
    let by_text = method == Some(Recorded::Is(SafeMethod::Text));
    let number = read.recorded(FieldId::VICTIM_SAFE_CONTACT_NUMBER, by_number);
    let email = read.recorded(FieldId::VICTIM_SAFE_CONTACT_EMAIL, by_email);
    let times = read.recorded_list(FieldId::VICTIM_SAFE_CONTACT_TIMES, May);
    let voicemail_safe = read.plain(FieldId::VICTIM_SAFE_CONTACT_VOICEMAIL_SAFE, May);
    let text_safe = read.plain(FieldId::VICTIM_SAFE_CONTACT_TEXT_SAFE, May);
    let who_may_answer = read.recorded(FieldId::VICTIM_SAFE_CONTACT_WHO_MAY_ANSWER, May);
    let code_word = read.recorded(FieldId::VICTIM_SAFE_CONTACT_CODE_WORD, May);
    if by_text && text_safe != Some(YesNo::Yes) {
        read.find(FindingCode::TEXT_NOT_SAFE, FieldId::VICTIM_SAFE_CONTACT_TEXT_SAFE);
    }
    Some(SafeContact {
        method: method?,
        number,
        email,
        times,
        voicemail_safe: voicemail_safe.unwrap_or(YesNo::No),
        text_safe: text_safe.unwrap_or(YesNo::No),
        who_may_answer,
        code_word,
    })
}

pub fn child(read: &mut Reader<'_, '_>) -> Option<Child> {
    let age_band = read.recorded(FieldId::CHILD_AGE_BAND, Must);
    let present = read.recorded(FieldId::CHILD_PRESENT, Must);
    Some(Child { age_band: age_band?, present: present? })
}

pub fn police(read: &mut Reader<'_, '_>, compliance_domains: &[String]) -> Option<Police> {
    let asn: Option<Asn> = read.may(FieldId::CASE_ASN);
    if let Some(asn) = &asn {
        check_letter(read, FieldId::CASE_ASN, asn.expected_letter());
        if asn.is_dummy() {
            read.find(FindingCode::DUMMY_ASN, FieldId::CASE_ASN);
        }
    }
    let pnc_id: Option<PncId> = read.may(FieldId::OFFENDER_PNC_ID);
    check_letter(read, FieldId::OFFENDER_PNC_ID, pnc_id.as_ref().and_then(PncId::expected_letter));
    let cro: Option<Cro> = read.may(FieldId::OFFENDER_CRO_NUMBER);
    check_letter(read, FieldId::OFFENDER_CRO_NUMBER, cro.as_ref().and_then(Cro::expected_letter));
    let pti_urn = read.may(FieldId::CASE_PTI_URN);
    let custody_reference = read.may(FieldId::CASE_CUSTODY_REFERENCE);
    let inbox: Option<Email> = read.must(FieldId::OFFICER_COMPLIANCE_INBOX);
    if let Some(inbox) = &inbox {
        let agreed = |domain: &String| domain.eq_ignore_ascii_case(inbox.domain());
        if !compliance_domains.iter().any(agreed) {
            read.find(FindingCode::INBOX_DOMAIN, FieldId::OFFICER_COMPLIANCE_INBOX);
        }
    }
    let ethnicity_observed = read.may(FieldId::OFFENDER_ETHNICITY_OBSERVED);
    let local_person_ref = read.may(FieldId::OFFENDER_LOCAL_PERSON_REF);
    let authority_ref = read.may(FieldId::CAUTION_AUTHORITY_REF);
    let prosecution_time_bar = read.may(FieldId::CAUTION_PROSECUTION_TIME_BAR);
    let disposal = read.recorded(FieldId::RISK_DA_DISPOSAL_LAST_TWO_YEARS, Must);
    Some(Police {
        asn,
        pti_urn,
        custody_reference,
        compliance_inbox: inbox?,
        ethnicity_observed,
        pnc_id,
        cro_number: cro,
        local_person_ref,
        authority_ref,
        prosecution_time_bar,
        da_disposal_last_two_years: disposal?,
    })
}

fn check_letter(read: &mut Reader<'_, '_>, id: FieldId, expected: Option<char>) {
    if expected.is_some() {
        let finding: &mut Finding = read.find(FindingCode::CHECK_LETTER, id);
        finding.expected_letter = expected;
    }
}
