//! One inbox, and what can be asked of it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Thread;
use super::thread::Place;
use super::threads::Threads;
use crate::config::InboxConfig;
use crate::db::{Article, Db, Reader};
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxId, MessageId};
use crate::search::Search;
use crate::store::{Blobs, Layout, Redirects};
use crate::time::Timestamp;
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
    config: InboxConfig,
    db: Db,
    search: Arc<Search>,
    blobs: Arc<Blobs>,
    threads: Arc<Threads>,
    layout: RwLock<Arc<Layout>>,
    description: RwLock<Arc<str>>,
    redirects: Redirects,
    state: AtomicU64,
    /// What was last counted, and in which state.
    summary: Mutex<Option<(u64, u64, Option<Timestamp>)>>,
}

impl Inbox {
    pub(super) fn new(
        id: InboxId,
        config: InboxConfig,
        layout: Layout,
        db: Db,
        search: Arc<Search>,
        blobs: Arc<Blobs>,
        threads: Arc<Threads>,
    ) -> Inbox {
        let description = described(&layout);
        Inbox(Arc::new(Shared {
            id,
            config,
            db,
            search,
            blobs,
            threads,
            description: RwLock::new(description),
            layout: RwLock::new(Arc::new(layout)),
            redirects: Redirects::default(),
            state: AtomicU64::new(0),
            summary: Mutex::default(),
        }))
    }

    pub(super) fn refresh(&self, state: u64) {
        self.0.state.store(state, Ordering::Release);
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

    /// Whether the site does not speak of it: who knows its name can read it.
    pub fn is_hidden(&self) -> bool {
        self.0.config.hide.iter().any(|from| from == "www")
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

    /// Changes whenever anything that the inbox shows has changed: what finished pages are kept under.
    pub fn state(&self) -> u64 {
        self.0.state.load(Ordering::Acquire)
    }

    /// When its newest message came.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn newest(&self) -> Result<Option<Timestamp>> {
        Ok(self.summary()?.1)
    }

    /// How many messages it has.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn count(&self) -> Result<u64> {
        Ok(self.summary()?.0)
    }

    fn summary(&self) -> Result<(u64, Option<Timestamp>)> {
        let now = self.state();
        let kept = *self
            .0
            .summary
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((state, count, newest)) = kept
            && state == now
        {
            return Ok((count, newest));
        }
        let reader = self.reader()?;
        let (count, newest) = (reader.count(self.0.id)?, reader.newest(self.0.id)?);
        *self
            .0
            .summary
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((now, count, newest));
        Ok((count, newest))
    }

    /// Every mail that carries this Message-ID, by number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles(&self, mid: &MessageId) -> Result<Vec<Article>> {
        let reader = self.reader()?;
        match reader.mid_key(mid)? {
            Some(key) => reader.articles(self.0.id, key),
            None => Ok(Vec::new()),
        }
    }

    /// The bytes of a mail; `None` where git has lost them.
    ///
    /// # Errors
    /// The repository is damaged.
    pub fn read(&self, article: &Article) -> Result<Option<Vec<u8>>> {
        match self.epoch_path(article.epoch) {
            Some(path) => self.0.blobs.read(&path, article.blob),
            None => Ok(None),
        }
    }

    /// The thread around a message; `None` where the inbox has no such message.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn thread(&self, mid: &MessageId) -> Result<Option<Arc<Thread>>> {
        let state = self.state();
        self.reader()?.snapshot(|reader| {
            let Some(place) = Place::find(reader, self.0.id, mid)? else {
                return Ok(None);
            };
            let Place { first, thread } = &place;
            let key = (self.0.id, *thread, first.subject_key);
            if let Some(kept) = self.0.threads.find(&key, state, first.key) {
                return Ok(Some(kept));
            }
            let thread = Arc::new(Thread::around(reader, self.0.id, &place)?);
            self.0.threads.keep(key, state, Arc::clone(&thread));
            Ok(Some(thread))
        })
    }

    /// At most `limit` articles of a stretch of time, newest received first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn window(&self, window: Window, limit: usize) -> Result<Vec<Article>> {
        self.reader()?.window(self.0.id, window, limit)
    }

    /// A tree of these articles, and of those that they answer, as far as the inbox has them.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn arrange(&self, articles: Vec<Article>) -> Result<Thread> {
        let nothing_loose = HashSet::new();
        let arranged =
            |reader: &Reader| Thread::of(reader, self.0.id, articles, None, &nothing_loose);
        self.reader()?.snapshot(arranged)
    }

    /// At most `limit` threads.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn topics(&self, order: TopicOrder, limit: usize) -> Result<Vec<Topic>> {
        self.reader()?.snapshot(|reader| {
            let mut topics = Vec::new();
            for row in reader.topics(self.0.id, order, limit)? {
                if let Some(article) = reader.article(self.0.id, row.num)? {
                    topics.push(Topic {
                        article,
                        count: row.count,
                    });
                }
            }
            Ok(topics)
        })
    }

    /// At most `limit` articles with a number above `after`, in the order of their numbers. `None`: from the start.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles_after(&self, after: Option<ArticleNum>, limit: usize) -> Result<Vec<Article>> {
        self.reader()?.articles_after(self.0.id, after, limit)
    }

    /// The articles of a thread without its loose matches, however many, by number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn strict_thread(&self, mid: &MessageId) -> Result<Vec<Article>> {
        self.reader()?
            .snapshot(|reader| Thread::strict_members(reader, self.0.id, mid))
    }

    /// The article with this number.
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
            .snapshot(|reader| Thread::members(reader, self.0.id, mid))
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

    pub(super) fn reader(&self) -> Result<Reader> {
        self.0.db.reader()
    }

    pub(super) fn search(&self) -> &Search {
        &self.0.search
    }
}

fn described(layout: &Layout) -> Arc<str> {
    match layout.description() {
        Some(text) => text.into(),
        None => "($INBOX_DIR/description missing)".into(),
    }
}
