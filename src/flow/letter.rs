//! Notices as letters: rendered by the mapping of their force, fetched one by one or pushed to the
//! force's endpoint, each case's in order.

use std::sync::Arc;
use std::time::Duration;

use cara_record::domain::choice::Choice as _;
use cara_record::domain::notice::{Notice, NoticeKind};
use jiff::Timestamp;
use uuid::Uuid;

use super::live::LiveLetter;
use super::notice::Asked;
use super::{Caller, Gateway, Operator, Refusal};
use crate::clock::later;
use crate::store::{
    Compartment, Entry, Fact, ForceCode, NoticeFilter, NoticeRow, Operation, Paused, Tend, What,
};

/// A notice that cannot be rendered is tried again after so long.
const UNRENDERED_REST: Duration = Duration::from_secs(3600);

/// A notice in its force's own format.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    pub notice_id: Uuid,
    pub sequence: u64,
    pub media_type: String,
    pub body: Vec<u8>,
}

/// Letters are never shown.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("notice_id", &self.notice_id).finish_non_exhaustive()
    }
}

/// A letter whose turn it is to be pushed.
#[derive(Clone, Debug)]
pub struct Due {
    pub letter: Letter,
    /// Headers that the force wants besides ours.
    pub headers: Vec<(String, String)>,
    /// Answers by which the force has it.
    pub delivered: Vec<u16>,
    /// Answers by which the force says that it has taken it over.
    pub taken_over: Vec<u16>,
    pub timeout: Duration,
    /// Tries that failed.
    pub attempts: u32,
    pub failing_since: Option<Timestamp>,
}

/// A force's endpoint, as its `notice.toml` names it; whether it may be used is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTo {
    pub force: ForceCode,
    pub slug: String,
    pub url: String,
}

impl Gateway {
    /// Where letters are pushed now; those that are paused are left out.
    pub async fn endpoints(&self) -> Result<Vec<PushTo>, Refusal> {
        let paused = self.store.paused().await?;
        let forces = self.forces.all().filter(|it| !paused.iter().any(|p| p.force == it.code));
        let endpoint = |force: &super::Force| {
            let live = self.live.letter(force.code)?;
            let url = live.plan.delivery()?.to.clone();
            Some(PushTo { force: force.code, slug: force.slug.clone(), url })
        };
        Ok(forces.filter_map(endpoint).collect())
    }

    /// Letters of a force whose turn it is. One that cannot be rendered waits, and is said.
    pub async fn due_letters(&self, force: ForceCode, limit: usize) -> Result<Vec<Due>, Refusal> {
        let Some(live) = self.live.letter(force) else { return Ok(Vec::new()) };
        let Some(delivery) = live.plan.delivery() else { return Ok(Vec::new()) };
        let mut due = Vec::new();
        for row in self.store.pushes(force, self.clock.now(), limit).await? {
            let Some(notice) = self.store.notice(row.notice_id).await? else { continue };
            match self.render(&notice, &live) {
                Ok(letter) => due.push(Due {
                    letter,
                    headers: delivery.headers.clone(),
                    delivered: delivery.delivered.clone(),
                    taken_over: delivery.taken_over.clone(),
                    timeout: Duration::from_secs(delivery.timeout_s.into()),
                    attempts: row.attempts,
                    failing_since: row.failing_since,
                }),
                Err(error) => {
                    tracing::error!(
                        notice_id = %row.notice_id,
                        error = &error as &dyn std::error::Error,
                        "a notice cannot be written as a letter; it is tried again in an hour"
                    );
                    let not_before = later(self.clock.now(), UNRENDERED_REST);
                    self.letter_again(row.notice_id, not_before).await?;
                }
            }
        }
        Ok(due)
    }

    /// The force's endpoint has the letter; with `taken_over` it said that it answers for it.
    pub async fn letter_delivered(
        &self,
        force: ForceCode,
        notice_id: Uuid,
        taken_over: bool,
    ) -> Result<(), Refusal> {
        let at = self.clock.now();
        let fact = Fact {
            operation: Operation::Disclosure,
            by: "gateway".to_owned(),
            at,
            about: format!("notice {notice_id}"),
            to: Some(format!("endpoint of {}", self.forces.of(force).slug)),
            note: taken_over.then(|| "taken over".to_owned()),
        };
        let what = What::Tend(Tend::Delivered { notice_id, at, taken_over });
        self.write_raced(Entry::of(what, vec![fact])).await.map(drop)
    }

    pub async fn letter_again(
        &self,
        notice_id: Uuid,
        not_before: Timestamp,
    ) -> Result<(), Refusal> {
        let again = Tend::PushAgain { notice_id, at: self.clock.now(), not_before };
        self.tend(again).await.map(drop)
    }

    /// The endpoint answers again: what waits need not wait any longer.
    pub async fn letters_now(&self, force: ForceCode) -> Result<(), Refusal> {
        self.tend(Tend::PushNow { force }).await.map(drop)
    }

    /// Pushes nothing more to a force until somebody resumes; the queue is kept.
    pub async fn pause_delivery(
        &self,
        force: ForceCode,
        by: &str,
        because: &str,
    ) -> Result<bool, Refusal> {
        let at = self.clock.now();
        let (by, because) = (by.to_owned(), because.to_owned());
        let fact = Fact {
            operation: Operation::Alteration,
            by: by.clone(),
            at,
            about: format!("delivery to {force} paused"),
            to: None,
            note: Some(because.clone()),
        };
        let what = What::Tend(Tend::Pause(Paused { force, at, by, because }));
        self.write_raced(Entry::of(what, vec![fact])).await
    }

    pub(super) async fn resume_delivery(
        &self,
        operator: &Operator,
        force: ForceCode,
        because: String,
    ) -> Result<(), Refusal> {
        let fact = self.said_by(operator, &format!("delivery to {force} resumed"), because)?;
        let what = What::Tend(Tend::Resume { force });
        match self.write_raced(Entry::of(what, vec![fact])).await? {
            true => {
                self.letters_wake.notify_one();
                Ok(())
            }
            false => Err(Refusal::WrongState { state: "it is not paused" }),
        }
    }

    /// The first notice that the caller's force has not taken over, as a letter.
    pub async fn next_letter(
        &self,
        caller: &Caller,
        asked: Asked,
    ) -> Result<Option<Letter>, Refusal> {
        let force = super::consult::one_force(caller, asked.force.as_deref())?;
        if asked.victims && !caller.victims {
            return Err(Refusal::Forbidden);
        }
        let live = self.live.letter(force).ok_or(Refusal::Absent)?;
        let stream = if asked.victims { Compartment::Victim } else { Compartment::Offender };
        let filter = NoticeFilter { force, test_data: caller.test, stream, after: asked.after };
        let Some(row) = self.store.next_notice(filter).await? else { return Ok(None) };
        let letter = self.render(&row, &live)?;
        let about = format!("notice {} {}", row.notice_id, row.kind);
        self.record_consultation(&caller.identity, &about, None).await?;
        Ok(Some(letter))
    }

    fn render(&self, row: &NoticeRow, live: &Arc<LiveLetter>) -> Result<Letter, Refusal> {
        let view = self.notice_view(row)?;
        let fault = |text: String| Refusal::Internal(anyhow::anyhow!(text));
        let kind = NoticeKind::from_code(&row.kind)
            .ok_or_else(|| fault(format!("{} is no kind of notice", row.kind)))?;
        let notice = Notice {
            notice_id: row.notice_id,
            sequence: row.sequence,
            kind,
            referral_id: row.about.referral_id(),
            made_at: row.made_at,
            content: &view.content,
        };
        let rendered =
            live.plan.render(&notice).map_err(|error| Refusal::Internal(anyhow::anyhow!(error)))?;
        Ok(Letter {
            notice_id: row.notice_id,
            sequence: row.sequence,
            media_type: rendered.media_type,
            body: rendered.body,
        })
    }
}
