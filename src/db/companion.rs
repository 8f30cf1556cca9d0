//! public-inbox's own tables of an inbox, where it keeps an index beside ours: the numbers that rewritten history would
//! cost it.
//!
//! Where other bytes stand in the place of a mail, `public-inbox-index` keeps the article in its overview, and in the words
//! that it finds; but it drops the number's row from `msgmap`, as that of a mail that is gone. And it uses up a number for
//! each mail behind it that was removed before. `public-inbox-edit` and `-purge` do neither, so we put both right: it is all
//! in which the two would differ.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, Result};
use crate::id::MessageId;

/// How long public-inbox's own writers are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The articles that public-inbox has under one of these ids; none where it keeps no index of this inbox.
///
/// # Errors
/// [`Error::Invalid`] where its tables cannot be read.
pub fn companion_articles(dir: &Path, ids: &[MessageId]) -> Result<Vec<i64>> {
    let Some(overview) = overview_of(dir) else {
        return Ok(Vec::new());
    };
    let failed = |e| failed(&overview, &e);
    let sql = open(&overview).map_err(failed)?;
    let mut nums = Vec::new();
    for mid in ids {
        let query = "SELECT num FROM msgid JOIN id2num USING (id) WHERE mid = ?1 AND num > 0";
        let mut statement = sql.prepare_cached(query).map_err(failed)?;
        let found = statement.query_map([mid.as_str()], |row| row.get(0));
        for num in found.map_err(failed)? {
            nums.push(num.map_err(failed)?);
        }
    }
    nums.sort_unstable();
    nums.dedup();
    Ok(nums)
}

/// The highest number that public-inbox has ever given; 0 where it keeps no index of this inbox.
///
/// # Errors
/// [`Error::Invalid`] where its tables cannot be read.
pub fn companion_highest(dir: &Path) -> Result<i64> {
    if overview_of(dir).is_none() {
        return Ok(0);
    }
    let numbers = dir.join("msgmap.sqlite3");
    let highest = || -> rusqlite::Result<i64> {
        let query = "SELECT IFNULL(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'msgmap'";
        open(&numbers)?.query_row(query, (), |row| row.get(0))
    };
    highest().map_err(|e| failed(&numbers, &e))
}

/// Gives every article that public-inbox shows and has no number of back the one that it is shown under; the next mail gets
/// the number behind `highest`, or behind the last that was given since.
///
/// # Errors
/// [`Error::Invalid`] where its tables cannot be read or written.
pub fn mend_companion(dir: &Path, highest: i64) -> Result<()> {
    let Some(overview) = overview_of(dir) else {
        return Ok(());
    };
    let numbers = dir.join("msgmap.sqlite3");
    let mend = || -> rusqlite::Result<()> {
        let mut sql = open(&numbers)?;
        let path = overview.to_string_lossy();
        sql.execute("ATTACH ?1 AS shown", [&path])?;
        let all = sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        all.execute(
            "INSERT OR IGNORE INTO main.msgmap (num, mid)
             SELECT o.num, (SELECT m.mid FROM shown.id2num i JOIN shown.msgid m USING (id)
                             WHERE i.num = o.num
                               AND NOT EXISTS (SELECT 1 FROM main.msgmap k WHERE k.mid = m.mid)
                             ORDER BY i.rowid LIMIT 1)
               FROM shown.over o
              WHERE o.num > 0 AND NOT EXISTS (SELECT 1 FROM main.msgmap k WHERE k.num = o.num)",
            (),
        )?;
        let next = "(SELECT MAX(?1, IFNULL(MAX(num), 0)) FROM main.msgmap)";
        for table in [
            "main.sqlite_sequence SET seq = {} WHERE name = 'msgmap'",
            "main.meta SET val = {} WHERE key = 'num_highwater'",
        ] {
            let update = format!("UPDATE {}", table.replace("{}", next));
            all.execute(&update, [highest])?;
        }
        all.commit()
    };
    mend().map_err(|e| failed(&numbers, &e))
}

/// Its overview, of the newest schema that is there.
fn overview_of(dir: &Path) -> Option<PathBuf> {
    let schema = |name: &str| name.strip_prefix("xap")?.parse::<u32>().ok();
    let entries = std::fs::read_dir(dir).ok()?.flatten();
    let newest = entries
        .filter_map(|entry| Some((schema(entry.file_name().to_str()?)?, entry.path())))
        .max()?;
    let file = newest.1.join("over.sqlite3");
    (file.exists() && dir.join("msgmap.sqlite3").exists()).then_some(file)
}

#[expect(clippy::disallowed_methods, reason = "it is no catalogue of ours")]
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = Connection::open_with_flags(file, flags)?;
    sql.busy_timeout(PATIENCE)?;
    Ok(sql)
}

/// Nothing of ours is damaged by what is wrong with these.
fn failed(file: &Path, error: &rusqlite::Error) -> Error {
    Error::invalid(file.display().to_string(), error.to_string())
}
