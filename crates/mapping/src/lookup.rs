//! The lookups that are built in. A file replaces one by writing a table of the same name.

/// Name, rows of source text and canonical value. Any text that is not listed holds the record.
pub type BuiltIn = (&'static str, &'static [(&'static str, &'static str)]);

/// From the CJS code lists (DOMAIN section 3.4).
pub(super) static BUILT_IN: &[BuiltIn] = &[
    (
        "cjs sex",
        &[
            ("0", "unknown"),
            ("1", "male"),
            ("2", "female"),
            ("9", "unspecified"),
            ("M", "male"),
            ("F", "female"),
            ("U", "unknown"),
        ],
    ),
    (
        "ethnicity self defined",
        &[
            ("W1", "W1"),
            ("W2", "W2"),
            ("W3", "W3"),
            ("W9", "W9"),
            ("M1", "M1"),
            ("M2", "M2"),
            ("M3", "M3"),
            ("M9", "M9"),
            ("A1", "A1"),
            ("A2", "A2"),
            ("A3", "A3"),
            ("A4", "A4"),
            ("A9", "A9"),
            ("B1", "B1"),
            ("B2", "B2"),
            ("B9", "B9"),
            ("O1", "O1"),
            ("O2", "O2"),
            ("O9", "O9"),
            ("NS", "NS"),
        ],
    ),
    (
        "ethnicity observed",
        &[
            ("1", "IC1"),
            ("2", "IC2"),
            ("3", "IC3"),
            ("4", "IC4"),
            ("5", "IC5"),
            ("6", "IC6"),
            ("7", "IC7"),
            ("9", "IC9"),
            ("IC1", "IC1"),
            ("IC2", "IC2"),
            ("IC3", "IC3"),
            ("IC4", "IC4"),
            ("IC5", "IC5"),
            ("IC6", "IC6"),
            ("IC7", "IC7"),
            ("IC9", "IC9"),
        ],
    ),
    (
        "offence date kind",
        &[
            ("1", "on"),
            ("2", "before"),
            ("3", "after"),
            ("4", "between"),
            ("5", "on_or_about"),
            ("6", "on_or_before"),
        ],
    ),
];

/// The lookup that every mapping may use without writing it.
pub fn built_in(name: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|(known, _)| *known == name)
}
