//! What a removal, an edit or a purge left undone when it was killed, and who does it again finishes.

use std::collections::HashMap;

use super::commit::removal_of;
use super::companion::Led;
use crate::config::InboxConfig;
use crate::error::Result;
use crate::id::{EpochNum, MessageId, Oid};
use crate::mail::Message;
use crate::store::{Change, Companion, Deed, Epoch, Layout, Tombstones, What, Writer};

/// Takes out of git what tombstones say was removed and what is still there, of the mails with these ids. Gives how many
/// were there.
///
/// # Errors
/// As [`Writer::open`] and [`Writer::remove`].
pub fn finish_removals(inbox: &InboxConfig, ids: &[MessageId]) -> Result<usize> {
    let is_removal = |deed| matches!(deed, Deed::Removed | Deed::Spam);
    let stones = Tombstones::read(&inbox.dir)?;
    let named = stones
        .iter()
        .any(|stone| is_removal(stone.deed) && ids.iter().any(|mid| stone.names(mid)));
    if !named {
        return Ok(0);
    }
    let mut writer = Writer::open(&inbox.dir)?;
    let mut left = Vec::new();
    for (blob, path) in live(&writer.layout()?)? {
        let Some(raw) = Epoch::open(&path)?.read(blob)? else {
            continue;
        };
        let message = Message::parse(&raw);
        let its = message.message_ids();
        if !its.iter().any(|mid| ids.contains(mid)) {
            continue;
        }
        let stone = stones.covering(&its, message.fingerprint());
        if let Some(stone) = stone.filter(|stone| is_removal(stone.deed)) {
            left.push((blob, stone.deed));
        }
    }
    for (blob, deed) in &left {
        let subject = match deed {
            Deed::Spam => "spam",
            _ => "rm",
        };
        writer.remove(*blob, &removal_of(inbox, subject))?;
    }
    Ok(left.len())
}

/// Deletes what an edit or a purge has taken out of history and could not delete any more. Gives what became of
/// public-inbox's own index.
///
/// # Errors
/// As [`Writer::open`] and [`Writer::sweep`].
pub fn finish_sweep(inbox: &InboxConfig) -> Result<Companion> {
    // As long as the old objects are there it can still follow.
    let companion = Led::begin(inbox, &[]).map_or(Companion::None, Led::end);
    Writer::open(&inbox.dir)?.sweep(&[])?;
    Ok(companion)
}

/// The mails that are there in the end, in the order of history, and the repository of each.
fn live(layout: &Layout) -> Result<Vec<(Oid, std::path::PathBuf)>> {
    let mut there: HashMap<Oid, (EpochNum, usize)> = HashMap::new();
    for (number, path) in &layout.epochs {
        let epoch = Epoch::open(path)?;
        let Some(tip) = epoch.tip()? else { continue };
        for (at, Change { what, .. }) in epoch.walk(None, tip)?.into_iter().enumerate() {
            match what {
                What::Added(blob) if blob != Oid::EMPTY_BLOB => {
                    there.insert(blob, (*number, at));
                }
                What::Removed(blob) => {
                    there.remove(&blob);
                }
                _ => {}
            }
        }
    }
    let mut there: Vec<_> = there.into_iter().collect();
    there.sort_by_key(|(_, place)| *place);
    let with_path = there
        .into_iter()
        .filter_map(|(blob, (number, _))| layout.epoch(number).map(|path| (blob, path.to_owned())));
    Ok(with_path.collect())
}
