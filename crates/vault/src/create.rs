//! The secrets of a new gateway.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use data_encoding::HEXLOWER;
use ring::rand::SecureRandom as _;

use super::cipher::{self, KEY_BYTES};
use super::{Error, epoch};

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
        let mut bytes = [0; KEY_BYTES];
        ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| Error::NoRandom)?;
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| {
            writeln!(file, "{}", HEXLOWER.encode_display(&bytes))?;
            file.sync_all()
        });
        cipher::wipe(&mut bytes);
        written.map_err(wrong)?;
    }
    // The names too must outlast a power cut: what they wrap is lost without them.
    for made in [&epochs, folder] {
        std::fs::File::open(made).and_then(|made| made.sync_all()).map_err(wrong)?;
    }
    Ok(())
}
