//! Secret files: 32 bytes, bare or as 64 hexadecimal digits, readable by their owner only.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ring::rand::SecureRandom;

use super::{Error, epoch, hex, key};

/// A secret with its line end is far smaller.
const FILE_BYTES_MAX: u64 = 1_024;

const WRONG_LENGTH: &str = "it is not 32 bytes or 64 hexadecimal digits; restore the right file";

/// Bytes that are wiped when dropped.
pub(super) struct Wiped([u8; key::KEY_BYTES]);

impl std::ops::Deref for Wiped {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        key::wipe(&mut self.0);
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
    if let Ok(bare) = <[u8; key::KEY_BYTES]>::try_from(text.as_slice()) {
        return Ok(Wiped(bare));
    }
    let mut bytes = Wiped([0; key::KEY_BYTES]);
    let digits = text.trim_ascii();
    if digits.len() != 2 * key::KEY_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong(WRONG_LENGTH.to_owned()));
    }
    let nibble = |digit: u8| (digit as char).to_digit(16).unwrap_or_default() as u8;
    for (byte, pair) in bytes.0.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
    }
    Ok(bytes)
}

/// Makes the secrets of a new gateway under `folder`: `epochs/epoch-0000001.key`, `index.key` and
/// `audit.key`. What is there already stays.
pub fn create_secrets(folder: &Path) -> Result<(), Error> {
    let epochs = folder.join("epochs");
    let wrong = |error: std::io::Error| Error::Secret {
        path: folder.to_owned(),
        what: format!("it cannot be written ({})", error.kind()),
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&epochs).map_err(wrong)?;
    let paths =
        [epochs.join(epoch::file_name(1)), folder.join("index.key"), folder.join("audit.key")];
    for path in paths.iter().filter(|path| !path.exists()) {
        let mut bytes = [0; key::KEY_BYTES];
        ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| Error::NoRandom)?;
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| {
            writeln!(file, "{}", hex(&bytes))?;
            file.sync_all()
        });
        key::wipe(&mut bytes);
        written.map_err(wrong)?;
    }
    // The names too must outlast a power cut: what they wrap is lost without them.
    for made in [&epochs, folder] {
        std::fs::File::open(made).and_then(|made| made.sync_all()).map_err(wrong)?;
    }
    Ok(())
}
