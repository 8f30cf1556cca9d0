//! Repositories that are copies of others: how they are laid, so that git, public-inbox-fetch and our own fetch all
//! know where they are from.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use git2::{Config, ErrorCode};

use super::create::{epoch_path, init_bare, make_all_git, make_epoch, write_alternates};
use super::epoch::{Epoch, at};
use super::layout::{Layout, Version};
use super::lock::Lock;
use crate::error::{Error, Result};
use crate::id::EpochNum;

/// The remotes that mean "where this is copied from": git's own, and grokmirror's.
const REMOTES: [&str; 2] = ["origin", "_grokmirror"];

/// Everything that is there, under the names that it has there.
const ALL_REFS: &str = "+refs/*:refs/*";

/// Where a repository is copied from, if that is on the web.
pub(super) fn remote(repository: &Path) -> Option<String> {
    let config = Config::open(&repository.join("config")).ok()?;
    let url = |remote| config.get_string(&format!("remote.{remote}.url")).ok();
    REMOTES.into_iter().filter_map(url).find(|url| is_web(url))
}

pub(super) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// The address from which the repository at `path` is to be brought up to date: one that is a mirror, as `git clone
/// --mirror` makes them, and that may be written to. `None` where it is to be left alone.
pub fn mirror_remote(path: &Path) -> Option<String> {
    let about = fs::metadata(path).ok()?;
    // Whoever wants an epoch to stay as it is takes the right to write away, also from root.
    if about.permissions().readonly() {
        return None;
    }
    let config = Config::open(&path.join("config")).ok()?;
    REMOTES.into_iter().find_map(|remote| {
        let is_mirror = config.get_bool(&format!("remote.{remote}.mirror"));
        let refs = config.get_string(&format!("remote.{remote}.fetch"));
        let takes_all = is_mirror == Ok(true) || refs.is_ok_and(|refs| refs == ALL_REFS);
        let url = config.get_string(&format!("remote.{remote}.url")).ok();
        url.filter(|url| takes_all && is_web(url))
    })
}

/// Lays the directory of a mirror of version 2, as yet without any epoch.
///
/// # Errors
/// [`Error::Io`] and [`Error::Store`] where it cannot be written.
pub fn init_mirror(dir: &Path) -> Result<()> {
    let git = dir.join("git");
    fs::create_dir_all(&git).map_err(|e| Error::io(&git, e))?;
    let _lock = Lock::wait(dir, Version::V2)?;
    make_all_git(dir)
}

/// Lays an epoch of a mirror: an empty repository that knows where to get its mail. One that is there stays as it is.
///
/// # Errors
/// [`Error::Io`] and [`Error::Store`] where it cannot be written.
pub fn init_mirror_epoch(dir: &Path, number: EpochNum, url: &str) -> Result<()> {
    let path = epoch_path(dir, number);
    if !path.join("HEAD").exists() {
        make_epoch(dir, number)?;
    }
    point(&path, url)?;
    write_alternates(&Layout::find(dir)?)
}

/// Lays the one repository of a mirror of version 1. One that is there stays as it is.
///
/// # Errors
/// [`Error::Store`] where it cannot be written.
pub fn init_mirror_version_1(dir: &Path, url: &str) -> Result<()> {
    if !dir.join("HEAD").exists() {
        init_bare(dir)?;
    }
    point(dir, url)
}

/// Opens an epoch of a mirror to fetches, or keeps its place free: who wants its mail later gives back the right to
/// write, and fetches.
///
/// # Errors
/// [`Error::Io`].
pub fn want_mirror_epoch(dir: &Path, number: EpochNum, wanted: bool) -> Result<()> {
    let path = epoch_path(dir, number);
    let failed = |e| Error::io(&path, e);
    let mut permissions = fs::metadata(&path).map_err(failed)?.permissions();
    if permissions.readonly() != wanted {
        return Ok(());
    }
    let mode = permissions.mode();
    permissions.set_mode(match wanted {
        true => mode | 0o200,
        false => mode & !0o222,
    });
    fs::set_permissions(&path, permissions).map_err(failed)
}

/// Writes down where the repository is copied from, as `git clone --mirror` does.
fn point(path: &Path, url: &str) -> Result<()> {
    let set = || {
        let mut config = Config::open(&path.join("config"))?;
        for (key, value) in [
            ("remote.origin.url", url),
            ("remote.origin.fetch", ALL_REFS),
            ("remote.origin.mirror", "true"),
        ] {
            match config.get_string(key) {
                Ok(known) if known == value => {}
                Err(e) if e.code() != ErrorCode::NotFound => return Err(e),
                _ => config.set_str(key, value)?,
            }
        }
        Ok(())
    };
    set().map_err(|e| at(path, &e))
}

impl Epoch {
    /// Lets HEAD name a branch that there is: `wanted`, where it is there, else the only one.
    ///
    /// # Errors
    /// [`Error::Store`] where the repository cannot be read or written.
    pub fn settle_head(&self, wanted: Option<&str>) -> Result<()> {
        let there = |name: &str| self.repo.find_reference(name).is_ok();
        let failed = |e: git2::Error| self.failed(&e);
        let head = self.repo.find_reference("HEAD").map_err(failed)?;
        let named = head.symbolic_target().ok().flatten();
        if let Some(wanted) = wanted.filter(|name| there(name)) {
            return match named == Some(wanted) {
                true => Ok(()),
                false => self.repo.set_head(wanted).map_err(failed),
            };
        }
        if named.is_none_or(there) {
            return Ok(());
        }
        match self.branch()? {
            Some((only, _)) => self.repo.set_head(&only).map_err(failed),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{init_mirror, init_mirror_epoch, mirror_remote, want_mirror_epoch};
    use crate::id::EpochNum;
    use crate::store::Layout;

    #[test]
    fn a_mirror_is_laid_as_git_lays_one_and_may_be_laid_twice() {
        let dir = tempfile::tempdir().unwrap();
        let url = "https://lists.example.org/loom/git/1.git";
        init_mirror(dir.path()).unwrap();
        for _ in 0..2 {
            init_mirror_epoch(dir.path(), EpochNum(1), url).unwrap();
        }
        let epoch = dir.path().join("git/1.git");
        let config = fs::read_to_string(epoch.join("config")).unwrap();
        assert_eq!(config.matches("url = ").count(), 1, "{config}");
        assert_eq!(mirror_remote(&epoch).as_deref(), Some(url));
        let alternates = fs::read_to_string(dir.path().join("all.git/objects/info/alternates"));
        assert_eq!(alternates.unwrap(), "../../git/1.git/objects\n");
        let upstream = Layout::find(dir.path()).unwrap().upstream().unwrap();
        assert_eq!(upstream.url, "https://lists.example.org/loom/");
        want_mirror_epoch(dir.path(), EpochNum(1), false).unwrap();
        assert_eq!(mirror_remote(&epoch), None, "it is to be left alone");
        want_mirror_epoch(dir.path(), EpochNum(1), true).unwrap();
        assert_eq!(mirror_remote(&epoch).as_deref(), Some(url));
    }

    #[test]
    fn only_a_mirror_of_the_web_is_brought_up_to_date() {
        let dir = tempfile::tempdir().unwrap();
        for (remote, url) in [
            (
                "[remote \"origin\"]\nurl = https://a.example/x\nmirror = true\n",
                Some("https://a.example/x"),
            ),
            (
                "[remote \"_grokmirror\"]\nurl = http://a.example/x\nfetch = +refs/*:refs/*\n",
                Some("http://a.example/x"),
            ),
            ("[remote \"origin\"]\nurl = https://a.example/x\n", None),
            (
                "[remote \"origin\"]\nurl = https://a.example/x\nfetch = +refs/heads/*:refs/remotes/origin/*\n",
                None,
            ),
            ("[remote \"origin\"]\nurl = /srv/x\nmirror = true\n", None),
            (
                "[remote \"origin\"]\nurl = ext::sh -c evil\nmirror = true\n",
                None,
            ),
            ("", None),
        ] {
            fs::write(dir.path().join("config"), remote).unwrap();
            assert_eq!(mirror_remote(dir.path()).as_deref(), url, "{remote}");
        }
    }
}
