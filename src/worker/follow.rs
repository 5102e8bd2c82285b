//! Follows the mappings: versions that other gateways put live, files that somebody changed.

use std::time::Duration;

use super::{Stop, stopped};
use cara_flow::Failure;
use cara_flow::mapping::follow::{Follower, Looked};
use cara_metric::{Health, Part};

const EVERY: Duration = Duration::from_secs(1);

/// Looks every second until told to stop.
pub async fn follow(mut follower: Follower, health: Health, mut stop: Stop) {
    let mut has_failed = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stopped(&mut stop) => return,
        }
        let failed = look(&mut follower, &health).await.err();
        if let Some(error) = failed.as_ref().filter(|_| !has_failed) {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "the mappings cannot be looked at; it is tried again");
        }
        has_failed = failed.is_some();
    }
}

/// One look; what is new is said once.
pub async fn look(follower: &mut Follower, health: &Health) -> Result<(), Failure> {
    let looked = follower.look().await?;
    say(&looked);
    match looked.wrong.is_empty() {
        true => health.good(Part::Mappings),
        false => health.bad(
            Part::Mappings,
            format!(
                "what changed of {} cannot go live, its last good version does the work; run \
                 `cara-gateway mapping check`",
                looked.wrong.join(", ")
            ),
        ),
    };
    Ok(())
}

fn say(looked: &Looked) {
    for it in &looked.went_live {
        let because = match it.by_file {
            true => "its file had changed",
            false => "another gateway put it live",
        };
        let (mapping, version) = (&it.mapping, it.version);
        tracing::warn!(mapping, version, because, "a mapping went live");
    }
    for it in &looked.refused {
        let (mapping, problems) = (&it.mapping, &it.problems);
        let now = "mend the file, or put the old text back";
        tracing::error!(
            mapping,
            problems,
            now,
            "a mapping file is refused; its last version stays live"
        );
    }
    for it in &looked.waiting {
        let (mapping, changes) = (&it.mapping, it.changes.join("; "));
        let now = "two operators run `cara-gateway mapping activate`";
        tracing::warn!(mapping, changes, now, "a mapping file waits for two operators");
    }
    for it in &looked.unreadable {
        let (mapping, version, problems) = (&it.mapping, it.version, &it.problems);
        tracing::error!(
            mapping,
            version,
            live = it.live,
            problems,
            "a version that is live elsewhere cannot be compiled; the last good one stays live here"
        );
    }
    for file in &looked.drafts {
        let now = "run `cara-gateway mapping activate` to put it live again";
        tracing::warn!(file, now, "a mapping file has a text that was taken back: it is a draft");
    }
    for mapping in &looked.mended {
        tracing::info!(mapping, "nothing is wrong with the mapping any more");
    }
}
