//! One way to write a content, so that equal contents are equal bytes.

use serde::Serialize;

/// Bytes that are equal exactly when the content is: fields in declared order, absent ones left
/// out.
pub(super) fn canonical<T: Serialize>(content: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2048);
    match serde_json::to_writer(&mut bytes, content) {
        Ok(()) => bytes,
        Err(_) => unreachable!("a side has text keys only, and writing to memory does not fail"),
    }
}
