//! What an operator is told of: each kind with what it means and what to do. One incident for each
//! (kind, about): opened, said again every day while it is open, closed.

use std::collections::BTreeMap;

/// What is so now: how many of it there are, by kind and by what it is about.
pub type Alerts = BTreeMap<(&'static str, String), u64>;

pub const MAPPING_REFUSED: &str = "mapping_refused";
pub const MAPPING_WAITING: &str = "mapping_waiting";
pub const MAPPING_UNREADABLE: &str = "mapping_unreadable";

/// A kind of alert for the person who is told.
#[derive(Debug)]
pub struct AlertKind {
    pub name: &'static str,
    /// What `about` holds.
    pub about: &'static str,
    pub means: &'static str,
    pub now: &'static str,
}

/// Every kind, published and append-only.
pub static KINDS: &[AlertKind] = &[
    AlertKind {
        name: "hold_open",
        about: "force",
        means: "Records of this force are held and go nowhere until somebody clears them.",
        now: "Run `cara-gateway hold list --force SLUG`, then show, release or return each.",
    },
    AlertKind {
        name: "pair_incomplete",
        about: "provider",
        means: "One half of a case was sent more than ten minutes ago and the other still waits.",
        now: "Look at `cara-gateway dead list` and at the broker's part of `/readyz`.",
    },
    AlertKind {
        name: "outcome_gap",
        about: "referral",
        means: "A report of the provider is missing while later ones have arrived; those wait.",
        now: "Ask the provider for the missing number of this referral; an attendance may wait \
              behind it, so do it today.",
    },
    AlertKind {
        name: "recall_unconfirmed",
        about: "referral",
        means: "A referral that was sent in error was recalled a day ago and the provider has not \
                confirmed that it stopped and destroyed it.",
        now: "Call the provider; it confirms with the outcome `closed`.",
    },
    AlertKind {
        name: "clock_jumped",
        about: "gateway",
        means: "The clock went back or jumped by more than 26 hours; no clock notice is made.",
        now: "Set the machine's clock right, then run `cara-gateway clock accept --because …`.",
    },
    AlertKind {
        name: "not_received",
        about: "provider",
        means: "Referrals were sent more than four hours ago and the provider has not said \
                `received`.",
        now: "Ask the provider whether its intake runs.",
    },
    AlertKind {
        name: "safeguarding_concern",
        about: "force",
        means: "A victim worker has raised a concern that the force has not taken over yet.",
        now: "Call a person at this force within 15 minutes, at any hour; the force reads it with \
              `GET /v1/notices?stream=victim` and acknowledges it.",
    },
    AlertKind {
        name: "notice_not_collected",
        about: "force",
        means: "A missed workshop or a safeguarding concern was not taken over within four hours.",
        now: "Call the force: it reads `GET /v1/notices` and acknowledges; if letters are pushed, \
              look at `cara-gateway delivery list`.",
    },
    AlertKind {
        name: "endpoint_paused",
        about: "force",
        means: "Nothing is pushed to this force's endpoint; its notices wait.",
        now: "Mend what `cara-gateway delivery list` says, then `cara-gateway delivery resume`.",
    },
    AlertKind {
        name: "force_silent",
        about: "force",
        means: "Nothing has arrived from this force for the days that were set for it.",
        now: "Ask the force whether its export runs.",
    },
    AlertKind {
        name: "dead_letter",
        about: "queue or provider",
        means: "Messages could not be delivered and wait for a person.",
        now: "Run `cara-gateway dead list`, find the cause, then `cara-gateway dead return QUEUE`.",
    },
    AlertKind {
        name: "reconciliation_missing",
        about: "provider and day",
        means: "The provider's list of that day and ours differ.",
        now: "Run `cara-gateway reconcile --provider SLUG --day DAY`, then `cara-gateway resend` \
              or ask the provider to send again.",
    },
    AlertKind {
        name: MAPPING_REFUSED,
        about: "mapping",
        means: "The file of this mapping has changed and cannot go live; its last good version does \
                the work.",
        now: "Run `cara-gateway mapping check`, mend the file or put the old text back.",
    },
    AlertKind {
        name: MAPPING_WAITING,
        about: "mapping",
        means: "The file of this mapping has changed in what concerns the victim, the risk or how \
                somebody is reached; it does not go live by itself.",
        now: "Two operators run `cara-gateway mapping activate`, or put the old text back.",
    },
    AlertKind {
        name: MAPPING_UNREADABLE,
        about: "mapping",
        means: "Another gateway put a version of this mapping live that this one cannot compile; \
                its last good version does the work here.",
        now: "Bring every gateway to the same release, or run `cara-gateway mapping rollback`.",
    },
    AlertKind {
        name: "certificate_expiring",
        about: "certificate",
        means: "A certificate ends within 30 days; the count is the days that are left.",
        now: "Renew it; the files are read again without a restart.",
    },
];

/// Whether the gateway that sees the files and versions tells it, and not the sweep.
pub fn is_of_mappings(kind: &str) -> bool {
    [MAPPING_REFUSED, MAPPING_WAITING, MAPPING_UNREADABLE].contains(&kind)
}

/// The kind with this name.
pub fn kind(name: &str) -> Option<&'static AlertKind> {
    KINDS.iter().find(|kind| kind.name == name)
}
