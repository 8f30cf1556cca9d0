//! A pack file: the entries in it, and how they are inflated.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use libdeflater::Decompressor;

use super::Kind;
use super::index::Index;
use crate::id::Oid;

/// How much of a pack is read at once, in bytes: most mails are shorter when deflated.
const READ: usize = 12 << 10;

/// A longer piece is not held on to when the next one is read, in bytes.
const LARGE: usize = 1 << 20;

/// The longest head of an entry: ten bytes of size, twenty of a name.
const LONGEST_HEAD: usize = 32;

/// The packs that are open, by the paths of their indexes: all who read a repository share its files.
static OPEN: Mutex<Option<HashMap<PathBuf, Weak<Pack>>>> = Mutex::new(None);

/// How many packs were opened so far.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// An opened pack with its index.
#[derive(Debug)]
pub(super) struct Pack {
    /// No other has it, nor ever had.
    number: u64,
    index_path: PathBuf,
    index: Index,
    file: File,
    /// Which file it is: its device, its number there, and its length.
    identity: (u64, u64, u64),
}

/// What an entry says before its bytes.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) held: Held,
    /// How long its bytes are when inflated.
    pub(super) size: u64,
    /// Where they begin.
    data: u64,
}

/// How an object is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// As it is.
    Whole(Kind),
    /// By what tells it from the object that begins there.
    DeltaTo(u64),
    /// By what tells it from the object of that name.
    DeltaToNamed(Oid),
}

impl Pack {
    /// That of an index; `None` where one of the two is not there or none of ours.
    pub(super) fn open(index_path: &Path) -> Option<Arc<Pack>> {
        let file = File::open(index_path.with_extension("pack")).ok()?;
        let meta = file.metadata().ok()?;
        let identity = (meta.dev(), meta.ino(), meta.len());
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_default();
        let there = open.get(index_path).and_then(Weak::upgrade);
        if let Some(there) = there.filter(|there| there.identity == identity) {
            return Some(there);
        }
        let mut head = [0; 8];
        file.read_exact_at(&mut head, 0).ok()?;
        if head != *b"PACK\0\0\0\x02" {
            return None;
        }
        let pack = Arc::new(Pack {
            number: OPENED.fetch_add(1, Ordering::Relaxed),
            index_path: index_path.to_owned(),
            index: Index::open(index_path)?,
            file,
            identity,
        });
        open.retain(|_, pack| pack.strong_count() > 0);
        open.insert(index_path.to_owned(), Arc::downgrade(&pack));
        Some(pack)
    }

    /// By what it is told from all others.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn index_path(&self) -> &Path {
        &self.index_path
    }

    /// Where the object of that name begins.
    pub(super) fn find(&self, oid: Oid) -> Option<u64> {
        self.index.find(oid)
    }

    /// How many objects are in it.
    pub(super) fn count(&self) -> usize {
        self.index.count() as usize
    }

    /// The objects at these places when counted from its beginning; `None` where the index cannot be read.
    pub(super) fn nth(&self, places: &[usize]) -> Option<Vec<Oid>> {
        self.index.nth(places)
    }
}

/// Reads pieces of packs and inflates them. It remembers the last piece, so that an entry's head and bytes are mostly
/// read at once.
pub(super) struct Inflater {
    inflate: Decompressor,
    piece: Vec<u8>,
    /// The number of the pack that the piece is of, and where in it the piece begins.
    from: Option<(u64, u64)>,
}

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater {
            inflate: Decompressor::new(),
            piece: Vec::new(),
            from: None,
        }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inflater")
    }
}

impl Inflater {
    /// What the entry at `at` says of itself.
    pub(super) fn entry(&mut self, pack: &Pack, at: u64) -> Option<Entry> {
        let mut rest = self.piece(pack, at, LONGEST_HEAD)?.of(&self.piece)?;
        let before = rest.len();
        let (&first, after) = rest.split_first()?;
        rest = after;
        let mut size = u64::from(first & 15);
        let mut more = first & 0x80 != 0;
        let mut shift = 4;
        while more {
            let byte = next(&mut rest)?;
            if shift > 56 {
                return None;
            }
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            more = byte & 0x80 != 0;
        }
        let held = match (first >> 4) & 7 {
            1 => Held::Whole(Kind::Commit),
            2 => Held::Whole(Kind::Tree),
            3 => Held::Whole(Kind::Blob),
            4 => Held::Whole(Kind::Tag),
            6 => Held::DeltaTo(base_before(&mut rest, at)?),
            7 => {
                let (name, after) = rest.split_at_checked(20)?;
                rest = after;
                Held::DeltaToNamed(Oid::from_bytes(name).ok()?)
            }
            _ => return None,
        };
        let data = at + (before - rest.len()) as u64;
        Some(Entry { held, size, data })
    }

    /// The bytes of an entry, exactly as many as it says, and with the right checksum.
    pub(super) fn inflate(&mut self, pack: &Pack, entry: &Entry) -> Option<Vec<u8>> {
        let size = usize::try_from(entry.size).ok()?;
        let deflated = self.piece(pack, entry.data, longest_deflated(size)?)?;
        let mut bytes = vec![0; size];
        let inflated = self
            .inflate
            .zlib_decompress(deflated.of(&self.piece)?, &mut bytes);
        (inflated == Ok(size)).then_some(bytes)
    }

    /// What there is from `at` on, `wanted` bytes of it or more, unless the pack ends before.
    fn piece(&mut self, pack: &Pack, at: u64, wanted: usize) -> Option<Piece> {
        if self.there(pack, at) < wanted {
            let before = self.backwards(pack, at);
            self.load(
                pack,
                at - before,
                wanted.max(READ).saturating_add(before as usize),
            )?;
        }
        let (_, start) = self.from?;
        Some(Piece((at - start) as usize))
    }

    /// How many bytes of the piece at hand are behind `at`.
    fn there(&self, pack: &Pack, at: u64) -> usize {
        let Some((of, start)) = self.from else {
            return 0;
        };
        let end = start + self.piece.len() as u64;
        match of == pack.number && (start..end).contains(&at) {
            true => (end - at) as usize,
            false => 0,
        }
    }

    /// How much of what lies before `at` is read with it. git packs what is newest first, and we read what is oldest
    /// first: what is asked for just before the piece at hand will be followed by what lies before that.
    fn backwards(&self, pack: &Pack, at: u64) -> u64 {
        let just_before = |start: u64| at < start && start - at <= READ as u64;
        match self.from {
            Some((of, start)) if of == pack.number && just_before(start) => at.min(READ as u64),
            _ => 0,
        }
    }

    fn load(&mut self, pack: &Pack, at: u64, wanted: usize) -> Option<()> {
        self.from = None;
        let (.., length) = pack.identity;
        let left = length.saturating_sub(at);
        let wanted = usize::try_from(left).map_or(wanted, |left| left.min(wanted));
        if self.piece.capacity() > LARGE {
            self.piece = Vec::new();
        }
        self.piece.resize(wanted, 0);
        let read = pack.file.read_at(&mut self.piece, at).ok()?;
        self.piece.truncate(read);
        self.from = (read > 0).then_some((pack.number, at));
        self.from.map(|_| ())
    }
}

/// Where something begins in the piece at hand.
#[derive(Clone, Copy)]
struct Piece(usize);

impl Piece {
    fn of(self, piece: &[u8]) -> Option<&[u8]> {
        piece.get(self.0..)
    }
}

/// How long so many bytes are at most when whoever deflates them has sense: stored as they are, in blocks of 64 kB.
fn longest_deflated(size: usize) -> Option<usize> {
    size.checked_add(size / 8192 + 64)
}

fn next(rest: &mut &[u8]) -> Option<u8> {
    let (&byte, after) = rest.split_first()?;
    *rest = after;
    Some(byte)
}

/// Where the base of the entry at `at` begins: so many bytes before it, in git's own way of writing numbers.
fn base_before(rest: &mut &[u8], at: u64) -> Option<u64> {
    let mut byte = next(rest)?;
    let mut back = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = next(rest)?;
        back = back.checked_add(1)?.checked_mul(128)? + u64::from(byte & 0x7f);
    }
    at.checked_sub(back).filter(|base| *base < at)
}
