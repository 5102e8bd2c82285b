//! A whole body tried with a mapping, for the person who writes it: what becomes of every record,
//! and where every field came from. Everything in it is personal.

use super::plan::Plan;
use super::trace::TraceLine;
use super::trial::inbox_domains;
use cara_document::Limits;
use cara_domain::field::Fills;
use cara_domain::{Context, Draft, Validated};

/// One record of the body.
#[derive(Debug)]
pub struct Attempt {
    /// Line of the body on which the record begins, 1-based.
    pub body_line: u32,
    /// Every field of the mapping that was read, in the mapping's order.
    pub lines: Vec<TraceLine>,
    /// Field and text of every code that no lookup lists.
    pub unlisted: Vec<(String, String)>,
    pub validated: Validated,
}

/// Why no record of the body was tried.
#[derive(Debug, thiserror::Error)]
pub enum UntriedBody {
    #[error(transparent)]
    Document(#[from] cara_document::Error),
    #[error("`match` does not take this body")]
    NotMatched,
    #[error("`record` finds nothing in this body")]
    NoRecord,
}

impl Plan {
    /// Applies the rules of what the file fills.
    pub fn judge(&self, draft: Draft<'_>, context: &Context<'_>) -> Validated {
        match self.fills {
            Fills::Referral => cara_domain::validate(draft, context),
            Fills::Decision => cara_domain::validate_decision(draft, context),
        }
    }

    /// Decodes, reads, translates and judges the body as the gateway would. Without the force's
    /// list of domains, whatever domain a compliance inbox has counts as listed.
    pub fn attempt(
        &self,
        body: &[u8],
        now: jiff::Timestamp,
        today: jiff::civil::Date,
        compliance_domains: Option<&[String]>,
    ) -> Result<Vec<Attempt>, UntriedBody> {
        let text = cara_document::decode(body, self.encoding())?;
        let tree = self.read(&text, &Limits::default())?;
        if !self.matches(&tree) {
            return Err(UntriedBody::NotMatched);
        }
        let records = self.records(&tree);
        if records.is_empty() {
            return Err(UntriedBody::NoRecord);
        }
        let attempts = records.into_iter().map(|record| {
            let (translation, lines) = self.trace(&tree, record);
            let own;
            let compliance_domains = match compliance_domains {
                Some(listed) => listed,
                None => {
                    own = inbox_domains(&translation.draft);
                    &own
                }
            };
            let context = Context { now, today, compliance_domains };
            Attempt {
                body_line: tree.line(record),
                lines,
                unlisted: translation.unlisted,
                validated: self.judge(translation.draft, &context),
            }
        });
        Ok(attempts.collect())
    }
}
