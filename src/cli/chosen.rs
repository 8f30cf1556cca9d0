//! Which mails a command is about, by whatever they are named, and the lines that say so.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use anyhow::Context;

use super::progress::Bars;
use super::scope::{self, Scope};
use crate::archive::{Archive, Article, Inbox, Query, Raw, Realm};
use crate::id::{ArticleNum, MessageId};
use crate::index::{Indexer, Options};
use crate::mail::Message;
use crate::store::MAX_BLOB;
use crate::time;

/// In which inboxes.
#[derive(clap::Args)]
pub(super) struct Where {
    /// Inboxes by their names in the config, or directories that need not be in it
    #[arg(value_name = "NAME|DIR")]
    inboxes: Vec<String>,
    /// All inboxes of the config
    #[arg(long, conflicts_with = "inboxes")]
    all: bool,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

/// By what.
#[derive(clap::Args)]
pub(super) struct Chosen {
    /// All mail of this Message-ID; may be given more than once
    #[arg(long = "mid", short, value_name = "MSGID")]
    mids: Vec<String>,
    /// The article of this number, of one inbox; may be given more than once
    #[arg(
        long = "number",
        short,
        value_name = "N",
        allow_negative_numbers = true
    )]
    numbers: Vec<i64>,
    /// All that this search finds
    #[arg(long, short, value_name = "QUERY")]
    query: Option<String>,
}

/// An article, and where it stands.
pub(super) type Found = (Inbox, Article);

/// The archive, up to date with git.
pub(super) struct Site {
    pub(super) archive: Archive,
    pub(super) inboxes: Vec<Inbox>,
    index_dir: PathBuf,
}

impl Where {
    /// In all inboxes of the config.
    pub(super) fn everywhere(index_dir: Option<PathBuf>) -> Where {
        Where {
            inboxes: Vec::new(),
            all: true,
            index_dir,
        }
    }

    /// Opens the indexes of these inboxes and brings them up to date. Without any name it is all of them if `all` says so.
    pub(super) fn open(&self, none_is_all: bool) -> anyhow::Result<Site> {
        anyhow::ensure!(
            none_is_all || self.all || !self.inboxes.is_empty(),
            "in which inbox? Name it, or say --all"
        );
        let Scope { config, index_dir } = scope::find(&self.inboxes, self.index_dir.clone())?;
        let archive = Archive::open(config, &index_dir)?;
        let inboxes = archive.every_inbox();
        anyhow::ensure!(!inboxes.is_empty(), "there is no inbox to look in");
        let site = Site {
            archive,
            inboxes,
            index_dir,
        };
        site.index()?;
        Ok(site)
    }
}

impl Site {
    /// Brings the indexes of its inboxes up to date with git.
    pub(super) fn index(&self) -> anyhow::Result<()> {
        let mut indexer = self.indexer()?;
        for inbox in &self.inboxes {
            let name = &inbox.config().name;
            indexer.catch_up(name, &inbox.layout(), Options::default(), &Bars::default())?;
        }
        self.archive.refresh()?;
        Ok(())
    }

    /// Likewise, and then leaves nothing there of what is no longer in git.
    pub(super) fn scrub(&self) -> anyhow::Result<()> {
        self.index()?;
        self.indexer()?.scrub(Options::default())?;
        Ok(())
    }

    fn indexer(&self) -> anyhow::Result<Indexer> {
        let (db, search) = (self.archive.db(), self.archive.search_index());
        Ok(Indexer::wait(db, search, &self.index_dir)?)
    }

    /// The articles of this mail: of its ids, and with its content.
    pub(super) fn copies(&self, raw: &[u8]) -> anyhow::Result<Vec<Found>> {
        let message = Message::parse(raw);
        let content = message.fingerprint();
        let mut found = Vec::new();
        for inbox in &self.inboxes {
            for mid in message.message_ids() {
                for article in inbox.articles(&mid)? {
                    let bytes = inbox.read(&article)?.map(Raw::into_vec).unwrap_or_default();
                    let same = Message::parse(&bytes).fingerprint() == content;
                    let new = found.iter().all(|known| !is_same(known, inbox, &article));
                    if same && new {
                        found.push((inbox.clone(), article));
                    }
                }
            }
        }
        Ok(found)
    }
}

fn is_same((inbox, article): &Found, other: &Inbox, of_other: &Article) -> bool {
    inbox.id() == other.id() && article.num == of_other.num
}

impl Chosen {
    /// Whether nothing was named: then the mail is on standard input.
    pub(super) fn is_empty(&self) -> bool {
        self.mids.is_empty() && self.numbers.is_empty() && self.query.is_none()
    }

    /// The ids that were named.
    pub(super) fn ids(&self) -> anyhow::Result<Vec<MessageId>> {
        let parse = |text: &String| {
            let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
            MessageId::parse(bare).with_context(|| format!("{text:?} is no Message-ID"))
        };
        self.mids.iter().map(parse).collect()
    }

    /// Finds the articles that are meant.
    pub(super) fn find(&self, site: &Site) -> anyhow::Result<Vec<Found>> {
        Ok(self.find_and_ids(site)?.0)
    }

    /// Likewise, with the ids by which they were named: an article may be gone already, and not all of its mail.
    pub(super) fn find_and_ids(&self, site: &Site) -> anyhow::Result<(Vec<Found>, Vec<MessageId>)> {
        if self.is_empty() {
            let raw = read_stdin()?;
            return Ok((site.copies(&raw)?, Message::parse(&raw).message_ids()));
        }
        let ids = self.ids()?;
        let mut found: Vec<Found> = Vec::new();
        let mut add = |inbox: &Inbox, article: Article| {
            if found.iter().all(|known| !is_same(known, inbox, &article)) {
                found.push((inbox.clone(), article));
            }
        };
        for mid in &ids {
            for inbox in &site.inboxes {
                inbox
                    .articles(mid)?
                    .into_iter()
                    .for_each(|article| add(inbox, article));
            }
        }
        if !self.numbers.is_empty() {
            let [inbox] = site.inboxes.as_slice() else {
                anyhow::bail!("an article number means something in one inbox only: name that");
            };
            for num in &self.numbers {
                let article = inbox.article(ArticleNum(*num))?;
                let name = &inbox.config().name;
                add(
                    inbox,
                    article.with_context(|| format!("{name} has no article {num}"))?,
                );
            }
        }
        if let Some(query) = &self.query {
            let query = Query::parse(query, time::now())?;
            for note in query.notes() {
                eprintln!("note: {note}");
            }
            for inbox in &site.inboxes {
                let mut messages = Realm::Inbox(inbox.clone()).find_all(&query, None)?;
                messages.reverse();
                for message in messages {
                    if let Some(article) = inbox.found(message)? {
                        add(inbox, article);
                    }
                }
            }
        }
        Ok((found, ids))
    }
}

/// A mail on standard input.
pub(super) fn read_stdin() -> anyhow::Result<Vec<u8>> {
    let stdin = std::io::stdin();
    anyhow::ensure!(
        !stdin.is_terminal(),
        "which mail? Say --mid, --number or --query, or put it on standard input"
    );
    let mut raw = Vec::new();
    let most = MAX_BLOB as u64 + 1;
    stdin
        .lock()
        .take(most)
        .read_to_end(&mut raw)
        .context("reading the mail from standard input")?;
    anyhow::ensure!(
        raw.len() <= MAX_BLOB,
        "the mail on standard input is longer than {MAX_BLOB} bytes"
    );
    anyhow::ensure!(
        !raw.trim_ascii().is_empty(),
        "there is no mail on standard input"
    );
    Ok(raw)
}

/// `loom 12  2026-01-02 03:04  Subject <id>`, safe for a terminal.
pub(super) fn line((inbox, article): &Found) -> String {
    let plain = super::search::plain;
    let subject = match article.subject.as_str() {
        "" => "(no subject)".to_owned(),
        subject => plain(subject),
    };
    format!(
        "{} {}  {}  {subject} <{}>",
        inbox.config().name,
        article.num,
        article.sent.minute(),
        plain(article.mid.as_str())
    )
}

/// `1 mail`, `2 mails`.
pub(super) fn mails(count: usize) -> String {
    match count {
        1 => "1 mail".to_owned(),
        count => format!("{count} mails"),
    }
}

/// public-inbox's own index of an inbox follows git only when it is told to.
pub(super) fn remind_of_public_inbox(inbox: &Inbox) {
    let layout = inbox.layout();
    if layout.dir.join("msgmap.sqlite3").exists() {
        let (name, dir) = (&inbox.config().name, layout.dir.display());
        println!("{name}: public-inbox's own index follows with `public-inbox-index {dir}`");
    }
}
