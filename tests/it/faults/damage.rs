//! Files are deleted and damaged while they are in use.

use std::fs;
use std::path::Path;

use crate::support::{git, wait_until};

use super::{Numbers, all_is_well, world};

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
            _ => {
                let dir = fs::read_dir(world.path("index/words"))
                    .unwrap()
                    .flatten()
                    .next()
                    .unwrap()
                    .path();
                fs::remove_file(dir.join("meta.json")).unwrap();
            }
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
