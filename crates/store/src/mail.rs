//! E-mail on its way.

use cara_domain::choice::MailStage;
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
    Incident {
        incident: Incident,
        /// `Err`: one that this version does not know.
        stage: Result<MailStage, String>,
        is_closed: bool,
    },
    /// To the notice's compliance inbox.
    Notice(Uuid),
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
