//! The one who writes: adds and removes mail, batch by batch, each batch whole or not at all.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::inboxes::{self, InboxRow};
use super::pool::Place;
use super::threads;
use super::values::unpack_keys;
use crate::error::{Error, Result};
use crate::id::{ArticleNum, EpochNum, InboxId, MessageId, MessageKey, MidKey, Oid, ThreadId};
use crate::mail::Overview;
use crate::time;

/// How often, and how long each time, readers of the log are waited for: two minutes in all. `SQLite` itself waits, too.
const SCRUB_TRIES: u32 = 20;
const SCRUB_PAUSE: Duration = Duration::from_millis(100);

/// Where a mail lies in git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The epoch.
    pub epoch: EpochNum,
    /// Its bytes.
    pub blob: Oid,
}

/// What became of a mail that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is an article now. `new`: the site had no copy of it yet.
    Added {
        /// The message's row.
        message: MessageKey,
        /// Its number.
        num: ArticleNum,
        /// Whether the row was made for it.
        new: bool,
    },
    /// All of its Message-IDs have numbers in this inbox already.
    Duplicate,
}

/// A mail that is no longer at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The message.
    pub message: MessageKey,
    /// Whether the site has no other copy of it.
    pub last: bool,
}

/// The connection that writes. Changes are seen by readers from [`Writer::commit`] on.
pub struct Writer {
    pub(super) sql: Connection,
    begun: bool,
    /// Ids met in this batch; most references are to recent mail.
    pub(super) met: HashMap<MessageId, (MidKey, ThreadId)>,
    /// Threads that lost a message in this batch.
    pub(super) torn: HashSet<ThreadId>,
    inboxes: HashMap<InboxId, InboxRow>,
    /// After the connection: free when that is closed.
    place: Place,
}

impl Writer {
    pub(super) fn new(sql: Connection, place: Place) -> Writer {
        Writer {
            place,
            sql,
            begun: false,
            met: HashMap::new(),
            torn: HashSet::new(),
            inboxes: HashMap::new(),
        }
    }

    /// Begins a batch, waiting for whoever else writes.
    ///
    /// # Errors
    /// The catalogue is locked for too long or cannot be written, or somebody has deleted its log.
    pub fn begin(&mut self) -> Result<()> {
        if self.place.db.is_cut_off() {
            return Err(Error::Db("its log was deleted".to_owned()));
        }
        self.sql.execute_batch("BEGIN IMMEDIATE")?;
        self.begun = true;
        self.met.clear();
        self.torn.clear();
        self.inboxes.clear();
        Ok(())
    }

    /// Ends the batch: all of it is there now, also after a power cut that comes later.
    ///
    /// # Errors
    /// The catalogue cannot be written; nothing of the batch is there.
    pub fn commit(&mut self) -> Result<()> {
        for thread in std::mem::take(&mut self.torn) {
            threads::unravel(&self.sql, thread)?;
        }
        for row in std::mem::take(&mut self.inboxes).into_values() {
            self.sql
                .prepare_cached(
                    "UPDATE inbox
                        SET last_num = ?2, last_own = ?3, articles = ?4, changed = ?5, state = state + 1
                      WHERE id = ?1",
                )?
                .execute((
                    row.id,
                    row.last_num,
                    row.last_own,
                    row.articles,
                    row.changed,
                ))?;
        }
        self.sql.execute_batch("COMMIT")?;
        self.begun = false;
        Ok(())
    }

    /// The inbox whose repositories lie in `dir`, made where it is new.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn inbox(&mut self, dir: &Path) -> Result<InboxId> {
        if let Some(row) = inboxes::find(&self.sql, dir)? {
            return Ok(row.id);
        }
        self.sql
            .prepare_cached("INSERT INTO inbox (dir, created) VALUES (?1, ?2)")?
            .execute((inboxes::dir_key(dir), time::now()))?;
        Ok(InboxId(self.sql.last_insert_rowid()))
    }

    /// Remembers, with this batch, what the full-text index was told.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn set_words_token(&mut self, token: &str) -> Result<()> {
        self.sql
            .prepare_cached("UPDATE site SET words = ?1")?
            .execute([token])?;
        Ok(())
    }

    /// Remembers that an epoch was read up to and including the commit `head`.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn set_head(&mut self, inbox: InboxId, epoch: EpochNum, head: Oid) -> Result<()> {
        self.sql
            .prepare_cached(
                "INSERT INTO epoch (inbox, number, head) VALUES (?1, ?2, ?3)
                     ON CONFLICT (inbox, number) DO UPDATE SET head = excluded.head",
            )?
            .execute((inbox, epoch, head))?;
        Ok(())
    }

    /// Remembers that the numbers of an epoch need not follow its history: mail has come into its midst. After
    /// [`Writer::set_head`].
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn set_loose(&mut self, inbox: InboxId, epoch: EpochNum) -> Result<()> {
        self.sql
            .prepare_cached("UPDATE epoch SET loose = 1 WHERE inbox = ?1 AND number = ?2")?
            .execute((inbox, epoch))?;
        Ok(())
    }

    /// Remembers whether all words of an inbox's mail are indexed.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn set_words(&mut self, inbox: InboxId, words: bool) -> Result<()> {
        self.sql
            .prepare_cached("UPDATE inbox SET words = ?2 WHERE id = ?1")?
            .execute((inbox, words))?;
        Ok(())
    }

    pub(super) fn set_wanted(&mut self, inbox: InboxId, wanted: bool) -> Result<()> {
        self.sql
            .prepare_cached("UPDATE inbox SET wanted = ?2 WHERE id = ?1")?
            .execute((inbox, wanted))?;
        Ok(())
    }

    /// Sets the highest number that was ever given in an inbox.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn set_last_num(&mut self, inbox: InboxId, last: i64) -> Result<()> {
        self.touch(inbox)?.last_num = last;
        Ok(())
    }

    /// Likewise, to at least that.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn raise_last_num(&mut self, inbox: InboxId, last: i64) -> Result<()> {
        let row = self.touch(inbox)?;
        row.last_num = row.last_num.max(last);
        Ok(())
    }

    /// Adds a mail under the next number, or under `num` where it had one before.
    ///
    /// Which mails get numbers is public-inbox's rule: one whose Message-IDs all have numbers already is a duplicate
    /// whatever it says; its ids are tried first to last, but the second to last in reverse.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn add(
        &mut self,
        inbox: InboxId,
        stored: Stored,
        overview: &Overview,
        num: Option<ArticleNum>,
    ) -> Result<Outcome> {
        let numbered = !overview.ids.is_empty();
        let made_up;
        let ids: &[MessageId] = if numbered {
            &overview.ids
        } else {
            made_up = [overview.made_up_id()];
            &made_up
        };
        let mut accepted = None;
        for mid in ids.iter().take(1).chain(ids.iter().skip(1).rev()) {
            if !self.is_taken(inbox, mid)? {
                accepted = Some(mid);
                break;
            }
        }
        let Some(accepted) = accepted else {
            return Ok(Outcome::Duplicate);
        };

        let (message, new) = match self.same_message(ids, overview)? {
            Some(message) => (message, false),
            None => (self.insert_message(ids, overview)?, true),
        };
        let num = match num {
            Some(num) => num,
            None => self.next_num(inbox, numbered)?,
        };
        let row = self.touch(inbox)?;
        row.articles += 1;
        row.change(Some(overview.received));
        let keys = self.keys_of(message)?;
        self.touch_holders(&keys)?;
        let accepted = self.mid(accepted, None)?.0;
        self.sql
            .prepare_cached(
                "INSERT INTO place (message, inbox, num, epoch, sent, received, mid, blob)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute((
                message,
                inbox,
                num,
                stored.epoch,
                overview.sent,
                overview.received,
                accepted,
                stored.blob,
            ))?;
        Ok(Outcome::Added { message, num, new })
    }

    /// Takes the article with this number out of the inbox. `None` where there is none.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn remove(&mut self, inbox: InboxId, num: ArticleNum) -> Result<Option<Removed>> {
        let message: Option<MessageKey> = self
            .sql
            .prepare_cached("SELECT message FROM place WHERE inbox = ?1 AND num = ?2")?
            .query_row((inbox, num), |row| row.get(0))
            .optional()?;
        let Some(message) = message else {
            return Ok(None);
        };
        let row = self.touch(inbox)?;
        row.articles = row.articles.saturating_sub(1);
        row.change(None);
        let keys = self.keys_of(message)?;
        self.sql
            .prepare_cached("DELETE FROM place WHERE message = ?1 AND inbox = ?2 AND num = ?3")?
            .execute((message, inbox, num))?;
        let elsewhere: bool = self
            .sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM place WHERE message = ?1)")?
            .query_row([message], |row| row.get(0))?;
        if !elsewhere {
            self.forget(message)?;
        }
        self.touch_holders(&keys)?;
        Ok(Some(Removed {
            message,
            last: !elsewhere,
        }))
    }

    /// Gives a mail its number and does not make it an article: for one that is not to be here.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn pass_over(&mut self, inbox: InboxId, overview: &Overview) -> Result<()> {
        for mid in &overview.ids {
            if !self.is_taken(inbox, mid)? {
                self.next_num(inbox, true)?;
                break;
            }
        }
        Ok(())
    }

    /// Says, with this batch, that every inbox is another one: what was shown of any may not be shown again.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn renew_states(&mut self) -> Result<()> {
        self.sql.execute("UPDATE inbox SET state = state + 1", ())?;
        Ok(())
    }

    /// Leaves nothing on the disk of what was removed before, and tells other processes to forget it. Not within a
    /// batch.
    ///
    /// What is deleted is overwritten at once (`secure_delete`); what was in the log of changes goes with the log.
    ///
    /// # Errors
    /// The catalogue cannot be written, or somebody has been reading it for minutes.
    pub fn scrub(&mut self) -> Result<()> {
        self.sql
            .execute("UPDATE site SET purges = purges + 1", ())?;
        for _ in 0..SCRUB_TRIES {
            let busy: bool = self
                .sql
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
            if !busy {
                return Ok(());
            }
            std::thread::sleep(SCRUB_PAUSE);
        }
        Err(Error::Db(
            "it is being read, so its log could not be emptied; try again".to_owned(),
        ))
    }

    /// Remembers, with this batch, which tombstones of an inbox were followed.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn set_graves(&mut self, inbox: InboxId, mark: Option<&str>) -> Result<()> {
        self.sql
            .prepare_cached("UPDATE inbox SET graves = ?2 WHERE id = ?1")?
            .execute((inbox, mark))?;
        Ok(())
    }

    fn is_taken(&mut self, inbox: InboxId, mid: &MessageId) -> Result<bool> {
        let Some((key, _)) = self.known(mid)? else {
            return Ok(false);
        };
        Ok(self
            .sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM place WHERE inbox = ?1 AND mid = ?2)")?
            .query_row((inbox, key), |row| row.get(0))?)
    }

    fn next_num(&mut self, inbox: InboxId, numbered: bool) -> Result<ArticleNum> {
        let row = self.touch(inbox)?;
        if numbered {
            row.last_num += 1;
            Ok(ArticleNum(row.last_num))
        } else {
            row.last_own -= 1;
            Ok(ArticleNum(row.last_own))
        }
    }

    /// Other inboxes tell on their pages which lists have a message too, so these change with it.
    fn touch_holders(&mut self, keys: &[MidKey]) -> Result<()> {
        for key in keys {
            for inbox in inboxes::holders(&self.sql, *key)? {
                self.touch(inbox)?;
            }
        }
        Ok(())
    }

    fn keys_of(&self, message: MessageKey) -> Result<Vec<MidKey>> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT mid, ids FROM message WHERE id = ?1")?;
        Ok(statement.query_row([message], |row| {
            let mut keys = vec![row.get(0)?];
            keys.extend(unpack_keys(row.get_ref(1)?.as_blob()?));
            Ok(keys)
        })?)
    }

    /// The inbox's row, to be written back with a new state when the batch ends.
    fn touch(&mut self, inbox: InboxId) -> Result<&mut InboxRow> {
        use std::collections::hash_map::Entry;
        match self.inboxes.entry(inbox) {
            Entry::Occupied(row) => Ok(row.into_mut()),
            Entry::Vacant(vacant) => Ok(vacant.insert(inboxes::read(&self.sql, inbox)?)),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A batch that was not committed is as if it had never begun.
        if self.begun
            && let Err(error) = self.sql.execute_batch("ROLLBACK")
        {
            tracing::warn!("rolling back a batch: {error}");
        }
    }
}
