//! Whether the catalogue agrees with itself, and what it says of each article: what `fsck` asks.

use std::path::PathBuf;

use rusqlite::{Connection, Row, Statement};

use super::copies::Copy;
use super::mids;
use super::pool::Reader;
use super::values::unpack_keys;
use super::writer::{Stored, Writer};
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxId, MessageId, MessageKey, MidKey, Oid, ThreadId};
use crate::mail::{DisjointSets, Fingerprint};
use crate::time::Timestamp;

/// How many of `SQLite`'s own complaints are told.
const COMPLAINTS: u32 = 20;

/// An article as its rows have it, and how many copies the site has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub num: ArticleNum,
    /// The message.
    pub message: MessageKey,
    /// Where its bytes are.
    pub stored: Stored,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it came.
    pub received: Timestamp,
    /// In how many places the message stands.
    pub copies: u64,
    /// Its Message-IDs, the first one first, and further ids that it is found by.
    pub ids: Vec<MessageId>,
    /// What it answers, the parent last.
    pub references: Vec<MessageId>,
    /// The hash of its content.
    pub fingerprint: Fingerprint,
    /// Its subject.
    pub subject: String,
    /// What its row is found by among those of like subjects.
    pub subject_key: Option<i64>,
    /// Its authors.
    pub author: String,
    /// Its size.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
}

/// The part of an article that is kept in memory while its inbox is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub num: ArticleNum,
    /// Where its bytes are.
    pub stored: Stored,
}

impl Reader {
    /// What `SQLite` itself finds wrong with the file.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn complaints(&self) -> Result<Vec<String>> {
        let mut statement = self
            .sql()?
            .prepare(&format!("PRAGMA integrity_check({COMPLAINTS})"))?;
        let rows = statement.query_map((), |row| row.get::<_, String>(0))?;
        let rows: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
        Ok(rows.into_iter().filter(|row| row != "ok").collect())
    }

    /// Every article of an inbox, by number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn known(&self, inbox: InboxId) -> Result<Vec<Known>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT num, epoch, blob FROM place WHERE inbox = ?1 ORDER BY num")?;
        let rows = statement.query_map([inbox], |row| {
            Ok(Known {
                num: row.get(0)?,
                stored: Stored {
                    epoch: row.get(1)?,
                    blob: row.get(2)?,
                },
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The highest number ever given in an inbox, and the lowest.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn numbers(&self, inbox: InboxId) -> Result<(i64, i64)> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT last_num, last_own FROM inbox WHERE id = ?1")?;
        Ok(statement.query_row([inbox], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Whether the numbers of an epoch need not follow its history.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn is_loose(&self, inbox: InboxId, epoch: EpochNum) -> Result<bool> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM epoch WHERE inbox = ?1 AND number = ?2 AND loose)",
        )?;
        Ok(statement.query_row((inbox, epoch), |row| row.get(0))?)
    }

    /// The article with this number, with all that its rows say; `None` where a row of it is missing.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn record(&self, inbox: InboxId, num: ArticleNum) -> Result<Option<Record>> {
        let sql = self.sql()?;
        let mut statement = sql.prepare_cached(
            "SELECT p.num, p.message, p.epoch, p.blob, p.sent, p.received,
                    (SELECT count(*) FROM place o WHERE o.message = p.message),
                    m.mid, m.ids, m.refs, m.fingerprint, m.subject, m.author, m.bytes, m.lines, m.subject_key
               FROM place p CROSS JOIN message m ON m.id = p.message WHERE p.inbox = ?1 AND p.num = ?2",
        )?;
        let mut rows = statement.query((inbox, num))?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let mut own = vec![row.get::<_, MidKey>(7)?];
        own.extend(unpack_keys(row.get_ref(8)?.as_blob().unwrap_or_default()));
        let refs = unpack_keys(row.get_ref(9)?.as_blob().unwrap_or_default());
        let (Some(ids), Some(references)) = (texts(sql, &own)?, texts(sql, &refs)?) else {
            return Ok(None);
        };
        record(row, ids, references)
    }

    /// The number under which the inbox has a mail that holds this id, if it has one.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn held_by(&self, inbox: InboxId, mid: &MessageId) -> Result<bool> {
        let sql = self.sql()?;
        let Some((key, _)) = mids::find(sql, mid)? else {
            return Ok(false);
        };
        let mut statement = sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM place WHERE inbox = ?1 AND mid = ?2)")?;
        Ok(statement.query_row((inbox, key), |row| row.get(0))?)
    }

    /// Everywhere that a message stands.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn stands_at(&self, message: MessageKey) -> Result<Vec<Copy>> {
        let mut statement = self.sql()?.prepare_cached(super::copies::STANDS_AT)?;
        let rows = statement.query_map([message], super::copies::copy)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// At most `limit` messages of the site after `after`, and in how many places each stands.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn messages_after(
        &self,
        after: MessageKey,
        limit: usize,
    ) -> Result<Vec<(MessageKey, u64)>> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT m.id, (SELECT count(*) FROM place p WHERE p.message = m.id)
               FROM message m WHERE m.id > ?1 ORDER BY m.id LIMIT ?2",
        )?;
        let rows = statement.query_map((after, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The inboxes that the catalogue knows, by their directories.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn directories(&self) -> Result<Vec<(InboxId, PathBuf)>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT id, dir FROM inbox ORDER BY id")?;
        let rows = statement.query_map((), |row| {
            Ok((row.get(0)?, PathBuf::from(row.get::<_, String>(1)?)))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Tells what in the tables contradicts itself: rows that lead nowhere or are led to by none, and threads that are
    /// not what hangs together. One thread is in memory at a time.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn contradictions(&self, mut tell: impl FnMut(String)) -> Result<()> {
        let sql = self.sql()?;
        for (question, what) in STRAY {
            let mut statement = sql.prepare(question)?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let which = row.get(0).map(|n: i64| n.to_string());
                tell(format!("{what} {}", which.or_else(|_| row.get(0))?));
            }
        }
        threads(sql, &mut tell)
    }
}

impl Writer {
    /// Forgets all that is known of mail, in the batch that is under way, but not which inboxes there are nor which
    /// numbers were given: for who then reads all mail again.
    ///
    /// # Errors
    /// The catalogue cannot be written.
    pub fn forget_everything(&mut self) -> Result<()> {
        self.sql.execute_batch(
            "DELETE FROM place; DELETE FROM carries; DELETE FROM message; DELETE FROM mid; DELETE FROM epoch;
             UPDATE site SET words = NULL; UPDATE inbox SET state = state + 1, articles = 0, changed = 0;",
        )?;
        self.met.clear();
        self.torn.clear();
        Ok(())
    }
}

/// Rows that should not be: a question for their number, and what to say of each.
const STRAY: [(&str, &str); 7] = [
    (
        "SELECT dir FROM inbox i WHERE articles <> (SELECT count(*) FROM place p WHERE p.inbox = i.id)",
        "the articles are miscounted of the inbox in",
    ),
    (
        "SELECT id FROM message m WHERE NOT EXISTS (SELECT 1 FROM place p WHERE p.message = m.id)",
        "no inbox has message",
    ),
    (
        "SELECT p.message FROM place p WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = p.message)",
        "an article is of a message without a row:",
    ),
    (
        "SELECT p.inbox FROM place p WHERE NOT EXISTS (SELECT 1 FROM inbox i WHERE i.id = p.inbox) GROUP BY p.inbox",
        "articles stand in an inbox without a row:",
    ),
    (
        "SELECT c.message FROM carries c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = c.message)",
        "a Message-ID leads to a message without a row:",
    ),
    (
        "SELECT p.num || ', of the inbox in ' || i.dir FROM place p CROSS JOIN inbox i ON i.id = p.inbox
          WHERE p.num > i.last_num OR p.num < i.last_own OR p.num = 0",
        "a number was never given:",
    ),
    (
        "SELECT p.num FROM place p WHERE NOT EXISTS
            (SELECT 1 FROM carries c WHERE c.mid = p.mid AND c.message = p.message)",
        "a number is held by an id that the mail has not:",
    ),
];

struct Message {
    id: MessageKey,
    thread: ThreadId,
    own: Vec<MidKey>,
    refs: Vec<MidKey>,
}

struct Mid {
    id: MidKey,
    thread: ThreadId,
    sound: bool,
}

/// Walks messages and ids side by side, a thread at a time.
fn threads(sql: &Connection, tell: &mut impl FnMut(String)) -> Result<()> {
    let mut carried = sql.prepare("SELECT mid FROM carries WHERE mid = ?1 AND message = ?2")?;
    let mut messages =
        sql.prepare("SELECT id, thread, mid, ids, refs FROM message ORDER BY thread, id")?;
    let mut mids = sql.prepare("SELECT id, thread, hash, text FROM mid ORDER BY thread, id")?;
    let mut messages = messages.query_map((), message)?;
    let mut mids = mids.query_map((), mid)?;
    let mut message = messages.next().transpose()?;
    let mut mid = mids.next().transpose()?;
    let mut own = 0;
    loop {
        let thread = match (&message, &mid) {
            (None, None) => break,
            (Some(message), None) => message.thread,
            (None, Some(mid)) => mid.thread,
            (Some(message), Some(mid)) => message.thread.min(mid.thread),
        };
        let (mut its_messages, mut its_mids) = (Vec::new(), Vec::new());
        while let Some(found) = message.take_if(|message| message.thread == thread) {
            its_messages.push(found);
            message = messages.next().transpose()?;
        }
        while let Some(found) = mid.take_if(|mid| mid.thread == thread) {
            its_mids.push(found);
            mid = mids.next().transpose()?;
        }
        own += check_thread(thread, &its_messages, &its_mids, &mut carried, tell)?;
    }
    let carries: u64 = sql.query_row("SELECT count(*) FROM carries", (), |row| row.get(0))?;
    if carries != own {
        tell(format!(
            "{carries} ids lead to messages, and messages have {own}"
        ));
    }
    Ok(())
}

/// How many ids its messages have of their own.
fn check_thread(
    thread: ThreadId,
    messages: &[Message],
    mids: &[Mid],
    carried: &mut Statement<'_>,
    tell: &mut impl FnMut(String),
) -> Result<u64> {
    let mut sets = DisjointSets::default();
    let mut own = 0;
    for message in messages {
        let mut of_this = message.own.clone();
        of_this.sort();
        of_this.dedup();
        own += of_this.len() as u64;
        for mid in of_this {
            if !carried.exists((mid, message.id))? {
                tell(format!(
                    "message {} is not found by its id {}",
                    message.id.0, mid.0
                ));
            }
        }
        for key in message.own.iter().chain(&message.refs) {
            sets.join(message.own[0], *key);
        }
    }
    let mut roots: Vec<MidKey> = sets
        .members()
        .into_iter()
        .map(|key| sets.root(key))
        .collect();
    roots.sort();
    roots.dedup();
    if roots.len() > 1 {
        tell(format!(
            "thread {} is really {} threads",
            thread.0,
            roots.len()
        ));
    }
    let members: Vec<MidKey> = sets.members().into_iter().collect();
    let there: std::collections::HashSet<MidKey> = mids.iter().map(|mid| mid.id).collect();
    for key in &members {
        if !there.contains(key) {
            tell(format!("thread {} lacks the id {}", thread.0, key.0));
        }
    }
    let used: std::collections::HashSet<MidKey> = members.into_iter().collect();
    for mid in mids {
        if !used.contains(&mid.id) {
            tell(format!("no mail has or names the id {}", mid.id.0));
        }
        if !mid.sound {
            tell(format!("the id {} is not found by its text", mid.id.0));
        }
    }
    Ok(own)
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let mut own = vec![row.get(2)?];
    own.extend(unpack_keys(row.get_ref(3)?.as_blob().unwrap_or_default()));
    Ok(Message {
        id: row.get(0)?,
        thread: row.get(1)?,
        own,
        refs: unpack_keys(row.get_ref(4)?.as_blob().unwrap_or_default()),
    })
}

fn mid(row: &Row<'_>) -> rusqlite::Result<Mid> {
    let text = row.get_ref(3)?.as_str().ok().and_then(MessageId::parse);
    let hash: i64 = row.get(2)?;
    Ok(Mid {
        id: row.get(0)?,
        thread: row.get(1)?,
        sound: text.is_some_and(|text| mids::hash(&text) == hash),
    })
}

fn texts(sql: &Connection, keys: &[MidKey]) -> Result<Option<Vec<MessageId>>> {
    keys.iter().map(|key| mids::text(sql, *key)).collect()
}

fn record(
    row: &Row<'_>,
    ids: Vec<MessageId>,
    references: Vec<MessageId>,
) -> Result<Option<Record>> {
    let hash: Vec<u8> = row.get(10)?;
    let Ok(hash) = hash.try_into() else {
        return Ok(None);
    };
    Ok(Some(Record {
        num: row.get(0)?,
        message: row.get(1)?,
        stored: Stored {
            epoch: row.get(2)?,
            blob: row.get::<_, Oid>(3)?,
        },
        sent: row.get(4)?,
        received: row.get(5)?,
        copies: row.get(6)?,
        ids,
        references,
        fingerprint: Fingerprint(hash),
        subject: row.get(11)?,
        author: row.get(12)?,
        bytes: row.get(13)?,
        lines: row.get(14)?,
        subject_key: row.get(15)?,
    }))
}
