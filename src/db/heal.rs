//! A running server goes on when somebody deletes, replaces or damages the files of the catalogue under it.

use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::file::{identity, make_anew, set_up};
use super::layout::{self, State};
use super::pool::Db;
use crate::error::{Error, Result};

/// For how long connections that are lent are waited for, when all are to be closed.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a catalogue that was looked through and found sound is not suspected again. To look through is to read all
/// of it.
const TRUST: Duration = Duration::from_mins(10);

/// How often a file of a catalogue could not be read, or not be understood, in this process.
static SUSPICIONS: AtomicU64 = AtomicU64::new(0);

/// Says that a file of a catalogue could not be read, or not be understood.
pub(super) fn suspect() {
    SUSPICIONS.fetch_add(1, Ordering::Relaxed);
}

/// What was last looked through, and when.
#[derive(Default)]
pub(super) struct Checked {
    suspicions: u64,
    until: Option<Instant>,
}

impl Db {
    /// Begins an empty catalogue where the file of this one was deleted or is damaged, or goes over to the one that has its
    /// name now; opens it anew where its log was deleted. Whether any of that was so: inboxes may have other rows then,
    /// and the last mail may not be there.
    ///
    /// # Errors
    /// As [`Db::open`]; and where it is still being read or written in the old way, so that it has to be tried again.
    pub fn heal(&self) -> Result<bool> {
        let mut known = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        let now = identity(&self.0.path);
        let healed = match now.is_some() && now == *known {
            true => self.heal_in_place()?,
            false => {
                self.go_over()?;
                true
            }
        };
        *known = identity(&self.0.path);
        Ok(healed)
    }

    /// Goes on with the file that has the name now, or with a new one.
    fn go_over(&self) -> Result<()> {
        let dir = self.dir();
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
        self.leave_all();
        Ok(())
    }

    /// Looks after a catalogue whose file is still the same.
    fn heal_in_place(&self) -> Result<bool> {
        let cut_off = self.is_cut_off();
        let suspicions = SUSPICIONS.load(Ordering::Relaxed);
        let mut checked = (self.0.checked.lock()).unwrap_or_else(PoisonError::into_inner);
        let suspected = checked.suspicions != suspicions
            && checked.until.is_none_or(|until| until < Instant::now());
        if !cut_off && !suspected {
            return Ok(false);
        }
        let dir = self.dir();
        let (path, lock) = layout::lock_file(dir)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let why = "its files were deleted or damaged while somebody else writes it";
                return Err(Error::Db(why.to_owned()));
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(Error::io(path, e)),
        }
        if cut_off {
            tracing::warn!("the log of the catalogue was deleted: it is opened anew");
        }
        self.close_all(PATIENCE)?;
        drop(lock);
        if suspected {
            self.examine()?;
            // Also what was suspected of this very look.
            checked.suspicions = SUSPICIONS.load(Ordering::Relaxed);
            checked.until = Some(Instant::now() + TRUST);
        }
        Ok(true)
    }

    /// Looks through all of the catalogue, and makes it anew where it is damaged.
    ///
    /// # Errors
    /// It cannot be used, and no other one be made.
    pub fn examine(&self) -> Result<()> {
        match self.check() {
            Err(Error::Index(_)) => {}
            sound => return sound,
        }
        let dir = self.dir();
        let _lock = layout::lock(dir)?;
        // While we waited, somebody else may have begun another.
        self.leave_all();
        match self.check() {
            Err(Error::Index(why)) => {
                let file = self.0.path.display();
                tracing::error!("{file}: {why}: it is made anew from git");
            }
            sound => return sound,
        }
        layout::discard(dir)?;
        set_up(&self.0.path)?;
        self.leave_all();
        Ok(())
    }

    /// Whether the file is what it should be, all of it: an [`Error::Index`] where not.
    fn check(&self) -> Result<()> {
        let reader = self.reader()?;
        let said: String = reader
            .sql()?
            .query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
        match said.as_str() {
            "ok" => Ok(()),
            wrong => Err(Error::Index(wrong.replace('\n', " "))),
        }
    }

    fn dir(&self) -> &Path {
        self.0.path.parent().unwrap_or(Path::new("."))
    }
}
