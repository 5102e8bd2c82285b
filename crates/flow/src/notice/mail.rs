//! What e-mail says: references only, never anything about a person.

use cara_domain::Compartment;
use cara_domain::choice::{MailStage, stored_code};
use jiff::Timestamp;
use uuid::Uuid;

use crate::notice::{self, kind_in_words};
use crate::{Failure, Gateway, write};
use cara_metric::alert;
use cara_store::{Incident, Mail, MailAbout, MailChange, NoticeRow, What};
use cara_supervisor::contain;

/// An e-mail that may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Also its Message-ID: the same for every try.
    pub mail_id: Uuid,
    pub to: To,
    pub subject: String,
    pub text: String,
    pub attempts: u32,
    pub made_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq)]
pub enum To {
    Operators,
    /// The inbox that the force named for missed workshops.
    Inbox(String),
}

/// The inbox of a case is never shown.
impl std::fmt::Debug for To {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            To::Operators => f.write_str("Operators"),
            To::Inbox(_) => f.write_str("Inbox(..)"),
        }
    }
}

/// E-mail whose turn it is. One that has become needless, or can never be written, ends here.
pub async fn mails(gateway: &Gateway, limit: usize) -> Result<Vec<Written>, Failure> {
    let mut written = Vec::new();
    for mail in gateway.store.mails(gateway.clock.now(), limit).await? {
        let about = format!("e-mail {}", mail.mail_id);
        let step = contain(async { write_mail(gateway, &mail).await.map(Some) }).await;
        let wrote = gateway.faults.set_aside(&about, step)?;
        match wrote.unwrap_or(Err("a fault of the gateway's own met it")) {
            Ok(mail) => written.push(mail),
            Err(reason) => {
                tracing::warn!(mail_id = %mail.mail_id, reason, "an e-mail is not sent");
                write::change(
                    gateway,
                    What::Mail(MailChange::Dead { mail_id: mail.mail_id, reason }),
                )
                .await?;
            }
        }
    }
    Ok(written)
}

pub async fn mail_sent(gateway: &Gateway, mail_id: Uuid) -> Result<(), Failure> {
    write::change(gateway, What::Mail(MailChange::Sent { mail_id, at: gateway.clock.now() }))
        .await
        .map(drop)
}

/// The mail server is away or asks to come later.
pub async fn mail_again(
    gateway: &Gateway,
    mail_id: Uuid,
    not_before: Timestamp,
) -> Result<(), Failure> {
    write::change(gateway, What::Mail(MailChange::Again { mail_id, not_before })).await.map(drop)
}

/// The mail server refused it for good.
pub async fn mail_refused(gateway: &Gateway, mail_id: Uuid) -> Result<(), Failure> {
    let reason = "the mail server refused it for good";
    write::change(gateway, What::Mail(MailChange::Dead { mail_id, reason })).await.map(drop)
}

async fn write_mail(
    gateway: &Gateway,
    mail: &Mail,
) -> Result<Result<Written, &'static str>, Failure> {
    let (to, subject, text) = match &mail.about {
        MailAbout::Incident { incident, stage, is_closed } => {
            if *is_closed && *stage != Ok(MailStage::Closed) {
                return Ok(Err("the incident ended before it was sent"));
            }
            let (subject, text) = of_incident(incident, stage);
            (To::Operators, subject, text)
        }
        MailAbout::Notice(notice_id) => {
            let Some(row) = gateway.store.notice(*notice_id).await? else {
                return Ok(Err("there is no such notice"));
            };
            if row.taken_over_at.is_some() || row.cancelled_at.is_some() {
                return Ok(Err("the notice was taken over before it was sent"));
            }
            let content = notice::notice_view(gateway, &row)?.content;
            let Some(inbox) = content.compliance_inbox else {
                return Ok(Err("the case has no compliance inbox"));
            };
            let force = gateway.forces.of(row.force);
            let domains = &force.compliance_domains;
            let domain = inbox.rsplit_once('@').map_or("", |(_, domain)| domain);
            if !domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain)) {
                return Ok(Err("the inbox is no longer at a domain of the force"));
            }
            let occurrence = content.occurrence_number.unwrap_or_default();
            let (subject, text) = of_notice(&row, &occurrence);
            (To::Inbox(inbox), subject, text)
        }
    };
    let Mail { mail_id, attempts, made_at, .. } = *mail;
    Ok(Ok(Written { mail_id, to, subject, text, attempts, made_at }))
}

fn of_incident(incident: &Incident, stage: &Result<MailStage, String>) -> (String, String) {
    let Incident { kind, about, count, opened_at, .. } = incident;
    let subject = format!("CARA gateway: {kind} {about} {}", stored_code(stage));
    let page = alert::kind(kind);
    let means = page.map_or("", |page| page.means);
    let now = match (stage, page) {
        (Ok(MailStage::Closed), _) => "Nothing is left to do.",
        (_, Some(page)) => page.now,
        (_, None) => "",
    };
    let what = page.map_or("about", |page| page.about);
    let text = format!(
        "{means}\n\n{what}: {about}\nhow many: {count}\nsince: {opened_at}\nstate: {}\n\n{now}\n\n\
         `cara-gateway explain {kind}` and GET /problems/{kind} say more.\n",
        stored_code(stage)
    );
    (subject, text)
}

fn of_notice(row: &NoticeRow, occurrence: &str) -> (String, String) {
    let NoticeRow { sequence, force, notice_id, made_at, .. } = row;
    // A letter on its way may be read by anybody: that it concerns a victim is not said.
    let (kind, query) = match row.body.compartment() {
        Compartment::Offender => (format!("kind: {}\n", kind_in_words(row)), String::new()),
        Compartment::Victim => (String::new(), "&stream=victim".to_owned()),
    };
    let subject = format!("CARA notice {sequence} of force {force} waits to be collected");
    let text = format!(
        "A notice has not been taken over within four hours.\n\noccurrence: {occurrence}\n\
         notice: {notice_id}\nnumber: {sequence}\n{kind}made: {made_at}\n\n\
         Read it with GET /v1/notices?after={}{query} and acknowledge it.\n",
        sequence - 1
    );
    (subject, text)
}
