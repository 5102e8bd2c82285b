//! Bytes to text: a byte-order mark decides, then what the mapping or the XML declaration says,
//! then UTF-8. What does not decode is refused; nothing is replaced by a question mark.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use super::{Error, ErrorKind};

/// Bytes of an XML declaration that are looked at for its encoding.
const DECLARATION_BYTES_MAX: usize = 200;

/// Decodes a body. `declared` is the encoding that the mapping names, if it names one.
pub fn decode<'b>(bytes: &'b [u8], declared: Option<&str>) -> Result<Cow<'b, str>, Error> {
    let (encoding, bom_bytes) = match Encoding::for_bom(bytes) {
        Some(found) => found,
        None => (named(bytes, declared)?, 0),
    };
    let body = &bytes[bom_bytes..];
    if encoding == UTF_8 {
        return std::str::from_utf8(body).map(Cow::Borrowed).map_err(|error| {
            let before = String::from_utf8_lossy(&body[..error.valid_up_to()]);
            wrong(encoding).at(&before, before.len())
        });
    }
    match encoding.decode_without_bom_handling_and_without_replacement(body) {
        Some(text) => Ok(text),
        None => Err(wrong(encoding)),
    }
}

fn wrong(encoding: &'static Encoding) -> Error {
    let reason = format!("the bytes are not {}", encoding.name());
    Error::new(ErrorKind::Encoding, reason)
}

fn named(bytes: &[u8], declared: Option<&str>) -> Result<&'static Encoding, Error> {
    if let Some(label) = declared {
        return Encoding::for_label(label.as_bytes())
            .ok_or_else(|| unknown("the mapping names an encoding that is not known"));
    }
    match in_declaration(bytes) {
        None => Ok(UTF_8),
        Some(label) => match Encoding::for_label(label) {
            // A declaration that can be read as single bytes is not UTF-16, whatever it says.
            Some(encoding) if encoding.is_ascii_compatible() => Ok(encoding),
            Some(_) => Ok(UTF_8),
            None => Err(unknown("the XML declaration names an encoding that is not known")),
        },
    }
}

fn unknown(reason: &str) -> Error {
    Error::new(ErrorKind::Encoding, reason).at("", 0)
}

fn in_declaration(bytes: &[u8]) -> Option<&[u8]> {
    let head = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let head = head.trim_ascii_start().strip_prefix(b"<?xml")?;
    let head = &head[..head.windows(2).position(|two| two == b"?>")?];
    let after = &head[head.windows(8).position(|word| word == b"encoding")? + 8..];
    let after = after.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = after.split_first()?;
    let end = rest.iter().position(|byte| byte == quote)?;
    matches!(quote, b'"' | b'\'').then(|| &rest[..end])
}
