//! The index as a whole: opened once, read by many, written by one.

use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use tantivy::directory::MmapDirectory;
use tantivy::directory::error::OpenReadError;
use tantivy::index::SegmentComponent;
use tantivy::{Index, IndexReader, IndexSettings, ReloadPolicy, Searcher, TantivyError};

use crate::error::{Error, Result};

use super::columns::Opened;
use super::copies::Copies;
use super::measure::Lengths;
use super::schema::{FIELDS, LAYOUT, tokenizers};
use super::writer::Writer;

/// An index that is open. Cheap to share between threads.
pub struct Search {
    dir: PathBuf,
    /// Replaced when its files were deleted.
    opened: RwLock<(Index, IndexReader)>,
    /// What words are weighed against in an inbox, or in the whole site.
    pub(super) lengths: Lengths,
    /// Those of the segments that were searched.
    pub(super) columns: Arc<Opened>,
    /// The copies of the state of the index that was searched last.
    copies: Mutex<Arc<Copies>>,
    /// How often in a row it was found to be damaged.
    strikes: AtomicU32,
}

/// How often in a row it has to be found damaged until it is made anew.
const STRIKES: u32 = 3;

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
            columns: Arc::default(),
            copies: Mutex::default(),
            strikes: AtomicU32::new(0),
        })
    }

    /// Opens the index in `dir` as [`Search::open`] does, or makes an empty one in the place of one that is damaged. Only
    /// for who holds the lock of the indexes: all words have to be made again.
    ///
    /// # Errors
    /// As [`Search::open`].
    pub fn open_or_make_anew(dir: &Path) -> Result<Search> {
        match Search::open(dir) {
            Err(Error::Index(why)) => {
                tracing::error!("damaged index: {why}: it is made anew from git");
                discard(dir)?;
                Search::open(dir)
            }
            opened => opened,
        }
    }

    /// Begins an empty index where the files of this one were deleted, or some of them, or damaged so that it cannot be
    /// opened any more; whether that was so. `lock` gets the lock of the indexes.
    ///
    /// # Errors
    /// As [`Search::open`].
    pub fn heal<L>(&self, lock: impl FnOnce() -> Result<L>) -> Result<bool> {
        let whole = self.dir.join("meta.json").exists();
        if whole && self.strikes.load(Ordering::Relaxed) < STRIKES {
            return Ok(false);
        }
        let _lock = lock()?;
        std::fs::create_dir_all(&self.dir).map_err(|e| Error::io(&self.dir, e))?;
        let opened = match open_in(&self.dir) {
            Err(Error::Index(why)) => {
                tracing::error!("damaged index: {why}");
                empty(&self.dir)?;
                open_in(&self.dir)?
            }
            opened => opened?,
        };
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = opened;
        self.strikes.store(0, Ordering::Relaxed);
        Ok(true)
    }

    /// The one writer, who indexes in so many threads (1 to 8), with up to 160 MB each.
    ///
    /// # Errors
    /// [`Error::Search`], also where another process writes.
    pub fn writer(&self, threads: usize) -> Result<Writer> {
        unbroken(|| Writer::open(&self.index(), &self.dir, threads))
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
        let seen = unbroken(|| {
            self.reader().reload().map_err(failed)?;
            check_positions(&self.index(), &self.dir)
        });
        match &seen {
            Err(Error::Index(_)) => self.strikes.fetch_add(1, Ordering::Relaxed),
            _ => self.strikes.swap(0, Ordering::Relaxed),
        };
        seen
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

    /// The copies that `searcher` sees: found out once for each state of the index, when what was kept of others goes.
    pub(super) fn copies(&self, searcher: &Searcher) -> Result<Arc<Copies>> {
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        if !copies.are_of(searcher) {
            self.columns.keep(searcher);
            *copies = Arc::new(Copies::of(searcher, &copies)?);
        }
        Ok(Arc::clone(&copies))
    }
}

fn open_in(dir: &Path) -> Result<(Index, IndexReader)> {
    unbroken(|| open_files(dir))
}

/// tantivy trips over some damaged files before it notices that they are damaged.
fn unbroken<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let why = "the search index: a file of it is damaged".to_owned();
        Err(Error::Index(why))
    })
}

fn open_files(dir: &Path) -> Result<(Index, IndexReader)> {
    let files = MmapDirectory::open(dir).map_err(|e| Error::Search(e.to_string()))?;
    let index = Index::builder()
        .schema(FIELDS.0.clone())
        .settings(IndexSettings::default())
        .tokenizers(tokenizers())
        .open_or_create(files)
        .map_err(failed)?;
    check_positions(&index, dir)?;
    for segment in index.searchable_segments().map_err(failed)? {
        // That it ends as it should is looked at here, when it is opened.
        let positions = segment.open_read(SegmentComponent::Positions);
        positions.map_err(|error| failed(error.into()))?;
    }
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
        .map_err(failed)?;
    Ok((index, reader))
}

/// Whether every segment has its positions: without the file tantivy opens it all the same, and fails at each phrase.
fn check_positions(index: &Index, dir: &Path) -> Result<()> {
    for segment in index.searchable_segments().map_err(failed)? {
        let file = dir.join(segment.relative_path(SegmentComponent::Positions));
        if !file.exists() {
            let file = file.display();
            return Err(Error::Index(format!("the search index: {file} is missing")));
        }
    }
    Ok(())
}

/// Deletes the indexes below `dir`.
///
/// # Errors
/// [`Error::Io`] where that is not possible.
pub fn discard(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(dir, e)),
        _ => Ok(()),
    }
}

/// Deletes all files in a directory and leaves the directory.
fn empty(dir: &Path) -> Result<()> {
    for entry in std::fs::read_dir(dir).map_err(|e| Error::io(dir, e))? {
        let path = entry.map_err(|e| Error::io(dir, e))?.path();
        std::fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
    }
    Ok(())
}

/// What tantivy says, as one of ours.
pub(super) fn failed(error: TantivyError) -> Error {
    // A file that ends too early, or has no footer.
    let cut = |error: &std::io::Error| {
        matches!(
            error.kind(),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof
        )
    };
    let damage = match &error {
        TantivyError::DataCorruption(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::SchemaError(_) => true,
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => cut(io_error),
        TantivyError::OpenReadError(_) => true,
        TantivyError::IoError(error) => cut(error),
        _ => false,
    };
    match damage {
        true => {
            // It may quote the whole of a damaged file.
            let why: String = error.to_string().chars().take(300).collect();
            Error::Index(format!("the search index: {why}"))
        }
        false => Error::Search(error.to_string()),
    }
}

impl From<TantivyError> for Error {
    fn from(error: TantivyError) -> Error {
        failed(error)
    }
}
