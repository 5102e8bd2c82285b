#![no_main]
//! Any text as a mapping file of each sort: an answer or a diagnostic that can be shown, never a
//! panic.

use cara_mapping::Mapping;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let name = ["referral", "decision", "notice"][usize::from(choice % 3)];
    let compiled = Mapping::compile(name, &format!("{name}.toml"), text, &|_| None);
    for diagnostic in &compiled.diagnostics {
        assert!(diagnostic.line >= 1 && diagnostic.column >= 1);
        assert!(!diagnostic.render().is_empty());
    }
    match compiled.plan {
        Some(mapping) => drop(mapping.run_tests(&|_| None)),
        None => assert!(!compiled.diagnostics.is_empty(), "refused without a word"),
    }
});
