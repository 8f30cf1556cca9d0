//! What can go wrong, by the room that it went wrong in.
//!
//! Absence is not an error: look-ups answer `Option`. This file names no foreign crate of a keep; each keep turns
//! its own library's errors into these inside its wall.

use std::path::{Path, PathBuf};

/// The result of everything below the surfaces.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One failure, with enough said that an operator knows where to look.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that was handed in cannot be used: a flag, a setting, a query.
    #[error("{what}: {why}")]
    Invalid {
        /// The thing, as its owner calls it.
        what: String,
        /// What is wrong with it, in a sentence without a full stop.
        why: String,
    },
    /// A git repository could not be read or written.
    #[error("git: {0}")]
    Store(String),
    /// The catalogue (`SQLite`) failed.
    #[error("catalogue: {0}")]
    Db(String),
    /// The full-text index failed.
    #[error("search index: {0}")]
    Search(String),
    /// A file or directory could not be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An archive elsewhere could not be reached, or gave what nobody can use.
    #[error("{0}")]
    Upstream(String),
    /// So much is going on that this has to wait; it can be asked for again.
    #[error("too much is going on for this")]
    Busy,
    /// An index is damaged: it can be made again from git.
    #[error(
        "damaged index: {0}. The mail is safe in git; `threadbare fsck --repair` makes the indexes again"
    )]
    Index(String),
    /// Stored data contradict themselves.
    #[error("damaged data: {0}")]
    Corrupt(String),
}

impl Error {
    /// A failure of the file or directory at `path`.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Error {
        Error::Io {
            path: path.as_ref().to_owned(),
            source,
        }
    }

    /// Whether there is no room left on a disk.
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Error::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// Something handed in that cannot be used, and why.
    pub fn invalid(what: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Invalid {
            what: what.into(),
            why: why.into(),
        }
    }

    /// Stored data that contradict themselves.
    pub fn corrupt(what: impl Into<String>) -> Error {
        Error::Corrupt(what.into())
    }
}
