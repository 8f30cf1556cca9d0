//! What is known of a message wherever it stands: its subject, its authors, what it answers.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use super::pool::Reader;
use super::values::unpack_keys;
use crate::error::{Error, Result};
use crate::id::{MessageId, MessageKey, MidKey};

/// What is known of a message wherever it stands. Nothing of it ever changes, so it is kept in memory for as long as
/// there is room.
#[derive(Debug, PartialEq, Eq)]
pub struct Skeleton {
    /// The Message-ID that its pages stand under: the first of its own.
    pub mid: MessageId,
    /// The row of that Message-ID.
    pub key: MidKey,
    /// The rows of its further Message-IDs.
    pub other_keys: Vec<MidKey>,
    /// What it answers, the parent last.
    pub references: Vec<MidKey>,
    /// Its subject in one line.
    pub subject: String,
    /// The names of its authors.
    pub author: String,
    /// Equal for subjects that differ only in `Re:` and the like; `None` where there is no subject.
    pub subject_key: Option<i64>,
    /// Its size in bytes, with CRLF line ends.
    pub bytes: u64,
    /// The lines of its body.
    pub lines: u64,
}

impl Reader {
    pub(super) fn skeleton(&self, message: MessageKey) -> Result<Arc<Skeleton>> {
        let kept = self.db().skeletons();
        if let Some(skeleton) = kept.get(&message) {
            return Ok(skeleton);
        }
        let found = read(self.sql()?, message)?;
        let skeleton = Arc::new(
            found.ok_or_else(|| Error::corrupt(format!("message {} has no row", message.0)))?,
        );
        kept.insert(message, Arc::clone(&skeleton));
        Ok(skeleton)
    }
}

fn read(sql: &Connection, message: MessageKey) -> Result<Option<Skeleton>> {
    let mut statement = sql.prepare_cached(
        "SELECT m.mid, t.text, m.ids, m.refs, m.subject, m.author, m.subject_key, m.bytes, m.lines
           FROM message m JOIN mid t ON t.id = m.mid WHERE m.id = ?1",
    )?;
    Ok(statement.query_row([message], skeleton).optional()?)
}

fn skeleton(row: &Row<'_>) -> rusqlite::Result<Skeleton> {
    let text = row.get_ref(1)?.as_str()?;
    let mid = MessageId::parse(text).ok_or(rusqlite::Error::InvalidQuery)?;
    Ok(Skeleton {
        key: row.get(0)?,
        mid,
        other_keys: unpack_keys(row.get_ref(2)?.as_blob()?),
        references: unpack_keys(row.get_ref(3)?.as_blob()?),
        subject: row.get(4)?,
        author: row.get(5)?,
        subject_key: row.get(6)?,
        bytes: row.get(7)?,
        lines: row.get(8)?,
    })
}
