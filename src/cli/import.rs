//! `threadbare import`: takes mail from mailboxes, folders and other archives into an inbox.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::scope;
use crate::archive::Archive;
use crate::index::{Indexer, Options, Silent};
use crate::ingest::source::{Kind, Quoting, Source};
use crate::ingest::{self, ImportOptions, ImportProgress, ImportReport, OldArchive};
use crate::store::Layout;

/// The flags of `import`.
#[derive(clap::Args)]
pub struct Import {
    /// The inbox: its name in the config, or its directory
    #[arg(value_name = "NAME|DIR")]
    inbox: String,
    /// Mailboxes (plain, .gz, .zst, .xz), Maildirs, MH folders, directories of .eml files, other archives
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// How mailboxes are written; told from what is in them by default
    #[arg(long, value_enum, value_name = "FORMAT")]
    mbox: Option<Mbox>,
    /// Let the addresses of another archive lead to the mail: give the sources in the order of that archive, all of them
    #[arg(long, value_enum, value_name = "ARCHIVE")]
    keep_urls: Option<Urls>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Leave the indexes to the next `index` or `serve`
    #[arg(long)]
    no_index: bool,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

/// Formats of mailboxes.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Mbox {
    Mboxrd,
    Mboxo,
    /// Quoted like mboxrd, and with Content-Length
    Mboxcl,
    /// Not quoted, only Content-Length counts
    Mboxcl2,
}

/// Archives whose addresses can be kept.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Urls {
    Pipermail,
    Hyperkitty,
    Mhonarc,
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let scope = scope::find(std::slice::from_ref(&self.inbox), self.index_dir.clone())?;
        let inbox = scope.config.inboxes.first().cloned();
        let inbox = inbox.context("there is no such inbox")?;
        let rules = ingest::import_rules(&scope.config, &inbox)?;
        let mut sources = Vec::new();
        for path in &self.sources {
            let path = std::path::absolute(path).with_context(|| path.display().to_string())?;
            sources.push(Source::find(&path)?);
        }
        let options = ImportOptions {
            quoting: match self.mbox {
                None | Some(Mbox::Mboxcl) => Quoting::Guess,
                Some(Mbox::Mboxrd) => Quoting::Mboxrd,
                Some(Mbox::Mboxo) => Quoting::Mboxo,
                Some(Mbox::Mboxcl2) => Quoting::Mboxcl2,
            },
            old_urls: self.keep_urls.map(|archive| match archive {
                Urls::Pipermail => OldArchive::Pipermail,
                Urls::Hyperkitty => OldArchive::HyperKitty,
                Urls::Mhonarc => OldArchive::Mhonarc,
            }),
        };
        let archive = Archive::open(scope.config, &scope.index_dir)?;
        let report = std::thread::scope(|threads| {
            // One batch is indexed while the next is read.
            let (stored, told) = sync_channel::<()>(1);
            let (site, index_dir) = (archive.clone(), scope.index_dir.clone());
            let indexing = (!self.no_index).then(|| {
                threads.spawn(move || -> anyhow::Result<()> {
                    for () in told {
                        // Others may index in between.
                        let lock = Indexer::wait(site.db(), site.search_index(), &index_dir);
                        let mut indexer = lock?;
                        for inbox in site.every_inbox() {
                            let name = &inbox.config().name;
                            // What was stored while the import ran has epochs that were not there when it began.
                            let layout = Layout::find(&inbox.config().dir)?;
                            indexer.catch_up(name, &layout, Options::default(), &Silent)?;
                        }
                    }
                    Ok(())
                })
            });
            let bar = Bar::new(&sources, (!self.no_index).then_some(stored));
            bar.index();
            let report = ingest::import(
                archive.db(),
                &scope.index_dir,
                &inbox,
                &rules,
                &sources,
                &options,
                &bar,
            );
            bar.end();
            drop(bar);
            if let Some(indexing) = indexing {
                let indexed = indexing.join();
                indexed.map_err(|_| anyhow::anyhow!("the thread that indexes has died"))??;
            }
            anyhow::Ok(report?)
        })?;
        match self.json {
            true => println!("{:#}", report.to_json()),
            false => print!("{report}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows on standard error how far an import is, by a bar on a terminal and by some ten lines elsewhere, and has what was
/// stored indexed.
struct Bar {
    bar: Option<ProgressBar>,
    total: u64,
    /// Which tenth was told last.
    tenth: AtomicU64,
    /// How much lies before each source.
    before: Vec<u64>,
    read: Mutex<(u64, Arc<AtomicU64>)>,
    stored: Option<SyncSender<()>>,
}

impl Bar {
    fn new(sources: &[Source], stored: Option<SyncSender<()>>) -> Bar {
        let mut total = 0;
        let mut before = Vec::new();
        for source in sources {
            before.push(total);
            total += source.size;
        }
        let commits = sources.iter().all(|source| source.kind == Kind::Inbox);
        let style = match commits {
            true => "{wide_bar} {human_pos}/{human_len} {eta} {msg}",
            false => "{wide_bar} {bytes}/{total_bytes} {eta} {msg}",
        };
        let style = ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar());
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        Bar {
            bar,
            total,
            tenth: AtomicU64::new(0),
            before,
            read: Mutex::default(),
            stored,
        }
    }

    /// How much lies behind, over all sources.
    fn position(&self) -> u64 {
        let (before, read) = &*self.read.lock().unwrap_or_else(PoisonError::into_inner);
        before + read.load(Ordering::Relaxed)
    }

    /// Has what is stored indexed. Waits where two batches are waiting already; if nobody indexes any more, its error
    /// will be told.
    fn index(&self) {
        if let Some(stored) = &self.stored {
            let _ = stored.send(());
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl ImportProgress for Bar {
    fn resumed(&self, report: &ImportReport) {
        let (read, added) = (report.read(), report.added);
        eprintln!("an import that was stopped goes on: {read} mails read, {added} added");
    }

    fn reading(&self, source: usize, read: Arc<AtomicU64>) {
        let before = self.before.get(source).copied().unwrap_or(0);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = (before, read);
    }

    fn stored(&self, report: &ImportReport) {
        let position = self.position();
        match &self.bar {
            Some(bar) => {
                bar.set_position(position);
                bar.set_message(format!("{} added", report.added));
            }
            None => {
                // What lies behind may grow while it is read.
                let tenth = (position.saturating_mul(10) / self.total.max(1)).min(10);
                if tenth < 10 && self.tenth.fetch_max(tenth, Ordering::Relaxed) < tenth {
                    eprintln!("{}0 % read: {} added", tenth, report.added);
                }
            }
        }
        self.index();
    }
}
