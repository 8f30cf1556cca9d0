//! Room for mail that callers have in hand: a bound on its bytes over all of them.
//!
//! Short mail needs none. A long one claims more whenever it outgrows what it has; where others have it all, its caller
//! is kept waiting, and in the end told to come again.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a caller may have without asking, in bytes.
pub(super) const FREE: usize = 64 << 10;

/// The room of all callers.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    patience: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// Who waits, in the order in which they came: else short mail would pass by a long one for ever.
    line: VecDeque<u64>,
    next: u64,
}

impl Room {
    /// Room for so many bytes; who finds none waits for so long.
    pub(super) fn new(most: usize, patience: Duration) -> Room {
        Room {
            most,
            patience,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// A part of it, empty so far.
    pub(super) fn share(&self) -> Share<'_> {
        Share {
            room: self,
            bytes: 0,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one caller has of the room, until it is dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    room: &'a Room,
    bytes: usize,
}

impl Share<'_> {
    /// Makes it so many bytes, and waits for them if it has to; whether there was room in time. One mail alone finds room
    /// however long it is.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let until = Instant::now() + self.room.patience;
        let mut state = self.room.state();
        let number = state.next;
        state.next += 1;
        state.line.push_back(number);
        let fits = loop {
            let others = state.taken - self.bytes;
            let fits = others == 0 || others.saturating_add(bytes) <= self.room.most;
            let left = until.saturating_duration_since(Instant::now());
            let is_first = state.line.front() == Some(&number);
            if (fits && is_first) || left.is_zero() {
                break fits && is_first;
            }
            let waited = self.room.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        };
        state.line.retain(|waiting| *waiting != number);
        if fits {
            state.taken = state.taken - self.bytes + bytes;
            self.bytes = bytes;
        }
        self.room.changed.notify_all();
        fits
    }

    /// Gives all of it back.
    pub(super) fn empty(&mut self) {
        self.room.state().taken -= self.bytes;
        self.bytes = 0;
        self.room.changed.notify_all();
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.empty();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Room;

    #[test]
    fn no_more_is_given_than_there_is_but_to_one_alone() {
        let room = Room::new(100, Duration::ZERO);
        let (mut one, mut other) = (room.share(), room.share());
        for (share, bytes, given) in [
            (0, 60, true),
            (1, 50, false),
            (1, 40, true),
            (0, 61, false),
            (0, 50, true),
            (1, 50, true),
        ] {
            let share = [&mut one, &mut other][share].grow(bytes);
            assert_eq!(share, given, "{bytes} bytes");
        }
        drop(other);
        assert!(one.grow(1000), "one mail alone");
        assert!(!room.share().grow(1));
        drop(one);
        assert!(room.share().grow(100));
        assert_eq!(room.state().taken, 0);
        assert!(room.state().line.is_empty());
    }

    #[test]
    fn who_waits_goes_on_when_others_go_in_the_order_of_coming() {
        let room = Room::new(100, Duration::from_secs(60));
        let mut first = room.share();
        assert!(first.grow(100));
        let line = |length: usize| {
            while room.state().line.len() < length {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        std::thread::scope(|scope| {
            let long = scope.spawn(|| {
                let mut share = room.share();
                assert!(share.grow(90));
                // The short one stands behind it still.
                room.state().line.len()
            });
            line(1);
            let short = scope.spawn(|| room.share().grow(20));
            line(2);
            drop(first);
            assert_eq!(long.join().unwrap(), 1);
            assert!(short.join().unwrap());
        });
        assert_eq!(room.state().taken, 0);
    }
}
