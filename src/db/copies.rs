//! What the one who writes asks of the catalogue, the batch that is under way included.

use std::path::PathBuf;

use rusqlite::{OptionalExtension, Row};

use super::mids;
use super::pool::Reader;
use super::writer::{Stored, Writer};
use crate::error::Result;
use crate::id::{ArticleNum, InboxId, MessageId, MessageKey, MidKey, Oid};
use crate::mail::{Fingerprint, Overview};
use crate::time::Timestamp;

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
    /// Whether all words of that inbox's mail are indexed.
    pub words: bool,
}

/// Everywhere that a message stands, for [`copy`].
pub(super) const STANDS_AT: &str =
    "SELECT p.inbox, i.dir, p.num, p.received, p.sent, p.epoch, p.blob, i.words
       FROM place p JOIN inbox i ON i.id = p.inbox WHERE p.message = ?1
       ORDER BY p.inbox, p.num";

pub(super) fn copy(row: &Row<'_>) -> rusqlite::Result<Copy> {
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
        words: row.get(7)?,
    })
}

impl Reader {
    /// Whether a message with the first id and the content of this mail stands in an inbox whose words are all indexed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn has_words_of(&self, mail: &Overview) -> Result<bool> {
        let Some(mid) = mail.ids.first() else {
            return Ok(false);
        };
        let mut statement = self.sql()?.prepare_cached(
            "SELECT EXISTS (
               SELECT 1 FROM mid t CROSS JOIN carries c ON c.mid = t.id
                        CROSS JOIN message m ON m.id = c.message CROSS JOIN place p ON p.message = m.id
                        CROSS JOIN inbox i ON i.id = p.inbox
                WHERE t.hash = ?1 AND m.fingerprint = ?2 AND i.words)",
        )?;
        let found =
            statement.query_row((mids::hash(mid), &mail.fingerprint.0[..]), |row| row.get(0));
        Ok(found?)
    }

    /// Whether any inbox but this one has mail.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn has_others(&self, inbox: InboxId) -> Result<bool> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM inbox WHERE id <> ?1 AND articles > 0)",
        )?;
        Ok(statement.query_row([inbox], |row| row.get(0))?)
    }
}

impl Writer {
    /// Whether a message that has come to an inbox now is to be found by all words, and none of the others that have it
    /// had wanted that.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn lacks_words(&self, message: MessageKey, inbox: InboxId) -> Result<bool> {
        let mut statement = self.sql.prepare_cached(
            "SELECT words AND NOT EXISTS (
               SELECT 1 FROM place p CROSS JOIN inbox i ON i.id = p.inbox
                WHERE p.message = ?1 AND p.inbox <> ?2 AND i.words)
               FROM inbox WHERE id = ?2",
        )?;
        Ok(statement.query_row((message, inbox), |row| row.get(0))?)
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

    /// The size of a message in bytes and in lines, as its row has them.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn size_of(&self, message: MessageKey) -> Result<Option<(u64, u64)>> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT bytes, lines FROM message WHERE id = ?1")?;
        let size = statement.query_row([message], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(size.optional()?)
    }

    /// Everywhere that a message stands, this batch included.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn copies(&self, message: MessageKey) -> Result<Vec<Copy>> {
        let mut statement = self.sql.prepare_cached(STANDS_AT)?;
        let rows = statement.query_map([message], copy)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The articles of an inbox with this content and, in one of their ids, one of these SHA-1s; without an id where there
    /// are none of these.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles_of(
        &self,
        inbox: InboxId,
        mids: &[Oid],
        content: Fingerprint,
    ) -> Result<Vec<ArticleNum>> {
        let mut found = Vec::new();
        if mids.is_empty() {
            let mut nameless = self.sql.prepare_cached(
                "SELECT p.num FROM place p CROSS JOIN message m ON m.id = p.message
                  WHERE p.inbox = ?1 AND p.num < 0 AND m.fingerprint = ?2",
            )?;
            let rows = nameless.query_map((inbox, &content.0[..]), |row| row.get(0))?;
            found = rows.collect::<rusqlite::Result<_>>()?;
        }
        for mid in mids {
            let mut named = self.sql.prepare_cached(
                "SELECT p.num FROM mid t CROSS JOIN carries c ON c.mid = t.id
                        CROSS JOIN message m ON m.id = c.message CROSS JOIN place p ON p.message = m.id
                  WHERE t.hash = ?1 AND p.inbox = ?2 AND m.fingerprint = ?3",
            )?;
            let rows = named.query_map((mids::first_of(*mid), inbox, &content.0[..]), |row| {
                row.get(0)
            })?;
            for num in rows {
                found.push(num?);
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
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

    /// Every message of an inbox.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn messages_in(&self, inbox: InboxId) -> Result<Vec<MessageKey>> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT message FROM place WHERE inbox = ?1 ORDER BY num")?;
        let rows = statement.query_map([inbox], |row| row.get(0))?;
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
}
