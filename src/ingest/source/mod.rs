//! Where mail is imported from: mailboxes in a file, folders of files, other inboxes.
//!
//! A source gives its mails one by one, each with the place that it stands at, so that an import which was stopped can
//! go on behind the last mail that was stored.

mod folder;
mod git;
mod mbox;
mod mbox_lines;
mod unpack;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::error::{Error, Result};
use crate::store::Layout;
use crate::time::Timestamp;

pub use folder::is_mail_of_maildir;
pub use mbox::Quoting;

/// A mail of a source.
#[derive(Debug)]
pub struct Item {
    /// Where it stands: an offset in bytes in an (unpacked) mailbox, a position in a list of files or commits.
    pub at: u64,
    /// Where the next one does.
    pub next: u64,
    /// What a human calls the place.
    pub place: String,
    /// When it was filed there.
    pub came: Option<Timestamp>,
    /// Its bytes, or why they cannot be had.
    pub raw: Result<Vec<u8>, String>,
    /// What an archive has done to it.
    pub loss: Option<Loss>,
}

/// What an archive has done to a mail that cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Loss {
    /// Addresses are written with ` at `, as Pipermail does in its text files; attachments are gone as well.
    Pipermail,
    /// Addresses in bodies are written with `(a)`, as `HyperKitty` does when it exports, and few headers are left.
    HyperKitty,
}

impl Loss {
    /// The header that a mail gets which has lost something, so that nobody takes it for the original.
    pub const HEADER: &str = "X-Threadbare-Lossy";

    /// What is said there.
    pub fn mark(self) -> &'static str {
        match self {
            Loss::Pipermail => "addresses, headers, attachments",
            Loss::HyperKitty => "addresses, headers",
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Loss::Pipermail => {
                f.write_str("from a Pipermail text: addresses hidden, attachments gone")
            }
            Loss::HyperKitty => {
                f.write_str("from a HyperKitty export: addresses hidden, most headers gone")
            }
        }
    }
}

/// The mails of a source, one by one.
pub type Items = Box<dyn Iterator<Item = Result<Item>> + Send>;

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A mailbox in one file, perhaps packed.
    Mbox,
    /// A folder: Maildir, MH, or any directory of mail files.
    Folder(Vec<PathBuf>),
    /// A public-inbox archive.
    Inbox,
}

/// The mail files of a Maildir, an MH folder or a directory, in their order.
///
/// # Errors
/// It cannot be read, or there is nothing in it that could be mail.
pub fn mail_files(dir: &Path) -> Result<Vec<PathBuf>> {
    folder::list(dir).map(|(files, _)| files)
}

/// A source of mail.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// How much there is to read, in bytes; for archives in commits.
    pub size: u64,
}

impl Source {
    /// Looks what is there.
    ///
    /// # Errors
    /// [`Error::Io`] where nothing is; [`Error::Invalid`] where it is nothing that mail could come from.
    pub fn find(path: &Path) -> Result<Source> {
        let about = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        let source = |kind, size| Source {
            path: path.to_owned(),
            kind,
            size,
        };
        if !about.is_dir() {
            return Ok(source(Kind::Mbox, about.len()));
        }
        if let Ok(layout) = Layout::find(path) {
            let size = git::count(&layout)?;
            return Ok(source(Kind::Inbox, size));
        }
        let (files, size) = folder::list(path)?;
        Ok(source(Kind::Folder(files), size))
    }

    /// What tells whether it is still the same one: its size and, of a file, when it was written.
    pub fn stamp(&self) -> String {
        let written = std::fs::metadata(&self.path).and_then(|about| about.modified());
        let since = written
            .ok()
            .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let nanos = match self.kind {
            Kind::Mbox => since.map_or(0, |d| d.as_nanos()),
            Kind::Folder(_) | Kind::Inbox => 0,
        };
        match self.kind {
            Kind::Mbox => format!("{} {nanos}", self.size),
            Kind::Folder(ref files) => format!("{} files", files.len()),
            Kind::Inbox => "archive".to_owned(),
        }
    }

    /// Its mails from the place `from` on; `read` counts what was read, in the unit of `size`.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn items(&self, from: u64, quoting: Quoting, read: Arc<AtomicU64>) -> Result<Items> {
        match &self.kind {
            Kind::Mbox => mbox::items(&self.path, from, quoting, read),
            Kind::Folder(files) => Ok(folder::items(files.clone(), from, read)),
            Kind::Inbox => git::items(&self.path, from, read),
        }
    }
}
