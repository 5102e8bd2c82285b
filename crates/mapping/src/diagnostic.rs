//! One problem of a mapping file, and how a person sees it.

use std::fmt::Write as _;
use std::ops::Range;

use super::code::MappingCode;
use super::fault::{PhraseFault, PhraseFaultKind};

/// One problem: where, what, what was probably meant, what it would have caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: MappingCode,
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
        code: MappingCode,
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
pub(super) fn code_of(fault: &PhraseFault) -> MappingCode {
    match fault.cause {
        PhraseFaultKind::Path => MappingCode::PATH,
        PhraseFaultKind::Condition => MappingCode::CONDITION,
        PhraseFaultKind::Field => MappingCode::CONDITION_FIELD,
        PhraseFaultKind::Operator => MappingCode::CONDITION_OPERATOR,
        PhraseFaultKind::Value => MappingCode::CONDITION_VALUE,
        PhraseFaultKind::Quantifier => MappingCode::CONDITION_QUANTIFIER,
        PhraseFaultKind::Settled => MappingCode::RULE_SETTLED,
        PhraseFaultKind::Transform => MappingCode::UNKNOWN_TRANSFORM,
        PhraseFaultKind::Argument => MappingCode::TRANSFORM_ARGUMENT,
        PhraseFaultKind::DateFormat => MappingCode::DATE_FORMAT,
        PhraseFaultKind::DateClash => MappingCode::DATE_CLASH,
        PhraseFaultKind::Prefix => MappingCode::UNDECLARED_PREFIX,
    }
}

fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}
