//! The one who writes: adds and removes mail, batch by batch, each batch whole or not at all.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use super::inboxes::{self, InboxRow};
use super::mids;
use super::threads;
use super::values::pack_keys;
use crate::error::{Error, Result};
use crate::id::{ArticleNum, EpochNum, InboxId, MessageId, MessageKey, MidKey, Oid, ThreadId};
use crate::mail::{Overview, subject_key};
use crate::time::{self, Timestamp};

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

/// A message in one of the places where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The inbox.
    pub inbox: InboxId,
    /// Where the inbox's repositories lie.
    pub dir: PathBuf,
    /// Its number there.
    pub num: ArticleNum,
    /// When it came there.
    pub received: Timestamp,
    /// When it was sent.
    pub sent: Timestamp,
    /// Where its bytes are.
    pub stored: Stored,
}

/// The connection that writes. Changes are seen by readers from [`Writer::commit`] on.
pub struct Writer {
    sql: Connection,
    begun: bool,
    /// Ids met in this batch; most references are to recent mail.
    met: HashMap<MessageId, (MidKey, ThreadId)>,
    /// Threads that lost a message in this batch.
    torn: HashSet<ThreadId>,
    inboxes: HashMap<InboxId, InboxRow>,
}

impl Writer {
    pub(super) fn new(sql: Connection) -> Writer {
        Writer {
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
    /// The catalogue is locked for too long or cannot be written.
    pub fn begin(&mut self) -> Result<()> {
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
                    "UPDATE inbox SET last_num = ?2, last_own = ?3, state = state + 1 WHERE id = ?1",
                )?
                .execute((row.id, row.last_num, row.last_own))?;
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
                "INSERT OR REPLACE INTO epoch (inbox, number, head) VALUES (?1, ?2, ?3)",
            )?
            .execute((inbox, epoch, head))?;
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
        self.touch(inbox)?;
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
        self.touch(inbox)?;
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
        Ok(Some(Removed {
            message,
            last: !elsewhere,
        }))
    }

    /// The number of the article of this inbox that has one of these ids and these bytes.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn find(&self, inbox: InboxId, ids: &[MessageId], blob: Oid) -> Result<Option<ArticleNum>> {
        for mid in ids {
            let Some((key, _)) = mids::find(&self.sql, mid)? else {
                continue;
            };
            let num = self
                .sql
                .prepare_cached(
                    "SELECT p.num FROM carries c CROSS JOIN place p ON p.message = c.message
                      WHERE c.mid = ?1 AND p.inbox = ?2 AND p.blob = ?3",
                )?
                .query_row((key, inbox, blob), |row| row.get(0))
                .optional()?;
            if num.is_some() {
                return Ok(num);
            }
        }
        Ok(None)
    }

    /// Likewise by its bytes alone: reads every row of the inbox, for mail that git has lost.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn find_blob(&self, inbox: InboxId, blob: Oid) -> Result<Option<ArticleNum>> {
        Ok(self
            .sql
            .prepare_cached("SELECT num FROM place WHERE inbox = ?1 AND blob = ?2 LIMIT 1")?
            .query_row((inbox, blob), |row| row.get(0))
            .optional()?)
    }

    /// Everywhere that a message stands, this batch included.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn copies(&self, message: MessageKey) -> Result<Vec<Copy>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT p.inbox, i.dir, p.num, p.received, p.sent, p.epoch, p.blob
               FROM place p JOIN inbox i ON i.id = p.inbox WHERE p.message = ?1",
        )?;
        let rows = statement.query_map([message], |row| {
            Ok(Copy {
                inbox: row.get(0)?,
                dir: PathBuf::from(row.get::<_, String>(1)?),
                num: row.get(2)?,
                received: row.get(3)?,
                sent: row.get(4)?,
                stored: Stored {
                    epoch: row.get(5)?,
                    blob: row.get(6)?,
                },
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// At most `limit` messages of the site after `after`, in the order of their rows.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn messages_after(&self, after: MessageKey, limit: usize) -> Result<Vec<MessageKey>> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT id FROM message WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let rows = statement.query_map((after, limit), |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The text of the Message-ID that holds a number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn holder(&self, inbox: InboxId, num: ArticleNum) -> Result<Option<MessageId>> {
        let key: Option<MidKey> = self
            .sql
            .prepare_cached("SELECT mid FROM place WHERE inbox = ?1 AND num = ?2")?
            .query_row((inbox, num), |row| row.get(0))
            .optional()?;
        key.map_or(Ok(None), |key| mids::text(&self.sql, key))
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

    /// A message of the site with the same ids and the same content.
    fn same_message(
        &mut self,
        ids: &[MessageId],
        overview: &Overview,
    ) -> Result<Option<MessageKey>> {
        let Some(primary) = ids.first() else {
            return Ok(None);
        };
        let Some((primary, _)) = self.known(primary)? else {
            return Ok(None);
        };
        let mut statement = self.sql.prepare_cached(
            "SELECT m.id, m.ids FROM carries c CROSS JOIN message m ON m.id = c.message
              WHERE c.mid = ?1 AND m.mid = ?1 AND m.fingerprint = ?2",
        )?;
        let found: Option<(MessageKey, Vec<u8>)> = statement
            .query_row((primary, &overview.fingerprint.0[..]), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        drop(statement);
        let Some((message, packed)) = found else {
            return Ok(None);
        };
        let mut others = Vec::new();
        for mid in further(ids, overview) {
            match self.known(mid)? {
                Some((key, _)) => others.push(key),
                None => return Ok(None),
            }
        }
        Ok((pack_keys(&others) == packed).then_some(message))
    }

    fn insert_message(&mut self, ids: &[MessageId], overview: &Overview) -> Result<MessageKey> {
        // The thread of the eldest that it refers to wins, then all others join it.
        let mut thread = None;
        let mut refs = Vec::with_capacity(overview.references.len());
        for mid in &overview.references {
            let (key, joined) = self.mid(mid, thread)?;
            thread = Some(joined);
            refs.push(key);
        }
        let mut own = Vec::with_capacity(1);
        for mid in ids.iter().take(1).chain(further(ids, overview)) {
            let (key, joined) = self.mid(mid, thread)?;
            thread = Some(joined);
            own.push(key);
        }
        let (Some(&primary), Some(thread)) = (own.first(), thread) else {
            return Err(Error::corrupt("a message without a Message-ID"));
        };
        self.sql
            .prepare_cached(
                "INSERT INTO message
                   (mid, thread, subject_key, bytes, lines, fingerprint, ids, refs, subject, author)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute((
                primary,
                thread,
                subject_key(&overview.subject),
                overview.bytes,
                overview.lines,
                &overview.fingerprint.0[..],
                pack_keys(&own[1..]),
                pack_keys(&refs),
                &overview.subject,
                &overview.author,
            ))?;
        let message = MessageKey(self.sql.last_insert_rowid());
        let mut carries = self
            .sql
            .prepare_cached("INSERT OR IGNORE INTO carries (mid, message) VALUES (?1, ?2)")?;
        for key in own {
            carries.execute((key, message))?;
        }
        Ok(message)
    }

    /// Drops a message that no inbox has any more.
    fn forget(&mut self, message: MessageKey) -> Result<()> {
        let (thread, mid, ids): (ThreadId, MidKey, Vec<u8>) = self
            .sql
            .prepare_cached("SELECT thread, mid, ids FROM message WHERE id = ?1")?
            .query_row([message], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let mut carries = self
            .sql
            .prepare_cached("DELETE FROM carries WHERE mid = ?1 AND message = ?2")?;
        for key in std::iter::once(mid).chain(super::values::unpack_keys(&ids)) {
            carries.execute((key, message))?;
        }
        drop(carries);
        self.sql
            .prepare_cached("DELETE FROM message WHERE id = ?1")?
            .execute([message])?;
        self.torn.insert(thread);
        Ok(())
    }

    fn known(&mut self, mid: &MessageId) -> Result<Option<(MidKey, ThreadId)>> {
        if let Some(known) = self.met.get(mid) {
            return Ok(Some(*known));
        }
        let found = mids::find(&self.sql, mid)?;
        if let Some(found) = found {
            self.met.insert(mid.clone(), found);
        }
        Ok(found)
    }

    /// The row of an id, made where it is new, as a member of `thread`: where it was in another, the two become one.
    fn mid(&mut self, mid: &MessageId, thread: Option<ThreadId>) -> Result<(MidKey, ThreadId)> {
        let (key, now) = match self.known(mid)? {
            Some((key, before)) => match thread {
                Some(thread) if thread != before => (key, self.merge(thread, before)?),
                _ => return Ok((key, before)),
            },
            None => {
                self.sql
                    .prepare_cached("INSERT INTO mid (hash, thread, text) VALUES (?1, ?2, ?3)")?
                    .execute((mids::hash(mid), thread.unwrap_or(ThreadId(0)), mid.as_str()))?;
                let key = MidKey(self.sql.last_insert_rowid());
                let founded = ThreadId(key.0);
                if thread.is_none() {
                    self.sql
                        .prepare_cached("UPDATE mid SET thread = ?1 WHERE id = ?1")?
                        .execute([key])?;
                }
                (key, thread.unwrap_or(founded))
            }
        };
        self.met.insert(mid.clone(), (key, now));
        Ok((key, now))
    }

    fn merge(&mut self, a: ThreadId, b: ThreadId) -> Result<ThreadId> {
        let joined = threads::merge(&self.sql, a, b)?;
        for (_, thread) in self.met.values_mut() {
            if *thread == a || *thread == b {
                *thread = joined;
            }
        }
        if self.torn.remove(&a) | self.torn.remove(&b) {
            self.torn.insert(joined);
        }
        Ok(joined)
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

    /// The inbox's row, to be written back with a new state when the batch ends.
    fn touch(&mut self, inbox: InboxId) -> Result<&mut InboxRow> {
        use std::collections::hash_map::Entry;
        match self.inboxes.entry(inbox) {
            Entry::Occupied(row) => Ok(row.into_mut()),
            Entry::Vacant(vacant) => {
                let row = self
                    .sql
                    .prepare_cached(
                        "SELECT created, state, last_num, last_own FROM inbox WHERE id = ?1",
                    )?
                    .query_row([inbox], |row| {
                        Ok(InboxRow {
                            id: inbox,
                            created: row.get::<_, Timestamp>(0)?,
                            state: row.get(1)?,
                            last_num: row.get(2)?,
                            last_own: row.get(3)?,
                        })
                    })?;
                Ok(vacant.insert(row))
            }
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

/// The ids that a mail is found by besides its primary one.
fn further<'a>(
    ids: &'a [MessageId],
    overview: &'a Overview,
) -> impl Iterator<Item = &'a MessageId> + 'a {
    let own = ids.iter().skip(1);
    own.chain(
        overview
            .alternates
            .iter()
            .filter(move |mid| !ids.contains(mid)),
    )
}
