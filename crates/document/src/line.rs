//! How lines of a text are counted.

/// Bytes between two entries of a line index.
const BLOCK: usize = 4096;

/// How many line ends stand before each block of a text, so that asking for a line again and again
/// does not read the text again and again.
#[derive(Debug)]
pub(super) struct LineIndex(Vec<u32>);

impl LineIndex {
    pub fn of(text: &str) -> Self {
        let mut sum = 0;
        let before = text.as_bytes().chunks(BLOCK).map(|block| {
            let before = sum;
            sum += newlines(block);
            before
        });
        LineIndex(before.collect())
    }

    /// Line ends before this byte of the text.
    pub fn count_before(&self, text: &str, offset: usize) -> u32 {
        let block = offset / BLOCK;
        let before = self.0.get(block).copied().unwrap_or_default();
        before + newlines(&text.as_bytes()[block * BLOCK..offset])
    }
}

/// The lines of an opened text.
#[derive(Debug)]
pub(super) struct LayerLines {
    /// Of the body, on which the text or else its carrier begins.
    pub first: u32,
    /// Its line ends are the body's own; else all of it stands on the first line.
    pub literal: Option<LineIndex>,
}

pub(super) fn newlines(text: &[u8]) -> u32 {
    text.iter().filter(|byte| **byte == b'\n').count() as u32
}
