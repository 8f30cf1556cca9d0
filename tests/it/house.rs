//! The walls of the house: who may know whom, and which crate is named where. Reads the source as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, ground floor first, and which other rooms each may import. Everybody may import the ground.
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("id", &[]),
    ("time", &[]),
    ("url", &[]),
    ("metrics", &[]),
    ("config", &[]),
    ("mail", &[]),
    ("demo", &[]),
    ("store", &["mail"]),
    ("db", &["mail"]),
    ("search", &["mail"]),
    ("render", &["mail"]),
    ("index", &["mail", "store", "db", "search"]),
    ("ingest", &["mail", "store", "db", "index"]),
    ("watch", &["mail", "store", "ingest"]),
    ("archive", &["mail", "store", "db", "search"]),
    ("mirror", &["store", "db"]),
    ("net", &[]),
    ("lmtp", &["mail", "ingest", "net"]),
    ("web", &["mail", "archive", "render", "net"]),
    ("nntp", &["mail", "archive", "net"]),
    ("imap", &["mail", "archive", "net"]),
    ("pop3", &["mail", "archive", "net"]),
    (
        "cli",
        &[
            "mail", "demo", "store", "db", "search", "render", "index", "ingest", "lmtp", "watch",
            "archive", "mirror", "web", "net", "nntp", "imap", "pop3",
        ],
    ),
];

const GROUND: &[&str] = &["error", "id", "time", "url", "metrics", "config"];

/// Crates that only one room, or a few, may name.
const CRATES: &[(&str, &[&str])] = &[
    ("git2", &["store"]),
    ("rusqlite", &["db"]),
    ("tantivy", &["search"]),
    ("mail_parser", &["mail"]),
    ("encoding_rs", &["mail"]),
    ("axum", &["web"]),
    ("askama", &["web"]),
    ("tower", &["web"]),
    ("hyper", &["web", "cli"]),
    ("hyper_util", &["web", "cli"]),
    ("tokio", &["web", "net", "nntp", "imap", "pop3", "cli"]),
    ("tokio_rustls", &["net", "watch"]),
    ("rustix", &["net", "cli"]),
    ("listenfd", &["net"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("anyhow", &["cli", "main"]),
    ("indicatif", &["cli"]),
    ("jiff", &["time", "mail"]),
    ("ureq", &["mirror"]),
    ("glob", &["mirror"]),
];

#[test]
fn a_room_imports_only_rooms_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut trespasses = Vec::new();
    for file in sources() {
        let Some(may) = allowed.get(file.room.as_str()) else {
            if file.room != "main" && file.room != "lib" {
                trespasses.push(format!("{}: a room without a floor", file.shown()));
            }
            continue;
        };
        for (number, line) in file.lines() {
            for other in rooms_named(line) {
                let fine = other == file.room
                    || may.contains(&other)
                    || (GROUND.contains(&other) && below(other, &file.room));
                if !fine && allowed.contains_key(other) {
                    trespasses.push(format!(
                        "{}:{number}: {} knows {other}",
                        file.shown(),
                        file.room
                    ));
                }
            }
        }
    }
    assert!(trespasses.is_empty(), "{trespasses:#?}");
}

#[test]
fn a_heavy_crate_is_named_in_its_room_only() {
    let mut trespasses = Vec::new();
    for file in sources() {
        for (number, line) in file.lines() {
            for (name, rooms) in CRATES {
                let named =
                    line.contains(&format!("{name}::")) || line.contains(&format!("use {name};"));
                if named && word_starts(line, name) && !rooms.contains(&file.room.as_str()) {
                    trespasses.push(format!("{}:{number}: {name}", file.shown()));
                }
            }
        }
    }
    assert!(trespasses.is_empty(), "{trespasses:#?}");
}

#[test]
fn imports_of_ours_are_one_line_per_room() {
    let mut found = Vec::new();
    for file in sources() {
        for (number, line) in file.lines() {
            if line.trim_start().starts_with("use crate::{") {
                found.push(format!("{}:{number}", file.shown()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_file_introduces_itself() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| file.shown())
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn every_template_has_a_test_of_its_name() {
    let Ok(entries) = fs::read_dir(root().join("templates")) else {
        skipped!("there are no templates");
        return;
    };
    let tested: BTreeSet<String> = fs::read_dir(root().join("tests/it/web"))
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    let frames = ["base", "error", "not_found"];
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_file() && !frames.contains(&name.as_str()) {
            assert!(
                tested.contains(&name),
                "templates/{name} has no tests/it/web/{name}.rs"
            );
        }
    }
}

#[test]
fn the_walls_see_what_they_should() {
    assert_eq!(rooms_named("use crate::mail::Overview;"), ["mail"]);
    assert_eq!(
        rooms_named("    crate::db::find(crate::id::X)"),
        ["db", "id"]
    );
    assert!(word_starts("let x = git2::Oid", "git2"));
    assert!(!word_starts("let x = my_git2::Oid", "git2"));
    assert!(below("id", "url") && !below("url", "id") && below("url", "mail"));
}

/// Whether room `one` stands before room `two` in the list.
fn below(one: &str, two: &str) -> bool {
    let floor = |name: &str| ROOMS.iter().position(|(room, _)| *room == name);
    floor(one) < floor(two)
}

fn rooms_named(line: &str) -> Vec<&str> {
    line.split("crate::")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
        .collect()
}

fn word_starts(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

struct Source {
    path: PathBuf,
    room: String,
    text: String,
}

impl Source {
    fn shown(&self) -> String {
        self.path
            .strip_prefix(root())
            .unwrap()
            .display()
            .to_string()
    }

    /// Numbered lines of code: without comments, and without the tests at a file's end.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.text.lines().zip(1..);
        code.map(|(line, number)| (number, line))
            .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut found = Vec::new();
    let mut dirs = vec![src.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let first = path.strip_prefix(&src).unwrap().iter().next().unwrap();
                let room = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path, room, text });
            }
        }
    }
    assert!(found.len() > 5);
    found
}
