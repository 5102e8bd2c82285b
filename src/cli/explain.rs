//! `explain CODE`: the page of a published code.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::format::{self, Shape};
use crate::app;

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A code as a finding, a diagnostic or an answer names it, or the kind of an incident
    code: String,
    #[command(flatten)]
    shape: Shape,
}

impl Explain {
    pub(super) fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let (code, kind) = (self.code.trim().to_uppercase(), self.code.trim().to_lowercase());
        let Some(page) = app::page(&code).or_else(|| app::page(&kind)) else {
            let begin =
                "they begin with V, M, O or P, and `incident list` names kinds of incidents";
            let problem = format!("there is no code {code}: {begin}");
            match self.shape.is_json() {
                true => format::write(&json!({ "problem": problem }), out)?,
                false => writeln!(out, "{problem}")?,
            }
            return Ok(ExitCode::FAILURE);
        };
        if self.shape.is_json() {
            let document = json!({
                "code": page.code, "name": page.name, "means": page.means, "cause": page.cause,
                "fix": page.fix, "avoid": page.avoid,
            });
            format::write(&document, out)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(out, "{} {}\n", page.code, page.name)?;
        for (what, text) in [
            ("What it means", &page.means),
            ("Usual cause", &page.cause),
            ("How to fix it", &page.fix),
            ("How to avoid it", &page.avoid),
        ] {
            writeln!(out, "{what}\n    {text}\n")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
