//! Folders whose mail comes in by itself: Maildirs, MH folders and folders of IMAP servers, as public-inbox-watch has
//! them.
//!
//! Mail stays where it is. What was seen of an IMAP folder is remembered only when it is on the disk here, so that a
//! stop at any moment loses nothing; what comes twice is a duplicate.

mod folder;
mod imap;
mod login;
mod place;
mod seen;
mod wire;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::config::{Config, InboxConfig};
use crate::error::{Error, Result};
use crate::ingest::{self, Desk, Rules, Taken, Verdict};
use crate::mail::{Message, edit};
use place::Place;
use seen::Seen;

/// How often the settings are looked at for folders that came or went.
const LOOK: Duration = Duration::from_secs(1);

/// How long a folder that cannot be read is left alone: at first, and at most.
const PAUSE: Duration = Duration::from_secs(5);
const LONG_PAUSE: Duration = Duration::from_secs(300);

/// What watching needs.
#[derive(Clone)]
pub struct Setting {
    /// The settings of the site, which may change.
    pub config: Arc<RwLock<Arc<Config>>>,
    /// Where mail is handed in.
    pub desk: Desk,
    /// A directory for what was seen of IMAP folders.
    pub state_dir: PathBuf,
}

impl Setting {
    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Watches until it is dropped.
pub struct Watch {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// A sign to stop, for which one can wait.
#[derive(Default)]
struct Stop {
    set: Mutex<bool>,
    changed: Condvar,
    /// The same, for a glance.
    glance: AtomicBool,
}

impl Stop {
    fn set(&self) {
        self.glance.store(true, Ordering::Release);
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn is_set(&self) -> bool {
        self.glance.load(Ordering::Acquire)
    }

    /// Waits for so long, or until it is set.
    fn wait(&self, most: Duration) {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether the time is over or the sign is there, the caller looks for himself.
        drop(self.changed.wait_timeout_while(set, most, |set| !*set));
    }
}

impl Watch {
    /// Begins to watch the folders that the settings name, now and later.
    ///
    /// # Errors
    /// The system gives no further thread.
    pub fn start(setting: Setting) -> Result<Watch> {
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || oversee(&setting, &stopped))
            .map_err(|e| Error::io("watch", e))?;
        Ok(Watch {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.set();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the thread that watches folders has died");
        }
    }
}

/// Whether anything is to be watched.
pub fn is_wanted(config: &Config) -> bool {
    !wanted(config).is_empty()
}

/// The folders that the settings name, as they are written there.
fn wanted(config: &Config) -> Vec<String> {
    let of_inboxes = config.inboxes.iter().flat_map(|inbox| &inbox.watch);
    let mut all: Vec<String> = of_inboxes.chain(&config.watch_spam).cloned().collect();
    all.sort();
    all.dedup();
    all
}

/// Keeps one thread for each folder.
fn oversee(setting: &Setting, stop: &Stop) {
    let mut folders: HashMap<String, (Arc<Stop>, JoinHandle<()>)> = HashMap::new();
    let mut broken: Vec<String> = Vec::new();
    while !stop.is_set() {
        let wanted = wanted(&setting.config());
        let gone = folders.extract_if(|name, _| !wanted.contains(name));
        end(gone.map(|(_, folder)| folder).collect());
        broken.retain(|name| wanted.contains(name));
        for name in wanted {
            if folders.contains_key(&name) || broken.contains(&name) {
                continue;
            }
            match begin(setting, &name) {
                Ok(folder) => {
                    folders.insert(name, folder);
                }
                Err(error) => {
                    tracing::error!("{name} is not watched: {error}");
                    broken.push(name);
                }
            }
        }
        stop.wait(LOOK);
    }
    end(folders.into_values().collect());
}

fn end(folders: Vec<(Arc<Stop>, JoinHandle<()>)>) {
    folders.iter().for_each(|(stop, _)| stop.set());
    for (_, thread) in folders {
        if thread.join().is_err() {
            tracing::error!("a thread that watched a folder has died");
        }
    }
}

fn begin(setting: &Setting, name: &str) -> Result<(Arc<Stop>, JoinHandle<()>)> {
    let place = Place::parse(name)?;
    let stop = Arc::new(Stop::default());
    let (setting, name, stopped) = (setting.clone(), name.to_owned(), Arc::clone(&stop));
    let thread = std::thread::Builder::new()
        .name("watch folder".to_owned())
        .spawn(move || watch_one(&setting, &name, &place, &stopped))
        .map_err(|e| Error::io("watch", e))?;
    Ok((stop, thread))
}

/// Watches one folder until it is told to stop; what goes wrong is told, and tried again after a while.
fn watch_one(setting: &Setting, name: &str, place: &Place, stop: &Stop) {
    let taker = Taker {
        setting,
        folder: name,
    };
    let mut pause = PAUSE;
    while !stop.is_set() {
        let result = match place {
            Place::Folder(dir) => folder::watch(dir, &taker, stop),
            Place::Imap(server) => {
                let seen = Seen::open(&setting.state_dir);
                imap::watch(server, &seen, &taker, stop, &mut || pause = PAUSE)
            }
        };
        if let Err(error) = result {
            tracing::error!("{}: {error}", place::without_password(name));
            stop.wait(pause);
            pause = (pause * 2).min(LONG_PAUSE);
        }
    }
}

/// Takes what a folder has, for whichever inboxes want it.
struct Taker<'a> {
    setting: &'a Setting,
    folder: &'a str,
}

/// A mail of a folder.
struct Found {
    raw: Vec<u8>,
    /// Whether somebody has read it.
    read: bool,
}

impl Taker<'_> {
    /// Hands in mails for every inbox that watches the folder, and waits until they are on the disk. For each whether
    /// that went well: otherwise it is to come again.
    fn take(&self, mails: Vec<Found>) -> Vec<bool> {
        let config = self.setting.config();
        let mut good = vec![true; mails.len()];
        let mut handed: Vec<usize> = Vec::new();
        let mut batch: Vec<(InboxConfig, Rules, Vec<u8>)> = Vec::new();
        for (at, mail) in mails.iter().enumerate() {
            let raw = edit::trimmed(&mail.raw);
            let message = Message::parse(raw);
            let wants = |inbox: &&InboxConfig| {
                inbox.watch.iter().any(|folder| folder == self.folder) && is_for(inbox, &message)
            };
            let inboxes: Vec<&InboxConfig> = config.inboxes.iter().filter(wants).collect();
            if inboxes.is_empty() {
                continue;
            }
            match ingest::check_spam(&config.watch_spam_check, raw) {
                Ok(Verdict::Ham) => {}
                Ok(Verdict::Spam) => continue,
                Err(error) => {
                    tracing::warn!("{error}");
                    good[at] = false;
                    continue;
                }
            }
            for inbox in inboxes {
                match ingest::import_rules(&config, inbox) {
                    Ok(rules) => {
                        handed.push(at);
                        batch.push((inbox.clone(), rules, raw.to_vec()));
                    }
                    Err(error) => {
                        tracing::error!(inbox = %inbox.name, "{error}");
                        good[at] = false;
                    }
                }
            }
        }
        let names: Vec<_> = batch.iter().map(|(inbox, ..)| inbox.name.clone()).collect();
        let told = self.setting.desk.hand_in_all(batch);
        for ((at, name), told) in handed.into_iter().zip(names).zip(told) {
            match told {
                Ok(Taken::Refused(why)) => {
                    tracing::info!(inbox = %name, "a mail of {} is not taken: {why}", self.shown());
                }
                Ok(_) => {}
                Err(_) => good[at] = false,
            }
        }
        if config.watch_spam.iter().any(|folder| folder == self.folder) {
            let spam = mails.iter().filter(|mail| mail.read);
            spam.for_each(|mail| self.remove(&config, &mail.raw));
        }
        good
    }

    /// Removes spam from every inbox.
    fn remove(&self, config: &Config, raw: &[u8]) {
        for inbox in &config.inboxes {
            match self.setting.desk.take_out(inbox, raw) {
                Ok(true) => {
                    tracing::info!(inbox = %inbox.name, "spam was removed from {}", inbox.name);
                }
                Ok(false) => {}
                Err(error) => tracing::error!(inbox = %inbox.name, "removing spam: {error}"),
            }
        }
    }

    fn shown(&self) -> String {
        place::without_password(self.folder)
    }
}

/// Whether an inbox wants a mail of a folder that it watches: all where it does not say which.
fn is_for(inbox: &InboxConfig, message: &Message<'_>) -> bool {
    if inbox.watch_headers.is_empty() && inbox.list_ids.is_empty() {
        return true;
    }
    let has = |name: &str, wanted: &str| {
        let values = message.all_raw_headers(name);
        values.iter().any(|value| value.contains(wanted))
    };
    let by_header = inbox
        .watch_headers
        .iter()
        .any(|(name, value)| has(name, value));
    by_header
        || inbox
            .list_ids
            .iter()
            .any(|id| has("List-Id", &format!("<{id}>")))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::is_for;
    use crate::config::InboxConfig;
    use crate::id::InboxName;
    use crate::mail::Message;

    #[test]
    fn an_inbox_takes_what_has_one_of_its_headers() {
        let mut inbox = InboxConfig::new(InboxName::parse("x").unwrap(), PathBuf::new());
        let wants = |inbox: &InboxConfig, raw: &str| is_for(inbox, &Message::parse(raw.as_bytes()));
        assert!(wants(&inbox, "Subject: x\n\n"));
        inbox.watch_headers = vec![("X-List".to_owned(), "loom".to_owned())];
        inbox.list_ids = vec!["loom.example.org".to_owned()];
        for (raw, wanted) in [
            ("X-List: the loom list\n\n", true),
            ("List-Id: Loom <loom.example.org>\n\n", true),
            ("List-Id: Loom <xloom.example.org>\n\n", false),
            ("Subject: loom\n\n", false),
        ] {
            assert_eq!(wants(&inbox, raw), wanted, "{raw}");
        }
    }
}
