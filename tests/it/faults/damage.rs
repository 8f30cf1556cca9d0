//! Files are deleted and damaged while they are in use.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::support::incoming::with_input;
use crate::support::{Ask, Server, World, git, wait_until};

use super::kills::rounds;
use super::{Lot, Numbers, all_is_well, mail, mails, world};

#[test]
fn index_files_deleted_while_it_serves() {
    let (world, _) = world(30);
    world.index();
    let server = world.serve();
    let answers = || {
        let found = server.get("/test/?q=Subject");
        server.get("/test/m7@weaver.example/").status == 200
            && found.status == 200
            && found.text().contains("m7@")
    };
    wait_until("it is up", answers);
    for what in ["all", "catalogue", "words", "one file of words"] {
        match what {
            "all" => fs::remove_dir_all(world.path("index")).unwrap(),
            "catalogue" => fs::remove_file(world.path("index/catalogue.sqlite3")).unwrap(),
            "words" => fs::remove_dir_all(world.path("index/words")).unwrap(),
            _ => fs::remove_file(index_file(&world, "meta.json")).unwrap(),
        }
        wait_until("the indexes are made anew", || {
            let words = fs::read_dir(world.path("index/words")).ok();
            let layout = words.and_then(|mut words| words.next()?.ok());
            layout.is_some_and(|layout| layout.path().join("meta.json").exists())
                && world.path("index/catalogue.sqlite3").exists()
                && server.get("/test/m29@weaver.example/").status == 200
                && answers()
        });
    }
}

#[test]
fn damaged_indexes_and_objects_leave_the_server_answering() {
    let (world, _) = world(30);
    world.index();
    let server = world.serve();
    wait_until("it is up", || {
        server.get("/test/m7@weaver.example/").status == 200
    });
    // A pack whose middle is gone.
    git(&world.path("lists/test/git/0.git"))
        .args(["gc", "-q"])
        .status()
        .unwrap();
    let packs = fs::read_dir(world.path("lists/test/git/0.git/objects/pack"))
        .unwrap()
        .flatten()
        .map(|e| e.path());
    let pack = packs
        .into_iter()
        .find(|path| path.extension().is_some_and(|x| x == "pack"))
        .unwrap();
    let whole = fs::read(&pack).unwrap();
    let mut damaged = whole.clone();
    let third = damaged.len() / 3;
    damaged[third..third + 600].fill(0);
    replace(&pack, &damaged);
    for n in 0..30 {
        let status = server.get(&format!("/test/m{n}@weaver.example/")).status;
        assert!(status == 200 || status == 500, "m{n}: {status}");
    }
    assert_eq!(server.get("/").status, 200);
    assert!(!world.run(&["fsck"]).status.success());
    replace(&pack, &whole);
    wait_until("it reads again", || {
        server
            .get("/test/m7@weaver.example/")
            .ok()
            .text()
            .contains("Words of 7")
    });
    // A catalogue of garbage, and its repair beside the running server.
    let file = world.path("index/catalogue.sqlite3");
    let mut bytes = fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[4096..end].fill(0x33);
    let damaged = world.path("damaged");
    fs::write(&damaged, bytes).unwrap();
    fs::rename(&damaged, &file).unwrap();
    for _ in 0..5 {
        let status = server.get("/test/m7@weaver.example/").status;
        assert!(matches!(status, 200 | 300 | 404 | 500), "{status}");
    }
    wait_until("it is repaired", || {
        world.run(&["fsck", "--repair"]).status.success()
    });
    wait_until("it is shown again", || {
        server.get("/test/m7@weaver.example/").status == 200
    });
    all_is_well(&world, "damage", Numbers::Same);
}

/// Puts a file with these bytes in the place of one that may not be written.
fn replace(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, bytes).unwrap();
    fs::rename(new, path).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "damage is done from outside")]
fn open(world: &World) -> Connection {
    Connection::open(world.path("index/catalogue.sqlite3")).unwrap()
}

/// Takes the catalogue back to tables that an earlier text of the same migration made.
fn age(world: &World) {
    let sql = open(world);
    sql.execute_batch("ALTER TABLE inbox DROP COLUMN changed; PRAGMA application_id = 0")
        .unwrap();
}

#[test]
fn a_catalogue_of_another_version_of_the_program_is_made_anew() {
    let (world, _) = world(12);
    world.index();
    let expected = world.articles();
    age(&world);
    let done = world.run(&["index", "--all"]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && said.contains("another version"),
        "{said}"
    );
    assert_eq!(world.articles(), expected);
    let again = world.run(&["index", "--all"]);
    assert!(again.stderr.is_empty(), "it is made anew once");
    age(&world);
    let done = with_input(
        &world,
        &["deliver", "--no-precheck", "test"],
        None,
        &mail(12),
    );
    assert!(done.status.success(), "{done:?}");
    age(&world);
    let server = world.serve();
    wait_until("all is there", || {
        server.get("/test/m12@weaver.example/").status == 200
            && server.get("/test/?q=Subject").text().contains("m12@")
    });
    drop(server);
    all_is_well(&world, "another layout", Numbers::Same);
    // A later version than this one.
    open(&world)
        .execute_batch("PRAGMA user_version = 77")
        .unwrap();
    all_is_well(&world, "a later layout", Numbers::Same);
}

/// What a visitor sees of each thing: none of it may hang, and the list of inboxes is always there.
fn visit(server: &Server) -> Vec<u16> {
    let pages = [
        "/",
        "/test/",
        "/test/m7@weaver.example/",
        "/test/m7@weaver.example/raw",
        "/test/?q=Subject",
    ];
    pages.iter().map(|page| server.get(page).status).collect()
}

/// The files of the indexes that are mapped into memory: by name, or by ending where the full-text index names them.
const MAPPED: [&str; 8] = [
    ".term",
    ".idx",
    ".pos",
    ".fast",
    ".fieldnorm",
    ".store",
    "catalogue.sqlite3",
    "catalogue.sqlite3-shm",
];

/// The file of the indexes with this name or ending.
fn index_file(world: &World, name: &str) -> std::path::PathBuf {
    if name.starts_with("catalogue") {
        return world.path("index").join(name);
    }
    let mut files = world.words().into_iter();
    let file = files.find(|path| path.to_str().unwrap().ends_with(name));
    file.unwrap_or_else(|| panic!("no {name}"))
}

/// Every file with a deed of its own, and every deed where there is time for it.
#[test]
fn every_index_file_deleted_or_damaged_while_it_serves() {
    let (world, mut epoch) = world(30);
    world.index();
    let files = ["meta.json", ".managed.json"].into_iter().chain(MAPPED);
    let deeds = ["deleted", "cut short", "garbage", "empty"];
    let all = files.enumerate().flat_map(|(n, file)| {
        let chosen = move |at: &usize| rounds() >= 100 || n % deeds.len() == *at;
        (0..deeds.len())
            .filter(chosen)
            .map(move |at| (file, deeds[at]))
    });
    let all = all.chain([(".pos", "deleted"), ("catalogue.sqlite3", "garbage")]);
    for (newest, (file, deed)) in (30..).zip(all) {
        let what = format!("{file} {deed}");
        let server = world.serve();
        wait_until("it is up", || visit(&server) == [200; 5]);
        let path = index_file(&world, file);
        let bytes = fs::read(&path).unwrap();
        match deed {
            "deleted" => fs::remove_file(&path).unwrap(),
            "cut short" => replace(&path, &bytes[..bytes.len() / 2]),
            "garbage" => replace(&path, &vec![0x5a; bytes.len()]),
            _ => replace(&path, b""),
        }
        let statuses = visit(&server);
        let known = |status: &u16| matches!(status, 200 | 300 | 404 | 500);
        assert!(
            statuses[0] == 200 && statuses.iter().all(known),
            "{what}: {statuses:?}"
        );
        epoch.add(&mails(newest, newest + 1));
        let page = format!("/test/m{newest}@weaver.example/");
        let search = format!("/test/?q=m:m{newest}@weaver.example");
        let is_right = |server: &Server| {
            visit(server) == [200; 5]
                && server.get(&page).status == 200
                && server
                    .get(&search)
                    .text()
                    .contains(&format!("Subject {newest}"))
        };
        wait_until(&what, || is_right(&server));
        let log = server.log();
        let errors = log.lines().filter(|line| line.contains(" ERROR "));
        let told: Vec<&str> = errors.filter(|line| !line.contains("request{")).collect();
        assert!(told.len() < 8, "{what} is told too often: {told:#?}");
        drop(server);
        let server = world.serve();
        wait_until(&format!("{what}, and started again"), || is_right(&server));
        drop(server);
        world.done(&["fsck"]);
    }
    all_is_well(&world, "damage to every file", Numbers::Same);
}

/// `SQLite` shares what it knows of the log among all connections of a process, so one that stays open keeps them all at
/// a file that is gone.
#[test]
fn the_log_of_the_catalogue_deleted_while_it_serves() {
    let (world, mut epoch) = world(30);
    world.index();
    let server = world.serve();
    wait_until("it is up", || visit(&server) == [200; 5]);
    let mut newest = 30;
    for what in [
        "-wal deleted",
        "-shm deleted",
        "-wal deleted -shm deleted",
        "-wal emptied",
    ] {
        // There is something in the log, and connections are in use.
        epoch.add(&mails(newest, newest + 1));
        let before = format!("/test/m{newest}@weaver.example/");
        wait_until("it is indexed", || server.get(&before).status == 200);
        for deed in what.split(" -") {
            let (ending, deed) = deed.trim_start_matches('-').split_once(' ').unwrap();
            let file = world.path(&format!("index/catalogue.sqlite3-{ending}"));
            match deed {
                "deleted" => fs::remove_file(&file).unwrap(),
                _ => cut(&file, 0),
            }
        }
        epoch.add(&mails(newest + 1, newest + 3));
        newest += 3;
        wait_until(what, || {
            let last = newest - 1;
            let found = server.get(&format!("/test/?q=m:m{last}@weaver.example"));
            visit(&server) == [200; 5]
                && found.text().contains(&format!("Subject {last}"))
                && (30..newest)
                    .all(|n| server.get(&format!("/test/m{n}@weaver.example/")).status == 200)
        });
        world.done(&["fsck"]);
    }
    drop(server);
    all_is_well(&world, "the log deleted", Numbers::Same);
}

/// Takes the end off a file, in its place.
fn cut(path: &Path, length: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(length).unwrap();
}

/// Whoever reads what is gone of a mapped file gets SIGBUS. The server begins again as itself, with its sockets.
#[test]
fn index_files_cut_short_under_the_server() {
    let (world, mut epoch) = world(30);
    world.index();
    let mut lengths = Lot::new();
    let mut begun_again = 0;
    for (newest, file) in (30..).zip(MAPPED) {
        let server = world.serve();
        wait_until("it is up", || visit(&server) == [200; 5]);
        let path = index_file(&world, file);
        let length = fs::metadata(&path).unwrap().len();
        cut(&path, lengths.below(length / 2));
        let asked = [
            "/",
            "/test/",
            "/test/m7@weaver.example/",
            "/test/?q=Subject",
            "/test/?q=%22words+of%22",
        ];
        for page in asked {
            // It may be broken off, or be an error; it may not hang.
            Ask::get(page).try_send(server.address);
        }
        epoch.add(&mails(newest, newest + 1));
        let page = format!("/test/m{newest}@weaver.example/");
        let phrase = format!("/test/?q=%22words+of+{newest}%22");
        let is_right = |server: &Server| {
            let status = |page: &str| {
                let reply = Ask::get(page).try_send(server.address);
                reply.map_or(0, |reply| reply.status)
            };
            let all = asked.iter().all(|page| status(page) == 200) && status(&page) == 200;
            let found = Ask::get(&phrase).try_send(server.address);
            all && found.is_some_and(|page| page.text().contains(&format!("Subject {newest}")))
        };
        wait_until(file, || is_right(&server));
        begun_again += server.log().matches("beginning again").count();
        drop(server);
        world.done(&["fsck"]);
    }
    assert!(begun_again > 0, "none of this was ever noticed");
    all_is_well(&world, "files cut short", Numbers::Same);
}
