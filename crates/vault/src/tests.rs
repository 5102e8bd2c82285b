use super::*;

/// A folder with secrets for one test, gone with the value.
struct Folder(std::path::PathBuf);

impl std::ops::Deref for Folder {
    type Target = std::path::Path;
    fn deref(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn scratch() -> Folder {
    let name = format!("cara-vault-{}", cara_clock::Clock::system().id());
    let folder = Folder(std::env::temp_dir().join(name));
    create_secrets(&folder).unwrap();
    folder
}

fn settings(folder: &std::path::Path) -> cara_config::VaultSettings {
    use cara_config::SecretFile;
    cara_config::VaultSettings {
        epochs: folder.join("epochs"),
        index_key: SecretFile::at(folder.join("index.key"), "vault.index_key"),
        audit_key: SecretFile::at(folder.join("audit.key"), "vault.audit_key"),
    }
}

fn vault() -> (Vault, Folder) {
    let folder = scratch();
    (Vault::open(&settings(&folder)).unwrap(), folder)
}

fn binding(id: u128, revision: u32, column: &'static str) -> Binding {
    Binding { id: Uuid::from_u128(id), revision, column }
}

#[test]
fn what_is_sealed_opens_in_its_own_place_only() {
    let (vault, _) = vault();
    let (wrapped, keys) = vault.mint_keys(Uuid::from_u128(1)).unwrap();
    let here = binding(1, 1, "police");
    let sealed: Sealed<OffenderKey> = vault.seal(&keys, here, b"plain").unwrap();
    let opened = vault.unwrap_keys(Uuid::from_u128(1), &wrapped).unwrap();
    assert_eq!(vault.open_sealed(&opened, here, &sealed).unwrap(), b"plain");
    for other in [binding(2, 1, "police"), binding(1, 2, "police"), binding(1, 1, "raw")] {
        assert!(vault.open_sealed(&opened, other, &sealed).is_err());
    }
    let moved: Sealed<VictimKey> = Sealed::from_stored(sealed.as_bytes().to_vec());
    assert!(vault.open_sealed(&opened, here, &moved).is_err());
    let mut changed = sealed.as_bytes().to_vec();
    changed[14] ^= 1;
    let changed: Sealed<OffenderKey> = Sealed::from_stored(changed);
    assert!(vault.open_sealed(&opened, here, &changed).is_err());
    assert!(vault.unwrap_keys(Uuid::from_u128(2), &wrapped).is_err());
}

#[test]
fn the_same_text_is_never_sealed_to_the_same_bytes() {
    let (vault, _) = vault();
    let (_, keys) = vault.mint_keys(Uuid::nil()).unwrap();
    let seal = || vault.seal::<RawKey>(&keys, binding(0, 0, "raw"), b"same").unwrap();
    assert_ne!(seal().as_bytes(), seal().as_bytes());
}

#[test]
fn indexes_depend_on_force_mode_and_key() {
    let (vault, _) = vault();
    let index = vault.record_index(44, false, "A/1");
    assert_eq!(index, vault.record_index(44, false, "A/1"));
    assert_ne!(index, vault.record_index(36, false, "A/1"));
    assert_ne!(index, vault.record_index(44, true, "A/1"));
    let (other, _) = self::vault();
    assert_ne!(index, other.record_index(44, false, "A/1"));
    assert_ne!(vault.digest("a", &[b"bc", b"d"]), vault.digest("a", &[b"b", b"cd"]));
}

#[test]
fn a_newer_epoch_wraps_and_the_old_one_still_opens_until_it_is_gone() {
    let (vault, folder) = vault();
    let id = Uuid::from_u128(7);
    let (wrapped, _) = vault.mint_keys(id).unwrap();
    let first = folder.join("epochs").join(epoch::file_name(1));
    let second = folder.join("epochs").join(epoch::file_name(2));
    std::fs::copy(folder.join("index.key"), second).unwrap();
    let later = Vault::open(&settings(&folder)).unwrap();
    assert!(later.unwrap_keys(id, &wrapped).is_ok());
    assert_eq!(later.mint_keys(id).unwrap().0.epoch, 2);
    std::fs::remove_file(first).unwrap();
    let last = Vault::open(&settings(&folder)).unwrap();
    assert!(matches!(last.unwrap_keys(id, &wrapped), Err(Error::EpochMissing(1))));
}

#[test]
fn a_missing_or_readable_secret_stops_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let (_, folder) = vault();
    let key = folder.join("index.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = Vault::open(&settings(&folder)).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    std::fs::remove_file(&key).unwrap();
    assert!(Vault::open(&settings(&folder)).is_err());
}

#[test]
fn any_changed_byte_is_noticed() {
    let (vault, _) = vault();
    let id = Uuid::from_u128(1);
    let (wrapped, keys) = vault.mint_keys(id).unwrap();
    let here = binding(1, 1, "raw");
    let sealed: Sealed<RawKey> = vault.seal(&keys, here, b"plain").unwrap();
    for index in 0..sealed.as_bytes().len() {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[index] ^= 1;
        let changed: Sealed<RawKey> = Sealed::from_stored(bytes);
        assert!(vault.open_sealed(&keys, here, &changed).is_err(), "byte {index}");
    }
    for index in 0..wrapped.raw.len() {
        let mut changed = wrapped.clone();
        changed.raw[index] ^= 1;
        assert!(vault.unwrap_keys(id, &changed).is_err(), "byte {index}");
    }
    let short: Sealed<RawKey> = Sealed::from_stored(vec![1; 5]);
    assert!(vault.open_sealed(&keys, here, &short).is_err());
}

#[test]
fn wrapped_keys_belong_to_their_compartment_and_an_erased_one_is_told_apart() {
    let (vault, _) = vault();
    let id = Uuid::from_u128(1);
    let (wrapped, _) = vault.mint_keys(id).unwrap();
    let swapped = WrappedKeys { victim: wrapped.offender.clone(), ..wrapped.clone() };
    assert!(matches!(vault.unwrap_keys(id, &swapped), Err(Error::DoesNotOpen)));
    let erased = WrappedKeys { raw: Vec::new(), ..wrapped };
    assert!(matches!(vault.unwrap_keys(id, &erased), Err(Error::Erased)));
}

#[test]
fn rewrapping_lets_an_older_epoch_be_destroyed() {
    let (vault, folder) = vault();
    let id = Uuid::from_u128(7);
    let (wrapped, keys) = vault.mint_keys(id).unwrap();
    let here = binding(7, 1, "victim");
    let sealed: Sealed<VictimKey> = vault.seal(&keys, here, b"plain").unwrap();
    let first = folder.join("epochs").join(epoch::file_name(1));
    let second = folder.join("epochs").join(epoch::file_name(2));
    std::fs::copy(folder.join("index.key"), second).unwrap();
    let both = Vault::open(&settings(&folder)).unwrap();
    let rewrapped = both.rewrap(id, &wrapped).unwrap();
    assert_eq!(rewrapped.epoch, 2);
    std::fs::remove_file(first).unwrap();
    let later = Vault::open(&settings(&folder)).unwrap();
    let keys = later.unwrap_keys(id, &rewrapped).unwrap();
    assert_eq!(later.open_sealed(&keys, here, &sealed).unwrap(), b"plain");
    assert!(later.rewrap(id, &wrapped).is_err());
}

#[test]
fn a_secret_of_the_wrong_length_or_an_empty_folder_stops_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let (_, folder) = vault();
    let first = folder.join("epochs").join(epoch::file_name(1));
    std::fs::write(&first, [7; 32]).unwrap();
    assert!(Vault::open(&settings(&folder)).is_ok(), "32 bare bytes are a secret");
    std::fs::write(&first, "abc").unwrap();
    let error = Vault::open(&settings(&folder)).unwrap_err().to_string();
    assert!(error.contains("32 bytes"), "{error}");
    std::fs::remove_file(&first).unwrap();
    let error = Vault::open(&settings(&folder)).unwrap_err().to_string();
    assert!(error.contains("epoch-0000001.key"), "{error}");
    let epochs = folder.join("epochs");
    std::fs::set_permissions(&epochs, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = Vault::open(&settings(&folder)).unwrap_err().to_string();
    assert!(error.contains("chmod 700"), "{error}");
}

#[test]
fn making_secrets_again_keeps_those_that_are_there() {
    let (vault, folder) = vault();
    create_secrets(&folder).unwrap();
    let again = Vault::open(&settings(&folder)).unwrap();
    assert_eq!(again.record_index(44, false, "A/1"), vault.record_index(44, false, "A/1"));
}

#[test]
fn debug_shows_no_key_and_no_bytes() {
    let (vault, _) = vault();
    let (wrapped, keys) = vault.mint_keys(Uuid::nil()).unwrap();
    let sealed: Sealed<RawKey> = vault.seal(&keys, binding(0, 0, "raw"), b"plain").unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed<raw>(33 bytes)");
    assert_eq!(format!("{keys:?} {wrapped:?} {vault:?}"), "Keys WrappedKeys(epoch 1) Vault");
}
