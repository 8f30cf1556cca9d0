//! New inboxes and new epochs.

use std::fs;
use std::io::ErrorKind;
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

/// Makes `git/N.git`, which shares its settings with the other epochs through `all.git`. It has its name only when it is
/// whole: a killed writer, or a full disk, leaves no half of one.
pub(super) fn make_epoch(dir: &Path, number: EpochNum) -> Result<EpochNum> {
    lay(&dir.join("git"), &format!("{number}.git"), set_up_epoch)?;
    Ok(number)
}

/// Makes a repository that gets its name when it is whole.
fn lay(dir: &Path, name: &str, set_up: fn(&Path) -> Result<()>) -> Result<()> {
    let path = dir.join(name);
    if path.exists() {
        // A place that was kept free for it, or what others have left.
        return set_up(&path);
    }
    let new = dir.join(format!("tmp_{name}"));
    remove_all(&new)?;
    set_up(&new).inspect_err(|_| {
        // A disk that is full must not be filled with halves.
        let _ = fs::remove_dir_all(&new);
    })?;
    fs::rename(&new, &path).map_err(|e| Error::io(&path, e))?;
    sync_dir(dir)
}

fn remove_all(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(path, e)),
        _ => Ok(()),
    }
}

fn set_up_epoch(path: &Path) -> Result<()> {
    let repo = init_bare(path)?;
    let shared = "../../all.git/config";
    let set = || {
        // The file itself, not what it includes.
        let mut config = git2::Config::open(&repo.path().join("config"))?;
        match config.get_string("include.path") {
            Err(e) if e.code() == ErrorCode::NotFound => config.set_str("include.path", shared),
            _ => Ok(()),
        }
    };
    set().map_err(|e| at(path, &e))?;
    sync_repository(path)
}

fn sync_repository(path: &Path) -> Result<()> {
    for file in ["HEAD", "config"] {
        let file = path.join(file);
        let synced = fs::File::open(&file).and_then(|open| open.sync_all());
        synced.map_err(|e| Error::io(&file, e))?;
    }
    for below in ["objects", "refs", ""] {
        sync_dir(&path.join(below))?;
    }
    Ok(())
}

/// Makes `all.git`: the settings that all epochs share, and one view of all their objects.
pub(super) fn make_all_git(dir: &Path) -> Result<()> {
    if dir.join("all.git/HEAD").exists() {
        return Ok(());
    }
    lay(dir, "all.git", |path| {
        let repo = init_bare(path)?;
        let set = || {
            git2::Config::open(&repo.path().join("config"))?.set_bool("repack.writeBitmaps", true)
        };
        set().map_err(|e| at(path, &e))?;
        sync_repository(path)
    })
}

/// Lets `all.git` see the newest epoch, where there is one of them that does not.
pub(super) fn heal_alternates(layout: &Layout) -> Result<()> {
    let Some((newest, _)) = layout.epochs.last() else {
        return Ok(());
    };
    let all = layout.dir.join("all.git");
    if !all.join("HEAD").exists() {
        return Ok(()); // a bare mirror has none
    }
    let text = fs::read_to_string(all.join("objects/info/alternates")).unwrap_or_default();
    let line = format!("/{newest}.git/objects");
    match text.lines().any(|known| known.ends_with(&line)) {
        true => Ok(()),
        false => write_alternates(layout),
    }
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
