//! The archive as a whole: which inboxes there are, and in which of them a message is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::inbox::Keeps;
use super::raw::Room;
use super::threads::Threads;
use super::{Inbox, Sheets};
use crate::config::{Config, InboxConfig, IndexLevel, Listing};
use crate::db::{self, Article, Db, InboxRow};
use crate::error::{Error, Result};
use crate::id::{InboxId, InboxName, MessageId};
use crate::search::Search;
use crate::store::{Blobs, Layout};

/// All inboxes. Cheap to clone; every clone is the same archive.
#[derive(Clone)]
pub struct Archive(Arc<Shared>);

struct Shared {
    index_dir: PathBuf,
    keeps: Keeps,
    site: RwLock<Arc<Site>>,
    sheets: RwLock<Arc<Sheets>>,
    purges: AtomicU64,
    heals: AtomicU64,
    /// The last batch that was noticed. Locked while it is looked: what was seen before must not come after.
    noticed: Mutex<Option<String>>,
    opened: Instant,
    /// When it is to be looked again, in milliseconds since it was opened.
    look_at: AtomicU64,
}

/// So many milliseconds pass at least until it is looked again what others have indexed.
const GLANCE: u64 = 5;
/// And so many times as long as it took to take in what was new: where others store mail without end in a site of a thousand
/// inboxes, it is no more than a tenth of the work.
const REST: u32 = 10;
/// But never longer than this: where other programs have the processors, all takes long.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// What the config says, as one value: a request sees one state of it from its beginning to its end.
#[derive(Default)]
struct Site {
    config: Arc<Config>,
    inboxes: Vec<Inbox>,
    by_name: HashMap<InboxName, usize>,
    /// Former names, and newsgroups, of inboxes.
    by_alias: HashMap<InboxName, usize>,
    /// Everything together, where no inbox has that name.
    all: Option<Inbox>,
}

/// What everything together is called where nobody says otherwise.
const ALL: &str = "all";

impl Archive {
    /// Opens the catalogue in `index_dir` for the inboxes of `config`. One whose directory cannot be read is logged and
    /// left out.
    ///
    /// # Errors
    /// The catalogue cannot be opened.
    pub fn open(config: Config, index_dir: &Path) -> Result<Archive> {
        let shared = Shared {
            index_dir: index_dir.to_owned(),
            keeps: Keeps {
                db: Db::open(index_dir)?,
                search: Arc::new(open_words(index_dir)?),
                blobs: Arc::new(Blobs::new()),
                large: Room::default(),
                threads: Arc::new(Threads::new()),
            },
            site: RwLock::default(),
            sheets: RwLock::default(),
            purges: AtomicU64::new(0),
            heals: AtomicU64::new(0),
            noticed: Mutex::default(),
            opened: Instant::now(),
            look_at: AtomicU64::new(0),
        };
        let archive = Archive(Arc::new(shared));
        archive.configure(config)?;
        Ok(archive)
    }

    /// Looks through the catalogue in `index_dir`, and makes it anew where it is damaged: for when that is to be feared.
    ///
    /// # Errors
    /// It cannot be used, and no other one be made.
    pub fn examine(index_dir: &Path) -> Result<()> {
        Db::open(index_dir)?.examine()
    }

    /// Takes another config: inboxes come and go, those that stay keep their handles.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn configure(&self, config: Config) -> Result<()> {
        let before = self.site();
        self.set_up(config, &before.inboxes)
    }

    fn set_up(&self, config: Config, before: &[Inbox]) -> Result<()> {
        let mut inboxes = Vec::with_capacity(config.inboxes.len());
        for settings in &config.inboxes {
            let kept = before.iter().find(|inbox| inbox.config() == settings);
            let inbox = match kept {
                Some(inbox) => Ok(inbox.clone()),
                None => self.open_inbox(settings),
            };
            match inbox {
                Ok(inbox) => inboxes.push(inbox),
                Err(error) => {
                    tracing::error!("inbox {} is left out: {error}", settings.name);
                }
            }
        }
        let by_name = inboxes.iter().enumerate();
        let by_name: HashMap<InboxName, usize> = by_name
            .map(|(n, inbox)| (inbox.config().name.clone(), n))
            .collect();
        let all = self.everything(&config, &inboxes);
        let mut by_alias = HashMap::new();
        for (n, inbox) in inboxes.iter().enumerate() {
            let settings = inbox.config();
            let group = settings.newsgroup.as_deref().and_then(InboxName::parse);
            for alias in settings.aliases.iter().chain(&group) {
                if !by_name.contains_key(alias) {
                    by_alias.entry(alias.clone()).or_insert(n);
                }
            }
        }
        let site = Arc::new(Site {
            config: Arc::new(config),
            inboxes,
            by_alias,
            all: all.filter(|all| !by_name.contains_key(&all.config().name)),
            by_name,
        });
        *self.0.site.write().unwrap_or_else(PoisonError::into_inner) = site;
        self.refresh()?;
        self.sheets().complain(&self.site().config.css);
        for inbox in &self.site().inboxes {
            inbox.sheets().complain(&inbox.config().css);
        }
        Ok(())
    }

    fn open_inbox(&self, settings: &InboxConfig) -> Result<Inbox> {
        let layout = Layout::find(&settings.dir)?;
        let id = self.0.keeps.db.inbox(&layout.dir)?;
        let words = settings.index_level != IndexLevel::Basic;
        self.0.keeps.db.want_words(id, words)?;
        Ok(Inbox::new(id, settings.clone(), layout, &self.0.keeps))
    }

    /// All inboxes that are not hidden, together. Where the config lists nothing, only its `[extindex "all"]` has
    /// them shown.
    fn everything(&self, config: &Config, inboxes: &[Inbox]) -> Option<Inbox> {
        let listed = config.listing != Listing::Nothing || config.all.is_some();
        let members: Vec<Inbox> = inboxes.iter().filter(|i| !i.is_hidden()).cloned().collect();
        let all = || self.settled_together(members, config);
        listed.then(all)?.filter(|all| !all.members().is_empty())
    }

    fn settled_together(&self, members: Vec<Inbox>, config: &Config) -> Option<Inbox> {
        let mut settings = InboxConfig::new(InboxName::parse(ALL)?, PathBuf::new());
        if let Some(all) = &config.all {
            settings.urls.clone_from(&all.urls);
            settings.dir = all.dir.clone().unwrap_or_default();
        }
        settings.source_info.clone_from(&config.source_info);
        if let Some(hiding) = members.iter().find(|inbox| inbox.config().obfuscate) {
            settings.obfuscate = true;
            settings.clear.clone_from(&hiding.config().clear);
        }
        Some(Inbox::together(members, settings, &self.0.keeps))
    }

    /// These inboxes together as one, also hidden ones, for one question. [`Archive::all`] is better where it will do:
    /// it remembers how much mail it has.
    pub fn together(&self, members: Vec<Inbox>) -> Option<Inbox> {
        self.settled_together(members, &self.site().config)
    }

    /// Goes on with empty indexes where those that were opened have been deleted or cannot be used any more, or with those
    /// that have taken their place; whether that was so. All mail has to be indexed again then.
    ///
    /// # Errors
    /// New indexes cannot be made.
    pub fn heal(&self) -> Result<bool> {
        let words = self.0.keeps.search.heal(|| db::lock(&self.0.index_dir))?;
        if !self.0.keeps.db.heal()? {
            return Ok(words);
        }
        // The handles of inboxes name rows of the old catalogue, and states come again with other mail in them.
        self.0.keeps.threads.clear();
        self.0.heals.fetch_add(1, Ordering::AcqRel);
        self.set_up(Config::clone(&self.config()), &[])?;
        Ok(true)
    }

    /// Notices what others have changed: indexes, descriptions, new epochs, style sheets. Cheap; to be called often.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn refresh(&self) -> Result<()> {
        let noticed = self.0.noticed.lock();
        let mut noticed = noticed.unwrap_or_else(PoisonError::into_inner);
        let (rows, purges, batch) = self.0.keeps.db.reader()?.snapshot(|reader| {
            Ok((reader.inboxes()?, reader.purges()?, reader.words_token()?.1))
        })?;
        let rows: HashMap<InboxId, InboxRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        // After the states: a state is only written once its words are there, so no page of old words is ever kept
        // under a new state.
        self.0.keeps.search.refresh()?;
        if self.0.purges.swap(purges, Ordering::AcqRel) != purges {
            self.0.keeps.db.forget_messages();
            self.0.keeps.threads.clear();
            self.0.keeps.blobs.clear();
        }
        let site = self.site();
        let before = self.sheets();
        if !(site.config.css.is_empty() && before.list.is_empty()) {
            let sheets = Sheets::read(&site.config.css, &before, &[]);
            *self
                .0
                .sheets
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Arc::new(sheets);
        }
        let sheets = self.sheets();
        for inbox in &site.inboxes {
            inbox.refresh(rows.get(&inbox.id()).copied(), &sheets.list);
        }
        *noticed = batch;
        Ok(())
    }

    /// Notices at once what another process has indexed: nobody who was told that a mail is there, or gone, sees pages of
    /// before. For every request: mostly it costs nothing. Where the catalogue cannot be read it says nothing, as who
    /// keeps the archive up to date does.
    pub fn look(&self) {
        let began = Instant::now();
        let after = |more: Duration| {
            let since = (began + more).saturating_duration_since(self.0.opened);
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        let now = after(Duration::ZERO);
        if now < self.0.look_at.load(Ordering::Relaxed) {
            return;
        }
        self.0.look_at.store(now + GLANCE, Ordering::Relaxed);
        let token = self
            .0
            .keeps
            .db
            .reader()
            .and_then(|reader| reader.words_token());
        let Ok((_, batch)) = token else { return };
        let noticed = self
            .0
            .noticed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if noticed != batch
            && let Err(error) = self.refresh()
        {
            tracing::debug!("what others have indexed cannot be seen: {error}");
        }
        let took = began.elapsed();
        let rest = after(took + (took * REST).min(LONGEST_REST)).max(now + GLANCE);
        self.0.look_at.store(rest, Ordering::Relaxed);
    }

    /// Grows when something was purged, and when the indexes were begun anew: what was read before may not be kept.
    pub fn purges(&self) -> u64 {
        self.0.purges.load(Ordering::Acquire) + self.0.heals.load(Ordering::Acquire)
    }

    /// The settings.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.site().config)
    }

    /// The operator's style sheets.
    pub fn sheets(&self) -> Arc<Sheets> {
        Arc::clone(&self.0.sheets.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The catalogue, for the one who indexes.
    pub fn db(&self) -> &Db {
        &self.0.keeps.db
    }

    /// The full-text index, for the one who indexes.
    pub fn search_index(&self) -> &Arc<Search> {
        &self.0.keeps.search
    }

    /// Every inbox, hidden ones among them, in the order of the config.
    pub fn every_inbox(&self) -> Vec<Inbox> {
        self.site().inboxes.clone()
    }

    /// The inboxes to be listed, the one with the newest mail first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn inboxes(&self) -> Result<Vec<Inbox>> {
        let mut dated = Vec::new();
        for inbox in &self.site().inboxes {
            if !inbox.is_hidden() {
                dated.push((inbox.newest()?, inbox.clone()));
            }
        }
        dated.sort_by_key(|(newest, _)| std::cmp::Reverse(*newest));
        Ok(dated.into_iter().map(|(_, inbox)| inbox).collect())
    }

    /// The inbox of that name, also a hidden one; `all` is everything together.
    pub fn inbox(&self, name: &InboxName) -> Option<Inbox> {
        let site = self.site();
        match site.by_name.get(name) {
            Some(n) => site.inboxes.get(*n).cloned(),
            None => self.all().filter(|all| all.config().name == *name),
        }
    }

    /// The inbox that was once called that, or whose newsgroup is.
    pub fn inbox_by_alias(&self, name: &InboxName) -> Option<Inbox> {
        let site = self.site();
        let found = site.by_alias.get(name);
        found.and_then(|n| site.inboxes.get(*n)).cloned()
    }

    /// All inboxes that are not hidden, together as one: `/all/`. `None` where there are none, or not for everybody.
    pub fn all(&self) -> Option<Inbox> {
        self.site().all.clone()
    }

    /// All mail of this id on the site: each copy with the inbox that has it, in the order of the config. Hidden
    /// inboxes are left out.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn copies(&self, mid: &MessageId) -> Result<Vec<(Inbox, Article)>> {
        let mut everywhere =
            (self.0.keeps.db.reader()?).snapshot(|reader| match reader.mid_key(mid)? {
                Some(key) => reader.everywhere(key),
                None => Ok(Vec::new()),
            })?;
        everywhere.sort_by_key(|article| article.num);
        let site = self.site();
        let mut copies = Vec::with_capacity(everywhere.len());
        if everywhere.is_empty() {
            return Ok(copies);
        }
        for inbox in site.inboxes.iter().filter(|inbox| !inbox.is_hidden()) {
            let here = everywhere.iter().filter(|a| a.inbox == inbox.id());
            copies.extend(here.map(|article| (inbox.clone(), article.clone())));
        }
        Ok(copies)
    }

    /// Whether there is no second inbox, so that nobody needs to be asked what others have.
    pub fn has_one_inbox(&self) -> bool {
        self.site().inboxes.len() == 1
    }

    /// The inboxes that have a mail of this id, in the order of the config. Hidden ones are left out.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn holders(&self, mid: &MessageId) -> Result<Vec<Inbox>> {
        let mut holders: Vec<Inbox> = Vec::new();
        for (inbox, _) in self.copies(mid)? {
            if holders.last().is_none_or(|last| last.id() != inbox.id()) {
                holders.push(inbox);
            }
        }
        Ok(holders)
    }

    fn site(&self) -> Arc<Site> {
        Arc::clone(&self.0.site.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Opens the full-text index. One that is damaged is made anew, when nobody writes it.
fn open_words(index_dir: &Path) -> Result<Search> {
    let dir = index_dir.join("words");
    match Search::open(&dir) {
        Err(Error::Index(_)) => {
            let _lock = db::lock(index_dir)?;
            Search::open_or_make_anew(&dir)
        }
        opened => opened,
    }
}
