//! What kinds of messages there are and where each is sent.

use cara_domain::Compartment;

/// The topic exchange of everything that is sent to a provider in this compartment.
pub const fn exchange(compartment: Compartment) -> &'static str {
    match compartment {
        Compartment::Offender => "cara.referrals",
        Compartment::Victim => "cara.victims",
    }
}

/// The topic exchange of this compartment's outcomes that could not be applied.
pub const fn rejected_exchange(compartment: Compartment) -> &'static str {
    match compartment {
        Compartment::Offender => "cara.rejected",
        Compartment::Victim => "cara.victim_rejected",
    }
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    ReferralNew,
    ReferralAmended,
    ReferralWithdrawn,
    VictimNew,
    VictimAmended,
    VictimWithdrawn,
    /// What police decided about the caution.
    CautionDecision,
    /// The referral was sent in error: stop, destroy, confirm.
    Recall,
    /// She no longer agrees to be contacted: stop, destroy, confirm.
    VictimRecalled,
    /// Something happened on the offender's side.
    VictimPrompt,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::ReferralNew,
        Kind::ReferralAmended,
        Kind::ReferralWithdrawn,
        Kind::CautionDecision,
        Kind::Recall,
        Kind::VictimNew,
        Kind::VictimAmended,
        Kind::VictimWithdrawn,
        Kind::VictimRecalled,
        Kind::VictimPrompt,
    ];

    /// The kind with this action on this side; see [`Kind::action`].
    pub fn find(compartment: Compartment, action: &str) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.compartment() == compartment && kind.action() == action)
    }

    /// The end of the routing key: `referral.new`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::ReferralNew => "referral.new",
            Kind::ReferralAmended => "referral.amended",
            Kind::ReferralWithdrawn => "referral.withdrawn",
            Kind::VictimNew => "victim.new",
            Kind::VictimAmended => "victim.amended",
            Kind::VictimWithdrawn => "victim.withdrawn",
            Kind::CautionDecision => "caution.decision",
            Kind::Recall => "recall",
            Kind::VictimRecalled => "victim.recalled",
            Kind::VictimPrompt => "victim.prompt",
        }
    }

    /// The last part of the name, what an outbox row carries: `new`, `amended`, `withdrawn`,
    /// `recalled`, `decision`, `recall`, `prompt`.
    pub fn action(self) -> &'static str {
        self.name().rsplit('.').next().unwrap_or_default()
    }

    /// The CloudEvents type: `uk.cara.referral.new.v1`.
    pub const fn type_name(self) -> &'static str {
        match self {
            Kind::ReferralNew => "uk.cara.referral.new.v1",
            Kind::ReferralAmended => "uk.cara.referral.amended.v1",
            Kind::ReferralWithdrawn => "uk.cara.referral.withdrawn.v1",
            Kind::VictimNew => "uk.cara.victim.new.v1",
            Kind::VictimAmended => "uk.cara.victim.amended.v1",
            Kind::VictimWithdrawn => "uk.cara.victim.withdrawn.v1",
            Kind::CautionDecision => "uk.cara.caution.decision.v1",
            Kind::Recall => "uk.cara.recall.v1",
            Kind::VictimRecalled => "uk.cara.victim.recalled.v1",
            Kind::VictimPrompt => "uk.cara.victim.prompt.v1",
        }
    }

    /// The `$id` of the JSON Schema of the message's `data`, committed as
    /// `docs/schemas/<name>.v1.json`.
    pub fn schema_id(self) -> String {
        format!("urn:uk-cara:schema:{}.v1", self.name())
    }

    pub const fn compartment(self) -> Compartment {
        match self {
            Kind::ReferralNew
            | Kind::ReferralAmended
            | Kind::ReferralWithdrawn
            | Kind::CautionDecision
            | Kind::Recall => Compartment::Offender,
            Kind::VictimNew
            | Kind::VictimAmended
            | Kind::VictimWithdrawn
            | Kind::VictimRecalled
            | Kind::VictimPrompt => Compartment::Victim,
        }
    }

    pub const fn exchange(self) -> &'static str {
        exchange(self.compartment())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_again_by_side_and_action() {
        for kind in Kind::ALL {
            assert_eq!(Kind::find(kind.compartment(), kind.action()), Some(kind));
            assert_eq!(kind.type_name(), format!("uk.cara.{}.v1", kind.name()));
        }
        assert_eq!(Kind::find(Compartment::Offender, "recalled"), None);
    }
}
