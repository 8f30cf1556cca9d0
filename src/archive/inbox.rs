//! One inbox, and what can be asked of it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use super::graves::Graves;
use super::raw::{Raw, Room};
use super::thread::{Numbers, Place};
use super::threads::Threads;
use super::{Sheet, Sheets, Thread};
use crate::config::InboxConfig;
use crate::db::{Article, Db, InboxRow, Reader, Shelf, TopicRow};
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxId, MessageId};
use crate::search::Search;
use crate::store::{Blobs, KnownFacts, Layout, Partial, Redirects};
use crate::time::{self, Timestamp};
use crate::url::{TopicOrder, Window};

/// A thread in a list of threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The message whose subject, date and link stand for it: its first, or its latest.
    pub article: Article,
    /// How many messages it has in the inbox.
    pub count: usize,
}

/// One inbox. Cheap to clone; every clone is the same inbox.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

struct Shared {
    id: InboxId,
    shelf: Shelf,
    /// The inboxes whose mail it shows, where it is not an inbox itself.
    members: Vec<Inbox>,
    config: InboxConfig,
    /// [`InboxConfig::imprint`]: each request asks for it.
    imprint: u64,
    db: Db,
    search: Arc<Search>,
    blobs: Arc<Blobs>,
    large: Room,
    threads: Arc<Threads>,
    layout: RwLock<Arc<Layout>>,
    graves: Graves,
    description: RwLock<Arc<str>>,
    redirects: Redirects,
    facts: KnownFacts,
    /// Style sheets of its own.
    sheets: RwLock<Arc<Sheets>>,
    row: RwLock<Option<InboxRow>>,
    /// What is missing here.
    partial: RwLock<Option<Partial>>,
    /// When its directory was last looked at, and when what is in it had been written.
    looked: Mutex<Option<(Instant, [Option<SystemTime>; 4])>>,
    /// What was last counted, and in which state.
    summary: Mutex<Option<(u64, Summary)>>,
}

/// What an inbox amounts to.
#[derive(Clone, Copy)]
struct Summary {
    count: u64,
    newest: Option<Timestamp>,
    revision: u64,
}

/// What all inboxes of an archive share.
#[derive(Clone)]
pub(super) struct Keeps {
    pub(super) db: Db,
    pub(super) search: Arc<Search>,
    pub(super) blobs: Arc<Blobs>,
    pub(super) large: Room,
    pub(super) threads: Arc<Threads>,
}

/// How often a directory is looked at in which nothing seems to have changed.
const GLANCE: Duration = Duration::from_secs(5);

/// The id of what has no row: the mail of several inboxes.
const TOGETHER: InboxId = InboxId(0);

impl Inbox {
    pub(super) fn new(id: InboxId, config: InboxConfig, layout: Layout, keeps: &Keeps) -> Inbox {
        Inbox::with(id, Shelf::Inbox(id), Vec::new(), config, layout, keeps)
    }

    /// The mail of several inboxes as one, each message once.
    pub(super) fn together(members: Vec<Inbox>, config: InboxConfig, keeps: &Keeps) -> Inbox {
        let boosts = members
            .iter()
            .map(|inbox| (inbox.id(), inbox.config().boost));
        let shelf = Shelf::Several(Arc::new(boosts.collect()));
        let dir = Some(config.dir.as_path()).filter(|dir| dir.is_absolute());
        let layout = Layout::without_mail(dir);
        Inbox::with(TOGETHER, shelf, members, config, layout, keeps)
    }

    fn with(
        id: InboxId,
        shelf: Shelf,
        members: Vec<Inbox>,
        config: InboxConfig,
        layout: Layout,
        keeps: &Keeps,
    ) -> Inbox {
        let description = match shelf {
            Shelf::Inbox(_) => described(&layout),
            Shelf::Several(_) => match layout.description() {
                Some(text) => text.into(),
                None => "All lists of this site".into(),
            },
        };
        Inbox(Arc::new(Shared {
            id,
            shelf,
            members,
            imprint: config.imprint(),
            config,
            db: keeps.db.clone(),
            search: Arc::clone(&keeps.search),
            blobs: Arc::clone(&keeps.blobs),
            large: keeps.large.clone(),
            threads: Arc::clone(&keeps.threads),
            description: RwLock::new(description),
            layout: RwLock::new(Arc::new(layout)),
            redirects: Redirects::default(),
            facts: KnownFacts::default(),
            graves: Graves::default(),
            sheets: RwLock::default(),
            row: RwLock::default(),
            partial: RwLock::default(),
            looked: Mutex::default(),
            summary: Mutex::default(),
        }))
    }

    pub(super) fn refresh(&self, row: Option<InboxRow>, sheets: &[Sheet]) {
        *self.0.row.write().unwrap_or_else(PoisonError::into_inner) = row;
        self.0.graves.refresh(&self.0.config.dir);
        if !self.0.config.css.is_empty() {
            let own = Sheets::read(&self.0.config.css, &self.sheets(), sheets);
            *(self.0.sheets.write()).unwrap_or_else(PoisonError::into_inner) = Arc::new(own);
        }
        if !self.is_time_to_look() {
            return;
        }
        if let Ok(layout) = Layout::find(&self.0.config.dir) {
            let description = described(&layout);
            *self
                .0
                .description
                .write()
                .unwrap_or_else(PoisonError::into_inner) = description;
            *self
                .0
                .layout
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Arc::new(layout);
        }
        let partial = self.layout().partial();
        *self
            .0
            .partial
            .write()
            .unwrap_or_else(PoisonError::into_inner) = partial;
    }

    /// Whether its directory is to be looked at: because something in it was written, or because it was not looked at
    /// for a while. A new epoch is no repository yet in the moment in which its directory is made.
    fn is_time_to_look(&self) -> bool {
        let dir = &self.0.config.dir;
        let written = |name: &str| {
            let about = std::fs::metadata(dir.join(name)).ok();
            about.and_then(|about| about.modified().ok())
        };
        let now = ["", "git", "description", "mirror.json"].map(written);
        let mut looked = self.0.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = match &*looked {
            Some((when, stamps)) => when.elapsed() >= GLANCE || *stamps != now,
            None => true,
        };
        if is_time {
            *looked = Some((Instant::now(), now));
        }
        is_time
    }

    /// Whether it is no inbox of its own but the mail of several: `/all/`.
    pub fn is_together(&self) -> bool {
        matches!(self.0.shelf, Shelf::Several(_))
    }

    /// The inboxes whose mail it shows: itself, or those that stand together in it, in the order of the config.
    pub fn members(&self) -> &[Inbox] {
        match self.is_together() {
            true => &self.0.members,
            false => std::slice::from_ref(self),
        }
    }

    /// Its row in the catalogue.
    pub fn id(&self) -> InboxId {
        self.0.id
    }

    /// Its settings.
    pub fn config(&self) -> &InboxConfig {
        &self.0.config
    }

    /// The mail that an address of the archive leads to from which this one was imported.
    pub fn old_address(&self, path: &str) -> Option<MessageId> {
        self.0.redirects.find(&self.0.config.dir, path)
    }

    /// The style sheets that it has besides those of the site.
    pub fn sheets(&self) -> Arc<Sheets> {
        Arc::clone(&self.0.sheets.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the site does not speak of it: who knows its name can read it.
    pub fn is_hidden(&self) -> bool {
        self.0.config.hide.iter().any(|from| from == "www")
    }

    /// All that pages may show of its settings, as a number.
    pub fn imprint(&self) -> u64 {
        self.0.imprint
    }

    /// Where its repositories lie.
    pub fn layout(&self) -> Arc<Layout> {
        Arc::clone(&self.0.layout.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first line of its `description` file, or what stands for a missing one.
    pub fn description(&self) -> Arc<str> {
        Arc::clone(
            &self
                .0
                .description
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Changes whenever anything that the inbox shows has changed: what finished pages are kept under. Of this
    /// catalogue alone; [`Inbox::revision`] is what others can be told.
    pub fn state(&self) -> u64 {
        if !self.is_together() {
            return self.row().map_or(0, |row| row.state);
        }
        let mut hasher = DefaultHasher::new();
        for member in self.members() {
            (member.id(), member.state()).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Tells its mail from any other: the same for every catalogue of the same repositories.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn revision(&self) -> Result<u64> {
        Ok(self.summary()?.revision)
    }

    /// The date of its last change, by its history alone: every catalogue of the same repositories has the same, and
    /// no two states of one history have. `None` where there is no such date: no mail yet, a mail from the future, or
    /// the changes of several inboxes, which have no order.
    pub fn changed(&self) -> Option<Timestamp> {
        let changed = self.row()?.changed;
        (changed.0 > 0 && changed <= time::now()).then_some(changed)
    }

    /// When its newest message came.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn newest(&self) -> Result<Option<Timestamp>> {
        Ok(self.summary()?.newest)
    }

    /// How many messages it has.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn count(&self) -> Result<u64> {
        match self.row() {
            Some(row) => Ok(row.articles),
            None => Ok(self.summary()?.count),
        }
    }

    fn row(&self) -> Option<InboxRow> {
        *self.0.row.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn summary(&self) -> Result<Summary> {
        let now = self.state();
        let kept = *self
            .0
            .summary
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((state, summary)) = kept
            && state == now
        {
            return Ok(summary);
        }
        let reader = self.reader()?;
        let mut hasher = DefaultHasher::new();
        for member in self.members() {
            member.config().name.hash(&mut hasher);
            reader.heads(member.id())?.hash(&mut hasher);
        }
        let count = match self.row() {
            Some(row) => row.articles,
            None => {
                let ids: Vec<InboxId> = self.members().iter().map(Inbox::id).collect();
                reader.count_together(&ids)?
            }
        };
        let summary = Summary {
            count,
            newest: reader.newest(&self.0.shelf)?,
            revision: hasher.finish(),
        };
        *self
            .0
            .summary
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((now, summary));
        Ok(summary)
    }

    /// Every mail that carries this Message-ID, by number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles(&self, mid: &MessageId) -> Result<Vec<Article>> {
        self.reader()?
            .snapshot(|reader| match reader.mid_key(mid)? {
                Some(key) => reader.articles(&self.0.shelf, key),
                None => Ok(Vec::new()),
            })
    }

    /// Every mail that carries this Message-ID, by number, and the thread around the first. `None` where there is none.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn message(&self, mid: &MessageId) -> Result<Option<(Vec<Article>, Arc<Thread>)>> {
        let state = self.state();
        self.reader()?.snapshot(|reader| {
            let Some((key, thread)) = reader.mid_place(mid)? else {
                return Ok(None);
            };
            let articles = reader.articles(&self.0.shelf, key)?;
            let Some(first) = articles.first().cloned() else {
                return Ok(None);
            };
            let thread = self.around(reader, &Place { first, thread }, state)?;
            Ok(Some((articles, thread)))
        })
    }

    /// The bytes of a mail; `None` where git has lost them.
    ///
    /// # Errors
    /// The repository is damaged; or [`Error::Busy`](crate::error::Error::Busy), it is a large one and too many of those
    /// are in hand.
    pub fn read(&self, article: &Article) -> Result<Option<Raw>> {
        let home = self.members().iter().find(|m| m.id() == article.inbox);
        let Some(path) = home.and_then(|home| home.epoch_path(article.epoch)) else {
            return Ok(None);
        };
        let share = self.0.large.take(article.bytes)?;
        let bytes = self.0.blobs.read(&path, article.blob)?;
        Ok(bytes.map(|bytes| Raw::new(bytes, share)))
    }

    /// The thread around a message; `None` where the inbox has no such message.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn thread(&self, mid: &MessageId) -> Result<Option<Arc<Thread>>> {
        let state = self.state();
        self.reader()?
            .snapshot(|reader| match Place::find(reader, &self.0.shelf, mid)? {
                Some(place) => self.around(reader, &place, state).map(Some),
                None => Ok(None),
            })
    }

    /// The thread around a place, arranged anew where it was not a moment ago. `state` was read before the place.
    fn around(&self, reader: &Reader, place: &Place, state: u64) -> Result<Arc<Thread>> {
        let Place { first, thread } = place;
        let key = (self.0.id, *thread, first.subject_key);
        if let Some(kept) = self.0.threads.find(&key, state, first.key) {
            return Ok(kept);
        }
        let thread = Arc::new(Thread::around(reader, &self.0.shelf, place)?);
        self.0.threads.keep(key, state, Arc::clone(&thread));
        Ok(thread)
    }

    /// At most `limit` articles of a stretch of time, newest received first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn window(&self, window: Window, limit: usize) -> Result<Vec<Article>> {
        self.reader()?.window(&self.0.shelf, window, limit)
    }

    /// A tree of these articles, and of those that they answer, as far as the inbox has them.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn arrange(&self, articles: Vec<Article>) -> Result<Thread> {
        let nothing_loose = Numbers::default();
        let arranged =
            |reader: &Reader| Thread::of(reader, &self.0.shelf, articles, None, &nothing_loose);
        self.reader()?.snapshot(arranged)
    }

    /// At most `limit` threads.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn topics(&self, order: TopicOrder, limit: usize) -> Result<Vec<Topic>> {
        self.reader()?.snapshot(|reader| {
            let rows = reader.topics(&self.0.shelf, order, limit)?;
            let topic = |TopicRow { article, count }| Topic { article, count };
            Ok(rows.into_iter().map(topic).collect())
        })
    }

    /// At most `limit` articles behind `after`, in the order of their numbers; in that of their coming where the mail
    /// of several inboxes stands together. `None`: from the start.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles_after(&self, after: Option<&Article>, limit: usize) -> Result<Vec<Article>> {
        self.reader()?.articles_after(&self.0.shelf, after, limit)
    }

    /// The articles of a thread without its loose matches, however many, by number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn strict_thread(&self, mid: &MessageId) -> Result<Vec<Article>> {
        self.reader()?
            .snapshot(|reader| Thread::strict_members(reader, &self.0.shelf, mid))
    }

    /// The article with this number; `None` also where several inboxes stand together, whose numbers find nothing.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn article(&self, num: ArticleNum) -> Result<Option<Article>> {
        self.reader()?.article(self.0.id, num)
    }

    /// The articles of a thread and its loose matches, however many, by number: what `t.mbox.gz` holds. They are not
    /// read from git yet, so even a hundred thousand are a few megabytes.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn whole_thread(&self, mid: &MessageId) -> Result<Vec<Article>> {
        self.reader()?
            .snapshot(|reader| Thread::members(reader, &self.0.shelf, mid))
    }

    /// What is to be said where it is a mirror that lacks something of its upstream. Of several inboxes together: of
    /// those among them that do, with everything together there as the upstream.
    pub fn partial(&self) -> Option<Partial> {
        if self.is_together() {
            return together(self.members().iter().filter_map(Inbox::partial));
        }
        self.0
            .partial
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Those of its members that have a copy of this article's message, in the order of the config.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn lists_of(&self, article: &Article) -> Result<Vec<Inbox>> {
        let copies = self.reader()?.holders(article.message)?;
        let has = |member: &&Inbox| copies.contains(&member.id());
        Ok(self.members().iter().filter(has).cloned().collect())
    }

    /// The epochs that are there, lowest first.
    pub fn epochs(&self) -> Vec<EpochNum> {
        self.layout()
            .epochs
            .iter()
            .map(|(number, _)| *number)
            .collect()
    }

    fn epoch_path(&self, epoch: EpochNum) -> Option<PathBuf> {
        self.layout().epoch(epoch).map(|path| path.to_owned())
    }

    pub(super) fn shelf(&self) -> &Shelf {
        &self.0.shelf
    }

    /// What a manifest tells of its repositories.
    pub(super) fn facts(&self) -> &KnownFacts {
        &self.0.facts
    }

    pub(super) fn graves(&self) -> &Graves {
        &self.0.graves
    }

    pub(super) fn reader(&self) -> Result<Reader> {
        self.0.db.reader()
    }

    pub(super) fn search(&self) -> &Search {
        &self.0.search
    }
}

/// Several partial mirrors as one: as fresh as the stalest of them.
fn together(mut parts: impl Iterator<Item = Partial>) -> Option<Partial> {
    let first = parts.next()?;
    let site = first.upstream.trim_end_matches('/').rsplit_once('/');
    let all = site.map(|(site, _)| format!("{site}/all/"));
    let whole = Partial {
        upstream: all.unwrap_or_else(|| first.upstream.clone()),
        ..first
    };
    Some(parts.fold(whole, |whole, part| Partial {
        updated: whole.updated.min(part.updated),
        ..whole
    }))
}

fn described(layout: &Layout) -> Arc<str> {
    match layout.description() {
        Some(text) => text.into(),
        None => "($INBOX_DIR/description missing)".into(),
    }
}
