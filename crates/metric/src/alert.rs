//! What an operator is told of: each kind with what it means and what to do. One incident for each
//! (kind, about): opened, said again every day while it is open, closed.
//!
//! A room that sees its own trouble says so on [`super::Troubles`]; the sweep makes incidents of what stands
//! there.

use std::collections::BTreeMap;

/// What is so now: how many of it there are, by kind and by what it is about.
pub type Alerts = BTreeMap<(&'static str, String), u64>;

pub const BROKER_AWAY: &str = "broker_away";
pub const BROKER_REFUSES: &str = "broker_refuses";
pub const QUEUE_MISMATCH: &str = "queue_mismatch";
pub const ROUTE_CLOSED: &str = "route_closed";
pub const LAYOUT_MISSING: &str = "layout_missing";
pub const MESSAGE_SET_ASIDE: &str = "message_set_aside";
pub const BACKLOG_OLD: &str = "backlog_old";
pub const OUTCOMES_UNREAD: &str = "outcomes_unread";
pub const PROVIDER_FLOOD: &str = "provider_flood";
pub const PROVIDER_REJECTIONS: &str = "provider_rejections";
pub const SAFEGUARDING_CONCERN: &str = "safeguarding_concern";
pub const STORE_REFUSING: &str = "store_refusing";
pub const STORE_DAMAGED: &str = "store_damaged";
pub const ROW_DAMAGED: &str = "row_damaged";
pub const STORE_ANCHOR: &str = "store_anchor";
pub const UNCLEAN_STOP: &str = "unclean_stop";
pub const DISK_LOW: &str = "disk_low";
pub const STORE_GROWTH: &str = "store_growth";
pub const SWEEP_LATE: &str = "sweep_late";
pub const LETTER_REFUSED: &str = "letter_refused";
pub const ENDPOINT_FAILING: &str = "endpoint_failing";
pub const MAIL_NOT_LEAVING: &str = "mail_not_leaving";
pub const MEMORY_HIGH: &str = "memory_high";
pub const DESCRIPTORS_HIGH: &str = "descriptors_high";
pub const EPOCH_MISSING: &str = "epoch_missing";
pub const ENTRY_FAULT: &str = "entry_fault";
pub const FORCE_UNLISTED: &str = "force_unlisted";
pub const FORCE_AT_LIMITS: &str = "force_at_limits";
pub const CERTIFICATE_UNREADABLE: &str = "certificate_unreadable";
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
        now: "Run `cara-gateway hold list`, then `cara-gateway hold show ID`, and `cara-gateway hold \
              release ID --because …` or `cara-gateway hold return ID --because …` for each.",
    },
    AlertKind {
        name: "pair_incomplete",
        about: "provider",
        means: "One half of a case was sent more than ten minutes ago and the other still waits.",
        now: "Look at the other incidents of this provider and at the broker's part of `/readyz`; the \
              half that waits goes by itself.",
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
        means: "The clock went back or jumped by more than 26 hours, so what only time says (a \
                deadline, a silence) is not told. Records, messages and reports go on.",
        now: "Compare `date -u` with another machine's and set the clock right if it is wrong; then \
              run `cara-gateway clock accept --because …`.",
    },
    AlertKind {
        name: "not_received",
        about: "provider",
        means: "Referrals were sent more than four hours ago and the provider has not said \
                `received`.",
        now: "Ask the provider whether its intake runs.",
    },
    AlertKind {
        name: SAFEGUARDING_CONCERN,
        about: "force, or provider and side",
        means: "A victim worker has raised a concern that the force has not taken over yet; or a \
                provider sent one, or a risk raised to high, that names no case.",
        now: "Call a person at this force within 15 minutes, at any hour; the force reads it with \
              `GET /v1/notices?stream=victim` and acknowledges it. For a provider: call it and ask \
              whom it is about.",
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
        now: "Mend what `cara-gateway delivery list` says, then run `cara-gateway delivery resume \
              FORCE --because …`.",
    },
    AlertKind {
        name: "force_silent",
        about: "force",
        means: "Nothing has arrived from this force for the days that were set for it.",
        now: "Ask the force whether its export runs.",
    },
    AlertKind {
        name: "dead_letter",
        about: "queue",
        means: "Messages could not be delivered and wait for a person.",
        now: "Run `cara-gateway dead list`, find the cause, then `cara-gateway dead return QUEUE`.",
    },
    AlertKind {
        name: "reconciliation_missing",
        about: "provider and day",
        means: "The provider's list of that day and ours differ.",
        now: "Run `cara-gateway reconcile --provider SLUG --day DAY`, then `cara-gateway resend \
              --provider SLUG --since TIME --because …` or ask the provider to send again.",
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
        means: "A certificate ends within 30 days; the count is the days that are left. At 0 it has \
                ended, and whoever is shown it hangs up: the forces if it is the API's, their \
                endpoints if it is the one for delivery, a force's system if it is its CA's.",
        now: "Run `cara-gateway doctor`, which names each with its days; renew it and put the new \
              files in the place of the old ones. They are read again without a restart.",
    },
    AlertKind {
        name: BROKER_AWAY,
        about: "provider",
        means: "No broker answers for this provider; its messages wait in the store and its \
                reports are not read.",
        now: "Look at the broker and the network; nothing is lost meanwhile and no restart is \
              needed.",
    },
    AlertKind {
        name: BROKER_REFUSES,
        about: "provider",
        means: "The broker answers and refuses: the login, or a right that the gateway needs.",
        now: "Compare the user, its password and its permissions with `cara-gateway broker \
              definitions`.",
    },
    AlertKind {
        name: QUEUE_MISMATCH,
        about: "provider",
        means: "A queue or exchange of this provider exists with other arguments than the \
                gateway's; nothing is exchanged with this provider until that is mended.",
        now: "Stop what uses it, move its messages, delete it; the gateway declares it again by \
              itself.",
    },
    AlertKind {
        name: ROUTE_CLOSED,
        about: "provider and side",
        means: "Three messages in a row made the broker close this route; it is tried with one \
                message a minute.",
        now: "Look at the rights of the gateway's user on the exchange, and at the broker's log.",
    },
    AlertKind {
        name: LAYOUT_MISSING,
        about: "provider",
        means: "A queue, exchange or binding of this provider was gone while the gateway used it. \
                The gateway has declared it again, or tries to; what stood in a queue that was \
                deleted is gone with it. It is said for an hour.",
        now: "Find out who deleted it. Then compare with `cara-gateway reconcile --provider SLUG \
              --day DAY`, send ours again with `cara-gateway resend --provider SLUG --since TIME \
              --because …`, and ask the provider to send its reports again.",
    },
    AlertKind {
        name: MESSAGE_SET_ASIDE,
        about: "message",
        means: "The broker closed the channel when this message was published; it is set aside \
                and tried again later, and the others go on.",
        now: "Look at the broker's log for the reason and mend that; the message is tried again by \
              itself, and this ends when it is confirmed.",
    },
    AlertKind {
        name: BACKLOG_OLD,
        about: "provider",
        means: "Messages to this provider have waited for more than 15 minutes.",
        now: "Look at the broker's part of `/readyz` and at the other incidents of this provider.",
    },
    AlertKind {
        name: OUTCOMES_UNREAD,
        about: "provider",
        means: "What this provider reports is not read: there is no consumer on its queue, or it \
                gets nothing through.",
        now: "Look at the outcomes part of `/readyz`; safeguarding concerns may wait there, so \
              ask the provider by telephone.",
    },
    AlertKind {
        name: PROVIDER_FLOOD,
        about: "provider and side",
        means: "This provider sends more reports than its quota; they are read slowly, \
                safeguarding concerns first.",
        now: "Ask the provider what its system repeats; the reports are in order and none is lost.",
    },
    AlertKind {
        name: PROVIDER_REJECTIONS,
        about: "provider and side",
        means: "Many reports of this provider could not be applied within an hour.",
        now: "Ask the provider to look at its rejected queue; each answer names the code and what \
              to do.",
    },
    AlertKind {
        name: STORE_REFUSING,
        about: "gateway",
        means: "The store cannot commit; every record gets 503 and is not taken, and nothing is \
                sent. Forces and providers send again what was not taken.",
        now: "Look at the store's part of `/readyz`, which says why: make room on the disk, give the \
              file its rights back, or end the program that locks it. No restart is needed.",
    },
    AlertKind {
        name: STORE_DAMAGED,
        about: "part of the store",
        means: "The store's file is damaged; it is served no further than helps to save it.",
        now: "Stop the gateway, keep all of its files, restore a backup, and let `cara-gateway doctor \
              --deep` look at it before the start.",
    },
    AlertKind {
        name: ROW_DAMAGED,
        about: "row of the store",
        means: "One stored row is not as it was written. Its case waits; everything else goes on.",
        now: "Keep a copy of the store, ask the force to send the record again, find who changed it.",
    },
    AlertKind {
        name: STORE_ANCHOR,
        about: "what is wrong with it",
        means: "The file `store.anchor` cannot be written, or was not there at the start: an older \
                copy of the store would be taken for it.",
        now: "Make its folder writable for the gateway's user; if the file was gone, find out why \
              and whether the store is the newest one.",
    },
    AlertKind {
        name: UNCLEAN_STOP,
        about: "gateway",
        means: "The last run of the gateway did not end by an ordinary stop: it was killed, or it \
                crashed.",
        now: "Look at the log before the last start; nothing that was acknowledged is lost.",
    },
    AlertKind {
        name: DISK_LOW,
        about: "disk of the store",
        means: "The disk has less than twice the reserve left; below the reserve no record is \
                taken.",
        now: "Make room, or move the store to a larger disk.",
    },
    AlertKind {
        name: STORE_GROWTH,
        about: "force",
        means: "What this force sends makes the store grow faster than its daily limit allows; at \
                the limit its records get 503.",
        now: "Ask the force what its export repeats; raise `store_bytes_per_day_max` if it is \
              right.",
    },
    AlertKind {
        name: SWEEP_LATE,
        about: "gateway",
        means: "The clock's sweep fails or has not run for two minutes: no clock notice is made \
                and no incident is opened.",
        now: "Look at the log for `the sweep failed`; if nothing is there, restart the gateway.",
    },
    AlertKind {
        name: LETTER_REFUSED,
        about: "notice",
        means: "This letter does not arrive, or cannot be written, while nothing else is wrong with \
                the force's endpoint; the others go on, but for its own case's.",
        now: "Run `cara-gateway delivery show ID`, mend the cause at the force or in notice.toml, \
              then run `cara-gateway delivery resend ID --because …` or `cara-gateway delivery \
              cancel ID --because …`.",
    },
    AlertKind {
        name: ENDPOINT_FAILING,
        about: "force",
        means: "Nothing gets through to this force's endpoint; its letters wait and go by \
                themselves when it answers.",
        now: "Run `cara-gateway delivery list`, which names the last reason, and call the force's \
              system people; nothing has to be done here when it is mended.",
    },
    AlertKind {
        name: MAIL_NOT_LEAVING,
        about: "mail server",
        means: "The mail server has taken no e-mail for more than 15 minutes, or refuses an \
                operator's for good; nobody is told by e-mail of anything.",
        now: "Run `cara-gateway doctor`, which speaks with the server and says where it stops; until \
              that is mended look at `cara-gateway incident list`, the log and `/readyz`.",
    },
    AlertKind {
        name: MEMORY_HIGH,
        about: "gateway",
        means: "The gateway uses more than 85% of the memory that it, or the machine, has; beyond \
                that it is ended by the system.",
        now: "Give it more memory or lower `api.in_flight_bytes_max`; ask a force whose bodies are \
              large to send fewer records in each.",
    },
    AlertKind {
        name: DESCRIPTORS_HIGH,
        about: "gateway",
        means: "The gateway uses nearly all of the file descriptors that it is allowed.",
        now: "Raise the limit (LimitNOFILE) or lower `api.connections_max`.",
    },
    AlertKind {
        name: EPOCH_MISSING,
        about: "file of the epoch",
        means: "The store names a key epoch whose file is not there, or is another one; what it \
                wraps cannot be opened, so its cases wait. Nothing of them is lost while the file \
                exists anywhere.",
        now: "Put that file back into the folder `vault.epochs` from its own backup and restart \
              the gateway; `cara-gateway doctor` tries it. Never make a new one in its place.",
    },
    AlertKind {
        name: ENTRY_FAULT,
        about: "what it is about",
        means: "A fault of the gateway's own met one entry; it is set aside and everything else \
                goes on.",
        now: "Send the log lines with this id to the gateway's developers.",
    },
    AlertKind {
        name: FORCE_UNLISTED,
        about: "force",
        means: "The store has open cases of a force that is not in gateway.toml any more.",
        now: "Put the force back into gateway.toml until its cases have ended.",
    },
    AlertKind {
        name: FORCE_AT_LIMITS,
        about: "force",
        means: "A force uses all of the connections, requests or bytes of bodies that it is \
                allowed; more are refused.",
        now: "Ask the force whether its system opens connections without closing them, or sends \
              large bodies slowly.",
    },
    AlertKind {
        name: CERTIFICATE_UNREADABLE,
        about: "certificate",
        means: "A certificate, key or revocation list has changed and cannot be used; the last \
                good one is used.",
        now: "Mend the file; it is read again without a restart.",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_once() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
