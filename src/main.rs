//! Parses the command line, runs it, prints what went wrong.

use std::process::ExitCode;

use clap::Parser;
use threadbare::cli::Command;

// Without huge pages, which double what a server holds in memory and make it no faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A mailing-list archive server: threads, served from bare git repositories
#[derive(Parser)]
#[command(name = "threadbare", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("threadbare: {error:#}");
            ExitCode::FAILURE
        }
    }
}
