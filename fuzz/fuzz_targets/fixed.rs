#![no_main]
//! Any bytes as a fixed-width body: lines of three kinds, one of which starts a record.

mod reader;

use std::sync::OnceLock;

use cara_document::{BodyFormat, fixed};

fn format() -> &'static BodyFormat {
    static FORMAT: OnceLock<BodyFormat> = OnceLock::new();
    let line = |name: &str, is: Option<&str>, columns: &[&str]| fixed::FixedLine {
        name: name.to_owned(),
        is: is.and_then(|phrase| fixed::Is::parse(phrase).ok()),
        columns: columns.iter().filter_map(|it| fixed::Column::parse(it).ok()).collect(),
    };
    FORMAT.get_or_init(|| {
        BodyFormat::Fixed(fixed::FixedOptions {
            lines: vec![
                line("CASE", Some("1 is C"), &["- 1", "ref 8", "surname 12"]),
                line("OFFENCE", Some("1 is O"), &["- 1", "code 7"]),
                line("NOTE", None, &["text 20"]),
            ],
            record: "CASE".to_owned(),
        })
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reader::read(bytes, format()));
