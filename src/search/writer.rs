//! Writes the index: adds, removes, and commits with a word on how far it has come.
//!
//! Nothing is seen by anyone before [`Writer::commit`]; a crash before that leaves the last commit. What is added
//! again under the same key takes the place of what was there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::indexer::LogMergePolicy;
use tantivy::{IndexWriter, TantivyDocument, Term};

use super::document::Document;
use super::index::failed;
use super::schema::FIELDS;
use crate::error::{Error, Result};
use crate::id::MessageKey;

/// Memory for each thread that indexes, in bytes.
const HEAP: usize = 160 << 20;

/// Segments with more messages than these are left as they are. Whoever indexes waits for merges at its end, so this bounds
/// how long that takes: some ten seconds, once for half a million mails.
const MOST_TO_MERGE: usize = 100_000;

/// Segments of fewer messages are merged as soon as there are eight of them, whatever their sizes: what single deliveries
/// make. They are merged again and again until there are so many in one, so this is what a delivery may have to wait for.
const SMALL: u32 = 1_000;

/// How often, and how long each time, a merge that goes on already is waited for: ten minutes in all.
const MERGE_TRIES: u32 = 6000;
const MERGE_PAUSE: Duration = Duration::from_millis(100);
/// How often files of segments that are gone are looked for before it is an error that they are still there. What a merge is
/// writing looks like one of them, and takes as long as the machine has other work.
const LEFTOVER_TRIES: u32 = 1800;

/// The only one who writes an index.
pub struct Writer {
    inner: IndexWriter<TantivyDocument>,
    dir: PathBuf,
}

impl Writer {
    pub(super) fn open(index: &tantivy::Index, dir: &Path, threads: usize) -> Result<Writer> {
        let threads = threads.clamp(1, 8);
        let inner: IndexWriter<TantivyDocument> = index
            .writer_with_num_threads(threads, HEAP * threads)
            .map_err(failed)?;
        let mut policy = LogMergePolicy::default();
        policy.set_max_docs_before_merge(MOST_TO_MERGE);
        policy.set_min_layer_size(SMALL);
        policy.set_del_docs_ratio_before_merge(0.2);
        inner.set_merge_policy(Box::new(policy));
        // What somebody who was killed had begun has the names that we would give to the same things.
        inner.garbage_collect_files().wait().map_err(failed)?;
        Ok(Writer {
            inner,
            dir: dir.to_owned(),
        })
    }

    /// Adds a message, in the place of what has its key.
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where the index cannot be written.
    pub fn add(&self, document: Document) -> Result<()> {
        self.remove(document.key());
        self.add_new(document)
    }

    /// Adds a message whose key is known to be new, or a copy that is: saves the look for an old one.
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where the index cannot be written.
    pub fn add_new(&self, document: Document) -> Result<()> {
        self.inner
            .add_document(document.into_tantivy())
            .map_err(failed)?;
        Ok(())
    }

    /// Removes everything.
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where the index cannot be written.
    pub fn clear(&self) -> Result<()> {
        self.inner.delete_all_documents().map_err(failed)?;
        Ok(())
    }

    /// Removes the message with that key, if it is there.
    pub fn remove(&self, key: MessageKey) {
        self.inner
            .delete_term(Term::from_field_i64(FIELDS.1.key, key.0));
    }

    /// Makes everything so far to be found and to last, and `payload` with it ([`super::Search::payload`]).
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where the index cannot be written; then nothing has changed.
    pub fn commit(&mut self, payload: &str) -> Result<()> {
        let mut commit = self.inner.prepare_commit().map_err(failed)?;
        commit.set_payload(payload);
        commit.commit().map_err(failed)?;
        Ok(())
    }

    /// Forgets everything since the last commit.
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where the index cannot be read.
    pub fn roll_back(&mut self) -> Result<()> {
        self.inner.rollback().map_err(failed)?;
        Ok(())
    }

    /// Writes every segment anew that still holds words of removed messages, and deletes the old ones: once this has
    /// succeeded, not one word of what was removed and committed is left in any file of the index. Who reads, in this
    /// process or another, is not held up, and keeps the old files open, which have no names any more, until it
    /// refreshes. Indexes of other layouts are deleted, too: nobody removes anything from them.
    ///
    /// May take as long as it takes to write the whole index, and as much room.
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where the index cannot be written, or old files cannot be deleted.
    pub fn expunge(&mut self) -> Result<()> {
        let mut tries = 0;
        loop {
            let stale = self.stale_segments()?;
            if stale.is_empty() {
                break;
            }
            for id in stale {
                let merged = self.inner.merge(&[id]).wait();
                // One that is just being merged with others is not ours to merge: wait for that.
                if let Err(error) = merged {
                    tries += 1;
                    if tries > MERGE_TRIES {
                        return Err(failed(error));
                    }
                    std::thread::sleep(MERGE_PAUSE);
                }
            }
        }
        // A merge that has just ended may hold on to what it has read for a moment longer.
        for _ in 0..LEFTOVER_TRIES {
            self.inner.garbage_collect_files().wait().map_err(failed)?;
            if !self.has_leftovers()? {
                return self.delete_other_layouts();
            }
            std::thread::sleep(MERGE_PAUSE);
        }
        Err(Error::Search(
            "files of removed mail are still there".to_owned(),
        ))
    }

    fn delete_other_layouts(&self) -> Result<()> {
        let Some(all) = self.dir.parent() else {
            return Ok(());
        };
        for entry in std::fs::read_dir(all).map_err(|e| Error::io(all, e))? {
            let path = entry.map_err(|e| Error::io(all, e))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if path != self.dir && name.is_some_and(|name| name.starts_with("layout-")) {
                std::fs::remove_dir_all(&path).map_err(|e| Error::io(&path, e))?;
            }
        }
        Ok(())
    }

    /// Whether files of segments that are no part of the index any more are still on disk.
    fn has_leftovers(&self) -> Result<bool> {
        let index = self.inner.index();
        let live = index.searchable_segment_ids().map_err(failed)?;
        let live: Vec<String> = live.iter().map(|id| id.uuid_string()).collect();
        let files = index.directory().list_managed_files();
        let names = files.iter().filter_map(|file| file.file_name()?.to_str());
        let mut segments = names
            .filter_map(|name| name.split('.').next())
            .filter(|n| n.len() == 32);
        Ok(segments.any(|segment| live.iter().all(|id| id != segment)))
    }

    /// The segments that hold removed messages. Only their ids: what is held by its meta data is not deleted.
    fn stale_segments(&self) -> Result<Vec<SegmentId>> {
        let metas = self
            .inner
            .index()
            .searchable_segment_metas()
            .map_err(failed)?;
        let stale = metas.iter().filter(|meta| meta.has_deletes());
        Ok(stale.map(SegmentMeta::id).collect())
    }

    /// Waits until no segments are being merged, and closes. A writer that is only dropped takes its merges along: their
    /// work is lost, and with every writer there are more segments.
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where a merge failed.
    pub fn close(self) -> Result<()> {
        self.inner.wait_merging_threads().map_err(failed)
    }
}
