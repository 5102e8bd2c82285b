//! Bytes to text: UTF-8, UTF-16 and windows-1252, strictly. Nothing is replaced and nothing is
//! guessed: bytes that are no text in their encoding, or two statements about the encoding that
//! contradict each other, are an error.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{Error, ErrorKind, Fail};

/// The encodings that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Ascii,
    Utf8,
    /// Of either byte order; what stands at the start says which.
    Utf16,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl Encoding {
    /// IANA names and the usual aliases, in any case. ISO-8859-1 is read as windows-1252, as the
    /// WHATWG encoding standard has it: what differs is control characters nobody sends.
    fn find(label: &str) -> Option<Self> {
        let label = label.trim().to_ascii_lowercase();
        Some(match label.as_str() {
            "utf-8" | "utf8" => Encoding::Utf8,
            "us-ascii" | "ascii" => Encoding::Ascii,
            "utf-16" | "utf16" => Encoding::Utf16,
            "utf-16le" => Encoding::Utf16Le,
            "utf-16be" => Encoding::Utf16Be,
            "windows-1252" | "cp1252" | "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" => {
                Encoding::Windows1252
            }
            _ => return None,
        })
    }

    /// Whether bytes that are certainly in this encoding may say that they are in the other one.
    fn agrees(self, said: Encoding) -> bool {
        self == said
            || matches!(
                (self, said),
                (Encoding::Utf16Le | Encoding::Utf16Be, Encoding::Utf16)
                    | (Encoding::Utf8, Encoding::Ascii)
            )
    }
}

/// The body as text without its byte order mark. It borrows what is UTF-8 already.
///
/// A byte order mark decides; else what is `declared` beside the body (mapping file, content
/// type); else what an XML declaration says; else UTF-8. An XML declaration that contradicts the
/// first two is refused. A NUL is refused: it is UTF-16 that does not say so, or no text.
pub fn decode<'b>(bytes: &'b [u8], declared: Option<&str>) -> Result<Cow<'b, str>, Error> {
    let declared = declared.map(|label| Encoding::find(label).ok_or_else(unknown)).transpose()?;
    let may_be_utf16 = matches!(declared, None | Some(Encoding::Utf16));
    let (marked, body) = match bytes {
        [0xef, 0xbb, 0xbf, body @ ..] => (Some(Encoding::Utf8), body),
        [0xff, 0xfe, body @ ..] => (Some(Encoding::Utf16Le), body),
        [0xfe, 0xff, body @ ..] => (Some(Encoding::Utf16Be), body),
        // `<` or `{` or a letter in UTF-16 without a mark.
        [0, 1..=255, ..] if may_be_utf16 => (Some(Encoding::Utf16Be), bytes),
        [1..=255, 0, ..] if may_be_utf16 => (Some(Encoding::Utf16Le), bytes),
        _ => (None, bytes),
    };
    let known = marked.or(declared);
    let text = match known.unwrap_or(Encoding::Utf8) {
        Encoding::Utf16Le => utf16(body, UTF_16LE)?,
        Encoding::Utf16Be | Encoding::Utf16 => utf16(body, UTF_16BE)?,
        single_byte_start => {
            let said = said_by_xml(body)?;
            let encoding = match known {
                None => said.unwrap_or(Encoding::Utf8),
                Some(known) if said.is_none_or(|said| known.agrees(said)) => single_byte_start,
                Some(_) => return Err(contradiction()),
            };
            return match encoding {
                Encoding::Utf8 => utf8(body).and_then(without_nul),
                Encoding::Ascii => ascii(body).and_then(without_nul),
                Encoding::Windows1252 => windows_1252(body).and_then(without_nul),
                // The declaration was readable byte by byte, so the bytes are not UTF-16.
                Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => Err(contradiction()),
            };
        }
    };
    let text = without_nul(text)?;
    match said_by_xml(text.as_bytes())? {
        Some(Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be) | None => Ok(text),
        Some(_) => Err(contradiction()),
    }
}

fn unknown() -> Error {
    Error {
        kind: ErrorKind::Encoding,
        reason: "the declared encoding is none of UTF-8, UTF-16, windows-1252 (ISO-8859-1)".into(),
        line: None,
        column: None,
    }
}

fn contradiction() -> Error {
    Error {
        kind: ErrorKind::Encoding,
        reason: "the XML declaration names another encoding than the body has or was sent with"
            .into(),
        line: Some(1),
        column: Some(1),
    }
}

fn broken(before: &str, reason: &'static str) -> Error {
    Fail { kind: ErrorKind::Encoding, reason: reason.into(), offset: before.len() }.placed(before)
}

fn utf8(body: &[u8]) -> Result<Cow<'_, str>, Error> {
    match std::str::from_utf8(body) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => {
            let before = std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default();
            Err(broken(before, "a byte that is not UTF-8; is the body in windows-1252?"))
        }
    }
}

fn ascii(body: &[u8]) -> Result<Cow<'_, str>, Error> {
    let text = utf8(body)?;
    match text.find(|character: char| !character.is_ascii()) {
        Some(offset) => Err(broken(&text[..offset], "a byte that is not ASCII, as declared")),
        None => Ok(text),
    }
}

/// Five bytes have no character in windows-1252; decoders map them to control characters.
fn windows_1252(body: &[u8]) -> Result<Cow<'_, str>, Error> {
    let undefined = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
    if let Some(offset) = body.iter().position(undefined) {
        let (before, _) = WINDOWS_1252.decode_without_bom_handling(&body[..offset]);
        return Err(broken(&before, "a byte that windows-1252 does not have"));
    }
    Ok(WINDOWS_1252.decode_without_bom_handling(body).0)
}

fn utf16<'b>(body: &[u8], order: &'static encoding_rs::Encoding) -> Result<Cow<'b, str>, Error> {
    let mut decoder = order.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(body.len() / 2 * 3 + 8);
    let (result, _) = decoder.decode_to_string_without_replacement(body, &mut text, true);
    match result {
        DecoderResult::InputEmpty => Ok(Cow::Owned(text)),
        _ => Err(broken(&text, "bytes that are not UTF-16")),
    }
}

fn without_nul(text: Cow<'_, str>) -> Result<Cow<'_, str>, Error> {
    match text.find('\0') {
        Some(offset) => Err(broken(
            &text[..offset],
            "a NUL: the body is UTF-16 that does not say so, or no text",
        )),
        None => Ok(text),
    }
}

/// The encoding that an XML declaration at the start names. Its grammar is checked by the reader.
fn said_by_xml(body: &[u8]) -> Result<Option<Encoding>, Error> {
    if !body.starts_with(b"<?xml") {
        return Ok(None);
    }
    let declaration = &body[..body.len().min(DECLARATION_BYTES_MAX)];
    let end = declaration.windows(2).position(|two| two == b"?>").unwrap_or(declaration.len());
    let Ok(declaration) = std::str::from_utf8(&declaration[..end]) else { return Ok(None) };
    let Some((_, value)) = declaration.split_once("encoding") else { return Ok(None) };
    let Some(value) = value.trim_start().strip_prefix('=') else { return Ok(None) };
    let value = value.trim_start();
    let label = value
        .strip_prefix('"')
        .and_then(|value| value.split_once('"'))
        .or_else(|| value.strip_prefix('\'').and_then(|value| value.split_once('\'')));
    match label {
        Some((label, _)) => Encoding::find(label).map(Some).ok_or_else(unknown),
        None => Ok(None),
    }
}

/// An XML declaration is shorter; what follows is not searched for its end.
const DECLARATION_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests;
