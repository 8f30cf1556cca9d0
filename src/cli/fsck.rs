//! `threadbare fsck`: compares git, the catalogue and the full-text index, and mends the indexes.

use std::path::PathBuf;
use std::process::ExitCode;

use super::progress::Bars;
use super::scope::{self, Scope};
use crate::archive::Archive;
use crate::error::Error;
use crate::index::{self, Findings, Indexer, Keep, Options, Wanted};

/// The flags of `fsck`.
#[derive(clap::Args)]
#[command(
    after_help = "It reads all mail. Every object of git is looked at whether it is what its name says; every mail has \
to have its place, number, ids, thread and words, and nothing may be in the indexes that git has not. Each difference is a \
line, with the inbox and where it is: git, catalogue or words. Mail may come in meanwhile.

Exit code: 0 where there is no difference (or none is left), 1 where there are."
)]
pub struct Fsck {
    /// Inboxes by their names in the config, or directories that need not be in it; all by default
    #[arg(value_name = "NAME|DIR")]
    inboxes: Vec<String>,
    /// Make the indexes right; git is only ever read. Article numbers stay
    #[arg(long)]
    repair: bool,
    /// How many threads read mail; as many as there are processors by default
    #[arg(long, short, value_name = "N")]
    jobs: Option<std::num::NonZero<usize>>,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

impl Fsck {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("error");
        let scope = scope::find(&self.inboxes, self.index_dir)?;
        anyhow::ensure!(
            !scope.config.inboxes.is_empty() || scope.config.file.is_some(),
            "there is no inbox to look at: name a directory"
        );
        let mut options = Options::default();
        if let Some(jobs) = self.jobs {
            options.jobs = jobs.get();
        }
        let look = Look { scope, options };
        let found = match look.once() {
            Ok(found) => found,
            Err(error) if is_index(&error) => {
                println!("{error:#}");
                if !self.repair {
                    return Ok(ExitCode::FAILURE);
                }
                look.make_anew()?;
                look.once()?
            }
            Err(error) => return Err(error),
        };
        if found.is_clean() || !self.repair {
            return Ok(exit_code(&found));
        }
        println!("repairing the indexes");
        if look.repair(&found).is_err_and(|error| {
            println!("{error:#}");
            true
        }) {
            look.make_anew()?;
        }
        Ok(exit_code(&look.once()?))
    }
}

fn exit_code(found: &Findings) -> ExitCode {
    match found.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Whether it is one of the indexes that cannot be used.
fn is_index(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<Error>();
    error.is_some_and(|error| matches!(error, Error::Db(_) | Error::Search(_) | Error::Index(_)))
}

struct Look {
    scope: Scope,
    options: Options,
}

impl Look {
    fn open(&self) -> anyhow::Result<(Archive, Indexer, Vec<Wanted>)> {
        let dir = &self.scope.index_dir;
        let archive = Archive::open(self.scope.config.clone(), dir)?;
        let indexer = Indexer::wait(archive.db(), archive.search_index(), dir)?;
        let inboxes = archive.every_inbox();
        let wanted = inboxes
            .iter()
            .map(|inbox| (inbox.config().name.clone(), inbox.layout()));
        let wanted = wanted.collect();
        Ok((archive, indexer, wanted))
    }

    /// Looks once, and says what there is.
    fn once(&self) -> anyhow::Result<Findings> {
        let (archive, indexer, wanted) = self.open()?;
        let mut tell = |difference: &index::Difference| println!("{difference}");
        let (db, search) = (archive.db(), archive.search_index());
        let found = index::fsck(db, search, indexer, &wanted, self.options.jobs, &mut tell)?;
        let (articles, messages) = (found.articles, found.messages);
        let total: u64 = found.differences.values().sum();
        let parts: Vec<String> = found
            .differences
            .iter()
            .map(|(keep, n)| format!("{keep} {n}"))
            .collect();
        let told = match total {
            0 => "no difference".to_owned(),
            1 => format!("1 difference ({})", parts.join(", ")),
            total => format!("{total} differences ({})", parts.join(", ")),
        };
        println!("{articles} articles and the words of {messages} messages: {told}");
        if found.differences.contains_key(&Keep::Git) {
            println!(
                "What is wrong in git can only be had from a mirror or a backup: `git fsck` tells more."
            );
        }
        Ok(found)
    }

    fn repair(&self, found: &Findings) -> anyhow::Result<()> {
        let (_archive, mut indexer, wanted) = self.open()?;
        indexer.repair(found, &wanted, self.options, &Bars::default())?;
        Ok(())
    }

    /// Indexes that cannot be used at all are deleted, and made again from git.
    fn make_anew(&self) -> anyhow::Result<()> {
        println!("the indexes cannot be used; they are made anew");
        index::discard(&self.scope.index_dir)?;
        let (_archive, mut indexer, wanted) = self.open()?;
        for (name, layout) in &wanted {
            indexer.catch_up(name, layout, self.options, &Bars::default())?;
        }
        Ok(())
    }
}
