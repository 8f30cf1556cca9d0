//! Loose objects, read without libgit2: it reads one whose end is damaged for ever, and a crash leaves such files.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;

use super::object::Lack;
use crate::id::Oid;

/// The directories in which a repository has loose objects, its own and those that it borrows, as they were when it
/// was opened. What is written later is read by libgit2.
#[derive(Debug)]
pub(super) struct Loose(Vec<(PathBuf, [bool; 256])>);

impl Loose {
    pub(super) fn open(repository: &Path) -> Loose {
        let objects = repository.join("objects");
        let borrowed = fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
        let lines = borrowed.lines().filter(|line| !line.is_empty());
        let mut dirs: Vec<PathBuf> = lines.map(|line| objects.join(line)).collect();
        dirs.push(objects);
        let dirs = dirs.into_iter().map(|dir| {
            let there = fan_out(&dir);
            (dir, there)
        });
        Loose(dirs.collect())
    }

    /// The kind of an object and its bytes, of which there may be at most `max`; `None` where it is not loose.
    pub(super) fn read(&self, oid: Oid, max: usize) -> Result<Option<(String, Vec<u8>)>, Lack> {
        for (dir, there) in &self.0 {
            if !there[usize::from(oid.0[0])] {
                continue;
            }
            let hex = oid.to_string();
            let (first, rest) = hex.split_at(2);
            match File::open(dir.join(first).join(rest)) {
                Ok(file) => {
                    let (kind, bytes) = inflate(file, max)?;
                    if Oid::of_object(&kind, &bytes) != oid {
                        return Err(Lack::false_name());
                    }
                    return Ok(Some((kind, bytes)));
                }
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(Lack::Damaged(e.to_string())),
            }
        }
        Ok(None)
    }
}

/// Which of the directories `00` to `ff` there are.
fn fan_out(objects: &Path) -> [bool; 256] {
    let mut there = [false; 256];
    for entry in fs::read_dir(objects).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().filter(|name| name.len() == 2);
        if let Some(number) = number.and_then(|name| u8::from_str_radix(name, 16).ok()) {
            there[usize::from(number)] = true;
        }
    }
    there
}

/// `KIND SIZE NUL BYTES`, deflated.
fn inflate(file: impl Read, max: usize) -> Result<(String, Vec<u8>), Lack> {
    let damaged = |why: &str| Lack::Damaged(why.to_owned());
    let mut bytes = Vec::new();
    // Its header is at most this long.
    let most = max as u64 + 33;
    let read = ZlibDecoder::new(file).take(most).read_to_end(&mut bytes);
    read.map_err(|e| Lack::Damaged(e.to_string()))?;
    let end = bytes.iter().take(32).position(|b| *b == 0);
    let end = end.ok_or_else(|| damaged("its header is damaged"))?;
    let header = std::str::from_utf8(&bytes[..end]).ok();
    let header = header.and_then(|header| header.split_once(' '));
    let (kind, size) = header.ok_or_else(|| damaged("its header is damaged"))?;
    let kind = kind.to_owned();
    match size.parse::<usize>() {
        Ok(size) if size > max => Err(Lack::too_long(size, max)),
        Ok(size) if size == bytes.len() - end - 1 => {
            bytes.drain(..=end);
            Ok((kind, bytes))
        }
        _ => Err(damaged("it is not as long as it says")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::inflate;

    #[test]
    fn an_object_is_read_if_it_is_whole_and_not_too_long() {
        for (text, whole) in [
            ("blob 3\0abc", true),
            ("blob 0\0", true),
            ("blob 4\0abcd", false),
            ("blob 2\0abc", false),
            ("blob 3\0ab", false),
            ("blob\0", false),
            ("blob 3", false),
            ("", false),
            ("blob 99999999999999999999\0abc", false),
        ] {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            let deflated = encoder.finish().unwrap();
            assert_eq!(inflate(&deflated[..], 3).is_ok(), whole, "{text:?}");
            let cut = inflate(&deflated[..deflated.len() / 2], 3);
            assert!(cut.is_err(), "{text:?}");
        }
    }
}
