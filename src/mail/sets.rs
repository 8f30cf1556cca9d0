//! Which Message-IDs hang together: disjoint sets, joined one pair at a time.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::id::MidKey;

/// Disjoint sets of Message-IDs (union by halving paths). An id that was never joined is a set of its own.
#[derive(Clone, Debug, Default)]
pub struct DisjointSets {
    parents: HashMap<MidKey, MidKey, RandomState>,
}

impl DisjointSets {
    /// Puts two ids, and all that hang together with either, into one set.
    pub fn join(&mut self, a: MidKey, b: MidKey) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents.entry(a).or_insert(a);
        self.parents.insert(b, a);
    }

    /// The id that stands for the whole set of `key`.
    pub fn root(&mut self, key: MidKey) -> MidKey {
        let mut at = key;
        while let Some(&parent) = self.parents.get(&at) {
            if parent == at {
                break;
            }
            let above = self.parents.get(&parent).copied().unwrap_or(parent);
            self.parents.insert(at, above);
            at = above;
        }
        at
    }

    /// Every id that was ever joined.
    pub fn members(&self) -> Vec<MidKey> {
        self.parents.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::DisjointSets;
    use crate::id::MidKey;

    #[test]
    fn joined_ids_share_a_root() {
        let mut sets = DisjointSets::default();
        for (a, b) in [(1, 2), (3, 4), (5, 5), (2, 3)] {
            sets.join(MidKey(a), MidKey(b));
        }
        assert_eq!(sets.root(MidKey(1)), sets.root(MidKey(4)));
        assert_ne!(sets.root(MidKey(1)), sets.root(MidKey(5)));
        assert_eq!(sets.root(MidKey(9)), MidKey(9));
        assert_eq!(sets.members().len(), 5);
    }
}
