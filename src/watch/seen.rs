//! How far each IMAP folder was read: a small file beside the indexes, `watch/FOLDER`.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What was seen of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// `UIDVALIDITY`: with another one, all is new.
    pub(super) validity: u64,
    /// The highest UID that was stored.
    pub(super) uid: u64,
}

/// The marks of all folders.
pub(super) struct Seen(PathBuf);

impl Seen {
    pub(super) fn open(dir: &Path) -> Seen {
        Seen(dir.to_owned())
    }

    fn path(&self, folder: &str) -> PathBuf {
        let digest = Sha256::digest(folder.as_bytes());
        let name: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        self.0.join(name)
    }

    /// The mark of a folder; none where it was never read.
    pub(super) fn mark(&self, folder: &str) -> Option<Mark> {
        let text = std::fs::read_to_string(self.path(folder)).ok()?;
        let mut words = text.split_ascii_whitespace();
        Some(Mark {
            validity: words.next()?.parse().ok()?,
            uid: words.next()?.parse().ok()?,
        })
    }

    /// Remembers it. The folder's name stands behind, for humans.
    pub(super) fn set(&self, folder: &str, mark: Mark) -> Result<()> {
        let path = self.path(folder);
        let failed = |e| Error::io(&path, e);
        std::fs::create_dir_all(&self.0).map_err(failed)?;
        let new = path.with_extension("new");
        let text = format!("{} {}\n{folder}\n", mark.validity, mark.uid);
        std::fs::write(&new, text).map_err(failed)?;
        std::fs::rename(&new, &path).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Seen};

    #[test]
    fn a_mark_is_kept_for_each_folder() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Seen::open(dir.path());
        assert_eq!(seen.mark("a"), None);
        let mark = Mark {
            validity: 7,
            uid: 4_294_967_295,
        };
        seen.set("a", mark).unwrap();
        assert_eq!(seen.mark("a"), Some(mark));
        assert_eq!(seen.mark("b"), None);
    }
}
