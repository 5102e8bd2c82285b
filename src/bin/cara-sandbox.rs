//! A whole small world on this machine around a gateway, which it starts as a child.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use cara_clock::Clock;
use cara_sandbox::console::Console;
use cara_sandbox::world::Wishes;
use clap::Parser;

/// A whole small world on this machine: broker, gateway, forces, a charity.
///
/// Exit codes: 0 done, 1 something is wrong (it says what), 2 the command line is wrong.
#[derive(Debug, Parser)]
#[command(name = "cara-sandbox", version)]
struct Arguments {
    /// Where certificates, records, logs and sandbox.json go; kept from one run to the next
    #[arg(long, value_name = "DIR", default_value = "sandbox")]
    dir: PathBuf,
    /// A running broker, by its administrator's URL: amqp://user:password@host. Without it a
    /// private rabbitmq-server is started in DIR and ended with the sandbox
    #[arg(long, value_name = "URL", env = "AMQP_URL", hide_env_values = true)]
    amqp: Option<String>,
    /// Play force systems that push records of every shape and a charity that consumes them; ends
    /// with a table that has to add up (exit code 1 if it does not)
    #[arg(long)]
    traffic: bool,
    /// End after so many seconds; otherwise Ctrl-C ends it
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// The gateway that is started; without it the cara-gateway beside this program
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::new)
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _nobody_reads_it = writeln!(std::io::stderr(), "cara-sandbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let clock = Clock::system();
    let console = Console::standard(clock.clone());
    let wishes = Wishes {
        folder: arguments.dir,
        amqp: arguments.amqp.filter(|url| !url.is_empty()),
        program: program(arguments.gateway)?,
    };
    let time = arguments.seconds.map(Duration::from_secs);
    cara_sandbox::run(wishes, arguments.traffic, time, console, clock).await
}

fn program(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let program = match given {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("cara-gateway"),
    };
    let program = program.canonicalize().with_context(|| {
        let program = program.display();
        format!(
            "there is no gateway at {program}: build it (`make build`), or name it by --gateway"
        )
    })?;
    Ok(program)
}
