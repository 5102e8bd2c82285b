//! Pushing over HTTPS with the gateway's certificate.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;

use super::answer::{self, Answer};
use super::{Endpoint, Error, NotAllowed, Parcel};
use cara_clock::Clock;
use cara_config::{DeliverySettings, ForceSettings};
use cara_supervisor::is_out_of_descriptors;

/// Of an answer's body no more is read. It is never kept nor logged.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS_MAX: usize = 4;

/// The certificate's files are looked at no more often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Delivers letters. It follows its certificate's files: it need not be made again.
pub struct Push {
    settings: DeliverySettings,
    clock: Clock,
    current: Mutex<Current>,
}

/// The client as the files were when it was made.
struct Current {
    client: reqwest::Client,
    ends_at: Timestamp,
    stamps: Stamps,
    /// [`Clock::monotonic`]
    looked_at: Duration,
}

/// Certificate, key and CA: each changes when its file is written or replaced.
type Stamps = [Option<(u64, u64, i64, i64)>; 3];

impl Push {
    /// Reads the files; what is wrong with them ends the start.
    pub fn open(settings: &DeliverySettings, clock: &Clock) -> Result<Push, Error> {
        let looked_at = clock.monotonic();
        let stamps = stamps(settings);
        let (client, ends_at) = client(settings)?;
        let current = Mutex::new(Current { client, ends_at, stamps, looked_at });
        Ok(Push { settings: settings.clone(), clock: clock.clone(), current })
    }

    /// The endpoint, if it is on the force's list.
    pub fn endpoint(&self, force: &ForceSettings, url: &str) -> Result<Endpoint, NotAllowed> {
        Endpoint::of(force, url)
    }

    /// When the gateway's certificate towards the forces ends.
    pub fn certificate_ends_at(&self) -> Timestamp {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).ends_at
    }

    /// One attempt, with an end: neither a slow nor an endless answer holds it up longer than the
    /// timeout.
    pub async fn push(&self, endpoint: &Endpoint, parcel: Parcel) -> Answer {
        let Ok(headers) = parcel.header_map() else {
            return Answer::Refused { status: None, reason: "unfit_header" };
        };
        let longest = Duration::from_secs(u64::from(self.settings.timeout_s));
        let request = self
            .client()
            .post(endpoint.as_str())
            .headers(headers)
            .timeout(parcel.timeout.min(longest))
            .body(parcel.body);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::again(reason(&error)),
        };
        let status = response.status().as_u16();
        let success = if parcel.taken_over.contains(&status) {
            Answer::TakenOver
        } else if parcel.delivered.contains(&status) {
            Answer::Delivered
        } else {
            let after = response.headers().get(RETRY_AFTER).and_then(|text| text.to_str().ok());
            let after = after.and_then(|text| answer::retry_after(text, self.clock.now()));
            return answer::undeclared(status, after);
        };
        match whole(response).await {
            Ok(()) => success,
            Err(reason) => Answer::again(reason),
        }
    }

    /// The client, made anew if a file has changed. What cannot be used is told once and changes
    /// nothing.
    fn client(&self) -> reqwest::Client {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        if now.saturating_sub(current.looked_at) >= LOOK_EVERY {
            current.looked_at = now;
            // Before reading: a file that changes meanwhile is seen at the next look.
            let stamps = stamps(&self.settings);
            if stamps != current.stamps {
                current.stamps = stamps;
                match client(&self.settings) {
                    Ok((client, ends_at)) => {
                        (current.client, current.ends_at) = (client, ends_at);
                        tracing::info!("delivery.certificate_taken");
                    }
                    Err(error) => tracing::error!(
                        cause = %chain(&error),
                        "delivery.certificate_refused: the last good one stays in force"
                    ),
                }
            }
        }
        current.client.clone()
    }
}

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Push")
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the builder that everybody else shall use")]
fn client(settings: &DeliverySettings) -> Result<(reqwest::Client, Timestamp), Error> {
    let own = cara_tls::outgoing(&settings.certificate, &settings.key)?;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(own.client_config(&settings.ca)?)
        .https_only(true)
        .http1_only()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .user_agent("cara-gateway")
        .build()
        .map_err(Error::Client)?;
    Ok((client, own.ends_at))
}

fn stamps(settings: &DeliverySettings) -> Stamps {
    let files: [&Path; 3] = [&settings.certificate, settings.key.path(), &settings.ca];
    files.map(|file| {
        let facts = std::fs::metadata(file).ok()?;
        Some((facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec()))
    })
}

/// Reads an answer to its end, in vain but for knowing that it has one.
///
/// A success that never ends, is too long or breaks off is no success: the answer is not the one
/// that the force declared, and may come from something in between that has kept nothing. So the
/// letter goes out again. The force may have it already; its id is the same, so the second one is
/// dropped there. The other way round a letter could be lost.
async fn whole(mut response: reqwest::Response) -> Result<(), &'static str> {
    const TOO_LONG: &str = "answer_too_long";
    if response.content_length().is_some_and(|bytes| bytes > ANSWER_BYTES_MAX) {
        return Err(TOO_LONG);
    }
    let mut bytes = 0;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes += chunk.len() as u64,
            Ok(None) => return Ok(()),
            Err(error) if error.is_timeout() => return Err("answer_unfinished"),
            Err(_) => return Err("answer_cut_off"),
        }
        if bytes > ANSWER_BYTES_MAX {
            return Err(TOO_LONG);
        }
    }
}

/// An error with all its causes on one line. They name files and settings, nothing else.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause.source())
}

/// Why there is no answer.
fn reason(error: &reqwest::Error) -> &'static str {
    if causes(error).filter_map(|it| it.downcast_ref()).any(is_out_of_descriptors) {
        "no_descriptor"
    } else if error.is_timeout() {
        "timeout"
    } else if cara_tls::Error::is_behind(error) {
        "tls"
    } else if error.is_connect() {
        "unreachable"
    } else {
        "no_answer"
    }
}
