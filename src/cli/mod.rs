//! The command line: one file per subcommand. Exit codes: 0 done, 1 failed, 2 wrong usage.

mod index;
mod progress;
mod scope;

use std::process::ExitCode;

/// What the program can be asked to do.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Bring the indexes up to date with git
    Index(index::Index),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// What went wrong, with what was being done.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Command::Index(index) => index.run(),
        }
    }
}

/// Log lines go to standard error; `RUST_LOG` chooses which.
fn log_to_stderr(default: &str) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
}
