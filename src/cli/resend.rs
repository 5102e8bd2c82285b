//! `resend`

use std::io::Write;
use std::process::ExitCode;

use cara_wire::operators::{MessagesMoved, SendAgain, call};
use clap::Args;
use jiff::Timestamp;

use super::socket::At;

#[derive(Debug, Args)]
pub(super) struct Resend {
    #[command(flatten)]
    at: At,
    /// The provider's slug
    #[arg(long)]
    provider: String,
    /// What the broker confirmed from this moment on, such as 2026-05-09T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Timestamp,
    /// Why; it stands in the audit chain
    #[arg(long)]
    because: String,
}

impl Resend {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Resend { at, provider, since, because } = self;
        let words = |moved: &MessagesMoved, out: &mut dyn Write| {
            let messages = moved.messages;
            writeln!(out, "{messages} messages wait to be sent again, with the same ids")?;
            Ok(ExitCode::SUCCESS)
        };
        let again = SendAgain { provider, since, because };
        at.say(call::RESEND, &(), &again, out, words).await
    }
}
