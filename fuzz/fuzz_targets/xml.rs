#![no_main]
//! Any bytes as an XML body.

mod reader;

use cara_document::BodyFormat;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reader::read(bytes, &BodyFormat::Xml));
