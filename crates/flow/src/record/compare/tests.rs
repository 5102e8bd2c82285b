use uuid::Uuid;

use super::*;
use cara_store::KnownReferral;
use cara_vault::WrappedKeys;

fn digest(of: u8) -> Digest {
    Digest([of; 32])
}

fn at(hour: i64) -> Option<Timestamp> {
    Some(Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap())
}

/// A stored revision whose content, message and time are given.
fn stored(number: u32, content: u8, message_ref: Option<u8>, hour: Option<i64>) -> KnownRevision {
    KnownRevision {
        revision: number,
        action: if content == 0 { Action::Withdrawn } else { Action::Amended },
        content: digest(content),
        offender_content: digest(content),
        victim_content: digest(content),
        message_ref: message_ref.map(digest),
        held_bytes: None,
        extracted_at: hour.and_then(at),
        contact_agreed: true,
        flags: Vec::new(),
    }
}

fn known(revisions: Vec<KnownRevision>) -> Known {
    let keys = WrappedKeys { epoch: 1, raw: vec![], offender: vec![], victim: vec![] };
    let referral = KnownReferral {
        referral_id: Uuid::nil(),
        provider: "harbour".into(),
        keys,
        person: digest(99),
        revisions,
    };
    Known { referral: Some(referral), open_holds: Vec::new() }
}

fn arriving(content: u8, message_ref: Option<u8>, hour: Option<i64>) -> Arriving {
    Arriving {
        withdrawn: content == 0,
        content: digest(content),
        person: (content != 0).then(|| digest(99)),
        message_ref: message_ref.map(digest),
        extracted_at: hour.and_then(at),
        released: false,
    }
}

#[test]
fn an_unknown_record_is_the_first_revision() {
    assert_eq!(compare(&Known::default(), &arriving(1, None, None)), Verdict::First);
}

#[test]
fn a_withdrawal_of_an_unknown_case_is_held() {
    let verdict = compare(&Known::default(), &arriving(0, None, None));
    assert_eq!(verdict, Verdict::Hold(FindingCode::WITHDRAWAL_UNKNOWN));
}

#[test]
fn a_withdrawal_of_a_held_case_closes_its_holds() {
    let held = Known { referral: None, open_holds: vec![Uuid::nil()] };
    assert_eq!(compare(&held, &arriving(0, None, None)), Verdict::CloseHolds);
}

#[test]
fn equal_content_is_a_duplicate_of_the_latest_revision_only() {
    let case = known(vec![stored(1, 1, None, None), stored(2, 2, None, None)]);
    let verdict = compare(&case, &arriving(2, None, None));
    assert_eq!(verdict, Verdict::Duplicate { revision: 2 });
    let verdict = compare(&case, &arriving(1, None, None));
    assert_eq!(verdict, Verdict::Hold(FindingCode::POSSIBLY_STALE));
}

#[test]
fn changed_content_is_the_next_revision() {
    let case = known(vec![stored(1, 1, None, None)]);
    assert_eq!(compare(&case, &arriving(2, None, None)), Verdict::Next { revision: 2 });
}

#[test]
fn an_older_content_sent_as_a_later_message_is_the_next_revision() {
    let case = known(vec![stored(1, 1, Some(1), None), stored(2, 2, Some(2), None)]);
    assert_eq!(compare(&case, &arriving(1, Some(3), None)), Verdict::Next { revision: 3 });
}

#[test]
fn a_message_seen_before_is_a_duplicate_whatever_it_holds() {
    let case = known(vec![stored(1, 1, Some(1), None), stored(2, 2, Some(2), None)]);
    assert_eq!(compare(&case, &arriving(7, Some(1), None)), Verdict::Duplicate { revision: 1 });
}

#[test]
fn a_record_extracted_before_the_latest_is_held() {
    let case = known(vec![stored(1, 1, None, Some(5))]);
    let verdict = compare(&case, &arriving(2, None, Some(4)));
    assert_eq!(verdict, Verdict::Hold(FindingCode::STALE_REVISION));
    assert_eq!(compare(&case, &arriving(2, None, Some(5))), Verdict::Next { revision: 2 });
}

#[test]
fn another_person_under_the_same_key_is_held() {
    let case = known(vec![stored(1, 1, None, None)]);
    let mut other = arriving(2, None, None);
    other.person = Some(digest(98));
    assert_eq!(compare(&case, &other), Verdict::Hold(FindingCode::DIFFERENT_PERSON));
}

#[test]
fn a_released_record_that_was_stale_goes_on_but_another_person_never_does() {
    let case = known(vec![stored(1, 1, None, Some(5)), stored(2, 2, None, Some(6))]);
    let mut released = arriving(1, None, Some(4));
    released.released = true;
    assert_eq!(compare(&case, &released), Verdict::Next { revision: 3 });
    released.person = Some(digest(98));
    assert_eq!(compare(&case, &released), Verdict::Hold(FindingCode::DIFFERENT_PERSON));
}

#[test]
fn a_withdrawal_is_a_revision_once_and_the_case_can_come_back() {
    let case = known(vec![stored(1, 1, None, None)]);
    assert_eq!(compare(&case, &arriving(0, None, None)), Verdict::Next { revision: 2 });
    let withdrawn = known(vec![stored(1, 1, None, None), stored(2, 0, None, None)]);
    let again = compare(&withdrawn, &arriving(0, None, None));
    assert_eq!(again, Verdict::Duplicate { revision: 2 });
    assert_eq!(compare(&withdrawn, &arriving(3, None, None)), Verdict::Next { revision: 3 });
}
