//! The command line of the CARA gateway.

fn main() -> std::process::ExitCode {
    cara_gateway::cli::run()
}
