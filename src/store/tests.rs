//! Real archives, where they are there.

use std::path::PathBuf;

use super::{Epoch, What};
use crate::id::Oid;

/// An epoch of a real archive; `None`, and a word about it, where it is not there.
fn real(name: &str) -> Option<Epoch> {
    let root = std::env::var_os("THREADBARE_DATA").map_or_else(|| "../data".into(), PathBuf::from);
    let path = root.join(name).join("git/0.git");
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(Epoch::open(&path).unwrap())
}

#[test]
fn real_histories_are_walked_whole() {
    for (name, count, lost) in [
        ("ksummit", 3115, 0),
        ("ksummit-discuss", 5489, 0),
        ("linux-mtd", 8593, 1),
    ] {
        let Some(epoch) = real(name) else { return };
        let start = std::time::Instant::now();
        let tip = epoch.tip().unwrap().unwrap();
        let changes = epoch.walk(None, tip).unwrap();
        eprintln!("{name}: {} in {:?}", changes.len(), start.elapsed());
        let start = std::time::Instant::now();
        let mut missing = 0;
        let mut bytes = 0;
        let mut kinds = [0; 4];
        for change in &changes {
            match &change.what {
                What::Added(oid) => {
                    kinds[0] += 1;
                    match epoch.read(*oid).unwrap() {
                        Some(raw) => bytes += raw.len(),
                        None => missing += 1,
                    }
                }
                What::Removed(_) => kinds[1] += 1,
                What::Nothing => kinds[2] += 1,
                What::Unreadable(_) => kinds[3] += 1,
            }
        }
        eprintln!("read {bytes} in {:?}, {missing} missing {kinds:?}", start.elapsed());
        assert_eq!((changes.len(), missing), (count, lost), "{name}");
        let _ = Oid::EMPTY_BLOB;
    }
}
