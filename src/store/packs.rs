//! A look at pack indexes before libgit2 uses them.
//!
//! libgit2 trusts the offsets in an index, and reads beyond its memory where one is wrong: a flipped bit on the disk
//! would take the whole server down. So each index is looked through once. Damage in the packs themselves is found by
//! libgit2.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use sha1::{Digest, Sha1};

use crate::error::{Error, Result};

/// How many indexes are remembered as sound.
const REMEMBERED: usize = 10_000;

/// An index file as it was when it was looked through.
type Known = (PathBuf, u64, Option<SystemTime>);

/// Those that were found to be sound, so that opening a repository again costs next to nothing.
static SOUND: Mutex<Option<HashSet<Known>>> = Mutex::new(None);

/// Looks through the pack indexes of a repository and of those that it borrows objects from.
///
/// # Errors
/// [`Error::Corrupt`] with the name of an index that points beyond its pack.
pub(super) fn check(repository: &Path) -> Result<()> {
    let objects = repository.join("objects");
    let borrowed = fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
    check_dir(&objects.join("pack"))?;
    for line in borrowed.lines().filter(|line| !line.is_empty()) {
        check_dir(&objects.join(line).join("pack"))?;
    }
    Ok(())
}

fn check_dir(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let sound = match path.extension().and_then(|extension| extension.to_str()) {
            Some("idx") => is_sound_index,
            None if path
                .file_name()
                .is_some_and(|name| name == "multi-pack-index") =>
            {
                is_whole
            }
            _ => continue,
        };
        // What goes away while we look was packed anew.
        let Ok(meta) = fs::metadata(&path) else {
            continue;
        };
        let known = (path.clone(), meta.len(), meta.modified().ok());
        if remembered(|sound| sound.contains(&known)) {
            continue;
        }
        match sound(&path) {
            Ok(true) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            // libgit2 knows how long an index has to be, and leaves a short one alone.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => continue,
            Ok(false) | Err(_) => {
                let path = path.display();
                let why = format!("{path} does not fit its pack; `git index-pack` makes it anew");
                return Err(Error::corrupt(why));
            }
        }
        remembered(|sound| {
            if sound.len() >= REMEMBERED {
                sound.clear();
            }
            sound.insert(known)
        });
    }
    Ok(())
}

fn remembered<T>(ask: impl FnOnce(&mut HashSet<Known>) -> T) -> T {
    let mut sound = SOUND.lock().unwrap_or_else(PoisonError::into_inner);
    ask(sound.get_or_insert_default())
}

/// Whether every offset in an index (gitformat-pack(5)) lies inside the pack. An index without its pack is never used.
fn is_sound_index(path: &Path) -> io::Result<bool> {
    let Ok(pack) = fs::metadata(path.with_extension("pack")) else {
        return Ok(true);
    };
    // A pack ends with the hash of what is before.
    let end = pack.len().saturating_sub(20);
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let second_version = head == *b"\xfftOc\0\0\0\x02";
    let fanout = if second_version { 8 } else { 0 };
    file.seek(SeekFrom::Start(fanout + 255 * 4))?;
    let count = u64::from(word(&mut file)?);
    let start = fanout + 1024;
    if !second_version {
        for _ in 0..count {
            if u64::from(word(&mut file)?) >= end {
                return Ok(false);
            }
            file.seek_relative(20)?;
        }
        return Ok(true);
    }
    file.seek(SeekFrom::Start(start + count * 24))?;
    let mut large = 0;
    for _ in 0..count {
        let offset = u64::from(word(&mut file)?);
        if offset & 0x8000_0000 != 0 {
            large = large.max((offset & 0x7fff_ffff) + 1);
        } else if offset >= end {
            return Ok(false);
        }
    }
    for _ in 0..large {
        let (high, low) = (word(&mut file)?, word(&mut file)?);
        if (u64::from(high) << 32 | u64::from(low)) >= end {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a file ends with the SHA-1 of what is before.
fn is_whole(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut left = file.metadata()?.len().saturating_sub(20);
    let mut digest = Sha1::new();
    let mut buffer = vec![0; 1 << 16];
    while left > 0 {
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = file.read(&mut buffer[..most])?;
        if read == 0 {
            return Ok(false);
        }
        digest.update(&buffer[..read]);
        left -= read as u64;
    }
    let mut expected = [0; 20];
    file.read_exact(&mut expected)?;
    Ok(digest.finalize()[..] == expected)
}

fn word(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}
