//! Blobs that were taken out of history and are still to be deleted: the file `unswept` in the directory of an inbox.
//!
//! It is there from when history is written anew until its old objects are off the disk. One that stays was left by
//! somebody who was killed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::pack::{Mode, sync_dir, write_whole};
use crate::error::{Error, Result};
use crate::id::Oid;

const FILE: &str = "unswept";

/// Remembers blobs, durably. Only for who holds the inbox's lock.
pub(super) fn add(dir: &Path, blobs: &[Oid]) -> Result<()> {
    let mut all = read(dir)?;
    let before = all.len();
    all.extend(blobs);
    all.sort();
    all.dedup();
    if all.len() == before {
        return Ok(());
    }
    let text: String = all.iter().map(|blob| format!("{blob}\n")).collect();
    write_whole(dir, FILE, text.as_bytes(), Mode::Plain)?;
    sync_dir(dir)
}

/// Those that are remembered.
pub(super) fn read(dir: &Path) -> Result<Vec<Oid>> {
    let path = dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(Oid::parse).collect()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Error::io(path, e)),
    }
}

/// They are gone.
pub(super) fn clear(dir: &Path) -> Result<()> {
    let path = dir.join(FILE);
    match fs::remove_file(&path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(path, e)),
        _ => Ok(()),
    }
}
