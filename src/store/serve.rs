//! Which file of an inbox's repositories an address means, if it may be handed out.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::layout::{Layout, Version};
use crate::id::EpochNum;
use crate::url::GitFile;

impl Layout {
    /// The repository that an address names: of an epoch, or without a number the one that has all mail, which is
    /// the only one of version 1 and `all.git` of version 2.
    pub fn repository(&self, epoch: Option<EpochNum>) -> Option<PathBuf> {
        if let Some(number) = epoch {
            // Addresses with an epoch are those of version 2.
            let numbered = self.version == Version::V2;
            return self.epoch(number).filter(|_| numbered).map(Path::to_owned);
        }
        match self.epochs.as_slice() {
            [(_, only)] if *only == self.dir => Some(only.clone()),
            _ => Some(self.dir.join("all.git")).filter(|all| all.is_dir()),
        }
    }

    /// The file that git's plain HTTP protocol asks for, if it is there and for everybody.
    ///
    /// Only the files that this protocol knows are: no `config`, no hook, and nothing to which a symbolic link leads
    /// out of the repository.
    pub fn served_file(&self, wanted: &GitFile) -> Option<PathBuf> {
        if !is_public(&wanted.path) {
            return None;
        }
        let repository = fs::canonicalize(self.repository(wanted.epoch)?).ok()?;
        let file = fs::canonicalize(repository.join(&wanted.path)).ok()?;
        (file.starts_with(&repository) && file.is_file()).then_some(file)
    }
}

/// Whether a file of a repository, by its path below it, never changes: its name says what is in it.
pub fn is_immutable(path: &str) -> bool {
    let object = path.strip_prefix("objects/");
    object.is_some_and(|object| !object.starts_with("info/"))
}

/// The files that everybody may read. The URL grammar lets no other path through; this holds whoever asks.
fn is_public(path: &str) -> bool {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if path.contains(['\\', '\0']) || !Path::new(path).components().all(plain) {
        return false;
    }
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    match path {
        "HEAD" | "info/refs" | "info/attributes" | "cloneurl" | "description" => true,
        "objects/info/alternates" | "objects/info/http-alternates" | "objects/info/packs" => true,
        _ => match path
            .strip_prefix("objects/")
            .and_then(|o| o.split_once('/'))
        {
            Some(("pack", name)) => {
                let stem = name.strip_suffix(".pack").or(name.strip_suffix(".idx"));
                let digits = stem.and_then(|stem| stem.strip_prefix("pack-"));
                digits.is_some_and(|digits| digits.len() >= 40 && hex(digits))
            }
            Some((dir, rest)) => dir.len() == 2 && rest.len() >= 38 && hex(dir) && hex(rest),
            None => false,
        },
    }
}
