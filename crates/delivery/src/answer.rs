//! What an endpoint's answer means: who must act next.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// No endpoint may put us off for longer.
const AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// How a push ended. Reasons are codes of ours, never words of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has arrived. Nobody has taken it over yet.
    Delivered,
    /// The force answers for it from now on.
    TakenOver,
    /// Time will mend it. `after` is what the endpoint asked for, at most a day; wait at least so
    /// long, and never less than the backoff.
    Again { reason: &'static str, after: Option<Duration> },
    /// A person must look. It is tried again, but slowly. Without a status nothing was sent.
    Refused { status: Option<u16>, reason: &'static str },
    /// The endpoint says that it is no more: push nothing there until a person says so.
    Gone,
}

impl Answer {
    pub(crate) fn again(reason: &'static str) -> Answer {
        Answer::Again { reason, after: None }
    }
}

/// What a status means that its force has not declared as a success.
pub(crate) fn undeclared(status: u16, after: Option<Duration>) -> Answer {
    let refused = |reason| Answer::Refused { status: Some(status), reason };
    let again = |reason| Answer::Again { reason, after };
    match status {
        408 => again("request_timeout"),
        425 => again("too_early"),
        429 => again("too_many_requests"),
        503 => again("unavailable"),
        500..=599 => again("server_fault"),
        410 => Answer::Gone,
        // Where it points to is on nobody's list.
        300..=399 => refused("redirect"),
        // A page of a proxy or a login form says 200, too: only what the force has declared
        // counts as a success.
        200..=299 => refused("undeclared_success"),
        401 | 403 => refused("not_authorised"),
        404 => refused("not_found"),
        400..=499 => refused("refused"),
        _ => refused("unknown_status"),
    }
}

/// The wait of a `Retry-After` header: seconds or a date. What cannot be read counts as absent.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number are more than a day all the same.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(AFTER_MAX));
    }
    let at = DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = at.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO).min(AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_a_day_at_most() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 120 ", Some(120)),
            ("86401", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Sun, 01 Mar 2026 12:05:00 GMT", Some(300)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", Some(0)),
            ("Thu, 01 Jan 2099 00:00:00 GMT", Some(86_400)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now).map(|wait| wait.as_secs()), expected, "{text}");
        }
    }

    #[test]
    fn every_status_has_somebody_who_must_act() {
        for status in 100..=999 {
            let answer = undeclared(status, None);
            let expected = match status {
                410 => matches!(answer, Answer::Gone),
                408 | 425 | 429 | 500..=599 => matches!(answer, Answer::Again { .. }),
                _ => matches!(answer, Answer::Refused { status: Some(it), .. } if it == status),
            };
            assert!(expected, "{status}: {answer:?}");
        }
    }
}
