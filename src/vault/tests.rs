use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::*;
use crate::config;

/// A folder of its own for one test, gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn create(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cara-vault-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn settings(&self) -> config::Vault {
        config::Vault {
            epochs: self.0.join("epochs"),
            index_key: config::SecretFile::at(self.0.join("index.key"), "vault.index_key"),
            audit_key: config::SecretFile::at(self.0.join("audit.key"), "vault.audit_key"),
        }
    }
    fn vault(&self) -> Vault {
        Vault::create_secrets(&self.settings()).unwrap();
        Vault::open(&self.settings()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn binding(number: u128, revision: u32, column: Column) -> Binding {
    Binding { id: id(number), revision, column }
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn sealed_bytes_open_only_in_their_place() {
    let folder = Folder::create("place");
    let vault = folder.vault();
    let (wrapped, keys) = vault.mint_keys(id(1)).unwrap();
    let place = binding(1, 3, Column::OffenderEvent);
    let sealed = vault.seal(&keys.offender, place, b"plain").unwrap();
    let again: Keys = vault.unwrap_keys(id(1), &wrapped).unwrap();
    assert_eq!(vault.unseal(&again.offender, place, &sealed).unwrap(), b"plain");
    for other in [
        binding(2, 3, Column::OffenderEvent),
        binding(1, 4, Column::OffenderEvent),
        binding(1, 3, Column::Police),
    ] {
        assert!(vault.unseal(&again.offender, other, &sealed).is_err(), "{other:?}");
    }
    let moved: Sealed<Victim> = Sealed::from_stored(sealed.as_bytes().to_vec());
    assert!(vault.unseal(&again.victim, place, &moved).is_err());
}

#[test]
fn any_changed_byte_is_noticed() {
    let folder = Folder::create("changed");
    let vault = folder.vault();
    let (wrapped, keys) = vault.mint_keys(id(1)).unwrap();
    let place = binding(1, 1, Column::Raw);
    let sealed = vault.seal(&keys.raw, place, b"plain").unwrap();
    for index in 0..sealed.as_bytes().len() {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[index] ^= 1;
        let changed = Sealed::from_stored(bytes);
        assert!(vault.unseal(&keys.raw, place, &changed).is_err(), "byte {index}");
    }
    for index in 0..wrapped.raw.len() {
        let mut changed = wrapped.clone();
        changed.raw[index] ^= 1;
        assert!(vault.unwrap_key::<Raw>(id(1), &changed).is_err(), "byte {index}");
    }
    assert!(vault.unseal(&keys.raw, place, &Sealed::from_stored(vec![1; 5])).is_err());
}

#[test]
fn the_same_bytes_never_seal_to_the_same_text() {
    let folder = Folder::create("fresh");
    let vault = folder.vault();
    let (_, keys) = vault.mint_keys(id(1)).unwrap();
    let place = binding(1, 1, Column::Raw);
    let one = vault.seal(&keys.raw, place, b"plain").unwrap();
    let two = vault.seal(&keys.raw, place, b"plain").unwrap();
    assert_ne!(one.as_bytes(), two.as_bytes());
    assert!(!one.as_bytes().windows(5).any(|part| part == b"plain"));
}

#[test]
fn wrapped_keys_belong_to_their_id_epoch_and_compartment() {
    let folder = Folder::create("wrapped");
    let vault = folder.vault();
    let (wrapped, _) = vault.mint_keys(id(1)).unwrap();
    assert!(vault.unwrap_keys(id(2), &wrapped).is_err());
    let swapped = WrappedKeys { victim: wrapped.offender.clone(), ..wrapped.clone() };
    assert!(vault.unwrap_key::<Victim>(id(1), &swapped).is_err());
    let elsewhere = WrappedKeys { epoch: 9, ..wrapped.clone() };
    let error = vault.unwrap_key::<Raw>(id(1), &elsewhere).unwrap_err();
    assert!(matches!(error, Error::EpochAbsent { epoch: 9 }));
    let erased = WrappedKeys { raw: Vec::new(), ..wrapped };
    assert!(matches!(vault.unwrap_key::<Raw>(id(1), &erased), Err(Error::Erased)));
}

#[test]
fn the_newest_epoch_wraps_and_rewrapping_frees_the_older() {
    let folder = Folder::create("epochs");
    let vault = folder.vault();
    let (wrapped, keys) = vault.mint_keys(id(1)).unwrap();
    let place = binding(1, 1, Column::Victim);
    let sealed = vault.seal(&keys.victim, place, b"plain").unwrap();

    let epochs = folder.0.join("epochs");
    std::fs::write(epochs.join("epoch-0000002.key"), [7; 32]).unwrap();
    chmod(&epochs.join("epoch-0000002.key"), 0o600);
    let vault = Vault::open(&folder.settings()).unwrap();
    assert_eq!(vault.newest_epoch(), 2);
    assert!(vault.unwrap_keys(id(1), &wrapped).is_ok());
    let rewrapped = vault.rewrap(id(1), &wrapped).unwrap();
    assert_eq!(rewrapped.epoch, 2);

    std::fs::remove_file(epochs.join("epoch-0000001.key")).unwrap();
    let vault = Vault::open(&folder.settings()).unwrap();
    assert!(vault.unwrap_keys(id(1), &wrapped).is_err());
    let key = vault.unwrap_key::<Victim>(id(1), &rewrapped).unwrap();
    assert_eq!(vault.unseal(&key, place, &sealed).unwrap(), b"plain");
}

#[test]
fn secrets_that_are_absent_open_to_others_or_too_short_stop_the_start() {
    let folder = Folder::create("stop");
    let settings = folder.settings();
    assert!(matches!(Vault::open(&settings), Err(Error::Secret(_))));
    Vault::create_secrets(&settings).unwrap();
    Vault::open(&settings).unwrap();

    chmod(settings.audit_key.path(), 0o640);
    let error = Vault::open(&settings).unwrap_err();
    assert!(matches!(error, Error::Secret(config::secret::Unusable::Exposed { .. })), "{error}");
    chmod(settings.audit_key.path(), 0o600);

    chmod(&settings.epochs, 0o755);
    assert!(matches!(Vault::open(&settings), Err(Error::EpochsExposed { .. })));
    chmod(&settings.epochs, 0o700);

    let epoch = settings.epochs.join("epoch-0000001.key");
    std::fs::write(&epoch, "abc").unwrap();
    assert!(matches!(Vault::open(&settings), Err(Error::WrongLength { .. })));
    std::fs::remove_file(&epoch).unwrap();
    assert!(matches!(Vault::open(&settings), Err(Error::EpochsEmpty { .. })));
    std::fs::remove_dir(&settings.epochs).unwrap();
    assert!(matches!(Vault::open(&settings), Err(Error::EpochsMissing { .. })));
}

#[test]
fn making_secrets_again_keeps_those_that_are_there() {
    let folder = Folder::create("again");
    let before = folder.vault().record_index(44, "A/1");
    assert_eq!(folder.vault().record_index(44, "A/1"), before);
}

#[test]
fn keyed_hashes_differ_by_force_label_and_boundary() {
    let folder = Folder::create("hash");
    let vault = folder.vault();
    assert_ne!(vault.record_index(44, "A/1"), vault.record_index(20, "A/1"));
    assert_ne!(vault.record_index(44, "A/1").0, vault.key_index(44, "A/1").0);
    assert_ne!(vault.digest("content", &[b"ab", b"c"]), vault.digest("content", &[b"a", b"bc"]));
    assert_ne!(vault.digest("content", &[b"a"]), vault.digest("person", &[b"a"]));
    assert_eq!(vault.digest("content", &[b"a"]), vault.digest("content", &[b"a"]));
    let other = Folder::create("hash-other");
    assert_ne!(other.vault().record_index(44, "A/1"), vault.record_index(44, "A/1"));
}

#[test]
fn the_public_hash_is_sha_256() {
    assert_eq!(
        sha256_hex(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn debug_shows_no_key_and_no_bytes() {
    let folder = Folder::create("debug");
    let vault = folder.vault();
    let (_, keys) = vault.mint_keys(id(1)).unwrap();
    let sealed = vault.seal(&keys.raw, binding(1, 1, Column::Raw), b"plain").unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed<raw>(33 bytes)");
    assert_eq!(format!("{:?}", keys.victim), "Key<victim>");
    assert_eq!(format!("{vault:?}"), "Vault { newest_epoch: 1, .. }");
}
