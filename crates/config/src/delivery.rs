//! `[delivery]`: how notices are pushed to the forces' endpoints. Which endpoints a force has
//! stands with the force.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::fault::SettingsFaults;
use super::secret::SecretFile;

/// How to write an endpoint, for everybody who wrote it otherwise.
const SHAPE: &str = "Write https://host/path with a plain path of letters, digits and - . _ ~, or \
                     a prefix that ends in /, such as \"https://notices.hampshire.example/inbox\"";

/// An address is never longer.
const ADDRESS_BYTES_MAX: usize = 500;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverySettings {
    /// PEM chain that the gateway shows to the forces' servers, its own certificate first.
    pub certificate: PathBuf,
    pub key: SecretFile,
    /// PEM: who may sign the forces' servers. The machine's own roots do not count.
    pub ca: PathBuf,
    /// One push, from connecting to the end of the answer; a letter may ask for less.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: u32,
}

fn default_timeout_s() -> u32 {
    30
}

impl DeliverySettings {
    pub(crate) fn resolve(&mut self, base: &Path) {
        self.certificate = base.join(&self.certificate);
        self.ca = base.join(&self.ca);
        self.key.resolve(base, "delivery.key");
    }

    pub(crate) fn validate(&self, faults: &mut SettingsFaults) {
        faults.bound("delivery.timeout_s", self.timeout_s, 1, 300);
    }
}

/// An `https` address of a force's endpoint, or a prefix of such addresses when it ends in `/`.
///
/// It is read narrowly, so that a person, this program and the force's server see the same
/// address in it: no user, query or fragment, and a path in which nothing is encoded, empty, `.`
/// or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is no [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("it is no https address")]
    NotHttps,
    #[error("it names no host, or one in letters that are not ASCII")]
    Host,
    #[error("it holds a user or a password")]
    User,
    #[error("it holds a query or a fragment")]
    Query,
    #[error("its path is not plain")]
    Path,
}

impl Address {
    pub fn parse(text: &str) -> Result<Address, Unfit> {
        const SCHEME: &str = "https://";
        let scheme = text.get(..SCHEME.len()).ok_or(Unfit::NotHttps)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) || text.len() > ADDRESS_BYTES_MAX {
            return Err(Unfit::NotHttps);
        }
        let rest = &text[SCHEME.len()..];
        if rest.contains(['?', '#']) {
            return Err(Unfit::Query);
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if authority.contains('@') {
            return Err(Unfit::User);
        }
        let of_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if authority.is_empty() || !authority.chars().all(of_host) {
            return Err(Unfit::Host);
        }
        if !is_plain(path) {
            return Err(Unfit::Path);
        }
        let url = Url::parse(text).map_err(|_| Unfit::Host)?;
        // The parser resolves dot segments and the like: what it changed was not plain.
        if url.path() == path { Ok(Address(url)) } else { Err(Unfit::Path) }
    }

    /// Whether the other address is this one, or lies under this prefix. Scheme, host and port
    /// are equal; a prefix ends at a `/`, so that no longer name beside it fits.
    pub fn covers(&self, other: &Address) -> bool {
        let (own, path) = (self.0.path(), other.0.path());
        self.0.host() == other.0.host()
            && self.0.port_or_known_default() == other.0.port_or_known_default()
            && (own == path || (own.ends_with('/') && path.starts_with(own)))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn validate(text: &str, key: String, faults: &mut SettingsFaults) {
        if let Err(unfit) = Address::parse(text) {
            // The text is not repeated: it may hold a password.
            faults.add(key, unfit.to_string(), SHAPE);
        }
    }
}

/// A `%` or `;` could hide a step upwards from us and not from the server behind.
fn is_plain(path: &str) -> bool {
    let of_path = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let last = path.matches('/').count();
    path.split('/').enumerate().all(|(index, segment)| match index {
        0 => segment.is_empty(),
        _ if segment.is_empty() => index == last,
        _ => !matches!(segment, "." | "..") && segment.chars().all(of_path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|unfit| panic!("{text}: {unfit}"))
    }

    #[test]
    fn an_address_that_could_be_read_in_two_ways_is_refused() {
        for (text, expected) in [
            ("http://notices.example/inbox", Unfit::NotHttps),
            ("ftp://notices.example/", Unfit::NotHttps),
            ("https:/notices.example", Unfit::NotHttps),
            ("", Unfit::NotHttps),
            ("https://", Unfit::Host),
            ("https:///inbox", Unfit::Host),
            ("https://notices.exämple/", Unfit::Host),
            ("https://notices.example\\@evil.example/", Unfit::User),
            ("https://notices.example\\.evil.example/", Unfit::Host),
            ("https://notices.example:port/", Unfit::Host),
            ("https://notices.example /", Unfit::Host),
            ("https://user:word@notices.example/", Unfit::User),
            ("https://@notices.example/", Unfit::User),
            ("https://notices.example/inbox?key=1", Unfit::Query),
            ("https://notices.example/inbox?", Unfit::Query),
            ("https://notices.example/inbox#top", Unfit::Query),
            ("https://notices.example/inbox/../admin", Unfit::Path),
            ("https://notices.example/inbox/..", Unfit::Path),
            ("https://notices.example/./inbox", Unfit::Path),
            ("https://notices.example/inbox/%2e%2e/admin", Unfit::Path),
            ("https://notices.example/inbox/..%2fadmin", Unfit::Path),
            ("https://notices.example/inbox/..;/admin", Unfit::Path),
            ("https://notices.example/inbox\\admin", Unfit::Path),
            ("https://notices.example//inbox", Unfit::Path),
            ("https://notices.example/in\tbox", Unfit::Path),
            ("https://notices.example/inbox//", Unfit::Path),
        ] {
            assert_eq!(Address::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_address_covers_itself_and_a_prefix_what_lies_under_it() {
        for (allowed, asked, covered) in [
            ("https://a.example/inbox", "https://a.example/inbox", true),
            ("https://a.example/inbox", "https://A.Example:443/inbox", true),
            ("https://a.example", "https://a.example/", true),
            ("https://a.example/", "https://a.example/in/box", true),
            ("https://a.example/in/", "https://a.example/in/box", true),
            ("https://a.example/in/", "https://a.example/in/", true),
            ("https://a.example/in/", "https://a.example/in", false),
            ("https://a.example/in/", "https://a.example/inner/box", false),
            ("https://a.example/inbox", "https://a.example/inbox2", false),
            ("https://a.example/inbox", "https://a.example/inbox/more", false),
            ("https://a.example/inbox", "https://a.example/INBOX", false),
            ("https://a.example/", "https://a.example.evil.example/", false),
            ("https://a.example/", "https://evil-a.example/", false),
            ("https://a.example/", "https://a.example./", false),
            ("https://a.example/", "https://a.example:8443/", false),
            ("https://127.0.0.1:9/", "https://127.0.0.1:9/x", true),
        ] {
            assert_eq!(address(allowed).covers(&address(asked)), covered, "{allowed} {asked}");
        }
    }

    mod property {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            /// Whatever is asked for: what a prefix covers begins with it, letter by letter.
            #[test]
            fn what_is_covered_lies_under_the_prefix(tail in "[ -~]{0,30}") {
                let prefix = address("https://a.example/in/");
                let asked = format!("https://a.example/in/{tail}");
                if let Ok(asked) = Address::parse(&asked) {
                    prop_assert!(prefix.covers(&asked));
                    prop_assert_eq!(asked.as_str(), format!("https://a.example/in/{tail}"));
                    prop_assert!(!tail.split('/').any(|segment| segment == ".."));
                }
            }

            #[test]
            fn no_other_host_is_covered(host in "[a-z.@-]{0,3}a\\.example[a-z0-9.:@%\\\\-]{0,4}") {
                if let Ok(asked) = Address::parse(&format!("https://{host}/in/box")) {
                    let same = matches!(host.as_str(), "a.example" | "a.example:443" | "a.example:");
                    prop_assert_eq!(address("https://a.example/in/").covers(&asked), same);
                }
            }
        }
    }
}
