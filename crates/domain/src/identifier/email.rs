//! E-mail address.

use super::{UnreadableIdentifier, identifier};

/// E-mail address `local@domain`; the domain is lower case, the local part as written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

identifier!(Email, "an e-mail address", reads Email::parse);

impl Email {
    /// Reads the plain form of RFC 5321: no quoting, no address literal, ASCII, 254 characters at
    /// most.
    pub fn parse(text: &str) -> Result<Email, UnreadableIdentifier> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(Email::UNREADABLE)?;
        if text.len() > 254 || !is_local(local) || !is_domain(domain) {
            return Err(Email::UNREADABLE);
        }
        let mut canonical = text.to_owned();
        canonical[local.len()..].make_ascii_lowercase();
        Ok(Email(canonical))
    }

    /// The part after the @, lower case.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

fn is_local(local: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    (1..=64).contains(&local.len())
        && local.bytes().all(allowed)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(label)
}
