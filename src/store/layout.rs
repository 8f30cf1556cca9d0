//! Where the repositories of an inbox lie.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Epoch;
use super::object::Kind;
use crate::error::{Error, Result};
use crate::id::EpochNum;

/// How much of a `description` or `cloneurl` file is looked at, in bytes.
const MAX_NOTE: u64 = 64 << 10;

/// The version of an inbox's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One repository whose tree holds all mail.
    V1,
    /// Any number of epochs; a commit holds one mail.
    V2,
}

/// The repositories of one inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The inbox's directory.
    pub dir: PathBuf,
    /// How it keeps its mail.
    pub version: Version,
    /// Its repositories by number, lowest first. Numbers may be missing: a mirror need not have the old ones.
    pub epochs: Vec<(EpochNum, PathBuf)>,
}

impl Layout {
    /// Looks what `dir` is: an inbox of version 2, also one that was only cloned into `git/0.git` and has no
    /// `inbox.lock`; a bare repository of version 1; or a bare repository that is itself an epoch.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is none of these.
    pub fn find(dir: &Path) -> Result<Layout> {
        let found = |version, epochs| {
            Ok(Layout {
                dir: dir.to_owned(),
                version,
                epochs,
            })
        };
        let epochs = list_epochs(&dir.join("git"))?;
        if !epochs.is_empty() || dir.join("inbox.lock").exists() {
            return found(Version::V2, epochs);
        }
        if is_repository(dir) {
            let epoch = Epoch::open(dir)?;
            return found(version_of(&epoch), vec![(EpochNum(0), dir.to_owned())]);
        }
        let why = match dir.is_dir() {
            true => "there is neither git/0.git nor a bare repository in it",
            false => "there is no such directory",
        };
        Err(Error::invalid(dir.display().to_string(), why))
    }

    /// A directory without repositories, or none at all: where what is made of several inboxes lies.
    pub fn without_mail(dir: Option<&Path>) -> Layout {
        Layout {
            // Nothing can be in a file.
            dir: dir.unwrap_or(Path::new("/dev/null")).to_owned(),
            version: Version::V2,
            epochs: Vec::new(),
        }
    }

    /// The repository of an epoch.
    pub fn epoch(&self, number: EpochNum) -> Option<&Path> {
        let found = self.epochs.iter().find(|(n, _)| *n == number);
        found.map(|(_, path)| path.as_path())
    }

    /// The title of the inbox: the first line of its `description` file. `None` where that says nothing, also where
    /// it still says what git writes into every new repository.
    pub fn description(&self) -> Option<String> {
        description_in(&self.dir)
    }

    /// The list's primary address, as far as the repositories know it: public-inbox stores mail in its name. `None`
    /// where there is no mail yet, or where somebody else stored it.
    pub fn address(&self) -> Option<String> {
        let (_, path) = self.epochs.last()?;
        let epoch = Epoch::open(path).ok()?;
        let email = epoch.committer(epoch.tip().ok()??)?;
        let (local, domain) = email.split_once('@')?;
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '<' | '>' | '"' | ',');
        let fits = !local.is_empty() && domain.contains('.') && !domain.starts_with('.');
        (fits && local.chars().all(plain) && domain.chars().all(plain)).then_some(email)
    }

    /// Further places to clone it from: the `cloneurl` file.
    pub fn cloneurls(&self) -> Vec<String> {
        let text = note(&self.dir.join("cloneurl")).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    }
}

/// The first line of the `description` file in `dir`, if somebody wrote one.
pub(super) fn description_in(dir: &Path) -> Option<String> {
    let text = note(&dir.join("description"))?;
    let line = text.lines().next()?.trim();
    (!line.is_empty() && !line.starts_with("Unnamed repository")).then(|| line.to_owned())
}

/// The start of a small text file.
pub(super) fn note(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(MAX_NOTE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The repositories `N.git` in `dir`, by number and not by count. A place that was kept free for one, as partial
/// mirrors do, is none.
fn list_epochs(dir: &Path) -> Result<Vec<(EpochNum, PathBuf)>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Error::io(dir, e));
        }
        Err(_) => return Ok(Vec::new()),
    };
    let mut epochs = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io(dir, e))?;
        let number = entry.file_name().to_str().and_then(epoch_number);
        if let Some(number) = number
            && is_repository(&entry.path())
        {
            epochs.push((number, entry.path()));
        }
    }
    epochs.sort();
    Ok(epochs)
}

/// The number in `N.git`. Only its plain spelling: `00.git` is not `0.git`.
fn epoch_number(name: &str) -> Option<EpochNum> {
    let digits = name.strip_suffix(".git")?;
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(EpochNum(number))
}

/// Whether a bare repository lies there, by what git itself asks of one.
fn is_repository(path: &Path) -> bool {
    path.join("objects").is_dir() && path.join("refs").is_dir() && path.join("HEAD").exists()
}

/// A repository with `m` or `d` at the root of its tip is an epoch of version 2; any other one is of version 1, also
/// when it is empty.
fn version_of(epoch: &Epoch) -> Version {
    let is_v2 = || {
        let tip = epoch.tip().ok().flatten()?;
        let objects = epoch.objects().ok()?;
        let tree = objects.commit(tip).ok()?.tree;
        let tree = objects.tree(tree).ok()?;
        let mut entries = tree.entries();
        Some(entries.any(|e| e.kind == Kind::File && (e.name == b"m" || e.name == b"d")))
    };
    match is_v2() {
        Some(true) => Version::V2,
        _ => Version::V1,
    }
}
