//! The directory of a mirror: what is in it, who may write there, and which manifest was followed last.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use super::address::Address;
use super::manifest::{MAX_PACKED, Manifest};
use crate::error::{Error, Result};
use crate::store::{Layout, Upstream};

/// What a mirror in this directory is one of, if one is there.
pub(super) fn upstream_of(dir: &Path) -> Option<Upstream> {
    Upstream::find(dir).or_else(|| Layout::find(dir).ok()?.upstream())
}

/// Refuses a directory that has something else in it.
pub(super) fn check_place(dir: &Path, url: &Address) -> Result<()> {
    let refused = |why: String| Err(Error::invalid(dir.display().to_string(), why));
    if let Some(upstream) = upstream_of(dir) {
        return match upstream.url == url.as_str() {
            true => Ok(()),
            false => refused(format!("a mirror of {} is in it", upstream.url)),
        };
    }
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => refused("there is something in it that is no mirror".to_owned()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io(dir, e)),
    }
}

/// A lock that is given back when this is dropped. To close the file is not enough: a git that another thread is just
/// about to start holds it for a moment longer.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!("mirror.lock: {error}");
        }
    }
}

/// Only one at a time fetches an inbox; `None` where somebody does. Others may read it, and write to it, meanwhile.
pub(super) fn lock(dir: &Path) -> Result<Option<Lock>> {
    let path = dir.join("mirror.lock");
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.map_err(|e| Error::io(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(Error::io(&path, e)),
    }
}

/// The manifest that was last followed. One that cannot be read is as good as none.
pub(super) fn saved_manifest(dir: &Path) -> Option<Manifest> {
    let mut packed = Vec::new();
    let file = File::open(dir.join("manifest.js.gz")).ok()?;
    file.take(MAX_PACKED).read_to_end(&mut packed).ok()?;
    Manifest::read("that was saved", &packed).ok()
}

/// Its date is that of upstream's: those who ask for another one go by it.
pub(super) fn save_manifest(dir: &Path, packed: &[u8], modified: Option<SystemTime>) -> Result<()> {
    let (path, new) = (dir.join("manifest.js.gz"), dir.join("manifest.js.gz.new"));
    fs::write(&new, packed).map_err(|e| Error::io(&new, e))?;
    if let Some(modified) = modified
        && let Err(error) = File::options()
            .write(true)
            .open(&new)
            .and_then(|file| file.set_modified(modified))
    {
        tracing::debug!("{}: {error}", new.display());
    }
    fs::rename(&new, &path).map_err(|e| Error::io(&path, e))
}
