//! The command line: one file per subcommand. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done, and something was
//! found that needs attention; `fetch --exit-code` has 127 for nothing new.

mod adopt;
mod chosen;
mod clone;
mod config;
mod copying;
mod deliver;
mod demo;
mod doctor;
mod doors;
mod edit;
mod export;
mod fetch;
mod fetch_up;
mod finding;
mod fsck;
mod go_on;
mod home;
mod import;
mod index;
pub mod init;
mod keep_up;
mod learn;
mod log;
mod mail_doors;
mod man;
mod progress;
mod purge;
mod rm;
mod scope;
mod search;
mod serve;
mod serving;
mod status;
mod wake;
mod watch;

use std::process::ExitCode;

pub use home::leave_closed_homes;

/// A mailing-list archive server: threads, served from bare git repositories
#[derive(clap::Parser)]
#[command(name = "threadbare", version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can be asked to do.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Serve a sample archive: no config, no network, nothing to prepare
    Demo(demo::Demo),
    /// Make an inbox and its config entry
    Init(init::InitArgs),
    /// Bring the indexes up to date with git
    Index(index::Index),
    /// Serve inboxes over HTTP, and keep them up to date
    Serve(serve::Serve),
    /// Find mail
    Search(search::Search),
    /// Say which inboxes there are, how large, and how far each is behind
    Status(status::Status),
    /// Take mail from mailboxes, folders and other archives into an inbox
    Import(import::Import),
    /// Take one mail from a mail server, on standard input
    Deliver(deliver::Deliver),
    /// Take mail from the folders that the config names, without a server
    Watch(watch::WatchArgs),
    /// Copy an inbox, or all of a site, from another archive
    Clone(clone::Clone),
    /// Bring mirrors up to date with where they are from
    Fetch(fetch::Fetch),
    /// Write mail into files, or the archive as a site that needs no server
    Export(export::Export),
    /// Take mail out of a list; history keeps it
    Rm(rm::Rm),
    /// Change a mail in an editor, in history too
    Edit(edit::Edit),
    /// Take mail out of history, and every byte of it off the disk
    Purge(purge::Purge),
    /// Say that a mail is spam, or is none, or is to go
    Learn(learn::Learn),
    /// Compare the indexes with git, and mend them
    Fsck(fsck::Fsck),
    /// Check the settings
    Config(config::ConfigCommand),
    /// Look for what keeps an archive from working, and say what to do
    Doctor(doctor::Doctor),
    /// Write manual pages into a directory
    Man(man::Man),
    /// Print the words that a shell completes
    Completions(man::Completions),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// What went wrong, with what was being done.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Command::Demo(demo) => demo.run(),
            Command::Init(arguments) => {
                init::run(arguments)?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Index(index) => index.run(),
            Command::Serve(serve) => serve.run(),
            Command::Search(search) => search.run(),
            Command::Status(status) => status.run(),
            Command::Import(import) => import.run(),
            Command::Deliver(deliver) => deliver.run(),
            Command::Watch(watch) => watch.run(),
            Command::Clone(clone) => clone.run(),
            Command::Fetch(fetch) => fetch.run(),
            Command::Export(export) => export.run(),
            Command::Rm(rm) => rm.run(),
            Command::Edit(edit) => edit.run(),
            Command::Purge(purge) => purge.run(),
            Command::Learn(learn) => learn.run(),
            Command::Fsck(fsck) => fsck.run(),
            Command::Config(config) => config.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Man(man) => man.run(),
            Command::Completions(completions) => completions.run(),
        }
    }
}

/// A log for people, of this level and above.
fn log_to_stderr(default: &str) {
    log::start(default, crate::config::LogFormat::Text);
}
