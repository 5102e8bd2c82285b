//! Secret files: 32 bytes, bare or as 64 hexadecimal digits, readable by their owner only.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;

use super::{Error, cipher};

/// A secret with its line end is far smaller.
const FILE_BYTES_MAX: u64 = 1_024;

const WRONG_LENGTH: &str = "it is not 32 bytes or 64 hexadecimal digits; restore the right file";

/// Bytes that are wiped when dropped.
pub(super) struct Wiped([u8; cipher::KEY_BYTES]);

impl std::ops::Deref for Wiped {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        cipher::wipe(&mut self.0);
    }
}

pub(super) fn read(path: &Path) -> Result<Wiped, Error> {
    let wrong = |what: String| Error::Secret { path: path.to_owned(), what };
    let metadata = std::fs::metadata(path)
        .map_err(|error| wrong(format!("it cannot be read ({})", error.kind())))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(wrong("others than its owner may read it: run chmod 600 on it".to_owned()));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(wrong(WRONG_LENGTH.to_owned()));
    }
    let text = std::fs::read(path)
        .map_err(|error| wrong(format!("it cannot be read ({})", error.kind())))?;
    if let Ok(bare) = <[u8; cipher::KEY_BYTES]>::try_from(text.as_slice()) {
        return Ok(Wiped(bare));
    }
    let mut bytes = Wiped([0; cipher::KEY_BYTES]);
    let digits = text.trim_ascii();
    let is_whole = digits.len() == 2 * cipher::KEY_BYTES
        && HEXLOWER_PERMISSIVE.decode_mut(digits, &mut bytes.0).is_ok();
    if is_whole { Ok(bytes) } else { Err(wrong(WRONG_LENGTH.to_owned())) }
}
