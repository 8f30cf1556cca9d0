//! The bytes of a mail, and how many bytes of large mails may be in hand at once.
//!
//! Whoever reads slowly, or asks for many large mails at once, would otherwise fill the memory: a page or a file needs a
//! mail whole, and several times.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Mails up to this are not counted: there are no more of them in hand than answers under way.
const SMALL: u64 = 256 << 10;

/// How many bytes of large mails there are in hand at most, or one mail, however large.
const ROOM: u64 = 256 << 20;

/// The bytes of a mail. What it takes of the room for large ones is free again when this is dropped.
#[derive(Debug)]
pub struct Raw {
    bytes: Vec<u8>,
    _share: Option<Share>,
}

impl Raw {
    pub(super) fn new(bytes: Vec<u8>, share: Option<Share>) -> Raw {
        Raw {
            bytes,
            _share: share,
        }
    }

    /// The bytes alone, for somebody who has no others to share the memory with.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }
}

impl Deref for Raw {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The room for large mails. All clones are the same room.
#[derive(Clone, Debug, Default)]
pub(super) struct Room(Arc<AtomicU64>);

/// What a large mail takes of the room.
#[derive(Debug)]
pub(super) struct Share {
    room: Room,
    bytes: u64,
}

impl Room {
    /// Room for a mail of so many bytes; `None` where it is small and needs none.
    ///
    /// # Errors
    /// [`Error::Busy`]: too many large mails are in hand.
    pub(super) fn take(&self, bytes: u64) -> Result<Option<Share>> {
        if bytes <= SMALL {
            return Ok(None);
        }
        let fits = |used: u64| {
            let all = used.saturating_add(bytes);
            (used == 0 || all <= ROOM).then_some(all)
        };
        match (self.0).fetch_update(Ordering::AcqRel, Ordering::Acquire, fits) {
            Ok(_) => Ok(Some(Share {
                room: self.clone(),
                bytes,
            })),
            Err(_) => Err(Error::Busy),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::{ROOM, Room, SMALL};
    use crate::error::Error;

    #[test]
    fn large_mails_are_in_hand_up_to_a_bound_and_small_ones_as_many_as_come() {
        let room = Room::default();
        assert!(room.take(SMALL).unwrap().is_none());
        let half = room.take(ROOM / 2).unwrap();
        let other = room.take(ROOM / 2).unwrap();
        assert!(matches!(room.take(SMALL + 1), Err(Error::Busy)));
        assert!(room.take(1).unwrap().is_none());
        drop(half);
        assert!(matches!(room.take(2 * ROOM), Err(Error::Busy)));
        drop(other);
        let giant = room.take(2 * ROOM).unwrap();
        assert!(giant.is_some(), "one is always read");
        assert!(matches!(room.take(SMALL + 1), Err(Error::Busy)));
        drop(giant);
        assert!(room.take(SMALL + 1).unwrap().is_some());
    }
}
