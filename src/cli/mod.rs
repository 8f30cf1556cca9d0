//! The command line: one file per subcommand. Exit codes: 0 done, 1 failed, 2 wrong usage.

mod chosen;
mod demo;
mod doors;
mod edit;
mod export;
mod fsck;
mod index;
pub mod init;
mod keep_up;
mod progress;
mod purge;
mod rm;
mod scope;
mod search;
mod serve;

use std::process::ExitCode;

/// What the program can be asked to do.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Serve a sample archive: no config, no network, nothing to prepare
    Demo(demo::Demo),
    /// Change a mail in an editor, in history too
    Edit(edit::Edit),
    /// Write mail into files, or the archive as a site that needs no server
    Export(export::Export),
    /// Compare the indexes with git, and mend them
    Fsck(fsck::Fsck),
    /// Make an inbox and its config entry
    Init(init::InitArgs),
    /// Bring the indexes up to date with git
    Index(index::Index),
    /// Take mail out of history, and every byte of it off the disk
    Purge(purge::Purge),
    /// Take mail out of a list; history keeps it
    Rm(rm::Rm),
    /// Find mail
    Search(search::Search),
    /// Serve inboxes over HTTP, and keep them up to date
    Serve(serve::Serve),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// What went wrong, with what was being done.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Command::Demo(demo) => demo.run(),
            Command::Edit(edit) => edit.run(),
            Command::Export(export) => export.run(),
            Command::Fsck(fsck) => fsck.run(),
            Command::Init(arguments) => {
                init::run(arguments)?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Index(index) => index.run(),
            Command::Purge(purge) => purge.run(),
            Command::Rm(rm) => rm.run(),
            Command::Search(search) => search.run(),
            Command::Serve(serve) => serve.run(),
        }
    }
}

/// Log lines go to standard error; `RUST_LOG` chooses which.
fn log_to_stderr(default: &str) {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
