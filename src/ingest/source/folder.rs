//! Folders in which every file is a mail: Maildir, MH, or just a directory of them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Item, Items};
use crate::error::{Error, Result};
use crate::store::MAX_BLOB;
use crate::time::Timestamp;

/// The mail files of a folder, in the order of their names with numbers by size, and what they weigh.
///
/// Of a Maildir `new` and `cur`, without what is marked as trashed or a draft; of MH the files whose names are
/// numbers; of anything else every `.eml`, also below.
pub(super) fn list(dir: &Path) -> Result<(Vec<PathBuf>, u64)> {
    let mut files: Vec<(PathBuf, u64)> = Vec::new();
    if dir.join("cur").is_dir() && dir.join("new").is_dir() {
        for below in ["cur", "new"] {
            each_file(&dir.join(below), |path, name, size| {
                if is_mail_of_maildir(name) {
                    files.push((path, size));
                }
            })?;
        }
        // Names begin with the time that mail came at; what was read has gone from `new` to `cur`.
        files
            .sort_by_cached_key(|(path, _)| natural(path.file_name().unwrap_or_default().as_ref()));
    } else {
        let is_number = |name: &str| name.bytes().all(|b| b.is_ascii_digit());
        each_file(dir, |path, name, size| {
            if is_number(name) {
                files.push((path, size));
            }
        })?;
        let mut dirs = vec![dir.to_owned()];
        while let Some(next) = dirs.pop() {
            let entries = fs::read_dir(&next).map_err(|e| Error::io(&next, e))?;
            for entry in entries.flatten() {
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let path = entry.path();
                if kind.is_dir() {
                    dirs.push(path);
                } else if path
                    .extension()
                    .is_some_and(|e| e.eq_ignore_ascii_case("eml"))
                {
                    files.push((path, entry.metadata().map_or(0, |about| about.len())));
                }
            }
        }
        files.sort_by_cached_key(|(path, _)| natural(path));
    }
    if files.is_empty() && !dir.join("cur").is_dir() {
        let why = "there is no mail in it: no Maildir, no MH folder, no .eml files, no archive";
        return Err(Error::invalid(dir.display().to_string(), why));
    }
    let size = files.iter().map(|(_, size)| size).sum();
    Ok((files.into_iter().map(|(path, _)| path).collect(), size))
}

fn each_file(dir: &Path, mut each: impl FnMut(PathBuf, &str, u64)) -> Result<()> {
    let entries = fs::read_dir(dir).map_err(|e| Error::io(dir, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io(dir, e))?;
        let name = entry.file_name();
        if let (Ok(about), Some(name)) = (entry.metadata(), name.to_str())
            && about.is_file()
        {
            each(entry.path(), name, about.len());
        }
    }
    Ok(())
}

/// Whether a file in `new` or `cur` is a mail that its owner has not thrown away and has sent off.
pub fn is_mail_of_maildir(name: &str) -> bool {
    let flags = name.rsplit_once(":2,").map_or("", |(_, flags)| flags);
    !name.starts_with('.') && !flags.contains(['T', 'D'])
}

/// So that `9` stands before `10`, wherever numbers stand in a name.
fn natural(path: &Path) -> Vec<(u64, String)> {
    let name = path.to_string_lossy();
    let mut keys = Vec::new();
    let mut rest: &str = &name;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest[..digits].parse().unwrap_or(u64::MAX);
        let after = &rest[digits..];
        let text = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let number = if digits == 0 { 0 } else { number };
        keys.push((number, after[..text].to_owned()));
        rest = &after[text..];
    }
    keys
}

/// The mails of these files from the position `from` on.
pub(super) fn items(files: Vec<PathBuf>, from: u64, read: Arc<AtomicU64>) -> Items {
    let skipped = usize::try_from(from).unwrap_or(usize::MAX);
    Box::new((0_u64..).zip(files).skip(skipped).map(move |(at, path)| {
        let (raw, came) = one(&path, &read);
        Ok(Item {
            at,
            next: at + 1,
            place: path.display().to_string(),
            came,
            raw,
            loss: None,
        })
    }))
}

/// The bytes of a file, and when it was written.
fn one(path: &Path, read: &AtomicU64) -> (Result<Vec<u8>, String>, Option<Timestamp>) {
    let mut raw = Vec::new();
    let mut came = None;
    let done = File::open(path).and_then(|file| {
        if let Ok(since) = file
            .metadata()?
            .modified()?
            .duration_since(std::time::UNIX_EPOCH)
        {
            came = i64::try_from(since.as_secs()).ok().map(Timestamp);
        }
        file.take(MAX_BLOB as u64 + 1).read_to_end(&mut raw)
    });
    read.fetch_add(raw.len() as u64, Ordering::Relaxed);
    (done.map(|_| raw).map_err(|e| e.to_string()), came)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{items, list};

    #[test]
    fn a_folder_is_read_in_the_order_of_its_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        };
        for name in [
            "mh/10",
            "mh/9",
            "mh/.mh_sequences",
            "mh/,3",
            "eml/b/2.eml",
            "eml/a.EML",
            "eml/x.txt",
        ] {
            make(name);
        }
        for name in [
            "md/cur/12.x:2,S",
            "md/cur/3.y:2,ST",
            "md/new/1.z",
            "md/tmp/9",
            "md/cur/5.d:2,D",
        ] {
            make(name);
        }
        for (folder, names) in [
            ("mh", "mh/9 mh/10"),
            ("eml", "eml/a.EML eml/b/2.eml"),
            ("md", "md/new/1.z md/cur/12.x:2,S"),
        ] {
            let (files, size) = list(&dir.path().join(folder)).unwrap();
            let mails: Vec<Vec<u8>> = items(files, 0, Arc::default())
                .map(|item| item.unwrap().raw.unwrap())
                .collect();
            let found = String::from_utf8(mails.join(&b' ')).unwrap();
            assert_eq!(found, names);
            assert_eq!(size as usize, names.len() - 1);
        }
        std::fs::create_dir(dir.path().join("nothing")).unwrap();
        assert!(list(&dir.path().join("nothing")).is_err());
    }
}
