//! What is pushed: a letter with its labels.

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Headers that frame the request: they belong to the HTTP library.
const FRAMING: [&str; 11] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// One letter, as its force's `notice.toml` wants it delivered.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The same in every attempt, so that the force can drop what it has already.
    pub notice_id: Uuid,
    pub sequence: u64,
    pub media_type: String,
    pub body: Vec<u8>,
    /// Added to ours; `Notice-Id`, `Notice-Sequence` and `Content-Type` are ours.
    pub headers: Vec<(String, String)>,
    /// Statuses that say: it has arrived.
    pub delivered: Vec<u16>,
    /// Statuses that say: the force answers for it from now on.
    pub taken_over: Vec<u16>,
    /// From connecting to the end of the answer; `delivery.timeout_s` is the upper bound.
    pub timeout: Duration,
}

/// A header or the media type is not one that HTTP can carry.
#[derive(Debug)]
pub(crate) struct UnfitHeader;

impl Parcel {
    pub(crate) fn header_map(&self) -> Result<HeaderMap, UnfitHeader> {
        let mut all = HeaderMap::new();
        for (name, text) in &self.headers {
            let name = HeaderName::try_from(name).map_err(|_| UnfitHeader)?;
            if FRAMING.contains(&name.as_str()) {
                return Err(UnfitHeader);
            }
            all.append(name, value(text)?);
        }
        // After the others, so that no mapping can give a letter another id.
        all.insert(HeaderName::from_static("notice-id"), value(&self.notice_id.to_string())?);
        all.insert(HeaderName::from_static("notice-sequence"), HeaderValue::from(self.sequence));
        all.insert(CONTENT_TYPE, value(&self.media_type)?);
        Ok(all)
    }
}

/// Sensitive: some forces want a token, and the library's `Debug` shall not show it.
fn value(text: &str) -> Result<HeaderValue, UnfitHeader> {
    let mut value = HeaderValue::from_str(text).map_err(|_| UnfitHeader)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel")
            .field("notice_id", &self.notice_id)
            .field("sequence", &self.sequence)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(name: &str, text: &str) -> Parcel {
        Parcel {
            notice_id: Uuid::nil(),
            sequence: 7,
            media_type: "application/xml".to_owned(),
            body: b"hunter2".to_vec(),
            headers: vec![(name.to_owned(), text.to_owned())],
            delivered: Vec::new(),
            taken_over: Vec::new(),
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn our_headers_win() {
        for name in ["notice-id", "NOTICE-SEQUENCE", "Content-Type", "X-Route"] {
            let all = parcel(name, "other").header_map().unwrap();
            assert_eq!(all["notice-id"], Uuid::nil().to_string());
            assert_eq!(all["notice-sequence"], "7");
            assert_eq!(all["content-type"], "application/xml");
            assert_eq!(all.len(), if name == "X-Route" { 4 } else { 3 });
        }
    }

    #[test]
    fn a_header_that_would_change_the_request_is_refused() {
        for (name, text) in [
            ("Host", "evil.example"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("X-Route", "a\r\nHost: evil.example"),
            ("X Route", "a"),
            ("", "a"),
        ] {
            assert!(parcel(name, text).header_map().is_err(), "{name}");
        }
        let unfit = Parcel { media_type: "text/xml\n".to_owned(), ..parcel("X-Route", "a") };
        assert!(unfit.header_map().is_err());
    }

    #[test]
    fn debug_shows_neither_body_nor_header() {
        let parcel = parcel("X-Token", "hunter2");
        let shown = format!("{parcel:?} {:?}", parcel.header_map());
        assert!(!shown.contains("hunter2") && !shown.contains("[104"), "{shown}");
    }
}
