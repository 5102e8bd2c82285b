#![no_main]
//! Any bytes as a JSON body.

mod reader;

use cara_document::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reader::read(bytes, &Format::Json));
