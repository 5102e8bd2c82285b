//! Texts that mean that nothing is there.

/// Texts that record systems write where they have nothing.
const BLANKS: &[&str] = &[
    "NULL",
    "NIL",
    "N/K",
    "NK",
    "N/A",
    "NA",
    "NONE",
    "UNKNOWN",
    "NOT KNOWN",
    "NOT STATED",
    "-",
    "--",
    "?",
    "TBC",
    "TBA",
    "XXXX/XX",
    "00000000",
    "00/00/0000",
    "0000-00-00",
    "(NULL)",
];

pub(super) fn is_blank(text: &str) -> bool {
    BLANKS.iter().any(|blank| blank.eq_ignore_ascii_case(text))
}
