//! How far an import came, for the case that it is stopped: a small file beside the indexes.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::report::ImportReport;
use crate::error::{Error, Result};
use crate::id::InboxName;

/// How far an import came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// What is imported, with the sign that tells whether it is still the same.
    pub(super) sources: Vec<(String, String)>,
    /// The source that was being read.
    pub(super) source: usize,
    /// Where in it the next mail stands.
    pub(super) next: u64,
    /// How many mails were read, over all sources: what old archives counted by.
    pub(super) count: u64,
    pub(super) report: ImportReport,
}

/// Where it is kept.
pub(super) fn path(index_dir: &Path, inbox: &InboxName) -> PathBuf {
    index_dir.join(format!("import/{inbox}.json"))
}

impl Checkpoint {
    /// That of a run with the same sources that was stopped, if there was one.
    pub(super) fn read(path: &Path, sources: &[(String, String)]) -> Option<Checkpoint> {
        let text = std::fs::read(path).ok()?;
        let value: Value = serde_json::from_slice(&text).ok()?;
        let known = value["sources"].as_array()?.iter();
        let known: Vec<(String, String)> = known
            .filter_map(|one| Some((one[0].as_str()?.to_owned(), one[1].as_str()?.to_owned())))
            .collect();
        if known != sources {
            return None;
        }
        Some(Checkpoint {
            sources: known,
            source: usize::try_from(value["source"].as_u64()?).ok()?,
            next: value["next"].as_u64()?,
            count: value["count"].as_u64()?,
            report: ImportReport::of_json(&value["report"]),
        })
    }

    /// Keeps it in the place of the one before.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let value = json!({
            "sources": self.sources,
            "source": self.source,
            "next": self.next,
            "count": self.count,
            "report": self.report.to_json(),
        });
        let failed = |e| Error::io(path, e);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(failed)?;
        }
        let new = path.with_extension("new");
        std::fs::write(&new, value.to_string()).map_err(failed)?;
        std::fs::rename(&new, path).map_err(failed)
    }
}
