//! Opens the catalogue, lends connections: many to read, one to write.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::layout::{self, State};
use super::messages::Skeleton;
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::id::{MessageKey, MidKey};

/// How much of the memory the skeletons of messages may take, in bytes: those of some 50,000 usual messages. One that
/// refers to thousands of others takes the room of fifty.
const SKELETONS: u64 = 24 << 20;

/// What a usual one takes.
const USUAL: u64 = 480;

/// Skeletons of messages by the rows of those.
pub(super) type Skeletons = Cache<MessageKey, Arc<Skeleton>, Weigh>;

#[derive(Clone)]
pub(super) struct Weigh;

impl Weighter<MessageKey, Arc<Skeleton>> for Weigh {
    fn weight(&self, _: &MessageKey, skeleton: &Arc<Skeleton>) -> u64 {
        let text = skeleton.mid.as_str().len() + skeleton.subject.len() + skeleton.author.len();
        let rows = skeleton.other_keys.len() + skeleton.references.len();
        // Itself, its allocations and its node are some three hundred bytes.
        300 + (text + rows * size_of::<MidKey>()) as u64
    }
}

/// How many idle connections are kept.
const IDLE: usize = 8;

/// The catalogue. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Which file it is; another one has its name after somebody has deleted it.
    file: Mutex<Option<Identity>>,
    /// Grows when there is another file.
    generation: AtomicU64,
    idle: Mutex<Vec<Connection>>,
    skeletons: Skeletons,
}

impl Db {
    /// Opens the catalogue in `dir`, making it where there is none. One that cannot be read at all, or was made by another
    /// version of the program, is made anew: empty, so that all mail has to be indexed again.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(dir: &Path) -> Result<Db> {
        std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        let path = dir.join(layout::FILE);
        match set_up(&path) {
            Ok(State::Ready) => {}
            Ok(State::Strange) => make_anew(dir, &path, "another version of the program made it")?,
            Err(Error::Index(_)) => make_anew(dir, &path, "it cannot be read")?,
            Err(error) => return Err(error),
        }
        let file = Mutex::new(identity(&path));
        let skeletons = Cache::with_weighter((SKELETONS / USUAL) as usize, SKELETONS, Weigh);
        Ok(Db(Arc::new(Inner {
            path,
            file,
            generation: AtomicU64::new(0),
            idle: Mutex::new(Vec::new()),
            skeletons,
        })))
    }

    /// A connection to read with. All that it answers within one [`Reader::snapshot`] is of one moment.
    ///
    /// # Errors
    /// No further connection can be opened.
    pub fn reader(&self) -> Result<Reader> {
        let generation = self.0.generation.load(Ordering::Acquire);
        let idle = self
            .0
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.0.path)?,
        };
        Ok(Reader {
            connection: Some(connection),
            generation,
            db: self.clone(),
        })
    }

    /// The connection to write with. Where another process writes, its turn is waited for.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn writer(&self) -> Result<Writer> {
        Ok(Writer::new(connect(&self.0.path)?))
    }

    /// Begins an empty catalogue where the file of this one was deleted, or goes over to the one that has its name now;
    /// whether that was so. Inboxes have other rows then.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn heal(&self) -> Result<bool> {
        let mut known = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        let now = identity(&self.0.path);
        if now.is_some() && now == *known {
            return Ok(false);
        }
        let dir = self.0.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        match set_up(&self.0.path) {
            Ok(State::Ready) => {}
            Ok(State::Strange) => {
                let why =
                    "another version of the program has begun another one in its place".to_owned();
                return Err(Error::Db(why));
            }
            Err(Error::Index(_)) => make_anew(dir, &self.0.path, "it cannot be read")?,
            Err(error) => return Err(error),
        }
        *known = identity(&self.0.path);
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        let old = std::mem::take(&mut *self.0.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(old);
        self.forget_skeletons();
        Ok(true)
    }

    /// Forgets what is kept in memory of messages.
    pub fn forget_skeletons(&self) {
        self.0.skeletons.clear();
    }

    pub(super) fn skeletons(&self) -> &Skeletons {
        &self.0.skeletons
    }
}

/// A lent connection; it goes back when dropped.
pub struct Reader {
    connection: Option<Connection>,
    generation: u64,
    db: Db,
}

impl Reader {
    pub(super) fn sql(&self) -> Result<&Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Error::Db("a connection was used after its end".into()))
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// Runs several questions against one state of the catalogue: that of the snapshot within which this is, if there is one.
    ///
    /// # Errors
    /// Those of `questions`.
    pub fn snapshot<T>(&self, questions: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        let _moment = Moment::begin(self.sql()?)?;
        questions(self)
    }
}

/// A transaction that only reads. Its statements are kept prepared, which [`rusqlite::Transaction`] does not do, and
/// most questions take no longer than preparing these two would.
struct Moment<'a>(Option<&'a Connection>);

impl<'a> Moment<'a> {
    fn begin(sql: &'a Connection) -> Result<Moment<'a>> {
        if !sql.is_autocommit() {
            return Ok(Moment(None));
        }
        sql.prepare_cached("BEGIN")?.execute(())?;
        Ok(Moment(Some(sql)))
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        let Some(sql) = self.0 else {
            return;
        };
        let ended = sql.prepare_cached("COMMIT");
        if let Err(error) = ended.and_then(|mut end| end.execute(())) {
            tracing::error!(%error, "a reading transaction does not end: {error}");
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut idle = self
            .db
            .0
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let same = self.generation == self.db.0.generation.load(Ordering::Acquire);
        // One that still is in a transaction would show its moment for ever.
        if let Some(connection) = self.connection.take()
            && connection.is_autocommit()
            && same
            && idle.len() < IDLE
        {
            idle.push(connection);
        }
    }
}

/// What tells a file from another one of its name.
type Identity = (u64, u64);

fn identity(path: &Path) -> Option<Identity> {
    let about = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    return {
        use std::os::unix::fs::MetadataExt;
        Some((about.dev(), about.ino()))
    };
    #[cfg(not(unix))]
    about.created().ok().map(|_| (0, 0))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that opens connections"
)]
fn connect(path: &Path) -> Result<Connection> {
    if !path.exists() {
        // The log of a file that was deleted must not be taken for that of a new one.
        for log in ["-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(log);
            let _ = std::fs::remove_file(name);
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
fn set_up(path: &Path) -> Result<State> {
    layout::set_up(&mut connect(path)?)
}

/// Begins an empty catalogue in the place of one that cannot be used: all mail is in git.
fn make_anew(dir: &Path, path: &Path, why: &str) -> Result<()> {
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
