//! Opened repositories for readers in many threads.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Epoch;
use crate::error::Result;
use crate::id::Oid;

/// How many repositories are kept open while nobody reads them. Each may hold 16 MB of git's delta bases, for each of
/// its packs.
const KEPT: usize = 8;

/// Reads blobs for whoever asks, from any thread. A repository is opened once and lent to one reader at a time; two
/// readers of the same epoch get one each.
#[derive(Debug, Default)]
pub struct Blobs {
    /// Those that nobody reads now, the one that was used last at the end.
    idle: Mutex<Vec<Epoch>>,
}

impl Blobs {
    /// A pool with nothing in it.
    pub fn new() -> Blobs {
        Blobs::default()
    }

    /// The bytes of a blob in the repository at `dir`, one that was read when it was indexed; `None` where it is not
    /// there any more.
    ///
    /// # Errors
    /// As [`Epoch::open`] and [`Epoch::read`].
    pub fn read(&self, dir: &Path, blob: Oid) -> Result<Option<Vec<u8>>> {
        if let Some(epoch) = self.borrow(dir)
            && let Ok(Some(bytes)) = epoch.read_again(blob)
        {
            self.give_back(epoch);
            return Ok(Some(bytes));
        }
        // A repository may have been packed anew or replaced since it was opened: what fails is tried afresh, once.
        let epoch = Epoch::open(dir)?;
        let found = epoch.read(blob)?;
        self.give_back(epoch);
        Ok(found)
    }

    /// Closes those that nobody reads now.
    pub fn clear(&self) {
        let closed = std::mem::take(&mut *self.idle());
        drop(closed);
    }

    fn borrow(&self, dir: &Path) -> Option<Epoch> {
        let mut idle = self.idle();
        let at = idle.iter().rposition(|epoch| epoch.path() == dir)?;
        Some(idle.remove(at))
    }

    fn give_back(&self, epoch: Epoch) {
        let oldest = {
            let mut idle = self.idle();
            idle.push(epoch);
            (idle.len() > KEPT).then(|| idle.remove(0))
        };
        // Closing files takes time that others need not wait for.
        drop(oldest);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Epoch>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
