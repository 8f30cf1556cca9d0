//! Opens the catalogue, lends connections: many to read, one to write.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rusqlite::Connection;

use super::file::{Identity, Logs, connect, identity, make_anew, set_up};
use super::heal::Checked;
use super::layout::{self, State};
use super::messages::Skeleton;
use super::standing::Standing;
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

/// For how long who wants a connection waits while all are closed: longer than that takes, unless one of them is in
/// the same hands.
const PATIENCE: Duration = Duration::from_secs(1);

/// The catalogue. Cheap to clone.
#[derive(Clone)]
pub struct Db(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) path: PathBuf,
    /// Which file it is; another one has its name after somebody has deleted it.
    pub(super) file: Mutex<Option<Identity>>,
    pool: Mutex<Pool>,
    /// Told when a connection comes back while all are to be closed, and when that is over.
    returned: Condvar,
    pub(super) checked: Mutex<Checked>,
    skeletons: Skeletons,
    standing: Standing,
}

/// The connections of this process.
#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    /// How many there are, those that are lent among them.
    open: usize,
    /// The files that they have open beside the catalogue. `None` while there is no connection.
    logs: Option<Logs>,
    /// Grows when others take the place of all; what is lent from before then is closed when it comes back.
    generation: u64,
    /// While they are closed.
    closing: bool,
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
            pool: Mutex::default(),
            returned: Condvar::new(),
            checked: Mutex::default(),
            skeletons,
            standing: Standing::new(),
        })))
    }

    /// A connection to read with. All that it answers within one [`Reader::snapshot`] is of one moment.
    ///
    /// # Errors
    /// No further connection can be opened.
    pub fn reader(&self) -> Result<Reader> {
        let mut pool = self.pool();
        if let Some(connection) = pool.idle.pop() {
            let place = self.place(pool.generation);
            return Ok(Reader {
                connection: Some(connection),
                place,
            });
        }
        let (connection, place) = self.open_another(pool)?;
        Ok(Reader {
            connection: Some(connection),
            place,
        })
    }

    /// The connection to write with. Where another process writes, its turn is waited for.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn writer(&self) -> Result<Writer> {
        let (connection, place) = self.open_another(self.pool())?;
        Ok(Writer::new(connection, place))
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        let pool = self.locked();
        if !pool.closing {
            return pool;
        }
        let waited = self
            .0
            .returned
            .wait_timeout_while(pool, PATIENCE, |pool| pool.closing);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn locked(&self) -> MutexGuard<'_, Pool> {
        self.0.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, generation: u64) -> Place {
        Place {
            generation,
            db: self.clone(),
        }
    }

    /// One connection more. It is given none of the map of another log than its own: the connections of a process share
    /// that, whatever files have the names now.
    fn open_another(&self, mut pool: MutexGuard<'_, Pool>) -> Result<(Connection, Place)> {
        if pool.closing || pool.logs.is_some_and(|logs| logs != self.logs_now()) {
            return Err(Error::Db(
                "its log was deleted: it is opened anew in a moment".to_owned(),
            ));
        }
        pool.open += 1;
        let place = self.place(pool.generation);
        drop(pool);
        let connection = connect(&self.0.path)?;
        let logs = self.logs_now();
        let mut pool = self.locked();
        if pool.generation == place.generation {
            pool.logs.get_or_insert(logs);
        }
        Ok((connection, place))
    }

    fn logs_now(&self) -> Logs {
        Logs::of(&self.0.path)
    }

    /// Whether the log or its map, which the connections of this process have open, is gone, or there are others.
    pub(super) fn is_cut_off(&self) -> bool {
        let logs = self.locked().logs;
        logs.is_some_and(|logs| logs != self.logs_now())
    }

    /// Closes every connection, when all that are lent have come back, and goes on with others.
    ///
    /// # Errors
    /// One has not come back in time; all stay as they were.
    pub(super) fn close_all(&self, patience: Duration) -> Result<()> {
        let mut pool = self.locked();
        pool.closing = true;
        let until = Instant::now() + patience;
        while pool.open > pool.idle.len() && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let waited = self.0.returned.wait_timeout(pool, left);
            pool = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let all_here = pool.open == pool.idle.len();
        if all_here {
            if let Some(logs) = pool.logs {
                logs.rescue(&self.0.path, &pool.idle);
            }
            self.begin_generation(&mut pool);
        }
        pool.closing = false;
        drop(pool);
        self.0.returned.notify_all();
        match all_here {
            true => Ok(()),
            false => Err(Error::Db(
                "its log was deleted, and it is still being read".to_owned(),
            )),
        }
    }

    /// Goes on with other connections than those that there are.
    pub(super) fn leave_all(&self) {
        self.begin_generation(&mut self.locked());
    }

    fn begin_generation(&self, pool: &mut Pool) {
        *pool = Pool {
            generation: pool.generation + 1,
            closing: pool.closing,
            ..Pool::default()
        };
        self.forget_messages();
    }

    /// Forgets what is kept in memory of messages.
    pub fn forget_messages(&self) {
        self.0.skeletons.clear();
        self.0.standing.clear();
    }

    pub(super) fn skeletons(&self) -> &Skeletons {
        &self.0.skeletons
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.0.standing
    }
}

/// The place of a connection among those of its process.
pub(super) struct Place {
    generation: u64,
    pub(super) db: Db,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut pool = self.db.locked();
        if pool.generation == self.generation {
            pool.open -= 1;
            if pool.open == 0 {
                pool.logs = None;
            }
            if pool.closing {
                self.db.0.returned.notify_all();
            }
        }
    }
}

/// A lent connection; it goes back when dropped.
pub struct Reader {
    connection: Option<Connection>,
    place: Place,
}

impl Reader {
    pub(super) fn sql(&self) -> Result<&Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Error::Db("a connection was used after its end".into()))
    }

    pub(super) fn db(&self) -> &Db {
        &self.place.db
    }

    pub(super) fn generation(&self) -> u64 {
        self.place.generation
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
        let mut pool = self.place.db.locked();
        // One that still is in a transaction would show its moment for ever.
        if let Some(connection) = self.connection.take_if(|connection| {
            connection.is_autocommit()
                && pool.generation == self.place.generation
                && pool.idle.len() < IDLE
        }) {
            pool.idle.push(connection);
            // It keeps its place, which `Place` is about to give back.
            pool.open += 1;
        }
        drop(pool);
        // Closed before its place is free: who closes all waits for that.
        self.connection = None;
    }
}
