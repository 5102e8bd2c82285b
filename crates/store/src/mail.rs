//! E-mail on its way.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use super::Error;
use super::incident::Incident;

/// Reads of e-mail.
pub trait Mails: Send + Sync + 'static {
    /// E-mail whose turn it is, oldest first; at most `limit`.
    fn mails(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<Mail>, Error>>;
}

/// An e-mail that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Also its Message-ID: the same for every try.
    pub mail_id: Uuid,
    pub about: MailAbout,
    pub attempts: u32,
    pub made_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailAbout {
    /// To the operators.
    Incident { incident: Incident, stage: MailStage, is_closed: bool },
    /// To the notice's compliance inbox.
    Notice(Uuid),
}

/// Of what in an incident's life an e-mail tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailStage {
    Opened,
    /// Still open, and said again.
    Open,
    Closed,
}

impl MailStage {
    pub const ALL: [MailStage; 3] = [MailStage::Opened, MailStage::Open, MailStage::Closed];

    pub fn name(self) -> &'static str {
        match self {
            MailStage::Opened => "opened",
            MailStage::Open => "open",
            MailStage::Closed => "closed",
        }
    }
}

/// What becomes of an e-mail; each `Conflict` unless it is as that expects.
#[derive(Debug)]
pub enum MailChange {
    /// Nobody has taken the notice over: its inbox gets an e-mail, once.
    OfNotice {
        notice_id: Uuid,
        mail_id: Uuid,
        at: Timestamp,
    },
    Sent {
        mail_id: Uuid,
        at: Timestamp,
    },
    Again {
        mail_id: Uuid,
        not_before: Timestamp,
    },
    Dead {
        mail_id: Uuid,
        reason: &'static str,
    },
}
