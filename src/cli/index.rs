//! `threadbare index`: brings the indexes up to date with git.

use std::path::PathBuf;
use std::process::ExitCode;

use super::progress::Bars;
use super::scope;
use crate::archive::Archive;
use crate::index::{Indexer, Options, Report};

/// The flags of `index`.
#[derive(clap::Args)]
pub struct Index {
    /// Inboxes by their names in the config, or directories that need not be in it; all by default
    #[arg(value_name = "NAME|DIR")]
    inboxes: Vec<String>,
    /// All inboxes of the config
    #[arg(long, conflicts_with = "inboxes")]
    all: bool,
    /// Read everything again, not only what is new; article numbers stay
    #[arg(long)]
    reindex: bool,
    /// How many threads read and parse mail; as many as there are processors by default
    #[arg(long, short, value_name = "N")]
    jobs: Option<std::num::NonZero<usize>>,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

impl Index {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let scope = scope::find(&self.inboxes, self.index_dir)?;
        anyhow::ensure!(
            !scope.config.inboxes.is_empty() || scope.config.file.is_some(),
            "there is no inbox to index: name a directory, or make one with `threadbare init`"
        );
        let mut options = Options {
            reindex: self.reindex,
            ..Options::default()
        };
        if let Some(jobs) = self.jobs {
            options.jobs = jobs.get();
        }
        let archive = Archive::open(scope.config, &scope.index_dir)?;
        let mut indexer = Indexer::wait(archive.db(), archive.search_index(), &scope.index_dir)?;
        let bars = Bars::default();
        let mut total = Report::default();
        for inbox in archive.every_inbox() {
            let name = &inbox.config().name;
            let report = indexer.catch_up(name, &inbox.layout(), options, &bars)?;
            println!("{name}: {report}");
            total.add(report);
        }
        Ok(ExitCode::SUCCESS)
    }
}
