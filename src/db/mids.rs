//! Message-IDs: text to row and back, and the thread that each belongs to.

use rusqlite::{Connection, OptionalExtension};
use sha1::{Digest, Sha1};

use super::pool::Reader;
use crate::error::Result;
use crate::id::{MessageId, MidKey, Oid, ThreadId};

impl Reader {
    /// The row of a Message-ID that some mail has or refers to.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn mid_key(&self, mid: &MessageId) -> Result<Option<MidKey>> {
        Ok(find(self.sql()?, mid)?.map(|(key, _)| key))
    }

    /// The row of such a Message-ID and the thread that it belongs to.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn mid_place(&self, mid: &MessageId) -> Result<Option<(MidKey, ThreadId)>> {
        find(self.sql()?, mid)
    }

    /// The text of a row.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn mid_text(&self, key: MidKey) -> Result<Option<MessageId>> {
        text(self.sql()?, key)
    }
}

/// What [`super::pool::Reader::mid_key`] looks for; the whole text is compared after it.
pub(super) fn hash(mid: &MessageId) -> i64 {
    first_of(Oid(Sha1::digest(mid.as_str().as_bytes()).into()))
}

/// Likewise for one of which only its SHA-1 is known.
pub(super) fn first_of(digest: Oid) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest.0[..8]);
    i64::from_be_bytes(first)
}

pub(super) fn find(sql: &Connection, mid: &MessageId) -> Result<Option<(MidKey, ThreadId)>> {
    let mut statement =
        sql.prepare_cached("SELECT id, thread FROM mid WHERE hash = ?1 AND text = ?2")?;
    let found = statement.query_row((hash(mid), mid.as_str()), |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    Ok(found.optional()?)
}

pub(super) fn text(sql: &Connection, key: MidKey) -> Result<Option<MessageId>> {
    let mut statement = sql.prepare_cached("SELECT text FROM mid WHERE id = ?1")?;
    let text: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
    Ok(text.as_deref().and_then(MessageId::parse))
}
