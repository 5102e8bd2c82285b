//! A message as it crosses the broker: CloudEvents 1.0, structured mode, with its AMQP properties.

use bytes::Bytes;
use cara_domain::Compartment;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use uuid::Uuid;

use super::v1::{
    CautionDecision, ContentHead, Prompt, Recall, RecallDemand, ReferralWithdrawn, Stamp,
    VictimNotAgreed, VictimPrompt, VictimRecalled, VictimWithdrawn,
};
use super::{MessageKind, OffenderContent, VictimContent, flag};
use cara_domain::choice::{ContactAgreed, Decided};
use cara_domain::decision::Decision;
use cara_domain::{Finding, Recorded};

pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// What a revision is for the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisionChange {
    New,
    /// A full snapshot that replaces the one before.
    Amended,
}

/// Everything of an event but its body: what an outbox row keeps beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The CloudEvents id and the AMQP message id; the same for every copy.
    pub id: Uuid,
    pub kind: MessageKind,
    pub referral_id: Uuid,
    /// Home Office two-digit code.
    pub force: String,
    /// The provider's slug.
    pub provider: String,
    /// When the gateway took the record.
    pub received_at: Timestamp,
}

/// A message that may be published: made from a side of a valid referral, or reopened from the row
/// that was written from one.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    header: Header,
    body: Bytes,
}

impl Event {
    /// The event of a stored row; `body` as [`Event::body`] gave it.
    pub fn reopen(header: Header, body: Bytes) -> Event {
        Event { header, body }
    }

    /// The offender's side of a revision, as a full snapshot.
    pub fn referral(
        id: Uuid,
        change: RevisionChange,
        stamp: &Stamp,
        content: &OffenderContent,
        flags: &[Finding],
    ) -> Event {
        let kind = match change {
            RevisionChange::New => MessageKind::ReferralNew,
            RevisionChange::Amended => MessageKind::ReferralAmended,
        };
        Event::spliced(id, kind, stamp, content.as_bytes(), flags)
    }

    /// The victim's side of a revision: a full snapshot if she agreed to be contacted, otherwise
    /// `referral_id`, `revision` and `contact_agreed` and nothing else.
    pub fn victim(
        id: Uuid,
        change: RevisionChange,
        stamp: &Stamp,
        content: &VictimContent,
        flags: &[Finding],
    ) -> Event {
        let kind = match change {
            RevisionChange::New => MessageKind::VictimNew,
            RevisionChange::Amended => MessageKind::VictimAmended,
        };
        let contact_agreed = content.contact_agreed();
        if contact_agreed == Recorded::Is(ContactAgreed::Yes) {
            return Event::spliced(id, kind, stamp, content.as_bytes(), flags);
        }
        let Stamp { referral_id, revision, .. } = *stamp;
        let body = VictimNotAgreed { referral_id, revision, contact_agreed };
        Event::of(id, kind, stamp, &body)
    }

    /// She agreed before and does not now: stop, destroy, confirm.
    pub fn victim_recalled(
        id: Uuid,
        stamp: &Stamp,
        contact_agreed: Recorded<ContactAgreed>,
    ) -> Event {
        let Stamp { referral_id, revision, .. } = *stamp;
        let body =
            VictimRecalled { referral_id, revision, contact_agreed, demand: RecallDemand::ALL };
        Event::of(id, MessageKind::VictimRecalled, stamp, &body)
    }

    /// The case is off, for the side that is told so.
    pub fn withdrawn(id: Uuid, compartment: Compartment, stamp: &Stamp) -> Event {
        match compartment {
            Compartment::Offender => {
                let body = ReferralWithdrawn { head: ContentHead::of(stamp, &[]) };
                Event::of(id, MessageKind::ReferralWithdrawn, stamp, &body)
            }
            Compartment::Victim => {
                let Stamp { referral_id, revision, .. } = *stamp;
                let body = VictimWithdrawn { referral_id, revision };
                Event::of(id, MessageKind::VictimWithdrawn, stamp, &body)
            }
        }
    }

    /// What police decided. One who sent the referral in error recalls it, and says nothing else.
    pub fn decision(id: Uuid, stamp: &Stamp, decision: &Decision) -> Event {
        let head = ContentHead::of(stamp, &[]);
        if decision.decided == Decided::Recalled {
            return Event::of(
                id,
                MessageKind::Recall,
                stamp,
                &Recall { head, demand: RecallDemand::ALL },
            );
        }
        let body = CautionDecision {
            head,
            decision_id: decision.decision_id,
            decided_on: decision.decided_on,
            decision: decision.decided,
            new_deadline: decision.new_deadline,
            supersedes: decision.supersedes,
        };
        Event::of(id, MessageKind::CautionDecision, stamp, &body)
    }

    /// Something happened on the offender's side.
    pub fn prompt(id: Uuid, stamp: &Stamp, what: Prompt, happened_on: Date, due_by: Date) -> Event {
        let demand = (what == Prompt::Recalled).then_some(RecallDemand::ALL);
        let body =
            VictimPrompt { referral_id: stamp.referral_id, what, happened_on, due_by, demand };
        Event::of(id, MessageKind::VictimPrompt, stamp, &body)
    }

    fn of(id: Uuid, kind: MessageKind, stamp: &Stamp, data: &impl Serialize) -> Event {
        let (header, mut body) = Event::open(id, kind, stamp, 512);
        write(&mut body, data);
        Event::close(header, body)
    }

    /// The head of the body and the members of `content`, a JSON object that is never read again.
    fn spliced(
        id: Uuid,
        kind: MessageKind,
        stamp: &Stamp,
        content: &[u8],
        flags: &[Finding],
    ) -> Event {
        let (header, mut body) = Event::open(id, kind, stamp, content.len() + 512);
        write(&mut body, &ContentHead::of(stamp, &flag::visible(flags, kind.compartment())));
        body.pop();
        body.push(b',');
        body.extend_from_slice(&content[1..]);
        Event::close(header, body)
    }

    /// The envelope up to where its `data` begins.
    fn open(id: Uuid, kind: MessageKind, stamp: &Stamp, data_bytes: usize) -> (Header, Vec<u8>) {
        let header = Header {
            id,
            kind,
            referral_id: stamp.referral_id,
            force: stamp.force.clone(),
            provider: stamp.provider.clone(),
            received_at: stamp.received_at,
        };
        let envelope = Envelope {
            specversion: "1.0",
            id,
            source: &header.source(),
            kind: kind.type_name(),
            subject: stamp.referral_id,
            time: stamp.received_at,
            datacontenttype: "application/json",
            dataschema: &kind.schema_id(),
        };
        let mut body = Vec::with_capacity(data_bytes + 512);
        write(&mut body, &envelope);
        body.pop();
        body.extend_from_slice(b",\"data\":");
        (header, body)
    }

    fn close(header: Header, mut body: Vec<u8>) -> Event {
        body.push(b'}');
        Event { header, body: body.into() }
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    pub fn exchange(&self) -> &'static str {
        self.header.kind.exchange()
    }

    /// `<provider>.<force-code>.<kind>`: `harbour.44.referral.new`.
    pub fn routing_key(&self) -> String {
        let Header { provider, force, kind, .. } = &self.header;
        format!("{provider}.{force}.{}", kind.name())
    }

    pub fn message_id(&self) -> Uuid {
        self.header.id
    }

    /// `uk.cara.referral.new.v1`
    pub fn type_name(&self) -> &'static str {
        self.header.kind.type_name()
    }

    pub fn timestamp(&self) -> Timestamp {
        self.header.received_at
    }

    /// W3C trace context: the trace is the referral, the span is the message, so every copy of a
    /// message carries the same one.
    pub fn traceparent(&self) -> String {
        let (_, span) = self.header.id.as_u64_pair();
        format!("00-{}-{span:016x}-01", self.header.referral_id.simple())
    }

    /// The structured-mode JSON.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Bodies are never shown.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.header.id)
            .field("kind", &self.header.kind)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Header {
    /// CloudEvents `source`: `/forces/44`.
    fn source(&self) -> String {
        format!("/forces/{}", self.force)
    }
}

/// CloudEvents attributes, in the order in which they are written.
#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: Uuid,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: Uuid,
    time: Timestamp,
    datacontenttype: &'static str,
    dataschema: &'a str,
}

fn write(into: &mut Vec<u8>, value: &impl Serialize) {
    if serde_json::to_writer(into, value).is_err() {
        unreachable!("bodies have text keys and go into memory, so writing cannot fail");
    }
}
