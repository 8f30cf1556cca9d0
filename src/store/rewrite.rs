//! History written anew: what was said in it is replaced, and every commit after that has another name.
//!
//! Edits and purges do so, as public-inbox's do: mirrors see a branch that was forced. Then the old objects go too, from
//! packs, loose files and reflogs, or it is said what still holds them.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::branch;
use super::commit::{CommitMeta, tree_of_one};
use super::epoch::Epoch;
use super::git::git;
use super::layout::Layout;
use super::layout::Version;
use super::object::Commit;
use super::pack::{Kind, Stage, remove_orphans};
use super::unswept;
use super::write::Writer;
use crate::error::{Error, Result};
use crate::id::{EpochNum, Oid};

/// How many commits are held in memory until they are written as a pack.
const PACK: usize = 20_000;

/// How long a pack may be without its index while somebody, who need not hold our lock, names one after the other.
const ORPHAN: Duration = Duration::from_secs(10);

/// The longest commit or tree that is looked at, in bytes.
const MAX_META: usize = 16 << 20;

/// What takes the place of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// An empty blob: it is purged.
    Nothing,
    /// Other bytes, and who wrote them, when and about what.
    Mail(Vec<u8>, CommitMeta),
}

/// What became of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The epoch.
    pub epoch: EpochNum,
    /// How many of its commits hold something else now.
    pub changed: usize,
    /// How many have another name.
    pub renamed: usize,
}

impl Writer {
    /// Writes the history of every epoch anew in which one of these mails is, as added or as removed. Epochs that have
    /// none of them stay as they are.
    ///
    /// # Errors
    /// [`Error::Invalid`] where a history has merges; [`Error::Store`] and [`Error::Corrupt`] where it cannot be read or
    /// written. Epochs before that one have been written.
    pub fn rewrite(&mut self, instead: &HashMap<Oid, Instead>) -> Result<Vec<Rewritten>> {
        if self.version() == Version::V1 {
            let why = "the history of version 1 cannot be written anew";
            return Err(Error::invalid(self.dir().display().to_string(), why));
        }
        self.commit()?;
        let mut done = Vec::new();
        for (number, path) in Layout::find(self.dir())?.epochs {
            let epoch = Epoch::open(&path)?;
            let Some(tip) = epoch.tip()? else { continue };
            if let Some(rewritten) = self.rewrite_epoch(number, &epoch, tip, instead)? {
                done.push(rewritten);
            }
        }
        Ok(done)
    }

    fn rewrite_epoch(
        &mut self,
        number: EpochNum,
        epoch: &Epoch,
        tip: Oid,
        instead: &HashMap<Oid, Instead>,
    ) -> Result<Option<Rewritten>> {
        let line = line_of(epoch, tip)?;
        let mut first = None;
        for (at, oid) in line.iter().enumerate() {
            if entry_of(epoch, *oid)?.is_some_and(|(_, blob)| instead.contains_key(&blob)) {
                first = Some(at);
                break;
            }
        }
        let Some(first) = first else { return Ok(None) };
        let mut parent = first.checked_sub(1).and_then(|at| line.get(at)).copied();
        let (mut changed, mut renamed) = (0, 0);
        for part in line[first..].chunks(PACK) {
            let mut stage = Stage::default();
            for oid in part {
                let raw = raw_commit(epoch, *oid)?;
                let entry = entry_of(epoch, *oid)?;
                let other = entry.and_then(|(name, blob)| Some((name, blob, instead.get(&blob)?)));
                let commit = match other {
                    None => reparented(&raw, None, parent, None),
                    Some((name, blob, other)) => {
                        changed += 1;
                        let (bytes, lines) = match other {
                            Instead::Nothing => (Vec::new(), Lines::purged(&raw, name, blob)),
                            Instead::Mail(bytes, meta) => {
                                (bytes.clone(), Lines::edited(name, meta))
                            }
                        };
                        let blob = stage.put(Kind::Blob, bytes)?;
                        let tree = stage.put(Kind::Tree, tree_of_one(name, blob))?;
                        reparented(&raw, Some(tree), parent, lines.as_ref())
                    }
                };
                parent = Some(stage.put(Kind::Commit, commit)?);
                renamed += 1;
            }
            stage.write(epoch.path())?;
        }
        if let Some(new) = parent {
            // From now on nothing leads to them, and only this file tells that they are to go.
            let gone: Vec<Oid> = instead.keys().copied().collect();
            unswept::add(self.dir(), &gone)?;
            branch::advance(epoch, Some(tip), new)?;
            self.look_again()?;
        }
        Ok(Some(Rewritten {
            epoch: number,
            changed,
            renamed,
        }))
    }

    /// Deletes every object that no branch leads to, in the epochs that still have one of these blobs, or of those that an
    /// earlier run was killed before it could delete.
    ///
    /// # Errors
    /// [`Error::Store`] where git fails; [`Error::Invalid`] where a blob is still there afterwards: something else than
    /// the branch holds on to it.
    pub fn sweep(&mut self, gone: &[Oid]) -> Result<()> {
        let mut gone = gone.to_vec();
        gone.extend(unswept::read(self.dir())?);
        if gone.is_empty() {
            return Ok(());
        }
        let layout = Layout::find(self.dir())?;
        for (_, path) in &layout.epochs {
            remove_orphans(&path.join("objects/pack"), ORPHAN)?;
            if !holds_any(path, &gone)? {
                continue;
            }
            git(
                self.lock(),
                path,
                &[
                    "reflog",
                    "expire",
                    "--expire=now",
                    "--expire-unreachable=now",
                    "--all",
                ],
            )?;
            for left in ["ORIG_HEAD", "FETCH_HEAD"] {
                // Neither is needed, and mostly neither is there.
                let _ = std::fs::remove_file(path.join(left));
            }
            git(self.lock(), path, &["repack", "-a", "-d", "-l", "-q"])?;
            git(self.lock(), path, &["prune", "--expire=now"])?;
        }
        let all = layout.dir.join("all.git");
        let paths = layout.epochs.iter().map(|(_, path)| path.clone());
        for path in paths.chain(all.is_dir().then_some(all)) {
            if holds_any(&path, &gone)? {
                let why = "it still has what was purged: another branch or tag, a pack with a .keep file, \
                           or another repository that it borrows from";
                return Err(Error::invalid(path.display().to_string(), why));
            }
        }
        unswept::clear(self.dir())
    }
}

fn holds_any(path: &Path, blobs: &[Oid]) -> Result<bool> {
    let epoch = Epoch::open(path)?;
    Ok(blobs.iter().any(|blob| epoch.contains(*blob)))
}

/// The commits that lead to `tip`, oldest first.
fn line_of(epoch: &Epoch, tip: Oid) -> Result<Vec<Oid>> {
    let shallow = epoch.shallow();
    let mut line = Vec::new();
    let mut next = Some(tip);
    while let Some(oid) = next {
        let raw = raw_commit(epoch, oid)?;
        let commit = Commit::parse(&raw)
            .ok_or_else(|| Error::corrupt(format!("commit {oid} cannot be read")))?;
        if !commit.others.is_empty() {
            let why = format!("its history has a merge, {oid}, and cannot be written anew");
            return Err(Error::invalid(epoch.path().display().to_string(), why));
        }
        line.push(oid);
        next = commit.parent.filter(|_| !shallow.contains(&oid));
    }
    line.reverse();
    Ok(line)
}

fn raw_commit(epoch: &Epoch, oid: Oid) -> Result<Vec<u8>> {
    let raw = epoch.objects()?.read(oid, "commit", MAX_META);
    raw.map_err(|lack| {
        Error::corrupt(format!(
            "{}: {}",
            epoch.path().display(),
            lack.about("commit", oid)
        ))
    })
}

/// What a commit has at `m` or `d`.
fn entry_of(epoch: &Epoch, oid: Oid) -> Result<Option<(char, Oid)>> {
    let raw = raw_commit(epoch, oid)?;
    let Some(commit) = Commit::parse(&raw) else {
        return Ok(None);
    };
    let tree = epoch.objects()?.tree(commit.tree);
    let tree = tree.map_err(|lack| Error::corrupt(lack.about("tree", commit.tree)))?;
    let found = tree.entries().find_map(|entry| match entry.name {
        b"m" => Some(('m', entry.oid)),
        b"d" => Some(('d', entry.oid)),
        _ => None,
    });
    Ok(found)
}

/// The lines of a commit that speak of the mail.
struct Lines {
    author: String,
    subject: String,
}

impl Lines {
    /// Nobody wrote it, and nothing is said of it but which blob it was. The commit of a removal says nothing anyway.
    fn purged(raw: &[u8], name: char, blob: Oid) -> Option<Lines> {
        let author = header(raw, b"author ")?;
        let at = author.iter().rposition(|b| *b == b'>')?;
        let when = String::from_utf8_lossy(&author[at + 1..]).trim().to_owned();
        (name == 'm').then(|| Lines {
            author: format!(" <> {when}"),
            subject: format!("purged {blob}"),
        })
    }

    fn edited(name: char, meta: &CommitMeta) -> Option<Lines> {
        (name == 'm').then(|| Lines {
            author: meta.author.line(),
            subject: meta.title(),
        })
    }
}

fn header<'a>(raw: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let lines = raw
        .split(|b| *b == b'\n')
        .take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.strip_prefix(name)).next()
}

/// The same commit with another parent, and where that is said with another tree and other lines. A signature would not
/// fit any more and is left out.
fn reparented(
    raw: &[u8],
    tree: Option<Oid>,
    parent: Option<Oid>,
    lines: Option<&Lines>,
) -> Vec<u8> {
    let mut new = Vec::with_capacity(raw.len() + 64);
    let mut rest = raw;
    let mut dropping = false;
    while let Some(end) = rest.iter().position(|b| *b == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        dropping = match line {
            [b' ', ..] => dropping,
            line => line.starts_with(b"gpgsig") || line.starts_with(b"parent "),
        };
        if dropping {
            continue;
        }
        if let (true, Some(lines)) = (line.starts_with(b"author "), lines) {
            new.extend_from_slice(format!("author {}\n", lines.author).as_bytes());
            continue;
        }
        match (line.starts_with(b"tree "), tree) {
            (true, Some(tree)) => new.extend_from_slice(format!("tree {tree}\n").as_bytes()),
            _ => new.extend_from_slice(&[line, b"\n"].concat()),
        }
        if let (true, Some(parent)) = (line.starts_with(b"tree "), parent) {
            new.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
    }
    new.push(b'\n');
    match lines {
        Some(lines) => new.extend_from_slice(format!("{}\n", lines.subject).as_bytes()),
        None => new.extend_from_slice(rest),
    }
    new
}

#[cfg(test)]
mod tests {
    use super::{Lines, reparented};
    use crate::id::Oid;

    #[test]
    fn a_commit_is_the_same_but_for_what_is_changed() {
        let zeros = Oid([0; 20]);
        let raw = format!(
            "tree {zeros}\nparent {zeros}\nauthor A <a@x> 12 +0200\ncommitter l <l@x> 13 +0000\ngpgsig x\n y\nencoding utf-8\n\nsubject\n\nparent of text\n"
        );
        let ones = Oid([0x11; 20]);
        let moved = reparented(raw.as_bytes(), None, Some(ones), None);
        let expected = raw
            .replace(&format!("parent {zeros}"), &format!("parent {ones}"))
            .replace("gpgsig x\n y\n", "");
        assert_eq!(String::from_utf8(moved).unwrap(), expected);
        let lines = Lines::purged(raw.as_bytes(), 'm', zeros).unwrap();
        let purged = reparented(raw.as_bytes(), Some(ones), None, Some(&lines));
        let expected = format!(
            "tree {ones}\nauthor  <> 12 +0200\ncommitter l <l@x> 13 +0000\nencoding utf-8\n\npurged {zeros}\n"
        );
        assert_eq!(String::from_utf8(purged).unwrap(), expected);
        assert!(Lines::purged(raw.as_bytes(), 'd', zeros).is_none());
    }
}
