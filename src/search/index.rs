//! The index as a whole: opened once, read by many, written by one.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use tantivy::directory::MmapDirectory;
use tantivy::{Index, IndexReader, IndexSettings, ReloadPolicy, Searcher, TantivyError};

use crate::error::{Error, Result};
use crate::id::InboxId;

use super::measure::{Lengths, Measure};
use super::schema::{FIELDS, LAYOUT, tokenizers};
use super::writer::Writer;

/// An index that is open. Cheap to share between threads.
pub struct Search {
    dir: PathBuf,
    /// Replaced when its files were deleted.
    opened: RwLock<(Index, IndexReader)>,
    lengths: Lengths,
}

impl Search {
    /// Opens the index in `dir`, or makes an empty one. One of another layout is left alone beside it, and may be
    /// deleted.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Search`] where it cannot be read or made.
    pub fn open(dir: &Path) -> Result<Search> {
        let dir = dir.join(format!("layout-{}", LAYOUT));
        std::fs::create_dir_all(&dir).map_err(|e| Error::io(&dir, e))?;
        let opened = RwLock::new(open_in(&dir)?);
        Ok(Search {
            dir,
            opened,
            lengths: Lengths::default(),
        })
    }

    /// Begins an empty index where the files of this one were deleted; whether that was so.
    ///
    /// # Errors
    /// As [`Search::open`].
    pub fn heal(&self) -> Result<bool> {
        if self.dir.join("meta.json").exists() {
            return Ok(false);
        }
        std::fs::create_dir_all(&self.dir).map_err(|e| Error::io(&self.dir, e))?;
        let opened = open_in(&self.dir)?;
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(true)
    }

    /// The one writer, who indexes in so many threads (1 to 8), with 64 MB each.
    ///
    /// # Errors
    /// [`Error::Search`], also where another process writes.
    pub fn writer(&self, threads: usize) -> Result<Writer> {
        Writer::open(&self.index(), &self.dir, threads)
    }

    /// What the last commit was told, by whichever process; `None` where there has been none.
    ///
    /// # Errors
    /// [`Error::Search`] where the index cannot be read.
    pub fn payload(&self) -> Result<Option<String>> {
        Ok(self.index().load_metas().map_err(failed)?.payload)
    }

    /// Sees what has been committed since it was opened or last refreshed. Costs little where that is nothing.
    ///
    /// # Errors
    /// [`Error::Search`] where the index cannot be read.
    pub fn refresh(&self) -> Result<()> {
        self.reader().reload().map_err(failed)
    }

    /// How many messages there are to be found.
    pub fn len(&self) -> u64 {
        self.searcher().num_docs()
    }

    /// Whether there is nothing to be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn index(&self) -> Index {
        self.opened().0.clone()
    }

    fn reader(&self) -> IndexReader {
        self.opened().1.clone()
    }

    fn opened(&self) -> RwLockReadGuard<'_, (Index, IndexReader)> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn searcher(&self) -> Searcher {
        self.reader().searcher()
    }

    /// What words are weighed against in an inbox, or in the whole site.
    pub(super) fn measure(&self, searcher: &Searcher, inbox: Option<InboxId>) -> Result<Measure> {
        self.lengths.measure(searcher, inbox)
    }
}

fn open_in(dir: &Path) -> Result<(Index, IndexReader)> {
    let files = MmapDirectory::open(dir).map_err(|e| Error::Search(e.to_string()))?;
    let index = Index::builder()
        .schema(FIELDS.0.clone())
        .settings(IndexSettings::default())
        .tokenizers(tokenizers())
        .open_or_create(files)
        .map_err(failed)?;
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
        .map_err(failed)?;
    Ok((index, reader))
}

/// What tantivy says, as one of ours.
pub(super) fn failed(error: TantivyError) -> Error {
    Error::Search(error.to_string())
}

impl From<TantivyError> for Error {
    fn from(error: TantivyError) -> Error {
        failed(error)
    }
}
