//! A history, commit by commit, as the changes that it makes to an inbox.
//!
//! v2 has the mail of a commit at `m` or, if it is removed, at `d`; v1 has a tree of all mail, two digits and
//! thirty-eight. The difference between the tree of a commit and that of its parent tells both apart.

use std::collections::HashSet;
use std::num::NonZero;
use std::ops::Range;
use std::rc::Rc;
use std::thread::{Builder, ScopedJoinHandle, available_parallelism};

use super::Epoch;
pub use super::object::Times;
use super::object::{Commit, Entry, Kind, Lack, Objects, Tree};
use crate::error::Result;
use crate::id::Oid;

/// One thing that a commit does. A commit that does several gives as many changes, in the order of their paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub commit: Oid,
    /// What it does.
    pub what: What,
    /// Its dates.
    pub times: Times,
}

/// What a change does to an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A mail comes in. [`Oid::EMPTY_BLOB`] stands for one that was purged.
    Added(Oid),
    /// A mail goes.
    Removed(Oid),
    /// No mail is touched.
    Nothing,
    /// git has lost what the commit did; here is what is missing.
    Unreadable(String),
}

/// So many commits are worth a thread of their own.
pub(super) const A_PART: usize = if cfg!(test) { 2 } else { 1000 };

/// A commit on the way from the old tip to the new.
pub(super) struct Step {
    pub(super) oid: Oid,
    pub(super) found: Result<Commit, String>,
}

impl Epoch {
    /// What the commits do that lie behind `tip` but not behind `from`; all of them without a `from`.
    ///
    /// Parents come before children; commit dates say nothing about the order of mail. Takes about 100 bytes of
    /// memory per commit.
    ///
    /// # Errors
    /// [`Error::Store`] where the repository cannot be read at all. Single objects that are missing are
    /// [`What::Unreadable`].
    pub fn walk(&self, from: Option<Oid>, tip: Oid) -> Result<Vec<Change>> {
        let objects = self.objects()?;
        let shallow = self.shallow();
        let steps = match self.straight(&shallow, from, tip)? {
            Some(steps) => steps,
            None => branching(&objects, &shallow, from, tip),
        };
        let processors = available_parallelism().map_or(1, NonZero::get);
        let parts = processors.min(steps.len() / A_PART).max(1);
        let count = steps.len();
        let part = move |n: usize| n * count / parts..(n + 1) * count / parts;
        let (path, steps) = (self.path(), &steps);
        let elsewhere = move |n| -> Result<Vec<Change>> {
            Ok(changes(&Epoch::open(path)?.objects()?, steps, part(n)))
        };
        Ok(std::thread::scope(|scope| {
            let spawn = |n| Builder::new().spawn_scoped(scope, move || elsewhere(n));
            let others: Vec<_> = (1..parts).map(|n| (n, spawn(n))).collect();
            let mut all = changes(&objects, steps, part(0));
            for (n, other) in others {
                match other.map(ScopedJoinHandle::join) {
                    Ok(Ok(Ok(done))) => all.extend(done),
                    _ => all.extend(changes(&objects, steps, part(n))),
                }
            }
            all
        }))
    }

    /// The commits at which a shallow clone was cut off: their parents are not there, and not missed.
    pub(super) fn shallow(&self) -> HashSet<Oid> {
        let text = std::fs::read_to_string(self.path().join("shallow")).unwrap_or_default();
        text.lines().filter_map(Oid::parse).collect()
    }
}

/// What the steps of a range do, each compared with the one before it.
fn changes(objects: &Objects<'_>, steps: &[Step], range: Range<usize>) -> Vec<Change> {
    let mut trees = Trees::new(objects);
    let mut changes = Vec::with_capacity(range.len());
    for at in range {
        let before = at.checked_sub(1).map(|at| &steps[at]);
        let step = &steps[at];
        each_change(&mut trees, step, before, |what, times| {
            changes.push(Change {
                commit: step.oid,
                what,
                times,
            });
        });
    }
    changes
}

/// The commit called `oid`.
pub(super) fn step(objects: &Objects<'_>, shallow: &HashSet<Oid>, oid: Oid) -> Step {
    let mut found = objects
        .commit(oid)
        .map_err(|lack| lack.about("commit", oid));
    if let Ok(commit) = &mut found
        && shallow.contains(&oid)
    {
        commit.parent = None;
        commit.others.clear();
    }
    Step { oid, found }
}

/// The steps of any history: parents before children, the line of first parents before what was merged into it.
fn branching(
    objects: &Objects<'_>,
    shallow: &HashSet<Oid>,
    from: Option<Oid>,
    tip: Oid,
) -> Vec<Step> {
    let mut seen = HashSet::new();
    let mut waiting: Vec<Oid> = from.into_iter().collect();
    while let Some(oid) = waiting.pop() {
        if seen.insert(oid)
            && let Ok(commit) = step(objects, shallow, oid).found
        {
            waiting.extend(commit.parents());
        }
    }
    enum Visit {
        Enter(Oid),
        Leave(Step),
    }
    let mut steps = Vec::new();
    let mut stack = vec![Visit::Enter(tip)];
    while let Some(visit) = stack.pop() {
        match visit {
            Visit::Leave(step) => steps.push(step),
            Visit::Enter(oid) => {
                if !seen.insert(oid) {
                    continue;
                }
                let step = step(objects, shallow, oid);
                let parents: Vec<Oid> = match &step.found {
                    Ok(commit) => commit.parents().collect(),
                    Err(_) => Vec::new(),
                };
                stack.push(Visit::Leave(step));
                stack.extend(parents.into_iter().rev().map(Visit::Enter));
            }
        }
    }
    steps
}

/// Trees by name. Remembers the last two: the parent's tree is nearly always that of the step before.
struct Trees<'a> {
    objects: &'a Objects<'a>,
    recent: [Option<(Oid, Rc<Tree>)>; 2],
}

impl<'a> Trees<'a> {
    fn new(objects: &'a Objects<'a>) -> Trees<'a> {
        Trees {
            objects,
            recent: [None, None],
        }
    }

    fn tree(&mut self, oid: Oid) -> Result<Rc<Tree>, Lack> {
        if let Some((_, tree)) = self.recent.iter().flatten().find(|(name, _)| *name == oid) {
            return Ok(Rc::clone(tree));
        }
        let tree = Rc::new(self.objects.tree(oid)?);
        self.recent.rotate_right(1);
        self.recent[0] = Some((oid, Rc::clone(&tree)));
        Ok(tree)
    }

    /// The tree of a commit that is not the one before.
    fn tree_of(&mut self, commit: Oid) -> Result<Rc<Tree>, Lack> {
        let tree = self.objects.commit(commit)?.tree;
        self.tree(tree)
    }
}

/// Calls `tell` for everything that a step does, at least once.
fn each_change(
    trees: &mut Trees<'_>,
    step: &Step,
    before: Option<&Step>,
    mut tell: impl FnMut(What, Times),
) {
    let commit = match &step.found {
        Ok(commit) => commit,
        Err(why) => return tell(What::Unreadable(why.clone()), Times::default()),
    };
    let mut whats = match of_parent(trees, commit, commit.parent, before) {
        Ok(whats) => whats,
        Err(why) => return tell(What::Unreadable(why), commit.times),
    };
    // A merge does only what none of its parents did.
    for other in &commit.others {
        if let Ok(also) = of_parent(trees, commit, Some(*other), before) {
            whats.retain(|what| also.contains(what));
        }
    }
    if whats.is_empty() {
        whats.push(What::Nothing);
    }
    for what in whats {
        tell(what, commit.times);
    }
}

/// What a commit does to the mail of one parent. A parent without a tree counts as one without mail.
fn of_parent(
    trees: &mut Trees<'_>,
    commit: &Commit,
    parent: Option<Oid>,
    before: Option<&Step>,
) -> Result<Vec<What>, String> {
    let old = match (parent, before) {
        (None, _) => None,
        (Some(parent), Some(Step { oid, found: Ok(at) })) if parent == *oid => {
            trees.tree(at.tree).ok()
        }
        (Some(parent), _) => trees.tree_of(parent).ok(),
    };
    let new = trees.tree(commit.tree);
    let new = new.map_err(|lack| lack.about("tree", commit.tree))?;
    let mut whats = Vec::new();
    let old = old.unwrap_or_default();
    for (was, is) in differing(&old, &new, is_of_root) {
        match (was, is) {
            (_, Some(is)) if is.name == b"m" => whats.push(What::Added(is.oid)),
            (_, Some(is)) if is.name == b"d" => whats.push(What::Removed(is.oid)),
            (was, is) => v1_changes(trees, was, is, &mut whats)?,
        }
    }
    Ok(whats)
}

/// The two entries of v2 that mean something, and the 256 directories of v1.
fn is_of_root(entry: &Entry<'_>) -> bool {
    match entry.kind {
        Kind::File => entry.name == b"m" || entry.name == b"d",
        Kind::Dir => entry.name.len() == 2 && is_hex(entry.name),
        Kind::Other => false,
    }
}

fn is_v1_mail(entry: &Entry<'_>) -> bool {
    entry.kind == Kind::File && entry.name.len() == 38 && is_hex(entry.name)
}

fn is_hex(name: &[u8]) -> bool {
    name.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// What happened inside one of v1's directories. `m` and `d` that only went away end here too, and mean nothing.
fn v1_changes(
    trees: &mut Trees<'_>,
    was: Option<Entry<'_>>,
    is: Option<Entry<'_>>,
    whats: &mut Vec<What>,
) -> Result<(), String> {
    let dir = |entry: Option<Entry<'_>>| match entry {
        Some(entry) if entry.kind == Kind::Dir => trees
            .objects
            .tree(entry.oid)
            .map_err(|lack| lack.about("tree", entry.oid)),
        _ => Ok(Tree::default()),
    };
    let (old, new) = (dir(was).unwrap_or_default(), dir(is)?);
    for (was, is) in differing(&old, &new, is_v1_mail) {
        whats.extend(was.map(|e| What::Removed(e.oid)));
        whats.extend(is.map(|e| What::Added(e.oid)));
    }
    Ok(())
}

/// The entries that two trees do not share, in pairs of the same name; others than `wanted` ones are overlooked.
fn differing<'a>(
    old: &'a Tree,
    new: &'a Tree,
    wanted: fn(&Entry<'_>) -> bool,
) -> Vec<(Option<Entry<'a>>, Option<Entry<'a>>)> {
    let mut olds = old.entries().filter(wanted).peekable();
    let mut news = new.entries().filter(wanted).peekable();
    let mut pairs = Vec::new();
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return pairs,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => old.name.cmp(new.name),
        };
        let was = order.is_le().then(|| olds.next()).flatten();
        let is = order.is_ge().then(|| news.next()).flatten();
        if was != is {
            pairs.push((was, is));
        }
    }
}
