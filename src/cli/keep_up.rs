//! Keeps an archive up to date while it is served: a commit that lands in an epoch is indexed, an inbox that comes
//! into the config is served, within a second or two and without a word from anybody.
//!
//! It looks, again and again, instead of waiting to be told: file systems that are mounted from elsewhere tell nothing,
//! and a look at the dates of a thousand epochs takes a few milliseconds. Where the system does tell that somebody has
//! written to an inbox, it looks at once.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::wake::{Bell, Listening};
use crate::archive::{Archive, Inbox};
use crate::config::Config;
use crate::index::{Indexer, Options, Silent};
use crate::metrics::{INDEX_FAILURES, INDEXED};
use crate::net::{Said, notify};
use crate::store::{self, RefsWatch};
use crate::web::Health;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(800);

/// How long an inbox that could not be indexed is left alone.
const PAUSE: Duration = Duration::from_secs(10);

/// Reads the settings anew.
pub(super) type Reload = Box<dyn Fn() -> anyhow::Result<Config> + Send>;

/// What else is to be done at every look, with the settings where they were read anew.
pub(super) type Also = Box<dyn FnMut(Option<&Config>) + Send>;

/// A thread that keeps an archive up to date. It ends when this is dropped.
pub(super) struct KeepUp {
    stop: Arc<AtomicBool>,
    bell: Bell,
    /// Set where the settings are to be read though the file looks the same.
    again: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KeepUp {
    /// Starts it. `reload` is called when the config file changes; without it the inboxes stay as they are.
    ///
    /// # Errors
    /// The system gives no further thread.
    pub(super) fn start(
        archive: Archive,
        index_dir: PathBuf,
        reload: Option<Reload>,
        also: Also,
        health: Arc<Health>,
    ) -> std::io::Result<KeepUp> {
        let stop = Arc::new(AtomicBool::new(false));
        let bell = Bell::default();
        let mut listening = Listening::new(bell.clone());
        let again = Arc::new(AtomicBool::new(false));
        let mut watch = Watch {
            archive,
            index_dir,
            config: Config::path().map(|path| (stamp(&path), path)),
            reload,
            also,
            health,
            again: Arc::clone(&again),
            repositories: HashMap::new(),
            indexed: HashMap::new(),
            missing_until: Instant::now() + PAUSE,
            stop: Arc::clone(&stop),
            told: Told::default(),
        };
        let rung = bell.clone();
        let thread = std::thread::Builder::new()
            .name("keep-up".to_owned())
            .spawn(move || {
                while !watch.stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let dirs = watch.archive.every_inbox().into_iter();
                    listening.to(dirs.map(|inbox| inbox.layout().dir.clone()).collect());
                    // Whatever is wrong with the files, others are served, and it is tried again.
                    let looked = catch_unwind(AssertUnwindSafe(|| watch.look()));
                    if looked.is_err() {
                        watch
                            .told
                            .wrong("keeping up to date", &"a fault of the program");
                    }
                    watch.health.ready();
                    rung.wait(EVERY.saturating_sub(began.elapsed()).max(EVERY / 4));
                }
            })?;
        Ok(KeepUp {
            stop,
            bell,
            again,
            thread: Some(thread),
        })
    }

    /// Has the settings read, and inboxes that were not there looked for, within a moment.
    pub(super) fn read_again(&self) {
        self.again.store(true, Ordering::Relaxed);
    }
}

impl KeepUp {
    /// What makes it look at once.
    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }
}

impl Drop for KeepUp {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.bell.ring();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that keeps the archive up to date has died");
        }
    }
}

struct Watch {
    archive: Archive,
    index_dir: PathBuf,
    config: Option<(Option<u64>, PathBuf)>,
    reload: Option<Reload>,
    also: Also,
    health: Arc<Health>,
    again: Arc<AtomicBool>,
    /// What every repository looks like.
    repositories: HashMap<PathBuf, RefsWatch>,
    /// What each inbox looked like when it was last indexed, or when it is to be tried again.
    indexed: HashMap<PathBuf, Result<u64, Instant>>,
    /// When inboxes that were not there are looked for again.
    missing_until: Instant,
    stop: Arc<AtomicBool>,
    told: Told,
}

/// What is wrong, as far as it was told: it is looked at again and again, and said once.
#[derive(Default)]
struct Told(HashMap<String, String>);

impl Told {
    fn wrong(&mut self, what: &str, error: &dyn std::fmt::Display) {
        let why = format!("{error:#}");
        if self.0.get(what) != Some(&why) {
            tracing::error!("{what}: {why}");
            self.0.insert(what.to_owned(), why);
        }
    }

    fn well(&mut self, what: &str) {
        if self.0.remove(what).is_some() {
            tracing::info!("{what}: all is well again");
        }
    }
}

impl Watch {
    fn look(&mut self) {
        match self.archive.heal() {
            Ok(healed) => {
                self.told.well("the indexes");
                if healed {
                    tracing::error!(
                        "the indexes were deleted, replaced or damaged: all mail is indexed again"
                    );
                    self.indexed.clear();
                }
            }
            Err(error) => self.told.wrong("the indexes", &error),
        }
        self.look_at_config();
        self.look_for_the_missing();
        match self.archive.refresh() {
            Ok(()) => self.told.well("looking at the indexes"),
            Err(error) => self.told.wrong("looking at the indexes", &error),
        }
        for inbox in self.archive.every_inbox() {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let dir = inbox.layout().dir.clone();
            let stamp = self.refs(&inbox);
            match self.indexed.get(&dir) {
                Some(Ok(known)) if *known == stamp => continue,
                Some(Err(until)) if Instant::now() < *until => continue,
                _ => {}
            }
            let name = &inbox.config().name;
            self.health.is_behind(name);
            match self.index(&inbox) {
                Ok(true) => {
                    self.told.well(&format!("indexing {name}"));
                    self.health.is_level(name);
                    self.indexed.insert(dir, Ok(stamp))
                }
                Ok(false) => None,
                Err(error) => {
                    INDEX_FAILURES.up();
                    self.told.wrong(&format!("indexing {name}"), &error);
                    self.indexed.insert(dir, Err(Instant::now() + PAUSE))
                }
            };
        }
    }

    /// Changes when a ref of any epoch moves, when an epoch comes or goes, when it is said that some mail is to go, or that
    /// more or less of it is to be indexed.
    fn refs(&mut self, inbox: &Inbox) -> u64 {
        let layout = inbox.layout();
        let graves = stamp(&store::Tombstones::path(&layout.dir)).unwrap_or(0);
        let stamps = layout.epochs.iter().map(|(_, path)| {
            if let Some(known) = self.repositories.get_mut(path) {
                return known.stamp(path);
            }
            let known = self.repositories.entry(path.clone());
            known.or_insert(RefsWatch::new(path)).stamp(path)
        });
        let level = inbox.config().index_level as u64;
        let begin = graves ^ layout.epochs.len() as u64 ^ (level << 32);
        stamps.fold(begin, |all, one| all.rotate_left(7) ^ one)
    }

    /// Indexes one inbox; `false` where another process does so now.
    fn index(&self, inbox: &Inbox) -> anyhow::Result<bool> {
        let Some(mut indexer) = Indexer::try_now(
            self.archive.db(),
            self.archive.search_index(),
            &self.index_dir,
        )?
        else {
            return Ok(false);
        };
        let name = &inbox.config().name;
        let report = indexer.catch_up(name, &inbox.layout(), Options::default(), &Silent)?;
        self.archive.refresh()?;
        INDEXED.add(report.changes);
        if report.changes > 0 {
            tracing::info!(inbox = %name, "indexed {name}: {report}");
        }
        Ok(true)
    }

    /// An inbox whose directory was not there may have got one.
    fn look_for_the_missing(&mut self) {
        let config = self.archive.config();
        if self.archive.every_inbox().len() == config.inboxes.len()
            || Instant::now() < self.missing_until
        {
            return;
        }
        self.missing_until = Instant::now() + PAUSE;
        if let Err(error) = self.archive.configure(config.as_ref().clone()) {
            tracing::error!("looking for inboxes: {error}");
        }
    }

    /// A broken config keeps the old one and says what is wrong.
    fn look_at_config(&mut self) {
        let again = self.again.swap(false, Ordering::Relaxed);
        if again {
            notify(Said::Reloading);
            self.missing_until = Instant::now();
        }
        let new = self.new_config(again);
        (self.also)(new.as_ref());
        if again {
            notify(Said::Ready);
        }
    }

    fn new_config(&mut self, again: bool) -> Option<Config> {
        let (Some((known, path)), Some(reload)) = (&mut self.config, &self.reload) else {
            return None;
        };
        let now = stamp(path);
        if now == *known && !again {
            return None;
        }
        *known = now;
        let taken = reload().and_then(|config| {
            self.archive.configure(config.clone())?;
            Ok(config)
        });
        match taken {
            Ok(config) => {
                tracing::info!("the config was read anew");
                Some(config)
            }
            Err(error) => {
                tracing::error!("the config stays as it was: {error:#}");
                None
            }
        }
    }
}

/// Changes when a file is written.
fn stamp(path: &Path) -> Option<u64> {
    let about = std::fs::metadata(path).ok()?;
    let written = about
        .modified()
        .ok()?
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    Some((written.as_nanos() as u64) ^ about.len().rotate_left(48))
}
