//! One problem of a mapping file, and how a person sees it.

use std::fmt::Write as _;
use std::ops::Range;

use super::code::Code;
use super::fault::{Cause, Fault};

/// One problem: where, what, what was probably meant, what it would have caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    /// As it was named to the compiler.
    pub file: String,
    /// 1-based.
    pub line: usize,
    /// In characters, 1-based.
    pub column: usize,
    /// Characters to underline; 0 for a whole line.
    pub length: usize,
    pub what: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// What would have happened if the file had gone live.
    pub effect: &'static str,
    /// The line as the file has it.
    pub source: String,
}

impl Diagnostic {
    /// The problem at these bytes of the file's text.
    pub fn at(
        code: Code,
        file: &str,
        text: &str,
        span: Range<usize>,
        what: impl Into<String>,
    ) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let on_line = &text[start..end];
        let on_line = on_line.split('\n').next().unwrap_or_default();
        Diagnostic {
            code,
            file: file.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            length: on_line.trim_end().chars().count(),
            what: what.into(),
            suggestion: None,
            effect: code.page().effect,
            source: text[line_start..].lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// As printed: place, sentence, the line with its wrong word underlined, advice.
    pub fn render(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{}:{}: {} [{}]", self.file, self.line, self.what, self.code.id());
        if !self.source.is_empty() {
            let shown = self.source.replace('\t', " ");
            let _ = writeln!(out, "    {shown}");
            let underline = "^".repeat(self.length.max(1));
            let _ = writeln!(out, "    {}{underline}", " ".repeat(self.column - 1));
        }
        if let Some(suggestion) = &self.suggestion {
            let _ = writeln!(out, "    did you mean: {suggestion}");
        }
        let _ = writeln!(out, "    effect: {}", self.effect);
        let _ = writeln!(out, "    fix: {}", self.code.page().fix);
        out
    }
}

/// The published code of a phrase's fault.
pub(super) fn code_of(fault: &Fault) -> Code {
    match fault.cause {
        Cause::Path => Code::PATH,
        Cause::Condition => Code::CONDITION,
        Cause::Field => Code::CONDITION_FIELD,
        Cause::Operator => Code::CONDITION_OPERATOR,
        Cause::Value => Code::CONDITION_VALUE,
        Cause::Quantifier => Code::CONDITION_QUANTIFIER,
        Cause::Settled => Code::RULE_SETTLED,
        Cause::Transform => Code::UNKNOWN_TRANSFORM,
        Cause::Argument => Code::TRANSFORM_ARGUMENT,
        Cause::DateFormat => Code::DATE_FORMAT,
        Cause::DateClash => Code::DATE_CLASH,
        Cause::Prefix => Code::UNDECLARED_PREFIX,
    }
}

fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}
