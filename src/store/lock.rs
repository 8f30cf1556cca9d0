//! The lock of an inbox: who has it may write. public-inbox's own writers wait for the same one.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::layout::Version;
use crate::error::{Error, Result};

/// The lock of an inbox, held as long as this lives: by an exclusive `flock` on `inbox.lock`, or on `ssoma.lock` of
/// version 1.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
    changed: bool,
}

impl Lock {
    /// Waits until nobody else writes to the inbox at `dir`.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be locked, as where one may only read.
    pub fn wait(dir: &Path, version: Version) -> Result<Lock> {
        let path = dir.join(match version {
            Version::V1 => "ssoma.lock",
            Version::V2 => "inbox.lock",
        });
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|e| Error::io(&path, e))?;
        file.lock().map_err(|e| Error::io(&path, e))?;
        Ok(Lock {
            path,
            file,
            changed: false,
        })
    }

    /// What a program that we run gets for its standard input, so that it holds the lock too: it may live longer than we
    /// do, and nobody may write to the inbox until it has ended.
    ///
    /// # Errors
    /// [`Error::Io`] where no further file can be opened.
    pub(super) fn shared(&self) -> Result<Stdio> {
        let file = self.file.try_clone();
        Ok(file.map_err(|e| Error::io(&self.path, e))?.into())
    }

    /// Something has changed: the file grows by one byte when it is given up, for the daemons that watch it.
    pub fn changed(&mut self) {
        self.changed = true;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.changed
            && let Err(error) = self.file.write_all(b".")
        {
            // The mail is stored; only those who watch this file will see it later.
            let path = self.path.display();
            tracing::warn!("{path} could not be touched: {error}");
        }
    }
}
