//! New inboxes and new epochs.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository, RepositoryInitOptions};

use super::epoch::at;
use super::layout::{Layout, Version};
use super::lock::Lock;
use super::pack::{Mode, sync_dir, write_whole};
use crate::error::{Error, Result};
use crate::id::EpochNum;

/// Makes an inbox of version 2 at `dir`, with an empty epoch 0. What is there already stays as it is, so that doing
/// it twice, or on a mirror that `git clone` made, does no harm.
///
/// # Errors
/// [`Error::Io`] and [`Error::Store`] where it cannot be written; [`Error::Invalid`] where an inbox of version 1 is
/// there.
pub fn init_inbox(dir: &Path, description: Option<&str>) -> Result<Layout> {
    if dir.join("HEAD").exists() && dir.join("objects").is_dir() {
        let why = "it is a bare repository, not the directory of a version 2 inbox";
        return Err(Error::invalid(dir.display().to_string(), why));
    }
    let git = dir.join("git");
    fs::create_dir_all(&git).map_err(|e| Error::io(&git, e))?;
    let lock = Lock::wait(dir, Version::V2)?;
    let layout = Layout::find(dir)?;
    make_all_git(dir)?;
    if layout.epochs.is_empty() {
        make_epoch(dir, EpochNum(0))?;
    }
    let layout = Layout::find(dir)?;
    write_alternates(&layout)?;
    if let Some(text) = description
        && layout.description().is_none()
    {
        let path = dir.join("description");
        let line = text.replace(['\n', '\r'], " ");
        fs::write(&path, format!("{line}\n")).map_err(|e| Error::io(&path, e))?;
    }
    drop(lock);
    Ok(layout)
}

pub(super) fn epoch_path(dir: &Path, number: EpochNum) -> PathBuf {
    dir.join(format!("git/{number}.git"))
}

pub(super) fn init_bare(path: &Path) -> Result<Repository> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).mkpath(true).external_template(false);
    Repository::init_opts(path, &options).map_err(|e| at(path, &e))
}

/// Makes `git/N.git`, which shares its settings with the other epochs through `all.git`.
pub(super) fn make_epoch(dir: &Path, number: EpochNum) -> Result<EpochNum> {
    let path = epoch_path(dir, number);
    let repo = init_bare(&path)?;
    let shared = "../../all.git/config";
    let set = || {
        // The file itself, not what it includes.
        let mut config = git2::Config::open(&repo.path().join("config"))?;
        match config.get_string("include.path") {
            Err(e) if e.code() == ErrorCode::NotFound => config.set_str("include.path", shared),
            _ => Ok(()),
        }
    };
    set().map_err(|e| at(&path, &e))?;
    sync_dir(&path)?;
    sync_dir(&dir.join("git"))?;
    Ok(number)
}

/// Makes `all.git`: the settings that all epochs share, and one view of all their objects.
pub(super) fn make_all_git(dir: &Path) -> Result<()> {
    let path = dir.join("all.git");
    if path.join("HEAD").exists() {
        return Ok(());
    }
    let repo = init_bare(&path)?;
    let set =
        || git2::Config::open(&repo.path().join("config"))?.set_bool("repack.writeBitmaps", true);
    set().map_err(|e| at(&path, &e))
}

/// Lets `all.git` see the objects of every epoch, the newest first.
pub(super) fn write_alternates(layout: &Layout) -> Result<()> {
    let info = layout.dir.join("all.git/objects/info");
    fs::create_dir_all(&info).map_err(|e| Error::io(&info, e))?;
    let lines = layout.epochs.iter().rev();
    let text: String = lines
        .map(|(n, _)| format!("../../git/{n}.git/objects\n"))
        .collect();
    write_whole(&info, "alternates", text.as_bytes(), Mode::Plain)
}
