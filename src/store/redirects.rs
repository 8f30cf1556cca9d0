//! The addresses that mail had in another archive: the file `redirects` in the directory of an inbox.
//!
//! A line for each: the address below the inbox without a slash at its end, a tab, the Message-ID. In whatever order; the last line about an address
//! counts.

use std::collections::HashMap;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use foldhash::fast::FixedState;

use crate::id::MessageId;

/// The name of the file.
pub const REDIRECTS: &str = "redirects";

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 2_000;

/// Where each address stands in one file, found by a hash: 16 bytes for each.
struct Table {
    places: HashMap<u64, u64, foldhash::fast::RandomState>,
}

/// What tells whether a file is still the one that was read.
type Stamp = (u64, Option<SystemTime>);

/// Tables of inboxes, read when they are first asked for.
#[derive(Default)]
pub struct Redirects(Mutex<HashMap<PathBuf, (Stamp, Arc<Table>)>>);

impl Redirects {
    /// The mail that an old address below the inbox in `dir` leads to.
    pub fn find(&self, dir: &Path, path: &str) -> Option<MessageId> {
        let file = dir.join(REDIRECTS);
        let about = std::fs::metadata(&file).ok()?;
        let stamp = (about.len(), about.modified().ok());
        let table = self.table(&file, stamp)?;
        let at = table.places.get(&hash(path))?;
        let mut reader = BufReader::new(File::open(&file).ok()?);
        reader.seek(SeekFrom::Start(*at)).ok()?;
        let mut line = Vec::new();
        std::io::Read::take(reader, MAX_LINE)
            .read_until(b'\n', &mut line)
            .ok()?;
        let line = String::from_utf8_lossy(&line);
        let (known, mid) = line.trim_end_matches('\n').split_once('\t')?;
        (known == path).then(|| MessageId::parse(mid))?
    }

    fn table(&self, file: &Path, stamp: Stamp) -> Option<Arc<Table>> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, table)) = tables.get(file)
            && *known == stamp
        {
            return Some(Arc::clone(table));
        }
        let table = Arc::new(read(file).ok()?);
        tables.insert(file.to_owned(), (stamp, Arc::clone(&table)));
        Some(table)
    }
}

fn hash(path: &str) -> u64 {
    FixedState::with_seed(7).hash_one(path)
}

fn read(file: &Path) -> std::io::Result<Table> {
    let mut places = HashMap::default();
    let mut reader = BufReader::with_capacity(1 << 16, File::open(file)?);
    let mut line = Vec::new();
    let mut at = 0;
    loop {
        line.clear();
        let read = std::io::Read::take(&mut reader, 1 << 20).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(Table { places });
        }
        let tab = memchr::memchr(b'\t', &line);
        if let Some(path) = tab.and_then(|tab| std::str::from_utf8(&line[..tab]).ok()) {
            places.insert(hash(path), at);
        }
        at += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::{REDIRECTS, Redirects};

    #[test]
    fn the_last_line_about_an_address_counts() {
        let dir = tempfile::tempdir().unwrap();
        let redirects = Redirects::default();
        let find = |path: &str| redirects.find(dir.path(), path).map(|mid| mid.to_string());
        assert_eq!(find("a"), None);
        let file = dir.path().join(REDIRECTS);
        std::fs::write(&file, "a\tone@x\nno line\nb/c.html\ttwo@x\na\tthree@x").unwrap();
        assert_eq!(find("a").as_deref(), Some("three@x"));
        assert_eq!(find("b/c.html").as_deref(), Some("two@x"));
        assert_eq!(find("no line"), None);
        std::fs::write(&file, "a\tfour@x\n").unwrap();
        assert_eq!(find("a").as_deref(), Some("four@x"));
    }
}
