//! Mail that comes one by one is written as files of its own, three for each mail. Before they are too many they become a
//! pack, as `git gc --auto` would have it; nobody has to think of that.

use std::fs;
use std::path::Path;

use super::git::git;
use super::lock::Lock;
use crate::error::Result;

/// How many loose objects are too many: some two thousand mails. git's own limit (`gc.auto`) is this.
pub(super) const TOO_MANY: usize = 6_700;

/// Packs the loose objects of a repository where there are `too_many`; whether there were. Packs are joined so that each
/// is twice as large as the next smaller one: so there are never many, and no mail is packed often.
///
/// # Errors
/// [`crate::error::Error::Store`] where git fails; nothing is lost then.
pub(super) fn tidy(lock: &Lock, repository: &Path, too_many: usize) -> Result<bool> {
    // Names are evenly spread over 256 directories, so one of them tells of all.
    let one = fs::read_dir(repository.join("objects/17"));
    let few = one
        .into_iter()
        .flatten()
        .take(too_many.div_ceil(256))
        .count();
    if few < too_many.div_ceil(256) {
        return Ok(false);
    }
    // Bitmaps, for which epochs are set up, are only for packs of everything.
    let repack = ["repack", "-d", "-l", "-q", "--no-write-bitmap-index"];
    git(
        lock,
        repository,
        &[&repack[..], &["--geometric=2"]].concat(),
    )
    .or_else(|_| {
        // git before 2.32 knows only of one more pack each time.
        git(lock, repository, &repack)
    })?;
    Ok(true)
}
