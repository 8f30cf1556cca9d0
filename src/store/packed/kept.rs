//! Objects that others were lately told by: a neighbour in the pack is often a delta to one of them, too.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::Kind;

/// How much of them is kept for each opened repository, in bytes: some thousand mails.
const ROOM: usize = 12 << 20;
/// What is longer than this is not kept.
const LONGEST: usize = ROOM / 16;

/// By the number of their pack and where they begin in it.
type Key = (u64, u64);

#[derive(Debug, Default)]
pub(super) struct Kept {
    objects: HashMap<Key, (Kind, Arc<Vec<u8>>)>,
    /// The oldest first.
    order: VecDeque<Key>,
    size: usize,
}

impl Kept {
    pub(super) fn find(&self, pack: u64, at: u64) -> Option<(Kind, Arc<Vec<u8>>)> {
        self.objects.get(&(pack, at)).cloned()
    }

    pub(super) fn keep(&mut self, pack: u64, at: u64, kind: Kind, bytes: &Arc<Vec<u8>>) {
        if bytes.len() > LONGEST {
            return;
        }
        let kept = (kind, Arc::clone(bytes));
        if self.objects.insert((pack, at), kept).is_some() {
            return;
        }
        self.order.push_back((pack, at));
        self.size += bytes.len();
        while self.size > ROOM {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some((_, bytes)) = self.objects.remove(&oldest) {
                self.size -= bytes.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Kept, LONGEST, ROOM};
    use crate::store::packed::Kind;

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let mut kept = Kept::default();
        let bytes = Arc::new(vec![0; LONGEST]);
        for at in 0..40 {
            kept.keep(0, at, Kind::Blob, &bytes);
            assert!(kept.size <= ROOM);
        }
        let there: Vec<u64> = (0..40).filter(|at| kept.find(0, *at).is_some()).collect();
        assert_eq!(there, (24..40).collect::<Vec<u64>>());
        kept.keep(0, 99, Kind::Blob, &Arc::new(vec![0; LONGEST + 1]));
        assert!(kept.find(0, 99).is_none());
    }
}
