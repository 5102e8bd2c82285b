//! Rules about the victim's views and contact.

use super::{check, clear, referral, text};
use crate::{FieldId, choice};

#[test]
fn a_victim_who_agreed_has_a_safe_contact_or_none_on_purpose() {
    let method = FieldId::VICTIM_SAFE_CONTACT_METHOD;
    let number = FieldId::VICTIM_SAFE_CONTACT_NUMBER;
    check(|draft| clear(draft, method), &["missing victim.safe_contact.method"]);
    check(|draft| clear(draft, number), &["missing victim.safe_contact.number"]);
    check(
        |draft| {
            text(draft, method, "none_safe");
            clear(draft, number);
        },
        &[],
    );
    check(
        |draft| {
            text(draft, method, "email");
            clear(draft, FieldId::VICTIM_SAFE_CONTACT_EMAIL);
        },
        &["missing victim.safe_contact.email"],
    );
    check(
        |draft| {
            text(draft, method, "text");
            clear(draft, FieldId::VICTIM_SAFE_CONTACT_TEXT_SAFE);
        },
        &["text_not_safe victim.safe_contact.text_safe"],
    );
    check(
        |draft| {
            text(draft, FieldId::VICTIM_CONTACT_AGREED, "no");
            clear(draft, method);
            clear(draft, number);
        },
        &[],
    );
}

#[test]
fn a_voicemail_or_text_is_safe_only_when_the_record_says_so() {
    let referral = referral(|draft| {
        clear(draft, FieldId::VICTIM_SAFE_CONTACT_VOICEMAIL_SAFE);
        clear(draft, FieldId::VICTIM_SAFE_CONTACT_TEXT_SAFE);
    });
    let safe = referral.victim_side.victim.safe_contact.unwrap();
    assert_eq!((safe.voicemail_safe, safe.text_safe), (choice::YesNo::No, choice::YesNo::No));
}

#[test]
fn views_that_were_obtained_have_a_day() {
    let on = FieldId::VICTIM_VIEWS_ON;
    check(|draft| clear(draft, on), &["missing victim.views_on"]);
    check(
        |draft| {
            clear(draft, on);
            text(draft, FieldId::VICTIM_VIEWS, "not_obtained");
        },
        &[],
    );
}

#[test]
fn a_contact_that_the_two_share_holds_the_record() {
    check(
        |draft| text(draft, FieldId::VICTIM_SAFE_CONTACT_NUMBER, "0044 7700-900123"),
        &["victim_contact_is_offenders victim.safe_contact.number"],
    );
    check(
        |draft| text(draft, FieldId::VICTIM_SAFE_CONTACT_EMAIL, "Dominic@Stokes.example"),
        &["victim_contact_is_offenders victim.safe_contact.email"],
    );
}
