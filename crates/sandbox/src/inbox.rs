//! Force systems that read what they are told, take it over, and notice a number that is missing.

use std::time::Duration;

use cara_wire::api::NoticePage;
use tokio::task::JoinSet;

use super::client;
use super::description::Description;
use super::endpoint;
use super::ledger::Ledger;

/// A force looks this often.
const PAUSE: Duration = Duration::from_millis(300);

/// The readers; dropping it ends them.
#[derive(Debug)]
pub struct ForceReaders {
    _readers: JoinSet<()>,
}

impl ForceReaders {
    /// Starts one reader for each force.
    pub fn open(description: &Description, ledger: &Ledger) -> anyhow::Result<ForceReaders> {
        let mut readers = JoinSet::new();
        for (slug, force) in &description.forces {
            let reader = Reader {
                client: client::of_force(description, force)?,
                api: description.api.clone(),
                ledger: ledger.clone(),
                last: None,
                gets_letters: slug == endpoint::FORCE,
            };
            readers.spawn(reader.run());
        }
        Ok(ForceReaders { _readers: readers })
    }
}

struct Reader {
    client: reqwest::Client,
    api: String,
    ledger: Ledger,
    /// The last number that was read; an earlier run on the same store may have left others.
    last: Option<u64>,
    /// Its letters are pushed, and its endpoint takes them over: reading is the safety net.
    gets_letters: bool,
}

impl Reader {
    /// Reads for ever: a gateway that does not answer is asked again.
    async fn run(mut self) {
        loop {
            let _not_now = self.read().await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let after = self.last.unwrap_or(0);
        let url = format!("{}/v1/notices?after={after}", self.api);
        let page = self.client.get(url).send().await?.error_for_status()?.bytes().await?;
        let page: NoticePage = serde_json::from_slice(&page)?;
        for notice in page.notices {
            if !self.gets_letters {
                let url = format!("{}/v1/notices/{}/acknowledge", self.api, notice.notice_id);
                self.client.post(url).send().await?.error_for_status()?;
            }
            let mut pages = self.ledger.open();
            if self.last.is_some_and(|last| notice.sequence != last + 1) {
                pages.way_back.gaps += 1;
            }
            pages.way_back.read.extend(notice.content.evidence_ref);
            let is_of_now = notice.taken_over_at.is_none()
                || pages.way_back.letters.contains(&notice.notice_id);
            // What the endpoint took in an earlier run on the same store is none of this one's.
            if self.gets_letters && notice.cancelled_at.is_none() && is_of_now {
                pages.way_back.pushed.insert(notice.notice_id);
            }
            self.last = Some(notice.sequence);
        }
        Ok(())
    }
}
