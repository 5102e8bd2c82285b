//! The page of each kind of incident: what it means and what to do stand with the kind; its usual
//! cause and how to avoid it stand here.

use super::alert::{self, AlertKind};

/// The four parts of a page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub name: &'static str,
    pub means: &'static str,
    pub cause: &'static str,
    pub fix: &'static str,
    pub avoid: &'static str,
}

/// The page of the kind of incident with this name.
pub fn page(name: &str) -> Option<Page> {
    let AlertKind { name, means, now, .. } = alert::kind(name)?;
    let (_, cause, avoid) = REST.iter().find(|(known, _, _)| known == name)?;
    Some(Page { name, means, cause, fix: now, avoid })
}

/// Kind, usual cause, how to avoid it.
static REST: &[(&str, &str, &str)] = &[
    (
        "hold_open",
        "A code that no lookup lists, a missing field, or two records that contradict each other.",
        "Try every change of an export with ?dry_run=true and keep the lookups complete.",
    ),
    (
        "pair_incomplete",
        "One of the provider's two queues refuses or is away.",
        "Watch both queues of every provider.",
    ),
    (
        "outcome_gap",
        "The provider's system lost or skipped a report, or reports overtake each other for long.",
        "The provider numbers and sends its reports in one transaction with what they are about.",
    ),
    (
        "recall_unconfirmed",
        "The recall was not seen, or nobody has destroyed the case yet.",
        "Agree with the provider who confirms recalls.",
    ),
    (
        "clock_jumped",
        "The machine slept, was restored from a snapshot, or its time service set it wrong.",
        "Run a time service that moves the clock in small steps.",
    ),
    (
        "not_received",
        "The provider's intake is stopped or does not report.",
        "The provider watches its own intake.",
    ),
    (
        "safeguarding_concern",
        "A victim worker saw danger; the force's system does not fetch the victim's stream often enough.",
        "The force fetches the victim's stream every minute and acknowledges.",
    ),
    (
        "notice_not_collected",
        "The force's system does not poll, or does not acknowledge what it reads.",
        "The force polls every few minutes and watches that it does.",
    ),
    (
        "endpoint_paused",
        "An operator paused it, its address is not on the force's list, or nothing got through for days.",
        "Tell the operators before an endpoint moves.",
    ),
    (
        "force_silent",
        "The export is switched off, or its certificate ended.",
        "Set `silent_days` to what is usual for the force.",
    ),
    (
        "dead_letter",
        "A consumer refused the messages, or a queue was full or deleted.",
        "Consumers refuse only what they can never read.",
    ),
    (
        "reconciliation_missing",
        "A message was lost on one side, often after a backup was restored.",
        "Both sides store before they acknowledge.",
    ),
    (
        "mapping_refused",
        "An edit that was not checked.",
        "Run `cara-gateway mapping check` before a file is put in place.",
    ),
    (
        "mapping_waiting",
        "An edit that can get somebody hurt needs two operators.",
        "Activate such changes by command, together.",
    ),
    (
        "mapping_unreadable",
        "Gateways of different releases work on one store.",
        "Bring every gateway to a release before its new words are used.",
    ),
    ("certificate_expiring", "Nobody renewed it.", "Renew certificates by a timer."),
    (
        "broker_away",
        "The broker is stopped, the network is cut, or its address or certificate changed.",
        "Run the broker in a cluster and list each address under `broker.urls`.",
    ),
    (
        "broker_refuses",
        "A password was changed on one side only, or a permission was taken.",
        "Load what `cara-gateway broker definitions` prints, and change passwords on both sides together.",
    ),
    (
        "queue_mismatch",
        "Somebody declared it by hand, or with an older layout.",
        "Let only the definitions and the gateway declare queues.",
    ),
    (
        "route_closed",
        "The permission on the exchange was taken, or the exchange was deleted.",
        "Load what `cara-gateway broker definitions` prints and change nothing by hand.",
    ),
    (
        "layout_missing",
        "Somebody deleted a queue, an exchange or a binding, or the broker was set up anew.",
        "Delete nothing of the gateway's on the broker; back its definitions and messages up.",
    ),
    (
        "message_set_aside",
        "The message is over a limit of the broker, or a right was taken for a moment.",
        "Keep the broker's limit of a message above the gateway's.",
    ),
    (
        "backlog_old",
        "The broker is away, refuses, or is slower than records come.",
        "Alert on `cara_backlog_age_seconds` before 15 minutes.",
    ),
    (
        "outcomes_unread",
        "The queue was deleted, the broker ended the consumer, or every report fails.",
        "Delete no queue of the gateway's; load the definitions instead.",
    ),
    (
        "provider_flood",
        "The provider's system repeats reports, usually because it does not see an acknowledgement.",
        "The provider sends each report once and again only after a lost connection.",
    ),
    (
        "provider_rejections",
        "A change in the provider's system was not tried against the schemas.",
        "The provider checks its reports against docs/schemas in its own tests.",
    ),
    (
        "store_refusing",
        "A full disk, changed rights, another program that keeps the file locked, a disk that fails.",
        "Watch the disk, and take backups the way the handbook says, never with a program that locks the file.",
    ),
    (
        "store_damaged",
        "A disk or memory that fails, or a file that was copied or changed while it was open.",
        "Use disks with checksums, and take backups the way the handbook says.",
    ),
    (
        "row_damaged",
        "Somebody changed the store by another program, or a key of the case was damaged.",
        "Nobody writes to the store but the gateway.",
    ),
    (
        "store_anchor",
        "The folder of `store.anchor` is away, full, or its rights changed.",
        "Keep the anchor on a disk of its own that is watched.",
    ),
    (
        "unclean_stop",
        "kill -9, a power cut, the memory limit, or a fault that ended the process.",
        "Stop it with SIGTERM and give it 60 seconds.",
    ),
    (
        "disk_low",
        "The store grows, or something else fills the disk.",
        "Give the store a disk of its own and alert on its free space.",
    ),
    (
        "store_growth",
        "An export that repeats all of its records, or much larger ones.",
        "The force sends only what is new or has changed.",
    ),
    (
        "sweep_late",
        "The store refuses, or the machine is far too slow.",
        "Watch `cara_sweep_age_seconds`.",
    ),
    (
        "letter_refused",
        "The endpoint does not know the case, or a field of the letter is not as it expects.",
        "Try a change of notice.toml with `cara-gateway mapping try`.",
    ),
    (
        "endpoint_failing",
        "The endpoint is down, its certificate ended, or the network is cut.",
        "The force tells the operators of planned outages.",
    ),
    (
        "mail_not_leaving",
        "The mail server is away, its password changed, or its certificate is not trusted.",
        "Run `cara-gateway doctor` after every change of the mail server.",
    ),
    (
        "memory_high",
        "Many large bodies at once, or a limit that is too narrow for the settings.",
        "Keep `api.in_flight_bytes_max` well below the memory limit.",
    ),
    (
        "descriptors_high",
        "Many open connections, or a limit that other things of the process use up.",
        "Set LimitNOFILE to twice what the settings need.",
    ),
    (
        "epoch_missing",
        "The epochs' folder was restored from an older copy, or a file was removed.",
        "Never remove an epoch; back the folder up apart from the store.",
    ),
    (
        "entry_fault",
        "A fault in the gateway's program, or a state of its store that must not be.",
        "Nothing: report it, so that it is mended.",
    ),
    (
        "force_unlisted",
        "The force was removed from gateway.toml before its cases had ended.",
        "Remove a force only when `incident list` and `hold list` say nothing of it.",
    ),
    (
        "force_at_limits",
        "A client that opens connections without end, or sends record by record.",
        "The force keeps a few connections open and sends several records in a body.",
    ),
    (
        "certificate_unreadable",
        "A renewal wrote half a file, or key and certificate do not belong together.",
        "Write the new files beside the old ones and rename them into place.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_page() {
        for kind in alert::KINDS {
            let page = page(kind.name).unwrap_or_else(|| panic!("{} has no page", kind.name));
            for part in [page.means, page.cause, page.fix, page.avoid] {
                assert!(part.ends_with('.') && part.len() > 10, "{}: {part}", kind.name);
            }
        }
        assert_eq!(REST.len(), alert::KINDS.len());
    }
}
