//! The force's words for the codes of a notice.

/// One `[lookup."name"]`.
#[derive(Clone, Debug)]
pub(super) struct LetterLookup {
    pub name: String,
    /// The notice's code and the force's word, in the file's order.
    pub rows: Vec<(String, String)>,
}

impl LetterLookup {
    /// The row of a code.
    pub fn row(&self, code: &str) -> Option<usize> {
        self.rows.iter().position(|(listed, _)| listed == code)
    }
}
