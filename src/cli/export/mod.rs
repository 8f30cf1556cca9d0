//! `threadbare export`: mail leaves for somewhere else, as files or as a site that needs no server.

mod files;
mod links;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::scope;
use crate::archive::{Archive, Article, Inbox, Query, Realm};
use crate::id::ArticleNum;
use crate::index::{Indexer, Options};
use crate::time::{self, Timestamp};

/// The flags of `export`.
#[derive(clap::Args)]
#[command(after_help = "Formats:
  mbox     one mboxrd file; compressed where its name ends in .gz
  maildir  a Maildir, everything unread in `new`
  eml      one file for each mail, called after its number
  html     the pages of the archive as a static site: any file server will do, or none

Mail is exported as it is kept, byte for byte; only mbox leaves out the headers that would contradict it (Lines, Bytes,
Content-Length, Status) and quotes `From ` lines so that it can be undone.")]
pub struct Export {
    /// The inbox, by its name in the config or its directory
    #[arg(value_name = "NAME|DIR")]
    inbox: String,
    /// Only what this search finds
    #[arg(long, short, value_name = "QUERY")]
    query: Option<String>,
    /// Only what came since then (YYYYMMDD, in UTC), or was sent since then (in words, as `2.weeks.ago`)
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// As what
    #[arg(long, short, value_enum)]
    format: Format,
    /// Where to: a file for mbox (standard output by default), otherwise a directory that is empty or not there
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One mboxrd file
    Mbox,
    /// A Maildir
    Maildir,
    /// One file for each mail
    Eml,
    /// A static site
    Html,
}

/// How many articles are looked up at once.
const BATCH: usize = 500;

impl Export {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("error");
        let scope = scope::find(std::slice::from_ref(&self.inbox), self.index_dir.clone())?;
        let archive = Archive::open(scope.config, &scope.index_dir)?;
        let inbox = archive.every_inbox().into_iter().next();
        let inbox = inbox.with_context(|| format!("{} cannot be opened", self.inbox))?;
        let mut indexer = Indexer::wait(archive.db(), archive.search_index(), &scope.index_dir)?;
        indexer.catch_up(
            &inbox.config().name,
            &inbox.layout(),
            Options::default(),
            &crate::index::Silent,
        )?;
        drop(indexer);
        archive.refresh()?;
        let inbox = archive.inbox(&inbox.config().name).unwrap_or(inbox);
        let chosen = self.chosen(&inbox)?;
        let count = match (self.format, &self.output) {
            (Format::Mbox, output) => files::mbox(&inbox, &chosen, output.as_deref())?,
            (_, None) => anyhow::bail!("where to? Say --output DIR"),
            (Format::Maildir, Some(output)) => files::maildir(&inbox, &chosen, output)?,
            (Format::Eml, Some(output)) => files::eml(&inbox, &chosen, output)?,
            (Format::Html, Some(output)) => site::write(archive, &inbox, &chosen, output)?,
        };
        let what = if self.format == Format::Html {
            "files"
        } else {
            "mails"
        };
        eprintln!("{count} {what} written");
        Ok(ExitCode::SUCCESS)
    }

    fn chosen(&self, inbox: &Inbox) -> anyhow::Result<Chosen> {
        let since = self.since.as_deref().map(str::trim).map(|date| {
            let plain = date.replace(['-', ':', 'T', ' '], "");
            match Timestamp::from_digits(&plain) {
                Some(since) => format!("rt:{}..", since.0),
                // In words only dates of sending can be asked for.
                None => format!("d:{}..", date.replace(' ', ".")),
            }
        });
        let query = match (&self.query, since) {
            (None, None) => return Ok(Chosen::All),
            (Some(query), None) => query.clone(),
            (None, Some(since)) => since,
            (Some(query), Some(since)) => format!("({query}) {since}"),
        };
        let parsed = Query::parse(&query, time::now())?;
        for note in parsed.notes() {
            eprintln!("note: {note}");
        }
        let mut numbers = Vec::new();
        for message in Realm::Inbox(inbox.clone()).find_all(&parsed, None)? {
            numbers.extend(inbox.found(message)?.map(|article| article.num));
        }
        numbers.sort_by_key(|num| place_of(*num));
        Ok(Chosen::Found { query, numbers })
    }
}

/// What of an inbox is exported.
enum Chosen {
    All,
    /// What a search found, in the order of [`place_of`].
    Found {
        query: String,
        numbers: Vec<ArticleNum>,
    },
}

impl Chosen {
    /// Calls `each` for every article, in the order of [`place_of`].
    fn each(
        &self,
        inbox: &Inbox,
        mut each: impl FnMut(Article) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Chosen::Found { numbers, .. } => each_of(inbox, numbers, each),
            Chosen::All => {
                let mut last: Option<Article> = None;
                let mut without_id = Vec::new();
                loop {
                    let articles = inbox.articles_after(last.as_ref(), BATCH)?;
                    let Some(newest) = articles.last() else { break };
                    last = Some(newest.clone());
                    for article in articles {
                        match article.num.0 < 0 {
                            true => without_id.push(article.num),
                            false => each(article)?,
                        }
                    }
                }
                without_id.reverse();
                each_of(inbox, &without_id, each)
            }
        }
    }
}

/// What sorts articles for export: by number, so that an inbox which is made of them gives the same numbers. Mail without a
/// Message-ID, which has numbers below zero and would take others there, comes last.
fn place_of(num: ArticleNum) -> (bool, u64) {
    (num.0 < 0, num.0.unsigned_abs())
}

fn each_of(
    inbox: &Inbox,
    numbers: &[ArticleNum],
    mut each: impl FnMut(Article) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for num in numbers {
        if let Some(article) = inbox.article(*num)? {
            each(article)?;
        }
    }
    Ok(())
}
