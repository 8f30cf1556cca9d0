//! Parses the command line, runs it, prints what went wrong.

use std::process::ExitCode;

use clap::Parser;
use threadbare::cli::{Arguments, leave_closed_homes};

// Without huge pages, which double what a server holds in memory and make it no faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    leave_closed_homes();
    match Arguments::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("threadbare: {error:#}");
            ExitCode::FAILURE
        }
    }
}
