//! Moves the branch of a repository: the moment at which mail is stored.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::Duration;

use super::epoch::Epoch;
use super::pack::sync_dir;
use crate::error::{Error, Result};
use crate::id::Oid;

/// How often we look whether another program has let go of a branch, and how long between two looks.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// How old a lock is that nobody holds any more: git holds it for moments, and to expire long reflogs for minutes.
const FORSAKEN: Duration = Duration::from_secs(3600);

/// Moves the branch of an epoch to a commit, if it is still where we think it is. On return it is on the disk.
///
/// Done by hand, since libgit2 does not wait for the disk. Only for those who hold the inbox's lock.
pub(super) fn advance(epoch: &Epoch, from: Option<Oid>, to: Oid) -> Result<()> {
    let current = epoch.branch()?;
    let (name, tip) = match current {
        Some((name, tip)) => (name, Some(tip)),
        None => (unborn(epoch)?, None),
    };
    if tip != from {
        let why = "its branch has moved while mail was written to it";
        return Err(Error::invalid(epoch.path().display().to_string(), why));
    }
    let plain = name == "HEAD"
        || (name.starts_with("refs/")
            && !name.split('/').any(|part| part.is_empty() || part == ".."));
    if !plain {
        let why = format!("{name:?} is no branch that mail could be written to");
        return Err(Error::invalid(epoch.path().display().to_string(), why));
    }
    write_ref(epoch.path(), &name, to)
}

/// The branch that HEAD names although it has no commit yet.
fn unborn(epoch: &Epoch) -> Result<String> {
    let head = epoch.repo.find_reference("HEAD");
    let head = head.map_err(|e| epoch.failed(&e))?;
    let target = head.symbolic_target().map_err(|e| epoch.failed(&e))?;
    Ok(target.unwrap_or("HEAD").to_owned())
}

/// Writes a ref as git does: its `.lock` is made, which keeps others away, and then renamed.
///
/// The lock file is never seen without its content. So one that has content was left by somebody who was killed: all
/// who write such refs hold the inbox's lock, and we have it. An empty one is `git pack-refs` at work, unless it has been
/// there for an hour.
fn write_ref(repository: &Path, name: &str, to: Oid) -> Result<()> {
    let path = repository.join(name);
    let lock = repository.join(format!("{name}.lock"));
    let dir = path.parent().unwrap_or(repository);
    fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
    let new = repository.join("threadbare.tip");
    write_tip(&new, to).map_err(|e| {
        let _ = fs::remove_file(&new);
        Error::io(&new, e)
    })?;
    let mut tries = 0;
    loop {
        match fs::hard_link(&new, &lock) {
            Ok(()) => break,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                if is_left_behind(&lock) {
                    tracing::warn!("{} was left behind: it is taken over", lock.display());
                    fs::remove_file(&lock).map_err(|e| Error::io(&lock, e))?;
                    continue;
                }
                tries += 1;
                if tries > TRIES {
                    let why = "another program holds it; if none does, remove it";
                    return Err(Error::invalid(lock.display().to_string(), why));
                }
                std::thread::sleep(PAUSE);
            }
            Err(e) => return Err(Error::io(&lock, e)),
        }
    }
    fs::rename(&lock, &path).map_err(|e| Error::io(&path, e))?;
    sync_dir(dir)?;
    // Once more the same file: to fail here would not take anything back.
    let _ = fs::remove_file(&new);
    Ok(())
}

/// Writes a file that says which commit it is, durably. One that is there may be the branch itself by another name, after a
/// kill: it is not written to.
fn write_tip(path: &Path, to: Oid) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = File::create_new(path)?;
    file.write_all(format!("{to}\n").as_bytes())?;
    file.sync_all()
}

/// Whether nobody holds this lock any more.
fn is_left_behind(lock: &Path) -> bool {
    let Ok(about) = fs::metadata(lock) else {
        return false;
    };
    let age = about.modified().ok().and_then(|then| then.elapsed().ok());
    about.len() > 0 || age.is_some_and(|age| age > FORSAKEN)
}
