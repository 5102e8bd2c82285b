//! The one binary. Everything it does is a command of `cara_gateway::cli`.

fn main() -> std::process::ExitCode {
    cara_gateway::cli::run()
}
