//! A first look at a provider's message, before anybody judges it: whose case it is about, and
//! whether somebody may be in danger. It reads what is wrong otherwise as well.

use cara_domain::notice::NoticeKind;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::outcome::BYTES_MAX;

/// What a first look sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// As the message says it; nobody has looked whether there is such a case.
    pub referral_id: Option<Uuid>,
    pub urgent: Option<Urgent>,
}

/// What goes before everything else, and is told whatever else is wrong with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgent {
    Concern,
    /// A victim worker has graded the risk as high.
    RiskHigh,
}

impl Urgent {
    /// The kind of the outcome and of its notice.
    pub fn kind(self) -> NoticeKind {
        match self {
            Urgent::Concern => NoticeKind::SafeguardingConcern,
            Urgent::RiskHigh => NoticeKind::VictimRiskChanged,
        }
    }
}

const CONCERN: &str = "safeguarding_concern";

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    data: Option<About>,
}

#[derive(Deserialize)]
struct About {
    #[serde(default)]
    referral_id: Value,
    #[serde(default)]
    kind: Value,
    #[serde(default)]
    grade: Value,
}

/// Looks at a body of at most a few times the size of an honest one; a longer one says nothing.
pub fn glance(body: &[u8]) -> Glance {
    if body.len() > 4 * BYTES_MAX {
        return Glance::default();
    }
    let data = serde_json::from_slice::<Message>(body).ok().and_then(|message| message.data);
    let mut glance = Glance::default();
    if let Some(data) = data {
        glance.referral_id = data.referral_id.as_str().and_then(|id| id.parse().ok());
        glance.urgent = match (data.kind.as_str(), data.grade.as_str()) {
            (Some("victim_risk_changed"), Some("high")) => Some(Urgent::RiskHigh),
            _ => None,
        };
    }
    // Wherever it stands, in however broken a message.
    if body.windows(CONCERN.len()).any(|window| window == CONCERN.as_bytes()) {
        glance.urgent = Some(Urgent::Concern);
    }
    glance
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Option<Urgent>, is_about: bool) {
        let seen = glance(body.as_bytes());
        assert_eq!((seen.urgent, seen.referral_id.is_some()), (expected, is_about), "{body}");
    }

    #[test]
    fn a_concern_is_seen_in_whatever_message() {
        let id = "\"referral_id\":\"0197f2c6-7d7e-7b2a-8b1c-3f1d2a4b5c6d\"";
        let whole = format!("{{\"data\":{{{id},\"kind\":\"safeguarding_concern\"}}}}");
        check(&whole, Some(Urgent::Concern), true);
        check(&whole[..whole.len() - 2], Some(Urgent::Concern), false);
        let high =
            format!("{{\"data\":{{{id},\"kind\":\"victim_risk_changed\",\"grade\":\"high\"}}}}");
        check(&high, Some(Urgent::RiskHigh), true);
        check(&high.replace("high", "medium"), None, true);
        check(&format!("{{\"data\":{{{id},\"kind\":7}}}}"), None, true);
        check("not JSON", None, false);
    }
}
