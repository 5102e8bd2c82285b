//! No function of production code is long without a reason beside it.

use super::source::Source;
use super::{at, packages};

/// From the line of `fn` to that of the closing brace, both counted.
const FUNCTION_LINES_MAX: usize = 70;

/// What a comment directly above a long function begins with.
const REASON: &str = "// long: ";

/// The functions of a file that are too long and say no reason, with their line and length.
fn long(source: &Source, text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let has_reason = |first: usize| {
        let above = lines[..first - 1].iter().rev();
        above
            .take_while(|line| line.starts_with("//") || line.starts_with("#["))
            .any(|line| line.strip_prefix(REASON).is_some_and(|reason| !reason.is_empty()))
    };
    let lengths = source.facts.lengths.iter();
    lengths
        .map(|(name, first, last)| (name.clone(), *first, last + 1 - first))
        .filter(|(_, first, length)| *length > FUNCTION_LINES_MAX && !has_reason(*first))
        .collect()
}

#[test]
fn no_function_is_too_long() {
    let mut wrong = Vec::new();
    for source in packages().iter().flat_map(|package| &package.sources) {
        let text = std::fs::read_to_string(&source.file).expect("source");
        for (name, line, length) in long(source, &text) {
            wrong.push(at(source, line, &format!("`{name}` has {length} lines")));
        }
    }
    super::check(wrong);
}

mod can_fail {
    use super::*;
    use crate::tidy::source;

    fn long_of(text: &str) -> Vec<String> {
        let facts = source::read(text, &[]).expect("the snippet parses");
        let source = Source { file: "part.rs".into(), module: Vec::new(), facts };
        long(&source, text).into_iter().map(|(name, _, lines)| format!("{name} {lines}")).collect()
    }

    #[test]
    fn a_long_function_is_seen_and_one_with_a_reason_is_not() {
        let body = |lines: usize| "    f();\n".repeat(lines);
        assert_eq!(long_of(&format!("fn a() {{\n{}}}", body(69))), ["a 71"]);
        assert_eq!(long_of(&format!("fn a() {{\n{}}}", body(68))), Vec::<String>::new());
        let method = format!("impl A {{\n    /// Why.\n    fn b() {{\n{}}}\n}}", body(69));
        assert_eq!(long_of(&method), ["b 71"]);
        let reason = format!("/// Does.\n// long: one match\n#[inline]\nfn a() {{\n{}}}", body(69));
        assert_eq!(long_of(&reason), Vec::<String>::new());
        let elsewhere = format!("// long: of g\nfn g() {{}}\nfn a() {{\n{}}}", body(69));
        assert_eq!(long_of(&elsewhere), ["a 71"]);
    }
}
