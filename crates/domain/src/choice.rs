//! Closed lists of the referral: each is an enum whose texts are the codes of the field table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A field that holds one of a few codes.
pub trait Choice: Sized + Copy + 'static {
    const ALL: &'static [Self];
    /// The codes, as the field table lists them.
    const CODES: &'static [&'static str];

    /// The choice with this code.
    fn from_code(code: &str) -> Option<Self>;

    fn code(self) -> &'static str;
}

/// The code of a choice that was stored, or the text as it stands there where this version does not
/// know it.
pub fn stored_code<T: Choice>(stored: &Result<T, String>) -> &str {
    stored.as_ref().map_or_else(String::as_str, |known| known.code())
}

macro_rules! choices {
    ($( $(#[$doc:meta])* $type:ident { $($variant:ident $code:literal),* $(,)? } )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $type { $( #[serde(rename = $code)] $variant ),* }

        impl Choice for $type {
            const ALL: &'static [Self] = &[$($type::$variant),*];
            const CODES: &'static [&'static str] = &[$($code),*];

            fn from_code(code: &str) -> Option<Self> {
                match code {
                    $( $code => Some($type::$variant), )*
                    _ => None,
                }
            }

            fn code(self) -> &'static str {
                match self { $( $type::$variant => $code ),* }
            }
        }
    )* };
}

pub(crate) use choices;

choices! {
    /// What the force says a record is.
    Action { New "new", Amended "amended", Withdrawn "withdrawn" }

    YesNo { Yes "yes", No "no" }

    /// Sex as recorded (CJS codes 1, 2, 0, 9).
    Sex { Male "male", Female "female", Unknown "unknown", Unspecified "unspecified" }

    /// Self-defined ethnicity: 16+1 codes and their 18+1 successors, as sent.
    SelfDefinedEthnicity {
        W1 "W1", W2 "W2", W3 "W3", W9 "W9", M1 "M1", M2 "M2", M3 "M3", M9 "M9", A1 "A1", A2 "A2",
        A3 "A3", A4 "A4", A9 "A9", B1 "B1", B2 "B2", B9 "B9", O1 "O1", O2 "O2", O9 "O9", NS "NS",
    }

    /// Ethnicity as an officer saw it (6+1).
    ObservedEthnicity {
        Ic1 "IC1", Ic2 "IC2", Ic3 "IC3", Ic4 "IC4", Ic5 "IC5", Ic6 "IC6", Ic7 "IC7", Ic9 "IC9",
    }

    PreferredContact { Phone "phone", Text "text", Email "email", Post "post" }

    /// How the two people are connected (Domestic Abuse Act 2021 s2).
    RelationshipKind {
        Spouse "spouse", CivilPartner "civil_partner", Engaged "engaged",
        IntimatePartner "intimate_partner", SharedParent "shared_parent", Relative "relative",
    }

    /// The disposal; other kinds are reserved until the law brings them into force.
    CautionKind { ConditionalCaution "conditional_caution" }

    Authority { Police "police", Cps "cps" }

    ConditionKind { Cara "cara", NoContact "no_contact", Other "other" }

    /// How the dates of an offence are meant.
    DateKind {
        On "on", Before "before", After "after", Between "between", OnOrAbout "on_or_about",
        OnOrBefore "on_or_before",
    }

    RiskTool { Dash "dash", Dara "dara", Other "other" }

    RiskGrade { Standard "standard", Medium "medium", High "high" }

    /// What the victim said about the caution.
    Views { Supports "supports", Neutral "neutral", Opposes "opposes", NotObtained "not_obtained" }

    /// Whether the victim agreed to be contacted.
    ContactAgreed { Yes "yes", No "no", NotAsked "not_asked" }

    /// How it is safe to reach the victim; `none_safe` says that nothing is.
    SafeMethod { Phone "phone", Text "text", Email "email", NoneSafe "none_safe" }

    /// Why a provider cannot take somebody on. The gateway's own list: no published one was found.
    DeclineReason {
        NotSuitable "not_suitable", NoCapacity "no_capacity", NotSafe "not_safe",
        NotEligible "not_eligible", Other "other",
    }

    /// Why a workshop was missed; `cancelled_by_provider` never counts against the offender.
    MissReason {
        NoShow "no_show", LateRefused "late_refused", LeftEarly "left_early", Removed "removed",
        CancelledByProvider "cancelled_by_provider",
    }

    /// What a provider's report of non-compliance rests on. The gateway's own list.
    NonCompliance {
        WorkshopsMissed "workshops_missed", DidNotEngage "did_not_engage",
        DeclinedToAttend "declined_to_attend", RemovedFromWorkshop "removed_from_workshop",
        DeadlineCannotBeMet "deadline_cannot_be_met",
    }

    /// How far the victim worker has come. The gateway's own list.
    ContactStatus {
        Reached "reached", NotReached "not_reached", NumberWrong "number_wrong",
        UnsafeToContact "unsafe_to_contact", DeclinedContact "declined_contact",
    }

    /// What police decided about the caution (CJA 2003 s24A); `recalled`: it was sent in error.
    Decided {
        Continue "continue", Varied "varied", Prosecute "prosecute",
        NoFurtherAction "no_further_action", Withdrawn "withdrawn", Recalled "recalled",
    }

    /// What a message to a provider says of its referral: the last part of its name.
    MessageAction {
        New "new", Amended "amended", Withdrawn "withdrawn", Recalled "recalled",
        Decision "decision", Recall "recall", Prompt "prompt",
    }

    /// Of what in an incident's life an e-mail tells; `open`: it is still open, and said again.
    MailStage { Opened "opened", Open "open", Closed "closed" }

    AgeBand { Under5 "0-4", Under10 "5-9", Under16 "10-15", Under18 "16-17" }
}

impl DateKind {
    /// Whether the offence's day is only known to lie before the one given.
    pub fn is_upper_bound(self) -> bool {
        matches!(self, DateKind::Before | DateKind::OnOrBefore)
    }
}
