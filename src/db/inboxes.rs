//! Inboxes, and how far each of their epochs has been read.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row};

use super::pool::{Db, Reader};
use crate::error::Result;
use crate::id::{EpochNum, InboxId, MidKey, Oid};
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
    /// How many articles it has.
    pub articles: u64,
    /// The date of its last change: grows with every article that comes or goes, by the history of the inbox alone,
    /// so that all catalogues of the same history agree about it. It is when the newest mail came, and for each that
    /// comes later but is older, or that goes, a second more.
    pub changed: Timestamp,
}

impl InboxRow {
    /// Notes that a mail came at that time, or that one went.
    pub(super) fn change(&mut self, came: Option<Timestamp>) {
        let next = Timestamp(self.changed.0.saturating_add(1));
        self.changed = came.map_or(next, |came| came.max(next));
    }
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

    /// Notes whether all words of an inbox's mail should be indexed, or only its ids: who indexes it next sees to it.
    ///
    /// # Errors
    /// The catalogue cannot be read or written.
    pub fn want_words(&self, inbox: InboxId, wanted: bool) -> Result<()> {
        if self.reader()?.words(inbox)?.1 == wanted {
            return Ok(());
        }
        let mut writer = self.writer()?;
        writer.begin()?;
        writer.set_wanted(inbox, wanted)?;
        writer.commit()
    }
}

impl Reader {
    /// Which catalogue this is, and what the full-text index was told when the last batch was committed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn words_token(&self) -> Result<(String, Option<String>)> {
        let mut statement = self.sql()?.prepare_cached("SELECT id, words FROM site")?;
        Ok(statement.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Every inbox: what a server compares to see whether another process has indexed.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn inboxes(&self) -> Result<Vec<InboxRow>> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT id, created, state, last_num, last_own, articles, changed FROM inbox",
        )?;
        let rows = statement.query_map((), row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The last commit of each epoch of an inbox that was indexed, lowest epoch first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn heads(&self, inbox: InboxId) -> Result<Vec<(EpochNum, Oid)>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT number, head FROM epoch WHERE inbox = ?1 ORDER BY number")?;
        let rows = statement.query_map([inbox], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The inbox whose repositories lie in `dir`; `None` where it is not known yet.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn inbox_at(&self, dir: &Path) -> Result<Option<InboxId>> {
        Ok(find(self.sql()?, dir)?.map(|row| row.id))
    }

    /// Whether all words of an inbox's mail are indexed, and whether they should be.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn words(&self, inbox: InboxId) -> Result<(bool, bool)> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT words, wanted FROM inbox WHERE id = ?1")?;
        Ok(statement.query_row([inbox], |row| Ok((row.get(0)?, row.get(1)?)))?)
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
        "SELECT id, created, state, last_num, last_own, articles, changed FROM inbox WHERE dir = ?1",
    )?;
    Ok(statement.query_row([dir_key(dir)], row).optional()?)
}

pub(super) fn read(sql: &Connection, inbox: InboxId) -> Result<InboxRow> {
    let mut statement = sql.prepare_cached(
        "SELECT id, created, state, last_num, last_own, articles, changed FROM inbox WHERE id = ?1",
    )?;
    Ok(statement.query_row([inbox], row)?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<InboxRow> {
    Ok(InboxRow {
        id: row.get(0)?,
        created: row.get(1)?,
        state: row.get(2)?,
        last_num: row.get(3)?,
        last_own: row.get(4)?,
        articles: row.get(5)?,
        changed: row.get(6)?,
    })
}

/// The inboxes that have a mail of this Message-ID.
pub(super) fn holders(sql: &Connection, mid: MidKey) -> Result<Vec<InboxId>> {
    let mut statement = sql.prepare_cached(
        "SELECT DISTINCT p.inbox FROM carries c CROSS JOIN place p ON p.message = c.message WHERE c.mid = ?1",
    )?;
    let rows = statement.query_map([mid], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
