//! A history without merges, read from several commits in it at once.
//!
//! A commit says who its parent is, so that one thread can only go from one to the next. But git packs commits in the
//! order of history, and so a pack tells which ones lie about halfway: from there other threads go on. Whether a guess
//! was right shows when the line before it comes to that commit; a wrong one costs time and nothing else.

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::thread::{Builder, ScopedJoinHandle, available_parallelism};

use super::Epoch;
use super::object::Objects;
use super::walk::{A_PART, Step, step};
use crate::error::{Error, Result};
use crate::id::Oid;

/// A piece of such a history, newest first.
struct Line {
    steps: Vec<Step>,
    /// The commit before which it was to stop, if it came there.
    before: Option<Oid>,
}

impl Epoch {
    /// The steps of a history without merges that leads to `from`, oldest first. `None` where it is no such history.
    ///
    /// # Errors
    /// [`Error::Store`] for a commit that is its own ancestor, and where the repository cannot be opened.
    pub(super) fn straight(
        &self,
        shallow: &HashSet<Oid>,
        from: Option<Oid>,
        tip: Oid,
    ) -> Result<Option<Vec<Step>>> {
        let objects = self.objects()?;
        if from == Some(tip) {
            return Ok(Some(Vec::new()));
        }
        let middles = match from {
            Some(_) => Vec::new(),
            None => {
                let processors = available_parallelism().map_or(1, NonZero::get);
                objects.packed.commits_apart(processors, A_PART)
            }
        };
        let stops: Vec<Oid> = middles.iter().copied().chain(from).collect();
        let (path, stops) = (self.path(), &stops);
        std::thread::scope(|scope| {
            let elsewhere =
                move |start| line(&Epoch::open(path)?.objects()?, shallow, start, stops);
            let begin = |start| {
                let begun = Builder::new().spawn_scoped(scope, move || elsewhere(start));
                begun.ok().map(|line| (start, line))
            };
            let mut others: HashMap<_, _> = middles.iter().copied().filter_map(begin).collect();
            let found = follow(tip, from, |start| {
                match others.remove(&start).map(ScopedJoinHandle::join) {
                    Some(Ok(Ok(found))) => Ok(found),
                    _ => line(&objects, shallow, start, stops),
                }
            });
            for guessed_wrong in others.into_values() {
                drop(guessed_wrong.join());
            }
            found
        })
    }
}

/// Puts lines together, from that of `tip` to the one that ends at `from`.
fn follow(
    tip: Oid,
    from: Option<Oid>,
    mut line_of: impl FnMut(Oid) -> Result<Option<Line>>,
) -> Result<Option<Vec<Step>>> {
    let mut seen = HashSet::new();
    let mut steps = Vec::new();
    let mut next = tip;
    while seen.insert(next) {
        let Some(line) = line_of(next)? else {
            return Ok(None);
        };
        steps.extend(line.steps);
        match line.before {
            before if before == from => {
                steps.reverse();
                return Ok(Some(steps));
            }
            Some(stop) => next = stop,
            None => return Ok(None),
        }
    }
    Err(own_ancestor(next))
}

/// From `start` on, to the first commit or to one of `stops`. `None` where there is a merge on the way.
fn line(
    objects: &Objects<'_>,
    shallow: &HashSet<Oid>,
    start: Oid,
    stops: &[Oid],
) -> Result<Option<Line>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut next = Some(start);
    // What is damaged might name itself as its ancestor.
    let mut landmark = start;
    while let Some(oid) = next {
        if oid == landmark && !steps.is_empty() {
            return Err(own_ancestor(oid));
        }
        if stops.contains(&oid) && !steps.is_empty() {
            break;
        }
        if steps.len().is_power_of_two() {
            landmark = oid;
        }
        let step = step(objects, shallow, oid);
        next = match &step.found {
            Ok(commit) if !commit.others.is_empty() => return Ok(None),
            Ok(commit) => commit.parent,
            Err(_) => None,
        };
        steps.push(step);
    }
    Ok(Some(Line {
        steps,
        before: next,
    }))
}

fn own_ancestor(oid: Oid) -> Error {
    Error::Store(format!("commit {oid} is its own ancestor"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use crate::error::Error;
    use crate::id::Oid;
    use crate::store::Epoch;

    /// A packed repository of that many commits in a line, oldest first.
    fn packed_line(dir: &Path, count: usize) -> Vec<Oid> {
        let repo = git2::Repository::init_bare(dir).unwrap();
        let mut packed = repo.packbuilder().unwrap();
        let mut line: Vec<git2::Oid> = Vec::new();
        for n in 0..count {
            let blob = repo.blob(format!("Subject: {n}\n\n").as_bytes()).unwrap();
            let mut tree = repo.treebuilder(None).unwrap();
            tree.insert("m", blob, 0o100_644).unwrap();
            let tree = repo.find_tree(tree.write().unwrap()).unwrap();
            let time = git2::Time::new(1_000 + n as i64, 0);
            let who = git2::Signature::new("a", "a@x", &time).unwrap();
            let parent = line.last().map(|oid| repo.find_commit(*oid).unwrap());
            let parents: Vec<_> = parent.iter().collect();
            let commit = repo.commit(None, &who, &who, "m", &tree, &parents).unwrap();
            line.push(commit);
        }
        // As git packs: commits first, the newest one first.
        for commit in line.iter().rev() {
            packed.insert_object(*commit, None).unwrap();
        }
        for commit in &line {
            packed
                .insert_tree(repo.find_commit(*commit).unwrap().tree_id())
                .unwrap();
        }
        packed.write(&dir.join("objects/pack"), 0).unwrap();
        line.iter()
            .map(|oid| Oid::from_bytes(oid.as_bytes()).unwrap())
            .collect()
    }

    #[test]
    fn lines_that_are_read_at_once_make_one_history() {
        let dir = tempfile::tempdir().unwrap();
        let all = packed_line(dir.path(), 40);
        let epoch = Epoch::open(dir.path()).unwrap();
        let objects = epoch.objects().unwrap();
        let middles = objects.packed.commits_apart(4, 2);
        assert_eq!(middles.len(), 3);
        assert!(
            middles.iter().all(|middle| all.contains(middle)),
            "commits come first"
        );
        let none = HashSet::new();
        let steps = |from, tip| {
            let steps = epoch.straight(&none, from, tip).unwrap();
            steps.map(|steps| steps.iter().map(|step| step.oid).collect::<Vec<_>>())
        };
        for end in 0..all.len() {
            assert_eq!(steps(None, all[end]).unwrap(), all[..=end]);
            let from = end / 2;
            assert_eq!(
                steps(Some(all[from]), all[end]).unwrap(),
                all[from + 1..=end]
            );
        }
        assert_eq!(steps(Some(all[9]), all[3]), None, "not behind it");
    }

    #[test]
    fn lines_that_lead_to_each_other_are_an_error() {
        let ids = [1, 2].map(|n| Oid([n; 20]));
        let found = super::follow(ids[0], None, |start| {
            let before = ids.iter().copied().find(|id| *id != start);
            Ok(Some(super::Line {
                steps: Vec::new(),
                before,
            }))
        });
        assert!(matches!(found, Err(Error::Store(_))));
    }
}
