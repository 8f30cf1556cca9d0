//! Commits and trees as git stores them, read without libgit2's object model: a walk over the whole history spends
//! its time here.

use std::panic::AssertUnwindSafe;

use git2::{ErrorCode, Odb};

use super::loose::Loose;
use super::packed::Packed;
use crate::id::Oid;
use crate::time::Timestamp;

/// Longest commit or tree that is looked at, in bytes. A v1 tree has at most 256 short entries, and the subject of
/// a commit is the only part of it that grows.
const MAX_META: usize = 16 << 20;

/// What a walk needs of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) tree: Oid,
    pub(super) parent: Option<Oid>,
    /// The parents after the first one: a merge has them, and mail has no merges.
    pub(super) others: Vec<Oid>,
    pub(super) times: Times,
}

/// The two dates of a commit, for mail that has none of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When the mail was written.
    pub author: Timestamp,
    /// When it was stored.
    pub committer: Timestamp,
}

impl Commit {
    /// Reads the header of a commit; `None` where it is none.
    pub(super) fn parse(raw: &[u8]) -> Option<Commit> {
        let mut lines = raw.split(|b| *b == b'\n');
        let oid = |hex: &[u8]| std::str::from_utf8(hex).ok().and_then(Oid::parse);
        let tree = lines.next()?.strip_prefix(b"tree ").and_then(oid)?;
        let mut commit = Commit {
            tree,
            parent: None,
            others: Vec::new(),
            times: Times::default(),
        };
        for line in lines {
            if line.is_empty() {
                break;
            } else if let Some(hex) = line.strip_prefix(b"parent ") {
                match commit.parent {
                    None => commit.parent = Some(oid(hex)?),
                    Some(_) => commit.others.push(oid(hex)?),
                }
            } else if let Some(who) = line.strip_prefix(b"author ") {
                commit.times.author = date(who);
            } else if let Some(who) = line.strip_prefix(b"committer ") {
                commit.times.committer = date(who);
                break;
            }
        }
        Some(commit)
    }

    /// All parents, the first one first.
    pub(super) fn parents(&self) -> impl Iterator<Item = Oid> {
        self.parent.into_iter().chain(self.others.iter().copied())
    }
}

/// The seconds in `Name <address> SECONDS ZONE`; 1970 where there are none.
fn date(who: &[u8]) -> Timestamp {
    let after = who.rsplit(|b| *b == b'>').next().unwrap_or_default();
    let text = std::str::from_utf8(after).unwrap_or_default();
    let seconds = text.split_ascii_whitespace().next();
    Timestamp(seconds.and_then(|s| s.parse().ok()).unwrap_or(0))
}

/// The entries of a tree object.
#[derive(Debug, Default)]
pub(super) struct Tree(Vec<u8>);

/// One entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) oid: Oid,
    pub(super) kind: Kind,
}

/// What an entry is, as far as mail is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Dir,
    /// A symbolic link or a submodule: never mail.
    Other,
}

impl Tree {
    /// Its entries, in the order of git; ends early where the object is damaged.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let blank = rest.iter().position(|b| *b == b' ')?;
            let (mode, after) = (rest.get(..blank)?, rest.get(blank + 1..)?);
            let nul = after.iter().position(|b| *b == 0)?;
            let name = after.get(..nul)?;
            let oid = Oid::from_bytes(after.get(nul + 1..nul + 21)?).ok()?;
            rest = after.get(nul + 21..)?;
            let kind = match mode {
                b"40000" | b"040000" => Kind::Dir,
                [b'1', b'0', b'0', ..] => Kind::File,
                _ => Kind::Other,
            };
            Some(Entry { name, oid, kind })
        })
    }
}

/// Why an object cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lack {
    Missing,
    Damaged(String),
}

impl Lack {
    /// The sentence for a log, about the object called `what`.
    pub(super) fn about(&self, what: &str, oid: Oid) -> String {
        match self {
            Lack::Missing => format!("{what} {oid} is missing"),
            Lack::Damaged(why) => format!("{what} {oid}: {why}"),
        }
    }

    pub(super) fn false_name() -> Lack {
        Lack::Damaged("it is not what its name says".to_owned())
    }

    pub(super) fn too_long(size: usize, max: usize) -> Lack {
        Lack::Damaged(format!("{size} bytes long; at most {max} are read"))
    }

    pub(super) fn from(error: &git2::Error) -> Lack {
        match error.code() {
            ErrorCode::NotFound => Lack::Missing,
            ErrorCode::HashsumMismatch => Lack::false_name(),
            _ => Lack::Damaged(error.message().to_owned()),
        }
    }
}

/// The objects of an opened repository, from wherever they are.
pub(super) struct Objects<'a> {
    pub(super) odb: Odb<'a>,
    pub(super) loose: &'a Loose,
    pub(super) packed: &'a Packed,
}

impl Objects<'_> {
    /// The commit called `oid`.
    pub(super) fn commit(&self, oid: Oid) -> Result<Commit, Lack> {
        let raw = self.read(oid, "commit", MAX_META)?;
        Commit::parse(&raw).ok_or_else(|| Lack::Damaged("not a commit".to_owned()))
    }

    /// The tree called `oid`.
    pub(super) fn tree(&self, oid: Oid) -> Result<Tree, Lack> {
        self.read(oid, "tree", MAX_META).map(Tree)
    }

    /// An object of that kind, no longer than `max` bytes.
    pub(super) fn read(&self, oid: Oid, kind: &str, max: usize) -> Result<Vec<u8>, Lack> {
        if let Some((found, bytes)) = self.packed.read(oid, max) {
            return expect(kind, found.name(), bytes);
        }
        let (found, bytes) = self.read_unpacked(oid, max)?;
        expect(kind, &found, bytes)
    }

    /// What an annotated tag, or a tag of a tag, is about; anything else itself. `None` where it is lost.
    pub(super) fn peel(&self, mut oid: Oid) -> Option<Oid> {
        for _ in 0..8 {
            let (kind, bytes) = self.read_any(oid, MAX_META).ok()?;
            if kind != "tag" {
                return Some(oid);
            }
            let hex = bytes.strip_prefix(b"object ")?.get(..40)?;
            oid = Oid::parse(std::str::from_utf8(hex).ok()?)?;
        }
        None
    }

    /// A blob that was read before with [`Objects::read`], so that its length is known to be bearable: objects never
    /// change. Saves the look at its header, a quarter of the time.
    pub(super) fn read_blob_again(&self, oid: Oid, max: usize) -> Result<Vec<u8>, Lack> {
        if let Some((kind, bytes)) = self.packed.read(oid, max) {
            return expect("blob", kind.name(), bytes);
        }
        if let Some((kind, bytes)) = self.loose.read(oid, max)? {
            return expect("blob", &kind, bytes);
        }
        let name = git2::Oid::from_bytes(&oid.0).map_err(|e| Lack::from(&e))?;
        let found = self.odb.read(name).map_err(|e| Lack::from(&e))?;
        let kind = std::panic::catch_unwind(AssertUnwindSafe(|| found.kind()));
        let kind = kind.map_err(|_| Lack::Damaged("its header is damaged".to_owned()))?;
        expect("blob", kind.str(), found.data().to_vec())
    }

    /// An object of any kind. Its length is asked first, so that a monster is refused before it fills the memory.
    pub(super) fn read_any(&self, oid: Oid, max: usize) -> Result<(String, Vec<u8>), Lack> {
        if let Some((kind, bytes)) = self.packed.read(oid, max) {
            return Ok((kind.name().to_owned(), bytes));
        }
        self.read_unpacked(oid, max)
    }

    /// The same of one that we find in no pack: it is loose, or libgit2 says what is wrong with it.
    fn read_unpacked(&self, oid: Oid, max: usize) -> Result<(String, Vec<u8>), Lack> {
        if let Some(found) = self.loose.read(oid, max)? {
            return Ok(found);
        }
        let name = git2::Oid::from_bytes(&oid.0).map_err(|e| Lack::from(&e))?;
        // git2 panics at a header of a kind that git does not know, as a flipped bit makes it.
        let header = std::panic::catch_unwind(AssertUnwindSafe(|| self.odb.read_header(name)));
        let header = header.map_err(|_| Lack::Damaged("its header is damaged".to_owned()))?;
        let (size, kind) = header.map_err(|e| Lack::from(&e))?;
        if size > max {
            return Err(Lack::too_long(size, max));
        }
        let found = self.odb.read(name).map_err(|e| Lack::from(&e))?;
        Ok((kind.str().to_owned(), found.data().to_vec()))
    }
}

fn expect(kind: &str, found: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Lack> {
    match found == kind {
        true => Ok(bytes),
        false => Err(Lack::Damaged(format!("a {found} where a {kind} should be"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Commit, Kind, Tree};
    use crate::id::Oid;

    const HEX: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

    #[test]
    fn a_commit_gives_its_tree_parents_and_dates() {
        let raw = format!(
            "tree {HEX}\nparent {HEX}\nparent {HEX}\nauthor A > B <a@b> 12 +0200\ncommitter  <> -5 +0000\n\nauthor x <> 9 +0000\n"
        );
        let commit = Commit::parse(raw.as_bytes()).unwrap();
        assert_eq!(commit.tree, Oid::EMPTY_BLOB);
        assert_eq!(commit.parents().count(), 2);
        assert_eq!(
            (commit.times.author.0, commit.times.committer.0),
            (12, -5),
            "the body is not looked at"
        );
    }

    #[test]
    fn what_is_no_commit_is_none() {
        for raw in [
            "",
            "tree",
            "tree 12\n",
            "tree zz9de29bb2d1d6434b8b29ae775ad8c2e48c5391\n",
        ] {
            assert_eq!(Commit::parse(raw.as_bytes()), None, "{raw}");
        }
        let bad_parent = format!("tree {HEX}\nparent nothing\n");
        assert_eq!(Commit::parse(bad_parent.as_bytes()), None);
    }

    #[test]
    fn a_damaged_tree_ends_early() {
        let mut raw = b"100644 m\0".to_vec();
        raw.extend(Oid::EMPTY_BLOB.0);
        raw.extend(b"40000 ab\0");
        let whole = raw.len() + 20;
        raw.extend(Oid::EMPTY_BLOB.0);
        for len in 0..=whole {
            let tree = Tree(raw[..len].to_vec());
            let kinds: Vec<Kind> = tree.entries().map(|e| e.kind).collect();
            let expected: &[Kind] = match len {
                0..29 => &[],
                29..58 => &[Kind::File],
                _ => &[Kind::File, Kind::Dir],
            };
            assert_eq!(kinds, expected, "{len}");
        }
    }
}
