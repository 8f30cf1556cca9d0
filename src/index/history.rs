//! What a history comes to: which mails are there in its end, and in which order they came.

use std::collections::{HashMap, HashSet};

use crate::id::{EpochNum, Oid};
use crate::store::{Change, What};

/// Follows a history: which mails are there in the end, and in which epoch each came.
pub(super) fn replay(changes: &[Change], epoch: EpochNum, live: &mut HashMap<Oid, EpochNum>) {
    for change in changes {
        match change.what {
            What::Added(blob) if blob != Oid::EMPTY_BLOB => {
                live.entry(blob).or_insert(epoch);
            }
            What::Removed(blob) => {
                live.remove(&blob);
            }
            _ => {}
        }
    }
}

/// The mails of a history in the order in which they got their numbers. One that was removed and came again is left out: it
/// may have that of either time.
pub(super) fn in_history(changes: &[Change]) -> Vec<Oid> {
    let removed: HashSet<Oid> = changes
        .iter()
        .filter_map(|change| match change.what {
            What::Removed(blob) => Some(blob),
            _ => None,
        })
        .collect();
    let mut seen: HashSet<Oid> = HashSet::with_capacity(changes.len());
    let mut again: HashSet<Oid> = HashSet::new();
    let mut blobs = Vec::with_capacity(changes.len());
    for change in changes {
        let What::Added(blob) = change.what else {
            continue;
        };
        if blob == Oid::EMPTY_BLOB {
            continue;
        }
        if seen.insert(blob) {
            blobs.push(blob);
        } else if removed.contains(&blob) {
            again.insert(blob);
        }
    }
    blobs.retain(|blob| !again.contains(blob));
    blobs
}
