//! The police disposal, mirrored: only decisions of police and the provider's report of
//! non-compliance move it, and the gateway never does so on its own.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> active
//!     active --> non_compliance_reported: non_compliance_reported
//!     varied --> non_compliance_reported: non_compliance_reported
//!     active --> active: continue
//!     varied --> varied: continue
//!     non_compliance_reported --> active: continue
//!     active --> varied: varied
//!     varied --> varied: varied
//!     non_compliance_reported --> varied: varied
//!     active --> prosecuted: prosecute
//!     varied --> prosecuted: prosecute
//!     non_compliance_reported --> prosecuted: prosecute
//!     active --> complied: no_further_action, programme completed
//!     varied --> complied: no_further_action, programme completed
//!     active --> closed: no_further_action
//!     varied --> closed: no_further_action
//!     non_compliance_reported --> closed: no_further_action
//!     active --> withdrawn: withdrawn
//!     varied --> withdrawn: withdrawn
//!     non_compliance_reported --> withdrawn: withdrawn
//! ```
//!
//! `recalled` says that the referral was sent in error; it ends the programme and leaves the caution
//! as it is. When proceedings are instituted the caution ceases to have effect (CJA 2003 s24), so
//! nothing leads out of `prosecuted` but a decision that replaces the earlier one.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::{Choice, Decided, choices};
use super::decision::Decision;

/// Where the caution is; each state carries the facts that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Caution {
    Active,
    Varied {
        on: Date,
        deadline: Date,
    },
    NonComplianceReported {
        on: Date,
        /// The varied deadline that stood before, which a decision to continue brings back.
        #[serde(skip_serializing_if = "Option::is_none")]
        varied: Option<(Date, Date)>,
    },
    Complied {
        on: Date,
    },
    Prosecuted {
        on: Date,
    },
    Closed {
        on: Date,
    },
    Withdrawn {
        on: Date,
    },
}

choices! {
    /// Where a caution is, without the facts that led there.
    CautionState {
        Active "active", Varied "varied", NonComplianceReported "non_compliance_reported",
        Complied "complied", Prosecuted "prosecuted", Closed "closed", Withdrawn "withdrawn",
    }
}

impl Caution {
    /// The provider reported non-compliance; it moves a caution that is in force.
    pub fn non_compliance(self, on: Date) -> Caution {
        match self {
            Caution::Active => Caution::NonComplianceReported { on, varied: None },
            Caution::Varied { on: varied_on, deadline } => {
                Caution::NonComplianceReported { on, varied: Some((varied_on, deadline)) }
            }
            other => other,
        }
    }

    /// Takes a decision into account. One that comes after the caution has ended moves nothing: it
    /// would have to say which decision it replaces.
    pub fn decide(self, decision: &Decision, programme_completed: bool) -> Caution {
        let on = decision.decided_on;
        if self.has_ended() {
            return self;
        }
        match (decision.decided, decision.new_deadline, self) {
            (Decided::Recalled, _, any) => any,
            (Decided::Continue, _, Caution::NonComplianceReported { varied, .. }) => match varied {
                Some((on, deadline)) => Caution::Varied { on, deadline },
                None => Caution::Active,
            },
            (Decided::Continue, _, any) => any,
            (Decided::Varied, Some(deadline), _) => Caution::Varied { on, deadline },
            // Its reading refuses it without a day; nothing is guessed here.
            (Decided::Varied, None, any) => any,
            (Decided::Prosecute, _, _) => Caution::Prosecuted { on },
            (Decided::NoFurtherAction, _, Caution::Active | Caution::Varied { .. })
                if programme_completed =>
            {
                Caution::Complied { on }
            }
            (Decided::NoFurtherAction, _, _) => Caution::Closed { on },
            (Decided::Withdrawn, _, _) => Caution::Withdrawn { on },
        }
    }

    pub fn has_ended(&self) -> bool {
        !matches!(
            self,
            Caution::Active | Caution::Varied { .. } | Caution::NonComplianceReported { .. }
        )
    }

    pub fn state(&self) -> CautionState {
        match self {
            Caution::Active => CautionState::Active,
            Caution::Varied { .. } => CautionState::Varied,
            Caution::NonComplianceReported { .. } => CautionState::NonComplianceReported,
            Caution::Complied { .. } => CautionState::Complied,
            Caution::Prosecuted { .. } => CautionState::Prosecuted,
            Caution::Closed { .. } => CautionState::Closed,
            Caution::Withdrawn { .. } => CautionState::Withdrawn,
        }
    }
}
