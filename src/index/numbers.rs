//! Article numbers as history gives them: how many there are, whether they follow its order, and which ones do where some
//! do not.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::id::{MessageId, Oid};

/// Counts how many numbers the history of an inbox gives: what an index made anew would come to.
#[derive(Default)]
pub(super) struct Numbering {
    /// How many.
    pub(super) given: i64,
    /// The ids that hold numbers, by their hashes, and the mail of each.
    holders: HashSet<u64>,
    held: HashMap<Oid, u64>,
}

impl Numbering {
    /// A mail comes; one that a tombstone keeps away takes a number and does not hold it.
    pub(super) fn add(&mut self, ids: &[MessageId], blob: Oid, is_away: bool) {
        let hash = |mid: &MessageId| {
            let mut hasher = DefaultHasher::new();
            mid.as_str().hash(&mut hasher);
            hasher.finish()
        };
        let ids = ids.iter().take(1).chain(ids.iter().skip(1).rev());
        let Some(free) = ids.map(hash).find(|hash| !self.holders.contains(hash)) else {
            return;
        };
        self.given += 1;
        if !is_away {
            self.holders.insert(free);
            self.held.insert(blob, free);
        }
    }

    /// A mail goes.
    pub(super) fn remove(&mut self, blob: Oid) {
        if let Some(held) = self.held.remove(&blob) {
            self.holders.remove(&held);
        }
    }
}

/// Which of these numbers stand out of order: as few as possible, by their places. All are different.
pub(super) fn out_of_order(numbers: &[i64]) -> Vec<usize> {
    // The longest rising series, by patience: `tails[n]` is where the lowest end is of a series of length n + 1.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.iter().enumerate() {
        let length = tails.partition_point(|tail| numbers.get(*tail) < Some(number));
        before.push(length.checked_sub(1).and_then(|n| tails.get(n).copied()));
        match tails.get_mut(length) {
            Some(tail) => *tail = at,
            None => tails.push(at),
        }
    }
    let mut rising = HashSet::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(at) = next {
        rising.insert(at);
        next = before.get(at).copied().flatten();
    }
    (0..numbers.len())
        .filter(|at| !rising.contains(at))
        .collect()
}

/// The same mails under numbers that follow the order of history: those that stand out of it get free ones at their places,
/// and where there are none, all get their numbers in order. Numbers in `elsewhere` are not free.
pub(super) fn in_order(numbers: &[i64], elsewhere: &HashSet<i64>) -> Vec<i64> {
    let astray: HashSet<usize> = out_of_order(numbers).into_iter().collect();
    if astray.is_empty() {
        return numbers.to_vec();
    }
    let mut mended = Vec::with_capacity(numbers.len());
    let mut last = 0;
    for (at, number) in numbers.iter().enumerate() {
        let free = |number: &i64| !elsewhere.contains(number);
        let number = match astray.contains(&at) {
            false => *number,
            true => (last + 1..).find(free).unwrap_or(*number),
        };
        if number <= last {
            // Those that were given here have left no room for one that stands right.
            let mut sorted = numbers.to_vec();
            sorted.sort_unstable();
            return sorted;
        }
        last = number;
        mended.push(number);
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::{in_order, out_of_order};

    #[test]
    fn numbers_that_were_changed_are_found_and_mended() {
        for (numbers, astray, mended) in [
            (&[][..], &[][..], &[][..]),
            (&[1, 2, 5, 9], &[], &[1, 2, 5, 9]),
            // One that is too high, as by a flipped bit, and its own is free.
            (&[1, 2, 400, 4, 5], &[2], &[1, 2, 3, 4, 5]),
            // Two that changed their places, far from each other and side by side.
            (
                &[1, 2, 7, 4, 5, 6, 3, 8],
                &[2, 6],
                &[1, 2, 3, 4, 5, 6, 7, 8],
            ),
            (&[1, 3, 2, 4], &[1], &[1, 2, 3, 4]),
            (&[5, 4, 3, 2, 1], &[0, 1, 2, 3], &[1, 2, 3, 4, 5]),
            // One that took the number of a mail that was removed.
            (&[1, 2, 4, 6, 3], &[4], &[1, 2, 4, 6, 7]),
        ] {
            assert_eq!(out_of_order(numbers), astray, "{numbers:?}");
            let none = std::collections::HashSet::new();
            assert_eq!(in_order(numbers, &none), mended, "{numbers:?}");
        }
        let elsewhere = [2, 3].into();
        assert_eq!(in_order(&[1, 400, 4], &elsewhere), [1, 4, 400]);
    }
}
