//! What an inbox says of mail that was removed from it.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::Inbox;
use crate::error::{Error, Result};
use crate::id::MessageId;
use crate::store::{Tombstone, Tombstones};
use crate::time::Timestamp;

/// Length and date of the file that was read.
type Stamp = Option<(u64, Option<SystemTime>)>;

/// The tombstones of an inbox, read again whenever their file has changed.
#[derive(Default)]
pub(super) struct Graves(RwLock<(Stamp, Arc<Tombstones>)>);

impl Graves {
    pub(super) fn refresh(&self, dir: &Path) {
        let about = std::fs::metadata(Tombstones::path(dir)).ok();
        let stamp = about.map(|about| (about.len(), about.modified().ok()));
        if self.0.read().unwrap_or_else(PoisonError::into_inner).0 == stamp {
            return;
        }
        match Tombstones::read(dir) {
            Ok(stones) => {
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = (stamp, Arc::new(stones))
            }
            Err(error) => tracing::error!("{error}"),
        }
    }

    fn stones(&self) -> Arc<Tombstones> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).1)
    }
}

impl Inbox {
    /// What is said of a mail of this id that was removed; the latest, where there were several. Together, the
    /// inboxes say what one of them does.
    pub fn tombstone(&self, mid: &MessageId) -> Option<Tombstone> {
        match self.is_together() {
            false => self.graves().stones().of(mid).cloned(),
            true => {
                let of_members = self
                    .members()
                    .iter()
                    .filter_map(|inbox| inbox.tombstone(mid));
                of_members.max_by_key(|stone| stone.when)
            }
        }
    }

    /// The file of its tombstones, for those who follow: its length, its date, and the file. `None` where nothing was
    /// ever removed.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn tombstones(&self) -> Result<Option<(File, u64, Timestamp)>> {
        let path = Tombstones::path(&self.layout().dir);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(path, e)),
        };
        let about = file.metadata().map_err(|e| Error::io(&path, e))?;
        let modified = about.modified().map_or(Timestamp(0), super::git::date);
        Ok(Some((file, about.len(), modified)))
    }
}
