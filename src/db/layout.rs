//! Whether a file is the catalogue of this program, and how it becomes that.
//!
//! Which migrations were applied is in `user_version`, and what they said in `application_id`: so a file whose tables were
//! made by another text under the same number is noticed, too.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use sha1::{Digest, Sha1};

use crate::error::{Error, Result};

/// Applied in order; the position is the `user_version`.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001_first.sql")];

/// How a file stands to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is as it should be, by now.
    Ready,
    /// Another version of the program made its tables.
    Strange,
}

/// Waits until nobody else writes the indexes in `dir`; they are locked as long as the file lives.
///
/// # Errors
/// [`Error::Io`] where the lock cannot be made.
pub fn lock(dir: &Path) -> Result<File> {
    let (path, file) = lock_file(dir)?;
    file.lock().map_err(|e| Error::io(path, e))?;
    Ok(file)
}

/// The file that whoever writes the indexes in `dir` locks.
///
/// # Errors
/// [`Error::Io`] where it cannot be made.
pub fn lock_file(dir: &Path) -> Result<(PathBuf, File)> {
    std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
    let path = dir.join("index.lock");
    let open = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = open.map_err(|e| Error::io(&path, e))?;
    Ok((path, file))
}

/// Deletes the catalogue in `dir`. Only for who holds the lock.
///
/// # Errors
/// [`Error::Io`] where that is not possible.
pub fn discard(dir: &Path) -> Result<()> {
    // The logs last: they must never be taken for those of another file.
    for name in ["", "-wal", "-shm"] {
        let file = dir.join(format!("{FILE}{name}"));
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(Error::io(file, e)),
            _ => {}
        }
    }
    Ok(())
}

/// The name of the file.
pub(super) const FILE: &str = "catalogue.sqlite3";

/// Makes the tables where there are none, and those of later migrations.
pub(super) fn set_up(connection: &mut Connection) -> Result<State> {
    // Mostly there is nothing to do, and nobody who writes needs to be waited for.
    if let Some(state) = state(connection)? {
        return Ok(state);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(state) = state(&transaction)? {
        return Ok(state);
    }
    let version: usize = transaction.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    for migration in MIGRATIONS.iter().skip(version) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    transaction.pragma_update(None, "application_id", fingerprint(MIGRATIONS))?;
    transaction.commit()?;
    Ok(State::Ready)
}

/// What a file is; `None` where there is something to be done to it.
fn state(connection: &Connection) -> Result<Option<State>> {
    let version: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    let print: i32 = connection.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let Some(applied) = usize::try_from(version)
        .ok()
        .and_then(|n| MIGRATIONS.get(..n))
    else {
        return Ok(Some(State::Strange));
    };
    Ok(match applied.len() {
        0 if tables == 0 => None,
        0 => Some(State::Strange),
        _ if print != fingerprint(applied) => Some(State::Strange),
        all if all == MIGRATIONS.len() => Some(State::Ready),
        _ => None,
    })
}

/// What these migrations say, in 32 bits.
fn fingerprint(migrations: &[&str]) -> i32 {
    let digest = Sha1::digest(migrations.concat());
    i32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}
