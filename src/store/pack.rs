//! Objects on their way to the disk: a few as files of their own, many as one pack with its index.
//!
//! What is written here is on the disk, by fsync, before it gets the name by which git finds it.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use sha1::{Digest, Sha1};

use crate::error::{Error, Result};
use crate::id::Oid;

/// How many objects are written as files of their own; more go into a pack. git's own limit (`unpackLimit`) is this.
const FEW: usize = 100;

/// The longest object whose offset an index of this form can tell, and a pack that stays below it, in bytes.
const MAX_PACK: usize = (1 << 31) - 1;

/// The kinds of objects that mail is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Commit,
    Tree,
    Blob,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
        }
    }

    /// Its number in a pack.
    fn number(self) -> u8 {
        match self {
            Kind::Commit => 1,
            Kind::Tree => 2,
            Kind::Blob => 3,
        }
    }
}

/// The name of an object: the hash of its header and its bytes.
fn name_of(kind: Kind, bytes: &[u8]) -> Oid {
    let mut hash = Sha1::new();
    hash.update(format!("{} {}\0", kind.name(), bytes.len()));
    hash.update(bytes);
    Oid(hash.finalize().into())
}

/// What a tree of these bytes is called.
pub(super) fn tree_name(bytes: &[u8]) -> Oid {
    name_of(Kind::Tree, bytes)
}

/// Objects that belong together, in memory until [`Stage::write`].
#[derive(Default)]
pub(super) struct Stage {
    /// As they are, while they are few.
    few: Vec<(Oid, Kind, Vec<u8>)>,
    /// Deflated, one after the other as in a pack, once they are many.
    pack: Vec<u8>,
    entries: Vec<Entry>,
    /// The names of all, so that none is kept twice.
    known: HashSet<Oid, foldhash::fast::RandomState>,
    deflate: Option<Compress>,
}

/// An object of the pack.
struct Entry {
    oid: Oid,
    crc: u32,
    offset: u32,
}

impl Stage {
    /// How much memory it takes, roughly; as much as it will take on the disk once it is a pack.
    pub(super) fn size(&self) -> usize {
        let few: usize = self.few.iter().map(|(.., bytes)| bytes.len()).sum();
        few + self.pack.len()
    }

    /// Takes an object in; gives its name.
    pub(super) fn put(&mut self, kind: Kind, bytes: Vec<u8>) -> Result<Oid> {
        let oid = name_of(kind, &bytes);
        if self.known.contains(&oid) {
            return Ok(oid);
        }
        if bytes.len() + self.pack.len() + (1 << 20) > MAX_PACK {
            let why = "it is too long for one pack";
            return Err(Error::invalid(format!("{} {oid}", kind.name()), why));
        }
        self.known.insert(oid);
        if self.entries.is_empty() && self.few.len() < FEW {
            self.few.push((oid, kind, bytes));
            return Ok(oid);
        }
        for (oid, kind, bytes) in std::mem::take(&mut self.few) {
            self.pack_one(oid, kind, &bytes)?;
        }
        self.pack_one(oid, kind, &bytes)?;
        Ok(oid)
    }

    /// Whether an object of that name is waiting here.
    pub(super) fn holds(&self, oid: Oid) -> bool {
        self.known.contains(&oid)
    }

    fn pack_one(&mut self, oid: Oid, kind: Kind, bytes: &[u8]) -> Result<()> {
        if self.pack.is_empty() {
            self.pack.extend_from_slice(b"PACK\0\0\0\x02\0\0\0\0");
        }
        let start = self.pack.len();
        let mut left = bytes.len();
        let mut byte = (kind.number() << 4) | (left & 15) as u8;
        left >>= 4;
        while left > 0 {
            self.pack.push(byte | 0x80);
            byte = (left & 0x7f) as u8;
            left >>= 7;
        }
        self.pack.push(byte);
        let deflate = self.deflate.get_or_insert_with(fast);
        deflate_into(deflate, bytes, &mut self.pack)?;
        let mut crc = Crc::new();
        crc.update(&self.pack[start..]);
        let offset = u32::try_from(start).ok();
        let offset = offset.filter(|offset| *offset as usize <= MAX_PACK);
        self.entries.push(Entry {
            oid,
            crc: crc.sum(),
            offset: offset.ok_or_else(|| Error::invalid("a pack", "it has grown too long"))?,
        });
        Ok(())
    }

    /// Writes all of it into the repository at `path`, durably, and is empty then. Gives what was written in bytes.
    pub(super) fn write(&mut self, path: &Path) -> Result<u64> {
        let staged = std::mem::take(self);
        let objects = path.join("objects");
        if staged.entries.is_empty() {
            return write_loose(&objects, &staged.few);
        }
        write_pack(&objects, staged.pack, staged.entries)
    }
}

/// Mail is packed once more when somebody calls `git gc`; until then speed is worth more than the last tenth.
fn fast() -> Compress {
    Compress::new(Compression::new(1), true)
}

fn deflate_into(deflate: &mut Compress, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    deflate.reset();
    loop {
        out.reserve((bytes.len() / 2).max(256));
        let rest = bytes.get(deflate.total_in() as usize..).unwrap_or_default();
        match deflate.compress_vec(rest, out, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(Error::Store(format!("deflating an object: {error}"))),
        }
    }
}

fn write_loose(objects: &Path, few: &[(Oid, Kind, Vec<u8>)]) -> Result<u64> {
    let mut deflate = fast();
    let mut dirs: Vec<String> = Vec::new();
    let mut written = 0;
    for (oid, kind, bytes) in few {
        let mut whole = format!("{} {}\0", kind.name(), bytes.len()).into_bytes();
        whole.extend_from_slice(bytes);
        let mut deflated = Vec::new();
        deflate_into(&mut deflate, &whole, &mut deflated)?;
        let hex = oid.to_string();
        let (dir, rest) = hex.split_at(2);
        let below = objects.join(dir);
        match fs::create_dir(&below) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(Error::io(&below, e)),
            _ => {}
        }
        write_whole(&below, rest, &deflated, Mode::Fixed)?;
        written += deflated.len() as u64;
        if !dirs.iter().any(|known| known == dir) {
            dirs.push(dir.to_owned());
        }
    }
    for dir in &dirs {
        sync_dir(&objects.join(dir))?;
    }
    if !dirs.is_empty() {
        sync_dir(objects)?;
    }
    Ok(written)
}

/// The pack gets its name before its index does: git looks for the index.
fn write_pack(objects: &Path, mut pack: Vec<u8>, mut entries: Vec<Entry>) -> Result<u64> {
    let count = u32::try_from(entries.len()).map_err(|_| Error::invalid("a pack", "too many"))?;
    if let Some(field) = pack.get_mut(8..12) {
        field.copy_from_slice(&count.to_be_bytes());
    }
    let checksum: [u8; 20] = Sha1::digest(&pack).into();
    pack.extend_from_slice(&checksum);
    entries.sort_unstable_by_key(|entry| entry.oid);
    let index = index_of(&entries, &checksum);
    let dir = objects.join("pack");
    fs::create_dir_all(&dir).map_err(|e| Error::io(&dir, e))?;
    let stem = format!("pack-{}", Oid(checksum));
    // Both are whole before either has its name, so that hardly ever one is there without the other.
    let unnamed_pack = write_unnamed(&dir, &format!("{stem}.pack"), &pack, Mode::Fixed)?;
    let unnamed_index = write_unnamed(&dir, &format!("{stem}.idx"), &index, Mode::Fixed);
    let unnamed_index = unnamed_index.inspect_err(|_| {
        let _ = fs::remove_file(&unnamed_pack);
    })?;
    name_it(&unnamed_pack, &dir.join(format!("{stem}.pack")))?;
    name_it(&unnamed_index, &dir.join(format!("{stem}.idx")))?;
    sync_dir(&dir)?;
    Ok(pack.len() as u64)
}

/// The index of a pack, version 2 (gitformat-pack(5)).
fn index_of(entries: &[Entry], pack: &[u8; 20]) -> Vec<u8> {
    let mut index = Vec::with_capacity(1100 + entries.len() * 28);
    index.extend_from_slice(b"\xfftOc\0\0\0\x02");
    let mut below = 0_u32;
    let mut rest = entries.iter().peekable();
    for first in 0..=255_u8 {
        while rest.next_if(|entry| entry.oid.0[0] == first).is_some() {
            below += 1;
        }
        index.extend_from_slice(&below.to_be_bytes());
    }
    for entry in entries {
        index.extend_from_slice(&entry.oid.0);
    }
    for entry in entries {
        index.extend_from_slice(&entry.crc.to_be_bytes());
    }
    for entry in entries {
        index.extend_from_slice(&entry.offset.to_be_bytes());
    }
    index.extend_from_slice(pack);
    let checksum: [u8; 20] = Sha1::digest(&index).into();
    index.extend_from_slice(&checksum);
    index
}

/// Whether a file is written once and for all, as git's objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Fixed,
    Plain,
}

/// Writes a file that has its name only when it is whole and on the disk. Its directory is left to the caller.
pub(super) fn write_whole(dir: &Path, name: &str, bytes: &[u8], mode: Mode) -> Result<()> {
    name_it(&write_unnamed(dir, name, bytes, mode)?, &dir.join(name))
}

/// Writes a file that shall be called `name`, durably, under another name, which is given.
fn write_unnamed(dir: &Path, name: &str, bytes: &[u8], mode: Mode) -> Result<PathBuf> {
    // By this name `git prune` knows what somebody who was killed has left, and deletes it: the bytes of a mail may be in it.
    let new = dir.join(format!("tmp_obj_{}_{name}", std::process::id()));
    let written = create(&new, mode).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(new),
        Err(error) => {
            // A disk that is full must not be filled with halves.
            let _ = fs::remove_file(&new);
            Err(Error::io(dir.join(name), error))
        }
    }
}

fn name_it(unnamed: &Path, path: &Path) -> Result<()> {
    fs::rename(unnamed, path).map_err(|error| {
        let _ = fs::remove_file(unnamed);
        Error::io(path, error)
    })
}

/// Deletes packs that have had no index for that long: who wrote them was killed just before they got one; and what a
/// `git repack` that was killed has left. git never looks into them, and never deletes them either. Where one is younger, it
/// is waited for.
pub(super) fn remove_orphans(dir: &Path, age: Duration) -> Result<()> {
    let deadline = Instant::now() + age * 2;
    loop {
        let mut young = false;
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_orphan = |path: &Path| {
                let is_pack = path.extension().is_some_and(|x| x == "pack");
                (is_pack && !path.with_extension("idx").exists()) || is_left_by_repack(path)
            };
            if !is_orphan(&path) {
                continue;
            }
            let since = entry.metadata().and_then(|about| about.modified());
            let old = since.is_ok_and(|since| since.elapsed().map_or(true, |past| past > age));
            if old && is_orphan(&path) {
                fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
            }
            young |= !old;
        }
        if !young || Instant::now() > deadline {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Whether it is a file that `git repack` was about to rename (`.tmp-PID-pack-HASH.EXTENSION`) when it ended.
fn is_left_by_repack(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let rest = name.and_then(|name| name.strip_prefix(".tmp-"));
    let pid = rest.and_then(|rest| rest.split_once("-pack-"));
    let pid = pid.and_then(|(pid, _)| pid.parse::<u32>().ok());
    pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
}

fn create(path: &Path, mode: Mode) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if mode == Mode::Fixed {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o444);
    }
    match options.open(path) {
        // What a killed process of the same number has left.
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)
        }
        opened => opened,
    }
}

/// Waits until the names in a directory are on the disk.
pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|e| Error::io(dir, e))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Kind, Stage, name_of};
    use crate::id::Oid;

    #[test]
    fn objects_are_called_as_git_calls_them() {
        assert_eq!(name_of(Kind::Blob, b""), Oid::EMPTY_BLOB);
        let tree = Oid::parse("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        assert_eq!(Some(name_of(Kind::Tree, b"")), tree);
    }

    #[test]
    fn what_killed_programs_have_left_is_cleared_away_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let own = format!(".tmp-{}-pack-4", std::process::id());
        let own = [format!("{own}.pack"), format!("{own}.idx")];
        let left = [
            "pack-1.pack",
            ".tmp-4294967295-pack-2.pack",
            ".tmp-4294967295-pack-2.idx",
        ];
        let kept = ["pack-3.pack", "pack-3.idx", "pack-3.keep", &own[0], &own[1]];
        for name in left.iter().chain(&kept) {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        super::remove_orphans(dir.path(), Duration::ZERO).unwrap();
        for name in left {
            assert!(!dir.path().join(name).exists(), "{name}");
        }
        for name in kept {
            assert!(dir.path().join(name).exists(), "{name}");
        }
    }

    #[test]
    fn a_pack_is_read_by_git_whatever_the_sizes_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let repo = git2::Repository::init_bare(dir.path()).unwrap();
        let mut stage = Stage::default();
        let sizes = (0..150).chain([4095, 4096, 4097, 70_000, 3 << 20]);
        let bodies: Vec<Vec<u8>> = sizes
            .map(|n: usize| (0..n).map(|i| (i * i * 31 + n) as u8).collect())
            .collect();
        let names: Vec<Oid> = bodies
            .iter()
            .map(|body| stage.put(Kind::Blob, body.clone()).unwrap())
            .collect();
        assert_eq!(
            stage.put(Kind::Blob, bodies[3].clone()).unwrap(),
            names[3],
            "none is written twice"
        );
        stage.write(dir.path()).unwrap();
        assert!(stage.known.is_empty());
        assert_eq!(
            std::fs::read_dir(dir.path().join("objects/pack"))
                .unwrap()
                .count(),
            2
        );
        let odb = repo.odb().unwrap();
        for (body, name) in bodies.iter().zip(&names) {
            let found = odb.read(git2::Oid::from_bytes(&name.0).unwrap()).unwrap();
            assert!(found.data() == body, "{name}");
        }
    }
}
