//! The index of a pack, version 2: names in order, and where each object begins.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::id::Oid;

const FAN_OUT: u64 = 8;
const NAMES: u64 = FAN_OUT + 256 * 4;
/// The longest run of names that is read at once: those that begin with one byte, in a pack of thirty thousand. A larger
/// buffer takes longer to be emptied than a few more steps take in a larger pack.
const AT_ONCE: u32 = 128;
/// An index of at most so many names is read as a whole where it is asked for many of them: 1.5 MB.
const WHOLE_MAX: u32 = 1 << 16;
/// That is when there was one look at it for every so many of its names.
const WHOLE_AFTER: u32 = 16;
/// Indexes of more names are not put into the order of the pack: that takes eight bytes for each.
const ORDERED_MAX: u32 = 1 << 24;

/// An opened index.
#[derive(Debug)]
pub(super) struct Index {
    file: File,
    /// How many names begin with at most this byte.
    upto: [u32; 256],
    /// How often a name was looked for in the file.
    looked: AtomicU32,
    /// `None` where it could not be read.
    whole: OnceLock<Option<Whole>>,
}

/// What an index says, in memory.
#[derive(Debug)]
struct Whole {
    names: Vec<u8>,
    offsets: Vec<u8>,
}

impl Index {
    /// `None` where it is not one of that version, or no index at all.
    pub(super) fn open(path: &Path) -> Option<Index> {
        let file = File::open(path).ok()?;
        let mut head = [0; NAMES as usize];
        file.read_exact_at(&mut head, 0).ok()?;
        let (magic, fan_out) = head.split_at(FAN_OUT as usize);
        if magic != b"\xfftOc\0\0\0\x02" {
            return None;
        }
        let mut upto = [0; 256];
        let (words, _) = fan_out.as_chunks::<4>();
        for (count, word) in upto.iter_mut().zip(words) {
            *count = u32::from_be_bytes(*word);
        }
        upto.is_sorted().then_some(Index {
            file,
            upto,
            looked: AtomicU32::new(0),
            whole: OnceLock::new(),
        })
    }

    /// Where the object of that name begins in the pack; `None` where it is not there.
    pub(super) fn find(&self, oid: Oid) -> Option<u64> {
        let first = usize::from(oid.0[0]);
        let mut high = self.upto[first];
        let mut low = first.checked_sub(1).map_or(0, |before| self.upto[before]);
        if let Some(whole) = self.whole() {
            let (names, _) = whole.names.as_chunks::<20>();
            let (offsets, _) = whole.offsets.as_chunks::<4>();
            let names = names.get(low as usize..high as usize)?;
            let found = low as usize + names.binary_search(&oid.0).ok()?;
            return self.behind(*offsets.get(found)?);
        }
        while high - low > AT_ONCE {
            let middle = low + (high - low) / 2;
            let mut name = [0; 20];
            let at = NAMES + u64::from(middle) * 20;
            self.file.read_exact_at(&mut name, at).ok()?;
            match name <= oid.0 {
                true => low = middle,
                false => high = middle,
            }
        }
        let mut buffer = [0; AT_ONCE as usize * 20];
        let names = buffer.get_mut(..(high - low) as usize * 20)?;
        let at = NAMES + u64::from(low) * 20;
        self.file.read_exact_at(names, at).ok()?;
        let (names, _) = names.as_chunks::<20>();
        let found = names.binary_search(&oid.0).ok()?;
        self.offset(u64::from(low) + found as u64)
    }

    /// All of it, where it is small and was asked for much.
    fn whole(&self) -> Option<&Whole> {
        if let Some(whole) = self.whole.get() {
            return whole.as_ref();
        }
        let enough = self.count() / WHOLE_AFTER;
        if self.count() > WHOLE_MAX || self.looked.fetch_add(1, Ordering::Relaxed) < enough {
            return None;
        }
        let read = |at: u64, each: usize| {
            let mut bytes = vec![0; self.count() as usize * each];
            let read = self.file.read_exact_at(&mut bytes, at);
            read.is_ok().then_some(bytes)
        };
        let whole = || {
            Some(Whole {
                names: read(NAMES, 20)?,
                offsets: read(self.offsets(), 4)?,
            })
        };
        self.whole.get_or_init(whole).as_ref()
    }

    /// How many objects the pack holds.
    pub(super) fn count(&self) -> u32 {
        self.upto[255]
    }

    /// The objects at these places when counted by where they begin, as far as that is in the first 2 GB.
    pub(super) fn nth(&self, places: &[usize]) -> Option<Vec<Oid>> {
        if places.is_empty() || self.count() > ORDERED_MAX {
            return Some(Vec::new());
        }
        let mut offsets = vec![0; self.count() as usize * 4];
        self.file.read_exact_at(&mut offsets, self.offsets()).ok()?;
        let (offsets, _) = offsets.as_chunks::<4>();
        let mut numbers: Vec<u32> = (0..self.count()).collect();
        let mut found = Vec::with_capacity(places.len());
        for &place in places {
            if place >= numbers.len() {
                return None;
            }
            let (_, number, _) =
                numbers.select_nth_unstable_by_key(place, |number| offsets[*number as usize]);
            let mut name = [0; 20];
            let at = NAMES + u64::from(*number) * 20;
            self.file.read_exact_at(&mut name, at).ok()?;
            found.push(Oid(name));
        }
        Some(found)
    }

    /// Where the offsets begin: between them and the names there is a checksum of each object.
    fn offsets(&self) -> u64 {
        NAMES + u64::from(self.count()) * 24
    }

    fn offset(&self, number: u64) -> Option<u64> {
        let mut short = [0; 4];
        let at = self.offsets() + number * 4;
        self.file.read_exact_at(&mut short, at).ok()?;
        self.behind(short)
    }

    /// What an entry of the offsets stands for: one beyond 2 GB is in a table of its own.
    fn behind(&self, short: [u8; 4]) -> Option<u64> {
        let short = u32::from_be_bytes(short);
        if short & 0x8000_0000 == 0 {
            return Some(u64::from(short));
        }
        let mut long = [0; 8];
        let longs = self.offsets() + u64::from(self.count()) * 4;
        let at = longs + u64::from(short & 0x7fff_ffff) * 8;
        self.file.read_exact_at(&mut long, at).ok()?;
        Some(u64::from_be_bytes(long))
    }
}
