#![no_main]
//! Any bytes as a JSON body.

mod reader;

use cara_document::BodyFormat;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reader::read(bytes, &BodyFormat::Json));
