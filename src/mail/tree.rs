//! Overviews in, a tree in reading order out.
//!
//! Jamie Zawinski's algorithm without its grouping by subject, and without recursion: the depth of a thread is in
//! the hands of whoever writes mail.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::id::ArticleNum;
use crate::id::MidKey;
use crate::time::Timestamp;

/// A message as the tree sees it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Its Message-ID.
    pub id: MidKey,
    /// What it answers, the parent last.
    pub references: &'a [MidKey],
    /// When it was sent.
    pub sent: Timestamp,
    /// Its number, by which mails of the same second are ordered.
    pub num: ArticleNum,
    /// Whether nothing but its subject brings it here.
    pub loose: bool,
}

/// What stands on a line of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The node with this index in the list that was given.
    Real(usize),
    /// A message that others answer, and that was never seen.
    Ghost(MidKey),
}

/// One line of a thread in reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose line it is.
    pub what: What,
    /// How deep it stands, 0 for a root.
    pub depth: usize,
    /// Whether it stands below the note on loose matches: nothing but a subject brings it here.
    pub loose: bool,
}

/// Arranges messages, which are given in the order in which they were sent.
///
/// `about`: the message whose page this is. Its tree comes first and the others follow, the newest first.
pub fn arrange(nodes: &[Node<'_>], about: Option<MidKey>) -> Vec<Line> {
    let mut tree = Tree::link(nodes);
    tree.weigh();
    let roots = tree.roots(about);
    tree.lines(&roots, nodes)
}

/// Where a message or ghost sorts among its siblings: by the topmost real message at or beneath it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    levels_down: usize,
    sent: Timestamp,
    num: ArticleNum,
}

struct Place {
    what: What,
    parent: Option<usize>,
    children: Vec<usize>,
    weight: Option<Weight>,
}

struct Tree {
    places: Vec<Place>,
    /// Second and further mails of an id that is already in the tree: (where that one is, index).
    imposters: Vec<(usize, usize)>,
    by_id: HashMap<MidKey, usize, RandomState>,
}

impl Tree {
    fn link(nodes: &[Node<'_>]) -> Tree {
        let mut tree = Tree {
            places: Vec::with_capacity(nodes.len()),
            imposters: Vec::new(),
            by_id: HashMap::with_capacity_and_hasher(nodes.len(), RandomState::default()),
        };
        for (index, node) in nodes.iter().enumerate() {
            match tree.by_id.get(&node.id) {
                Some(&first) => tree.imposters.push((first, index)),
                None => {
                    let place = tree.place(node.id);
                    tree.places[place].what = What::Real(index);
                    tree.places[place].weight = Some(Weight {
                        levels_down: 0,
                        sent: node.sent,
                        num: node.num,
                    });
                }
            }
        }
        let imposters: Vec<usize> = tree.imposters.iter().map(|(_, index)| *index).collect();
        let mut parents: Vec<Option<usize>> = Vec::with_capacity(tree.places.len());
        for (index, node) in nodes.iter().enumerate() {
            if imposters.binary_search(&index).is_ok() {
                continue;
            }
            let own = tree.place(node.id);
            let mut previous = None;
            for reference in node.references {
                let current = tree.place(*reference);
                if let Some(previous) = previous
                    && tree.may_answer(current, previous, nodes)
                    && tree.places[current].parent.is_none()
                    && !tree.hangs_below(previous, current)
                {
                    tree.places[current].parent = Some(previous);
                }
                previous = Some(current);
            }
            // What a message itself says of its parent counts more than what others guess.
            if let Some(parent) = previous
                && !tree.hangs_below(parent, own)
            {
                tree.places[own].parent = Some(parent);
            }
        }
        parents.extend(tree.places.iter().map(|place| place.parent));
        for (child, parent) in parents.into_iter().enumerate() {
            if let Some(parent) = parent {
                tree.places[parent].children.push(child);
            }
        }
        tree
    }

    /// The place of an id, a ghost's where it is new.
    fn place(&mut self, id: MidKey) -> usize {
        let next = self.places.len();
        let place = *self.by_id.entry(id).or_insert(next);
        if place == next {
            self.places.push(Place {
                what: What::Ghost(id),
                parent: None,
                children: Vec::new(),
                weight: None,
            });
        }
        place
    }

    /// Whether others are believed who say that one message answers another. Nobody can have answered what the inbox
    /// did not have yet: so a stranger cannot move a famous message under a later one of his own.
    fn may_answer(&self, child: usize, parent: usize, nodes: &[Node<'_>]) -> bool {
        match (self.places[child].what, self.places[parent].what) {
            (What::Real(child), What::Real(parent)) => nodes[parent].num < nodes[child].num,
            _ => true,
        }
    }

    /// Whether `below` is `above` or hangs somewhere under it.
    fn hangs_below(&self, below: usize, above: usize) -> bool {
        let mut at = Some(below);
        while let Some(place) = at {
            if place == above {
                return true;
            }
            at = self.places[place].parent;
        }
        false
    }

    /// Gives each ghost the weight of the topmost message beneath it and sorts all siblings by weight.
    fn weigh(&mut self) {
        for place in self.parents_first().into_iter().rev() {
            let places = &self.places;
            let lightest = places[place]
                .children
                .iter()
                .filter_map(|c| places[*c].weight)
                .min();
            let mut children = std::mem::take(&mut self.places[place].children);
            children.retain(|child| self.places[*child].weight.is_some());
            children.sort_by_key(|child| self.sort_key(*child));
            self.places[place].children = children;
            if let (None, Some(lightest)) = (self.places[place].weight, lightest) {
                let levels_down = lightest.levels_down + 1;
                self.places[place].weight = Some(Weight {
                    levels_down,
                    ..lightest
                });
            }
        }
    }

    fn sort_key(&self, place: usize) -> Option<(Timestamp, ArticleNum)> {
        self.places[place]
            .weight
            .map(|weight| (weight.sent, weight.num))
    }

    fn parents_first(&self) -> Vec<usize> {
        let root = |place: &usize| self.places[*place].parent.is_none();
        let mut order: Vec<usize> = (0..self.places.len()).filter(root).collect();
        let mut next = 0;
        while let Some(&place) = order.get(next) {
            order.extend(&self.places[place].children);
            next += 1;
        }
        order
    }

    /// The roots in the order in which they are shown. Ghosts that nobody answers are left out.
    fn roots(&self, about: Option<MidKey>) -> Vec<usize> {
        let shown = |place: &usize| {
            self.places[*place].parent.is_none() && self.places[*place].weight.is_some()
        };
        let mut roots: Vec<usize> = (0..self.places.len()).filter(shown).collect();
        roots.sort_by_key(|root| self.sort_key(*root));
        let Some(mut at) = about.and_then(|id| self.by_id.get(&id).copied()) else {
            return roots;
        };
        while let Some(parent) = self.places[at].parent {
            at = parent;
        }
        if let Some(position) = roots.iter().position(|root| *root == at)
            && position > 0
        {
            roots.remove(position);
            roots.reverse();
            roots.insert(0, at);
        }
        roots
    }

    fn lines(&self, roots: &[usize], nodes: &[Node<'_>]) -> Vec<Line> {
        let mut imposters: HashMap<usize, Vec<usize>> = HashMap::new();
        for (first, index) in &self.imposters {
            imposters.entry(*first).or_default().push(*index);
        }
        let mut lines = Vec::with_capacity(self.places.len());
        let mut stack: Vec<(usize, usize)> = Vec::new();
        // Clients that know public-inbox's pages look for the note only where two messages, not ghosts, begin trees.
        let is_real = |root: &&usize| matches!(self.places[**root].what, What::Real(_));
        let has_note = roots.iter().filter(is_real).count() > 1;
        let mut below_the_note = false;
        for root in roots {
            let from = lines.len();
            stack.push((*root, 0));
            while let Some((place, depth)) = stack.pop() {
                lines.push(Line {
                    what: self.places[place].what,
                    depth,
                    loose: false,
                });
                for index in imposters.get(&place).into_iter().flatten() {
                    lines.push(Line {
                        what: What::Real(*index),
                        depth: depth + 1,
                        loose: false,
                    });
                }
                stack.extend(
                    self.places[place]
                        .children
                        .iter()
                        .rev()
                        .map(|c| (*c, depth + 1)),
                );
            }
            let is_loose = |line: &Line| matches!(line.what, What::Real(n) if nodes[n].loose);
            below_the_note |= has_note && from > 0 && lines[from..].iter().any(is_loose);
            lines[from..]
                .iter_mut()
                .for_each(|line| line.loose = below_the_note);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Node, What, arrange};
    use crate::id::{ArticleNum, MidKey};
    use crate::time::Timestamp;

    /// Messages by id with what they answer, sent in that order, those from 90 on loose; the result as `depth:id`,
    /// ghosts in brackets.
    fn shape(messages: &[(i64, &[i64])], about: Option<i64>) -> String {
        let references: Vec<Vec<MidKey>> = messages
            .iter()
            .map(|(_, refs)| refs.iter().copied().map(MidKey).collect())
            .collect();
        let nodes: Vec<Node<'_>> = messages
            .iter()
            .zip(&references)
            .zip(1..)
            .map(|(((id, _), references), n)| Node {
                id: MidKey(*id),
                references,
                sent: Timestamp(n),
                num: ArticleNum(n),
                loose: *id >= 90,
            })
            .collect();
        let print = |line: &Line| {
            let mark = if line.loose { "~" } else { "" };
            match line.what {
                What::Real(index) => format!("{mark}{}:{}", line.depth, messages[index].0),
                What::Ghost(key) => format!("{mark}{}:({})", line.depth, key.0),
            }
        };
        let lines = arrange(&nodes, about.map(MidKey));
        lines.iter().map(print).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn answers_stand_below_what_they_answer() {
        assert_eq!(
            shape(&[(1, &[]), (2, &[1]), (3, &[1]), (4, &[1, 2])], None),
            "0:1 1:2 2:4 1:3"
        );
    }

    #[test]
    fn a_parent_that_was_never_seen_is_a_ghost() {
        assert_eq!(shape(&[(2, &[1]), (3, &[1])], None), "0:(1) 1:2 1:3");
        assert_eq!(shape(&[(3, &[1, 2])], None), "0:(1) 1:(2) 2:3");
    }

    #[test]
    fn the_own_word_of_a_message_counts_more_than_a_guess() {
        assert_eq!(
            shape(&[(1, &[]), (2, &[]), (4, &[2, 3]), (3, &[1])], None),
            "0:1 1:3 2:4 0:2"
        );
    }

    #[test]
    fn loops_end() {
        assert_eq!(shape(&[(1, &[2]), (2, &[1])], None), "0:2 1:1");
        assert_eq!(shape(&[(1, &[1])], None), "0:1");
        assert_eq!(
            shape(&[(1, &[2, 3, 2]), (2, &[3]), (3, &[1])], None)
                .split(' ')
                .count(),
            3
        );
    }

    #[test]
    fn a_second_mail_of_one_id_is_the_first_child_of_the_first() {
        assert_eq!(shape(&[(1, &[]), (2, &[1]), (1, &[])], None), "0:1 1:1 1:2");
    }

    #[test]
    fn the_tree_of_the_page_comes_first_and_the_rest_newest_first() {
        let messages: &[(i64, &[i64])] = &[(1, &[]), (2, &[]), (3, &[]), (4, &[3])];
        assert_eq!(shape(messages, Some(4)), "0:3 1:4 0:2 0:1");
        assert_eq!(shape(messages, Some(1)), "0:1 0:2 0:3 1:4");
        assert_eq!(shape(messages, None), "0:1 0:2 0:3 1:4");
    }

    #[test]
    fn what_only_shares_the_subject_stands_below_a_note() {
        let messages: &[(i64, &[i64])] = &[(90, &[]), (2, &[]), (3, &[2]), (94, &[90])];
        assert_eq!(shape(messages, Some(3)), "0:2 1:3 ~0:90 ~1:94");
    }

    #[test]
    fn a_ghost_sorts_by_the_topmost_message_beneath_it() {
        assert_eq!(
            shape(&[(1, &[]), (5, &[9]), (2, &[1]), (3, &[])], None),
            "0:1 1:2 0:(9) 1:5 0:3"
        );
    }

    #[test]
    fn a_chain_of_fifty_thousand_is_no_deeper_than_the_heap() {
        let references: Vec<[MidKey; 1]> = (0..50_000).map(|n| [MidKey(n)]).collect();
        let node = |n: i64, references| Node {
            id: MidKey(n),
            references,
            sent: Timestamp(n),
            num: ArticleNum(n),
            loose: false,
        };
        let mut nodes: Vec<Node<'_>> = (1..)
            .zip(&references)
            .map(|(n, references)| node(n, &references[..]))
            .collect();
        nodes.reverse();
        assert_eq!(arrange(&nodes, None).len(), 50_001);
    }
}
