#![no_main]
//! Any bytes as a CSV body, with and without a header row and grouping; the first byte chooses.

mod reader;

use cara_document::{BodyFormat, csv};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, body)) = bytes.split_first() else { return };
    let header = choice & 1 == 0;
    let options = csv::CsvOptions {
        separator: if choice & 2 == 0 { b',' } else { b';' },
        header,
        group: (choice & 4 != 0)
            .then(|| if header { "ID".to_owned() } else { "column 1".to_owned() }),
    };
    reader::read(body, &BodyFormat::Csv(options));
});
