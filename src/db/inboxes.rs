//! Inboxes, and how far each of their epochs has been read.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::pool::{Db, Reader};
use crate::error::Result;
use crate::id::{EpochNum, InboxId, Oid};
use crate::time::Timestamp;

/// What the catalogue knows of an inbox as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Its row.
    pub id: InboxId,
    /// When it was first indexed.
    pub created: Timestamp,
    /// Grows with every change that a page could show.
    pub state: u64,
    /// The highest article number ever given.
    pub last_num: i64,
    /// The lowest number below zero ever given.
    pub last_own: i64,
}

impl Db {
    /// The inbox whose repositories lie in `dir`, made where it is new.
    ///
    /// # Errors
    /// The catalogue cannot be read or written.
    pub fn inbox(&self, dir: &Path) -> Result<InboxId> {
        if let Some(row) = find(self.reader()?.sql()?, dir)? {
            return Ok(row.id);
        }
        let mut writer = self.writer()?;
        writer.begin()?;
        let inbox = writer.inbox(dir)?;
        writer.commit()?;
        Ok(inbox)
    }
}

impl Reader {
    /// Which catalogue this is, and what the full-text index was told when the last batch was committed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn words_token(&self) -> Result<(String, Option<String>)> {
        let row = self
            .sql()?
            .query_row("SELECT id, words FROM site", (), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(row)
    }

    /// Every inbox with its state: what a server compares to see whether another process has indexed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn states(&self) -> Result<Vec<(InboxId, u64)>> {
        let mut statement = self.sql()?.prepare_cached("SELECT id, state FROM inbox")?;
        let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The inbox whose repositories lie in `dir`; `None` where it is not known yet.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn inbox_at(&self, dir: &Path) -> Result<Option<InboxId>> {
        Ok(find(self.sql()?, dir)?.map(|row| row.id))
    }

    /// Which tombstones of an inbox were followed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn graves(&self, inbox: InboxId) -> Result<Option<String>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT graves FROM inbox WHERE id = ?1")?;
        Ok(statement.query_row([inbox], |row| row.get(0))?)
    }

    /// Grows when something was purged.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn purges(&self) -> Result<u64> {
        let count = self
            .sql()?
            .query_row("SELECT purges FROM site", (), |row| row.get(0));
        Ok(count?)
    }

    /// The last commit of an epoch that was indexed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn head(&self, inbox: InboxId, epoch: EpochNum) -> Result<Option<Oid>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT head FROM epoch WHERE inbox = ?1 AND number = ?2")?;
        Ok(statement
            .query_row((inbox, epoch), |row| row.get(0))
            .optional()?)
    }
}

/// How the catalogue knows a directory: by whatever way one comes to it.
pub(super) fn dir_key(dir: &Path) -> String {
    let canonical = dir.canonicalize();
    canonical
        .as_deref()
        .unwrap_or(dir)
        .to_string_lossy()
        .into_owned()
}

pub(super) fn find(sql: &Connection, dir: &Path) -> Result<Option<InboxRow>> {
    let mut statement = sql.prepare_cached(
        "SELECT id, created, state, last_num, last_own FROM inbox WHERE dir = ?1",
    )?;
    let row = statement.query_row([dir_key(dir)], |row| {
        Ok(InboxRow {
            id: row.get(0)?,
            created: row.get(1)?,
            state: row.get(2)?,
            last_num: row.get(3)?,
            last_own: row.get(4)?,
        })
    });
    Ok(row.optional()?)
}
