//! `threadbare man` and `threadbare completions`: made from the same words as `--help`, for packages and for shells.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::Arguments;

/// The flags of `man`.
#[derive(clap::Args)]
pub struct Man {
    /// Where to write them; it is made where it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// The flags of `completions`.
#[derive(clap::Args)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let dir = self.dir.display();
        fs::create_dir_all(&self.dir).with_context(|| format!("making {dir}"))?;
        clap_mangen::generate_to(Arguments::command(), &self.dir)
            .with_context(|| format!("writing manual pages to {dir}"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut command = Arguments::command();
        // Written to memory first: a pipe that closes early is nobody's panic.
        let mut words = Vec::new();
        clap_complete::generate(self.shell, &mut command, "threadbare", &mut words);
        match io::Write::write_all(&mut io::stdout(), &words) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(ExitCode::SUCCESS),
        }
    }
}
