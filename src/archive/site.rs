//! The archive as a whole: which inboxes there are, and in which of them a message is.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::Inbox;
use super::threads::Threads;
use crate::config::{Config, InboxConfig};
use crate::db::Db;
use crate::error::Result;
use crate::id::{InboxId, InboxName, MessageId};
use crate::search::Search;
use crate::store::{Blobs, Layout};

/// All inboxes. Cheap to clone; every clone is the same archive.
#[derive(Clone)]
pub struct Archive(Arc<Shared>);

struct Shared {
    db: Db,
    search: Arc<Search>,
    blobs: Arc<Blobs>,
    threads: Arc<Threads>,
    site: RwLock<Arc<Site>>,
}

/// What the config says, as one value: a request sees one state of it from its beginning to its end.
#[derive(Default)]
struct Site {
    config: Config,
    inboxes: Vec<Inbox>,
    by_name: HashMap<InboxName, usize>,
}

impl Archive {
    /// Opens the catalogue in `index_dir` for the inboxes of `config`. One whose directory cannot be read is logged and
    /// left out.
    ///
    /// # Errors
    /// The catalogue cannot be opened.
    pub fn open(config: Config, index_dir: &Path) -> Result<Archive> {
        let shared = Shared {
            db: Db::open(index_dir)?,
            search: Arc::new(Search::open(&index_dir.join("words"))?),
            blobs: Arc::new(Blobs::new()),
            threads: Arc::new(Threads::new()),
            site: RwLock::default(),
        };
        let archive = Archive(Arc::new(shared));
        archive.configure(config)?;
        Ok(archive)
    }

    /// Takes another config: inboxes come and go, those that stay keep their handles.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn configure(&self, config: Config) -> Result<()> {
        let before = self.site();
        let mut inboxes = Vec::with_capacity(config.inboxes.len());
        let mut writer = self.0.db.writer()?;
        writer.begin()?;
        for settings in &config.inboxes {
            let kept = before
                .inboxes
                .iter()
                .find(|inbox| inbox.config() == settings);
            let inbox = match kept {
                Some(inbox) => Ok(inbox.clone()),
                None => self.open_inbox(&mut writer, settings),
            };
            match inbox {
                Ok(inbox) => inboxes.push(inbox),
                Err(error) => {
                    tracing::error!("inbox {} is left out: {error}", settings.name);
                }
            }
        }
        writer.commit()?;
        let by_name = inboxes.iter().enumerate();
        let by_name = by_name
            .map(|(n, inbox)| (inbox.config().name.clone(), n))
            .collect();
        let site = Arc::new(Site {
            config,
            inboxes,
            by_name,
        });
        *self.0.site.write().unwrap_or_else(PoisonError::into_inner) = site;
        self.refresh()
    }

    fn open_inbox(&self, writer: &mut crate::db::Writer, settings: &InboxConfig) -> Result<Inbox> {
        let layout = Layout::find(&settings.dir)?;
        let id = writer.inbox(&layout.dir)?;
        Ok(Inbox::new(
            id,
            settings.clone(),
            layout,
            self.0.db.clone(),
            Arc::clone(&self.0.blobs),
            Arc::clone(&self.0.threads),
        ))
    }

    /// Notices what other processes have changed: indexes, descriptions, new epochs. Cheap; to be called often.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn refresh(&self) -> Result<()> {
        self.0.search.refresh()?;
        let states: HashMap<InboxId, u64> = self.0.db.reader()?.states()?.into_iter().collect();
        for inbox in &self.site().inboxes {
            inbox.refresh(states.get(&inbox.id()).copied().unwrap_or(0));
        }
        Ok(())
    }

    /// The settings.
    pub fn config(&self) -> Config {
        self.site().config.clone()
    }

    /// The catalogue, for the one who indexes.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The full-text index, for the one who indexes.
    pub fn search_index(&self) -> &Arc<Search> {
        &self.0.search
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
            if !inbox.config().hide.iter().any(|from| from == "www") {
                dated.push((inbox.newest()?, inbox.clone()));
            }
        }
        dated.sort_by_key(|(newest, _)| std::cmp::Reverse(*newest));
        Ok(dated.into_iter().map(|(_, inbox)| inbox).collect())
    }

    /// The inbox of that name, also a hidden one.
    pub fn inbox(&self, name: &InboxName) -> Option<Inbox> {
        let site = self.site();
        site.by_name
            .get(name)
            .and_then(|n| site.inboxes.get(*n))
            .cloned()
    }

    /// The inboxes that have a mail of this id, in the order of the config.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn holders(&self, mid: &MessageId) -> Result<Vec<Inbox>> {
        let reader = self.0.db.reader()?;
        let Some(key) = reader.mid_key(mid)? else {
            return Ok(Vec::new());
        };
        let holders = reader.holders(key)?;
        let site = self.site();
        let held = site
            .inboxes
            .iter()
            .filter(|inbox| holders.contains(&inbox.id()));
        Ok(held.cloned().collect())
    }

    fn site(&self) -> Arc<Site> {
        Arc::clone(&self.0.site.read().unwrap_or_else(PoisonError::into_inner))
    }
}
