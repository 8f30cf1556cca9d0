//! The file of the catalogue, and the two beside it that `SQLite` keeps while it is open: the log of changes (`-wal`), and
//! the map of that log (`-shm`), which all connections of a process have in common.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::layout::{self, State};
use crate::error::{Error, Result};

/// What tells a file from another one of its name.
pub(super) type Identity = (u64, u64);

pub(super) fn identity(path: &Path) -> Option<Identity> {
    let about = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    return {
        use std::os::unix::fs::MetadataExt;
        Some((about.dev(), about.ino()))
    };
    #[cfg(not(unix))]
    about.created().ok().map(|_| (0, 0))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Which files the log and its map are. They stay the same for as long as a connection is open, whoever opens others,
/// unless somebody deletes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Logs {
    log: Option<Identity>,
    map: Option<Identity>,
}

impl Logs {
    /// Those of the catalogue at `path`.
    pub(super) fn of(path: &Path) -> Logs {
        Logs {
            log: identity(&beside(path, "-wal")),
            map: identity(&beside(path, "-shm")),
        }
    }

    /// Saves what is only in a log that was deleted: a connection that still has it open takes it over into the
    /// catalogue. Not where somebody has begun another log since, and perhaps changed the catalogue by it: what was in ours is
    /// lost then, and git has it.
    ///
    /// None of these connections, which are all that this process has, touches files when it is closed.
    pub(super) fn rescue(self, path: &Path, connections: &[Connection]) {
        let now = Logs::of(path);
        let deleted = now.log != self.log;
        let untouched = std::fs::metadata(beside(path, "-wal")).map_or(true, |log| log.len() == 0)
            && (now.map.is_none() || now.map == self.map);
        if let Some(connection) = connections.first()
            && deleted
            && untouched
        {
            let saved = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
            if let Err(error) = saved {
                tracing::warn!("what was in the deleted log of the catalogue is lost: {error}");
            }
        }
        for connection in connections {
            // Otherwise the last would delete the log of that name, whosever it is.
            let set = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            if let Err(error) = set {
                tracing::warn!("a connection to the catalogue: {error}");
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that opens connections"
)]
pub(super) fn connect(path: &Path) -> Result<Connection> {
    if !path.exists() {
        // The log of a file that was deleted must not be taken for that of a new one.
        for log in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(path, log));
        }
    }
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|e| Error::Db(format!("{}: {e}", path.display())))?;
    connection.busy_timeout(Duration::from_secs(60))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Without it a statement with bounds in it is planned anew for each pair of them, which costs more than to run it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA foreign_keys = OFF;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -4000;
         PRAGMA mmap_size = 268435456;",
    )?;
    Ok(connection)
}

/// Opens the file and makes it a catalogue of this program, if it is none of another one.
pub(super) fn set_up(path: &Path) -> Result<State> {
    layout::set_up(&mut connect(path)?)
}

/// Begins an empty catalogue in the place of one that cannot be used: all mail is in git.
pub(super) fn make_anew(dir: &Path, path: &Path, why: &str) -> Result<()> {
    let lock = layout::lock(dir)?;
    // While we waited, somebody else may have done it.
    if !matches!(set_up(path), Ok(State::Ready)) {
        tracing::error!("{}: {why}: it is made anew from git", path.display());
        layout::discard(dir)?;
        set_up(path)?;
    }
    drop(lock);
    Ok(())
}
