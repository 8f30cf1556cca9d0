//! The tree of a version 1 inbox: every mail is a file, called by the SHA-1 of its Message-ID.

use std::collections::BTreeMap;

use sha1::{Digest, Sha1};

use super::epoch::Epoch;
use super::object::{Kind, Lack};
use super::pack;
use crate::error::{Error, Result};
use crate::id::Oid;
use crate::mail::Message;

/// Where a mail lies: a directory of two hexadecimal digits, and in it a file of the other 38.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    dir: String,
    file: String,
}

/// The place of a mail; `None` where it has no Message-ID. An id that looks like a SHA-1 is taken for one.
pub(super) fn path_of(message: &Message<'_>) -> Option<Path> {
    let ids = message.message_ids();
    let mid = ids.first()?.as_str();
    let is_hash = mid.len() == 40 && mid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let hex = match is_hash {
        true => mid.to_owned(),
        false => Oid(Sha1::digest(mid.as_bytes()).into()).to_string(),
    };
    let (dir, file) = hex.split_at(2);
    Some(Path {
        dir: dir.to_owned(),
        file: file.to_owned(),
    })
}

/// A tree in memory: its entries with their modes. Names here sort as git sorts them, since no directory's name begins
/// another name.
type Entries = BTreeMap<Vec<u8>, (bool, Oid)>;

/// The root, and those of its directories that were needed.
pub(super) struct Trees {
    root: Entries,
    dirs: BTreeMap<String, Entries>,
}

impl Trees {
    /// The tree of a commit; an empty one where there is none.
    pub(super) fn of(epoch: &Epoch, commit: Option<Oid>) -> Result<Trees> {
        let mut trees = Trees {
            root: Entries::new(),
            dirs: BTreeMap::new(),
        };
        if let Some(oid) = commit {
            let lost = |lack: Lack| {
                Error::corrupt(format!(
                    "{}: {}",
                    epoch.path().display(),
                    lack.about("commit", oid)
                ))
            };
            let tree = epoch.objects()?.commit(oid).map_err(lost)?.tree;
            trees.root = read(epoch, tree)?;
        }
        Ok(trees)
    }

    /// The blob at a place.
    pub(super) fn at(&mut self, epoch: &Epoch, path: &Path) -> Result<Option<Oid>> {
        let dir = self.dir(epoch, path)?;
        Ok(dir.get(path.file.as_bytes()).map(|(_, oid)| *oid))
    }

    fn dir(&mut self, epoch: &Epoch, path: &Path) -> Result<&mut Entries> {
        use std::collections::btree_map::Entry;
        match self.dirs.entry(path.dir.clone()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => Ok(new.insert(match self.root.get(path.dir.as_bytes()) {
                Some((true, tree)) => read(epoch, *tree)?,
                _ => Entries::new(),
            })),
        }
    }

    /// Puts a blob at a place, or takes away what is there.
    pub(super) fn plant(&mut self, epoch: &Epoch, path: &Path, blob: Option<Oid>) -> Result<()> {
        let dir = self.dir(epoch, path)?;
        let file = path.file.clone().into_bytes();
        match blob {
            Some(blob) => dir.insert(file, (false, blob)),
            None => dir.remove(&file),
        };
        let tree = (!dir.is_empty()).then(|| pack::tree_name(&written(dir)));
        let name = path.dir.clone().into_bytes();
        match tree {
            Some(tree) => self.root.insert(name, (true, tree)),
            None => self.root.remove(&name),
        };
        Ok(())
    }

    /// The directory of that place, if it is still there, and the root, as git writes trees.
    pub(super) fn written(&self, path: &Path) -> (Option<Vec<u8>>, Vec<u8>) {
        let dir = self.dirs.get(&path.dir).filter(|dir| !dir.is_empty());
        (dir.map(written), written(&self.root))
    }
}

fn read(epoch: &Epoch, tree: Oid) -> Result<Entries> {
    let found = epoch.objects()?.tree(tree).map_err(|lack| {
        Error::corrupt(format!(
            "{}: {}",
            epoch.path().display(),
            lack.about("tree", tree)
        ))
    })?;
    let mut entries = Entries::new();
    for entry in found.entries() {
        match entry.kind {
            Kind::File => entries.insert(entry.name.to_vec(), (false, entry.oid)),
            Kind::Dir => entries.insert(entry.name.to_vec(), (true, entry.oid)),
            Kind::Other => {
                let why = "its tree has something in it that is neither file nor directory";
                return Err(Error::invalid(epoch.path().display().to_string(), why));
            }
        };
    }
    Ok(entries)
}

fn written(entries: &Entries) -> Vec<u8> {
    let mut tree = Vec::with_capacity(entries.len() * 66);
    for (name, (is_dir, oid)) in entries {
        let mode: &[u8] = if *is_dir { b"40000 " } else { b"100644 " };
        tree.extend_from_slice(mode);
        tree.extend_from_slice(name);
        tree.push(0);
        tree.extend_from_slice(&oid.0);
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::path_of;
    use crate::mail::Message;

    #[test]
    fn mail_lies_where_the_hash_of_its_id_says() {
        let hash = "f2912279bd7bcd8b7ab3033234942d58746d56f7";
        for (mid, hex) in [
            ("a-mid@b", "e0ecb6d638180e65513baaaf3136ea43d9eb5566"),
            (hash, hash),
        ] {
            let raw = format!("Message-ID: <{mid}>\n\n");
            let path = path_of(&Message::parse(raw.as_bytes())).unwrap();
            assert_eq!(format!("{}{}", path.dir, path.file), hex);
        }
        assert_eq!(path_of(&Message::parse(b"Subject: x\n\n")), None);
    }
}
