//! Which mail an inbox has under a Message-ID: what one asks before one stores another.

use rusqlite::OptionalExtension;

use super::mids;
use super::pool::Reader;
use crate::error::Result;
use crate::id::{InboxId, MessageId, Oid};
use crate::mail::Fingerprint;

/// A mail of an inbox that has a certain Message-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its bytes.
    pub blob: Oid,
    /// Its content.
    pub content: Fingerprint,
    /// Whether that id holds its number; otherwise another one of its ids does.
    pub by_it: bool,
}

impl Reader {
    /// The mails of an inbox that have this Message-ID.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn held(&self, inbox: InboxId, mid: &MessageId) -> Result<Vec<Held>> {
        let sql = self.sql()?;
        let Some((key, _)) = mids::find(sql, mid)? else {
            return Ok(Vec::new());
        };
        let mut statement = sql.prepare_cached(
            "SELECT p.blob, m.fingerprint, p.mid = ?1 FROM carries c
               CROSS JOIN place p ON p.message = c.message
               CROSS JOIN message m ON m.id = c.message
              WHERE c.mid = ?1 AND p.inbox = ?2",
        )?;
        let rows = statement.query_map((key, inbox), |row| {
            Ok(Held {
                blob: row.get(0)?,
                content: Fingerprint(row.get(1)?),
                by_it: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The inbox whose repositories lie in `dir`, if it was ever indexed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn inbox_in(&self, dir: &std::path::Path) -> Result<Option<InboxId>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT id FROM inbox WHERE dir = ?1")?;
        let key = super::inboxes::dir_key(dir);
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }
}
