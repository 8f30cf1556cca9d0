//! What an inbox and its indexes are seen to hold, asked from outside.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::site::World;

impl World {
    /// Runs the program, which has to succeed; what it prints.
    #[track_caller]
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}{problem}");
        said
    }

    /// Number and Message-ID of every article of the inbox `test`, as a search for everything tells.
    #[track_caller]
    pub(crate) fn articles(&self) -> Vec<(i64, String)> {
        let found = self.done(&[
            "search",
            "--inbox",
            "test",
            "--format",
            "json",
            "-n",
            "100000",
            "d:1970-01-02..",
        ]);
        let article = |line: &str| {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            let mid = json["mid"].as_str().unwrap().to_owned();
            (json["number"].as_i64().unwrap(), mid)
        };
        let mut articles: Vec<(i64, String)> = found.lines().map(article).collect();
        articles.sort();
        articles
    }

    /// The files of the full-text index.
    pub(crate) fn words(&self) -> Vec<PathBuf> {
        let layouts = fs::read_dir(self.path("index/words")).unwrap();
        let files = layouts.flat_map(|layout| fs::read_dir(layout.unwrap().path()).unwrap());
        let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// Everything that the catalogue in that directory says of mail, without row numbers: two that say the same are
    /// alike.
    pub(crate) fn catalogue(&self, index_dir: &str) -> Vec<String> {
        let sql = open(&self.path(index_dir).join("catalogue.sqlite3"));
        let mut statement = sql
            .prepare(
                "SELECT i.dir, p.num, p.epoch, hex(p.blob), p.sent, p.received, t.text, m.subject, m.author, m.bytes,
                        m.lines, hex(m.fingerprint), (SELECT min(o.text) FROM mid o WHERE o.thread = m.thread),
                        (SELECT count(*) FROM mid o WHERE o.thread = m.thread), i.last_num, i.articles
                   FROM place p JOIN inbox i ON i.id = p.inbox JOIN message m ON m.id = p.message
                   JOIN mid t ON t.id = p.mid
                  ORDER BY i.dir, p.num",
            )
            .unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map((), |row| {
            let values = (0..columns).map(|n| {
                row.get::<_, rusqlite::types::Value>(n)
                    .map(|value| format!("{value:?}"))
            });
            let values = values.collect::<rusqlite::Result<Vec<String>>>();
            values.map(|values| values.join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a look from outside, beside whoever has it open"
)]
fn open(file: &Path) -> Connection {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}

/// Every file below `dir` in which `needle` stands, unpacked as it lies there.
pub(crate) fn holders(dir: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if let Ok(bytes) = fs::read(&path)
                && memchr::memmem::find(&bytes, needle.as_bytes()).is_some()
            {
                found.push(path.display().to_string());
            }
        }
    }
    found
}
