//! What a letter may say: every field of a notice by its dotted name.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;

use cara_domain::choice::{Choice, DeclineReason, MissReason, NonCompliance, YesNo};
use cara_domain::notice::{Notice, NoticeKind};

/// What kind of value a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterFieldShape {
    Text,
    /// A whole number, written in digits.
    Number,
    /// One of these codes.
    Code(&'static [&'static str]),
    /// Codes with blanks between, of these and of lists that are not closed.
    Codes(&'static [&'static str]),
    Day,
    Moment,
    /// A UUID in its usual form.
    Id,
}

/// What is fixed about a field.
#[derive(Debug)]
pub struct LetterFieldSpec {
    pub field: Field,
    /// As a mapping writes it.
    pub name: &'static str,
    pub shape: LetterFieldShape,
    /// One line for the person who writes a mapping.
    pub doc: &'static str,
}

macro_rules! fields {
    ($( $field:ident $name:literal $shape:expr, $doc:literal; )*) => {
        /// A field of a notice.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Field { $($field),* }

        /// Every field, in the order of `notice/1`.
        pub static FIELDS: &[LetterFieldSpec] = &[
            $( LetterFieldSpec { field: Field::$field, name: $name, shape: $shape, doc: $doc } ),*
        ];
    };
}

fields! {
    NoticeId "notice.notice_id" LetterFieldShape::Id, "The notice's own id, the same however often it is sent";
    Sequence "notice.sequence" LetterFieldShape::Number, "1, 2, 3 … for each force and stream, without gaps";
    Kind "notice.kind" LetterFieldShape::Code(NoticeKind::CODES), "What the notice is about";
    ReferralId "notice.referral_id" LetterFieldShape::Id, "The referral; missing while the record is held";
    MadeAt "notice.made_at" LetterFieldShape::Moment, "When the gateway made the notice";
    RecordRef "notice.record_ref" LetterFieldShape::Text, "The force's key of the case and the offender";
    OccurrenceNumber "notice.occurrence_number" LetterFieldShape::Text, "The force's occurrence number";
    CollarNumber "notice.collar_number" LetterFieldShape::Text, "Collar number of the officer in charge";
    ComplianceInbox "notice.compliance_inbox" LetterFieldShape::Text, "Where missed workshops are mailed to";
    HappenedOn "notice.happened_on" LetterFieldShape::Day, "The day on which it happened or was reported";
    Part "notice.part" LetterFieldShape::Code(&["1", "2"]), "Which of the two workshops it is about";
    WorkshopOn "notice.workshop_on" LetterFieldShape::Day, "The day of that workshop";
    Reason "notice.reason" LetterFieldShape::Codes(&REASONS), "Why: codes of the outcome, with blanks between";
    Deadline "notice.deadline" LetterFieldShape::Day, "The day that police set, as varied last";
    ProsecutionTimeBar "notice.prosecution_time_bar" LetterFieldShape::Day, "The last day on which proceedings may begin";
    CompletionStillPossible "notice.completion_still_possible" LetterFieldShape::Code(YesNo::CODES), "Whether two workshops still fit before the deadline";
    ProviderContact "notice.provider_contact" LetterFieldShape::Text, "How police reach the provider";
    EvidenceRef "notice.evidence_ref" LetterFieldShape::Id, "The outcome or the hold behind it";
    Supersedes "notice.supersedes" LetterFieldShape::Id, "The outcome that this one takes back";
}

const REASON_LISTS: [&[&str]; 3] = [DeclineReason::CODES, MissReason::CODES, NonCompliance::CODES];
const REASON_COUNT: usize = REASON_LISTS[0].len() + REASON_LISTS[1].len() + REASON_LISTS[2].len();

/// The closed lists that a notice's reason is from, one behind the other.
static REASONS: [&str; REASON_COUNT] = {
    let mut all = [""; REASON_COUNT];
    let (mut list, mut filled) = (0, 0);
    while list < REASON_LISTS.len() {
        let mut row = 0;
        while row < REASON_LISTS[list].len() {
            all[filled] = REASON_LISTS[list][row];
            filled += 1;
            row += 1;
        }
        list += 1;
    }
    all
};

/// The codes that a notice of this kind can give as its reason.
fn reasons(kind: NoticeKind) -> &'static [&'static str] {
    match kind {
        NoticeKind::Declined => DeclineReason::CODES,
        NoticeKind::WorkshopMissed => MissReason::CODES,
        NoticeKind::NonComplianceReported => NonCompliance::CODES,
        _ => &[],
    }
}

/// What a notice says in one field.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum FieldContent<'n> {
    Nothing,
    Text(Cow<'n, str>),
    Day(Date),
    Moment(Timestamp),
}

impl<'n> FieldContent<'n> {
    /// A blank text says nothing.
    fn text(text: Option<impl Into<Cow<'n, str>>>) -> FieldContent<'n> {
        let text = text.map(Into::into).filter(|text| !text.trim().is_empty());
        text.map_or(FieldContent::Nothing, FieldContent::Text)
    }

    fn day(day: Option<Date>) -> FieldContent<'n> {
        day.map_or(FieldContent::Nothing, FieldContent::Day)
    }

    /// As conditions and lookups read it: codes, days as YYYY-MM-DD.
    pub fn canonical(&self) -> Option<Cow<'_, str>> {
        match self {
            FieldContent::Nothing => None,
            FieldContent::Text(text) => Some(Cow::Borrowed(text)),
            FieldContent::Day(day) => Some(Cow::Owned(day.to_string())),
            FieldContent::Moment(at) => Some(Cow::Owned(at.to_string())),
        }
    }
}

impl Field {
    pub fn spec(self) -> &'static LetterFieldSpec {
        &FIELDS[self as usize]
    }

    /// The field of this dotted name.
    pub fn find(name: &str) -> Option<Field> {
        FIELDS.iter().find(|spec| spec.name == name).map(|spec| spec.field)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|spec| spec.name)
    }

    /// Every code that the field can hold in a notice of one of these kinds; `None` where its values
    /// are no closed list.
    pub(super) fn codes(self, kinds: &[NoticeKind]) -> Option<Vec<&'static str>> {
        match (self, self.spec().shape) {
            (Field::Kind, _) => Some(kinds.iter().map(|kind| kind.code()).collect()),
            (Field::Reason, _) => {
                Some(kinds.iter().flat_map(|kind| reasons(*kind)).copied().collect())
            }
            (_, LetterFieldShape::Code(codes) | LetterFieldShape::Codes(codes)) => {
                Some(codes.to_vec())
            }
            _ => None,
        }
    }

    pub(super) fn read<'n>(self, notice: &'n Notice<'_>) -> FieldContent<'n> {
        let content = notice.content;
        let id = |id: Option<uuid::Uuid>| FieldContent::text(id.map(|id| id.to_string()));
        match self {
            Field::NoticeId => id(Some(notice.notice_id)),
            Field::Sequence => FieldContent::text(Some(notice.sequence.to_string())),
            Field::Kind => FieldContent::text(Some(notice.kind.code())),
            Field::ReferralId => id(notice.referral_id),
            Field::MadeAt => FieldContent::Moment(notice.made_at),
            Field::RecordRef => FieldContent::text(content.record_ref.as_deref()),
            Field::OccurrenceNumber => FieldContent::text(content.occurrence_number.as_deref()),
            Field::CollarNumber => FieldContent::text(content.collar_number.as_deref()),
            Field::ComplianceInbox => FieldContent::text(content.compliance_inbox.as_deref()),
            Field::HappenedOn => FieldContent::Day(content.happened_on),
            Field::Part => FieldContent::text(content.part.map(|part| part.to_string())),
            Field::WorkshopOn => FieldContent::day(content.workshop_on),
            Field::Reason => FieldContent::text(content.reason.as_deref()),
            Field::Deadline => FieldContent::day(content.deadline),
            Field::ProsecutionTimeBar => FieldContent::day(content.prosecution_time_bar),
            Field::CompletionStillPossible => {
                let word = |possible| if possible { YesNo::Yes } else { YesNo::No };
                FieldContent::text(content.completion_still_possible.map(|it| word(it).code()))
            }
            Field::ProviderContact => FieldContent::text(content.provider_contact.as_deref()),
            Field::EvidenceRef => id(content.evidence_ref),
            Field::Supersedes => id(content.supersedes),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Choice, FIELDS, Field, NoticeKind, REASONS, reasons};

    #[test]
    fn a_field_stands_where_its_number_says() {
        for spec in FIELDS {
            assert_eq!(spec.field.spec().name, spec.name);
            assert_eq!(Field::find(spec.name), Some(spec.field));
        }
    }

    #[test]
    fn every_closed_reason_is_listed_once_and_some_kind_gives_it() {
        let listed: BTreeSet<&str> = REASONS.into_iter().collect();
        assert_eq!(listed.len(), REASONS.len());
        let kinds = NoticeKind::CODES.iter().filter_map(|code| NoticeKind::from_code(code));
        let given: BTreeSet<&str> = kinds.flat_map(reasons).copied().collect();
        assert_eq!(listed, given);
    }
}
