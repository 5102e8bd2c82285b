//! Passwords as a definitions file holds them: salted and hashed, never in clear.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// RabbitMQ's name of the hashing that [`hash`] does.
pub const HASHING: &str = "rabbit_password_hashing_sha256";

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// `base64(salt ‖ SHA-256(salt ‖ password))` with a salt of four bytes
/// (<https://www.rabbitmq.com/passwords.html>).
pub fn hash(password: &str, salt: [u8; 4]) -> String {
    let mut salted = salt.to_vec();
    salted.extend_from_slice(password.as_bytes());
    let mut out = salt.to_vec();
    out.extend_from_slice(digest(&SHA256, &salted).as_ref());
    BASE64.encode(&out)
}

/// A fresh salt.
pub fn salt() -> Result<[u8; 4], NoRandomness> {
    random()
}

/// A fresh password of 192 random bits, in letters, digits, `-` and `_`.
pub fn generate() -> Result<String, NoRandomness> {
    let bytes: [u8; 24] = random()?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], NoRandomness> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of RabbitMQ's own documentation.
    #[test]
    fn a_password_is_hashed_as_rabbitmq_does() {
        assert_eq!(
            hash("test12", [0x90, 0x8D, 0xC6, 0x0A]),
            "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
        );
    }

    #[test]
    fn generated_passwords_differ() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
    }
}
