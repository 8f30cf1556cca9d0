//! Another archive in public-inbox's format, version 1 or 2: the mail that is in it now, in its order.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Item, Items};
use crate::error::Result;
use crate::id::Oid;
use crate::store::{Change, Epoch, Layout, What};

/// How many commits its branches have, roughly: changes that a reader goes through.
pub(super) fn count(layout: &Layout) -> Result<u64> {
    let mut all = 0;
    for (_, path) in &layout.epochs {
        let epoch = Epoch::open(path)?;
        if let Some(tip) = epoch.tip()? {
            all += epoch.walk(None, tip)?.len() as u64;
        }
    }
    Ok(all)
}

/// The mails from the position `from` on. What was removed or purged does not come.
pub(super) fn items(dir: &Path, from: u64, read: Arc<AtomicU64>) -> Result<Items> {
    let layout = Layout::find(dir)?;
    let mut histories: Vec<(Epoch, Vec<Change>)> = Vec::new();
    for (_, path) in layout.epochs {
        let epoch = Epoch::open(&path)?;
        if let Some(tip) = epoch.tip()? {
            let changes = epoch.walk(None, tip)?;
            histories.push((epoch, changes));
        }
    }
    // How often each blob was removed after it had been added: the first so many do not count.
    let mut removed: HashMap<Oid, u32> = HashMap::new();
    for change in histories.iter().flat_map(|(_, changes)| changes) {
        if let What::Removed(blob) = change.what {
            *removed.entry(blob).or_default() += 1;
        }
    }
    let mut at = 0;
    let all = histories.into_iter().flat_map(|(epoch, changes)| {
        let epoch = Arc::new(std::sync::Mutex::new(epoch));
        changes
            .into_iter()
            .map(move |change| (Arc::clone(&epoch), change))
    });
    Ok(Box::new(all.filter_map(move |(epoch, change)| {
        let here = at;
        at += 1;
        read.fetch_add(1, Ordering::Relaxed);
        let What::Added(blob) = change.what else {
            return None;
        };
        if let Some(left) = removed.get_mut(&blob).filter(|left| **left > 0) {
            *left -= 1;
            return None;
        }
        if here < from || blob == Oid::EMPTY_BLOB {
            return None;
        }
        let epoch = epoch
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let raw = match epoch.read(blob) {
            Ok(Some(raw)) => Ok(raw),
            Ok(None) => Err("git has lost it".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        Some(Ok(Item {
            at: here,
            next: here + 1,
            place: format!("commit {}", change.commit),
            came: Some(change.times.committer),
            raw,
            loss: None,
        }))
    })))
}
