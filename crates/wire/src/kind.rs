//! What kinds of messages there are and where each is sent.

use cara_domain::Compartment;
use cara_domain::choice::MessageAction;

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
pub enum MessageKind {
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

impl MessageKind {
    pub const ALL: [MessageKind; 10] = [
        MessageKind::ReferralNew,
        MessageKind::ReferralAmended,
        MessageKind::ReferralWithdrawn,
        MessageKind::CautionDecision,
        MessageKind::Recall,
        MessageKind::VictimNew,
        MessageKind::VictimAmended,
        MessageKind::VictimWithdrawn,
        MessageKind::VictimRecalled,
        MessageKind::VictimPrompt,
    ];

    /// The kind with this action on this side; see [`MessageKind::action`].
    pub fn find(compartment: Compartment, action: MessageAction) -> Option<MessageKind> {
        MessageKind::ALL
            .into_iter()
            .find(|kind| kind.compartment() == compartment && kind.action() == action)
    }

    /// The end of the routing key: `referral.new`.
    pub const fn name(self) -> &'static str {
        match self {
            MessageKind::ReferralNew => "referral.new",
            MessageKind::ReferralAmended => "referral.amended",
            MessageKind::ReferralWithdrawn => "referral.withdrawn",
            MessageKind::VictimNew => "victim.new",
            MessageKind::VictimAmended => "victim.amended",
            MessageKind::VictimWithdrawn => "victim.withdrawn",
            MessageKind::CautionDecision => "caution.decision",
            MessageKind::Recall => "recall",
            MessageKind::VictimRecalled => "victim.recalled",
            MessageKind::VictimPrompt => "victim.prompt",
        }
    }

    /// What an outbox row carries: with the side it names the kind.
    pub const fn action(self) -> MessageAction {
        match self {
            MessageKind::ReferralNew | MessageKind::VictimNew => MessageAction::New,
            MessageKind::ReferralAmended | MessageKind::VictimAmended => MessageAction::Amended,
            MessageKind::ReferralWithdrawn | MessageKind::VictimWithdrawn => {
                MessageAction::Withdrawn
            }
            MessageKind::VictimRecalled => MessageAction::Recalled,
            MessageKind::CautionDecision => MessageAction::Decision,
            MessageKind::Recall => MessageAction::Recall,
            MessageKind::VictimPrompt => MessageAction::Prompt,
        }
    }

    /// The CloudEvents type: `uk.cara.referral.new.v1`.
    pub const fn type_name(self) -> &'static str {
        match self {
            MessageKind::ReferralNew => "uk.cara.referral.new.v1",
            MessageKind::ReferralAmended => "uk.cara.referral.amended.v1",
            MessageKind::ReferralWithdrawn => "uk.cara.referral.withdrawn.v1",
            MessageKind::VictimNew => "uk.cara.victim.new.v1",
            MessageKind::VictimAmended => "uk.cara.victim.amended.v1",
            MessageKind::VictimWithdrawn => "uk.cara.victim.withdrawn.v1",
            MessageKind::CautionDecision => "uk.cara.caution.decision.v1",
            MessageKind::Recall => "uk.cara.recall.v1",
            MessageKind::VictimRecalled => "uk.cara.victim.recalled.v1",
            MessageKind::VictimPrompt => "uk.cara.victim.prompt.v1",
        }
    }

    /// The `$id` of the JSON Schema of the message's `data`, committed as
    /// `docs/schemas/<name>.v1.json`.
    pub fn schema_id(self) -> String {
        format!("urn:uk-cara:schema:{}.v1", self.name())
    }

    pub const fn compartment(self) -> Compartment {
        match self {
            MessageKind::ReferralNew
            | MessageKind::ReferralAmended
            | MessageKind::ReferralWithdrawn
            | MessageKind::CautionDecision
            | MessageKind::Recall => Compartment::Offender,
            MessageKind::VictimNew
            | MessageKind::VictimAmended
            | MessageKind::VictimWithdrawn
            | MessageKind::VictimRecalled
            | MessageKind::VictimPrompt => Compartment::Victim,
        }
    }

    pub const fn exchange(self) -> &'static str {
        exchange(self.compartment())
    }
}

#[cfg(test)]
mod tests {
    use cara_domain::choice::Choice as _;

    use super::*;

    #[test]
    fn a_kind_is_found_again_by_side_and_action() {
        for kind in MessageKind::ALL {
            assert_eq!(MessageKind::find(kind.compartment(), kind.action()), Some(kind));
            assert_eq!(kind.type_name(), format!("uk.cara.{}.v1", kind.name()));
            assert_eq!(kind.name().rsplit('.').next(), Some(kind.action().code()));
        }
        assert_eq!(MessageKind::find(Compartment::Offender, MessageAction::Recalled), None);
    }
}
