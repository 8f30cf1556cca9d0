//! `threadbare fsck`: every damage is named, and what can be mended is.

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::support::{Epoch, Mail, World, git};

fn mails(count: u32) -> Vec<Vec<u8>> {
    let mail = |n: u32| {
        let mail = Mail::new(&format!("m{n}@weaver.example"), &format!("Subject {n}"), n);
        match n % 3 {
            0 => mail.bytes(),
            _ => mail.answers(&format!("m{}@weaver.example", n - 1)).bytes(),
        }
    };
    (0..count).map(mail).collect()
}

fn world() -> (World, Epoch) {
    let mut world = World::new();
    let mut epoch = world.inbox("test");
    epoch.add(&mails(12));
    epoch.remove(&mails(12)[5]);
    epoch.add(&[mails(12)[2].clone()]); // a duplicate
    let mut other = world.inbox("other");
    other.add(&mails(4)); // shared messages
    other.add(&[
        b"From: x@weaver.example\nSubject: no id\nDate: 1 Jan 2026 00:00:00 +0000\n\nbody\n"
            .to_vec(),
    ]);
    world.index();
    (world, epoch)
}

/// Whether there is no difference, and what is said.
fn fsck(world: &World, args: &[&str]) -> (bool, String) {
    let output = world.run(&[&["fsck"], args].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{said}{problem}"
    );
    (output.status.success(), format!("{said}{problem}"))
}

#[expect(clippy::disallowed_methods, reason = "damage is done from outside")]
fn open(world: &World) -> Connection {
    Connection::open(world.path("index/catalogue.sqlite3")).unwrap()
}

#[test]
fn a_sound_archive_has_no_difference() {
    let (world, _) = world();
    let (clean, said) = fsck(&world, &[]);
    assert!(clean, "{said}");
    assert!(
        said.contains("16 articles and the words of 12 messages: no difference"),
        "{said}"
    );
    assert!(fsck(&world, &["test"]).0);
}

#[test]
fn every_damage_to_the_catalogue_is_named_and_mended() {
    let (world, _) = world();
    let sound = world.catalogue("index");
    for (damage, named) in [
        ("DELETE FROM place WHERE num = 3", "is no article"),
        (
            "DELETE FROM message WHERE subject = 'Subject 2'",
            "message without a row",
        ),
        (
            "DELETE FROM carries WHERE message = (SELECT id FROM message WHERE subject = 'Subject 2')",
            "is not found by its id",
        ),
        (
            "DELETE FROM mid WHERE text = 'm4@weaver.example'",
            "lacks the id",
        ),
        (
            "UPDATE mid SET hash = 1 WHERE text = 'm4@weaver.example'",
            "is not found by its text",
        ),
        (
            "UPDATE mid SET thread = (SELECT min(id) FROM mid) WHERE text = 'm10@weaver.example'",
            "lacks the id",
        ),
        (
            "UPDATE mid SET thread = (SELECT min(id) FROM mid); UPDATE message SET thread = (SELECT min(id) FROM mid)",
            "is really",
        ),
        (
            "UPDATE message SET subject = 'forged' WHERE subject = 'Subject 6'",
            "subject",
        ),
        (
            "UPDATE message SET fingerprint = zeroblob(16) WHERE subject = 'Subject 6'",
            "content",
        ),
        (
            "UPDATE message SET refs = '' WHERE subject = 'Subject 7'",
            "references",
        ),
        (
            "UPDATE place SET received = 1 WHERE num = 4",
            "date received",
        ),
        (
            "UPDATE place SET blob = zeroblob(20) WHERE num = 4",
            "is no mail of git's",
        ),
        (
            "UPDATE place SET num = 400 WHERE num = 4",
            "a number was never given",
        ),
        (
            "UPDATE place SET mid = (SELECT id FROM mid WHERE text LIKE '2026%') WHERE num = 4 AND inbox = (SELECT id FROM inbox WHERE dir LIKE '%test')",
            "a number is held by an id",
        ),
        ("UPDATE inbox SET articles = 3", "miscounted of the inbox in /"),
        (
            "INSERT INTO mid (hash, thread, text) VALUES (1, 1, 'ghost')",
            "no mail has or names",
        ),
        ("DELETE FROM epoch", "nothing of epoch 0 has been indexed"),
        // Two numbers that have changed their places, side by side and far apart; one that was never given.
        (
            "UPDATE place SET num = -num WHERE num IN (3, 4) AND inbox = (SELECT id FROM inbox WHERE dir LIKE '%test');
             UPDATE place SET num = 7 + num WHERE num IN (-3, -4) AND inbox = (SELECT id FROM inbox WHERE dir LIKE '%test')",
            "does not stand where history has its mail",
        ),
        (
            "UPDATE place SET num = -num WHERE num IN (2, 9) AND inbox = (SELECT id FROM inbox WHERE dir LIKE '%test');
             UPDATE place SET num = 11 + num WHERE num IN (-2, -9) AND inbox = (SELECT id FROM inbox WHERE dir LIKE '%test')",
            "article 9 does not stand where history has its mail",
        ),
        (
            "UPDATE place SET num = 400 WHERE num = 4; UPDATE inbox SET last_num = 400",
            "article 400 does not stand where history has its mail",
        ),
        (
            "UPDATE inbox SET last_num = 11 WHERE dir LIKE '%test'; DELETE FROM place WHERE num = 12",
            "the highest number ever given is said to be 11",
        ),
        (
            "UPDATE place SET epoch = 3 WHERE num = 4",
            "is said to lie in epoch 3, and lies in 0",
        ),
        (
            "UPDATE message SET subject_key = 3 WHERE subject = 'Subject 6'",
            "key of the subject",
        ),
    ] {
        open(&world).execute_batch(damage).unwrap();
        let (clean, said) = fsck(&world, &[]);
        assert!(!clean && said.contains(named), "{damage}: {said}");
        let (clean, said) = fsck(&world, &["--repair"]);
        assert!(clean, "{damage}: {said}");
        assert!(fsck(&world, &[]).0, "{damage}");
        assert_eq!(world.catalogue("index"), sound, "{damage}");
    }
}

#[test]
fn damage_to_the_words_is_named_and_mended() {
    let (world, _) = world();
    let sound = world.catalogue("index");
    // Words without their catalogue's token, and files cut short, flipped, gone.
    open(&world)
        .execute_batch("UPDATE site SET words = 'x 1'")
        .unwrap();
    let (clean, said) = fsck(&world, &[]);
    assert!(
        !clean && said.contains("not those of this catalogue"),
        "{said}"
    );
    assert!(fsck(&world, &["--repair"]).0);
    let kinds = ["term", "idx", "pos", "fast", "fieldnorm"];
    for kind in kinds {
        let file = world
            .words()
            .into_iter()
            .find(|file| file.extension().is_some_and(|x| x == kind));
        let file = file.unwrap_or_else(|| panic!("no .{kind} in {:?}", world.words()));
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle] ^= 0x55;
        fs::write(&file, bytes).unwrap();
        let (clean, said) = fsck(&world, &[]);
        assert!(
            !clean && (said.contains("words: ") || said.contains("search index")),
            "{kind}: {said}"
        );
        let (clean, said) = fsck(&world, &["--repair"]);
        assert!(clean, "{kind}: {said}");
    }
    for file in world.words() {
        fs::remove_file(file).unwrap();
    }
    let (clean, said) = fsck(&world, &["--repair"]);
    assert!(clean, "{said}");
    assert!(fsck(&world, &[]).0);
    assert_eq!(world.catalogue("index"), sound);
}

#[test]
fn a_catalogue_that_cannot_be_read_is_made_anew() {
    let (world, _) = world();
    let sound = world.catalogue("index");
    let file = world.path("index/catalogue.sqlite3");
    let whole = fs::read(&file).unwrap();
    for at in [0, 100, whole.len() / 2] {
        let mut bytes = whole.clone();
        let end = (at + 9000).min(bytes.len());
        bytes[at..end].fill(0x5a);
        fs::write(&file, bytes).unwrap();
        for more in ["-wal", "-shm"] {
            fs::remove_file(world.path(&format!("index/catalogue.sqlite3{more}"))).ok();
        }
        let (clean, said) = fsck(&world, &["--repair"]);
        assert!(clean, "{at}: {said}");
        assert!(fsck(&world, &[]).0);
        assert_eq!(world.catalogue("index"), sound);
    }
}

#[test]
fn damage_to_git_is_named_and_never_touched() {
    let (world, epoch) = world();
    let blob = git(&epoch.dir)
        .args(["rev-parse", "HEAD~8:m"])
        .output()
        .unwrap();
    let blob = String::from_utf8(blob.stdout).unwrap().trim().to_owned();
    git(&epoch.dir).args(["gc", "-q"]).status().unwrap();
    let unpack = |oid: &str| {
        let raw = git(&epoch.dir)
            .args(["cat-file", "blob", oid])
            .output()
            .unwrap()
            .stdout;
        fs::write(world.path("raw"), &raw).unwrap();
        raw
    };
    let raw = unpack(&blob);
    // Everything loose, so that one object can be damaged.
    let pack = fs::read_dir(epoch.dir.join("objects/pack"))
        .unwrap()
        .flatten()
        .map(|e| e.path());
    let pack: Vec<PathBuf> = pack.collect();
    for file in &pack {
        fs::rename(
            file,
            world.path(file.file_name().unwrap().to_str().unwrap()),
        )
        .unwrap();
    }
    let packed = pack
        .iter()
        .find(|file| file.extension().is_some_and(|x| x == "pack"))
        .unwrap();
    let input = fs::File::open(world.path(packed.file_name().unwrap().to_str().unwrap())).unwrap();
    git(&epoch.dir)
        .args(["unpack-objects", "-q"])
        .stdin(input)
        .status()
        .unwrap();
    assert!(fsck(&world, &[]).0, "loose objects are as good");
    let object = epoch.dir.join("objects").join(&blob[..2]).join(&blob[2..]);
    let whole = fs::read(&object).unwrap();
    let forged = {
        use std::io::Write as _;
        let mut z = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let changed = String::from_utf8(raw).unwrap().replace("words", "deeds");
        z.write_all(format!("blob {}\0{changed}", changed.len()).as_bytes())
            .unwrap();
        z.finish().unwrap()
    };
    fs::remove_file(&object).unwrap();
    for (name, bytes, named) in [
        ("missing", None, "is missing"),
        ("cut short", Some(whole[..whole.len() / 2].to_vec()), &*blob),
        ("garbage", Some(vec![7; 40]), &blob),
        ("forged", Some(forged), "is not what its name says"),
    ] {
        if let Some(bytes) = &bytes {
            fs::write(&object, bytes).unwrap();
        }
        let (clean, said) = fsck(&world, &[]);
        assert!(
            !clean && said.contains("git: ") && said.contains(named),
            "{name}: {said}"
        );
        let (clean, _) = fsck(&world, &["--repair"]);
        assert!(!clean, "{name}: what git has lost cannot be mended");
        assert_eq!(fs::read(&object).ok(), bytes, "{name}");
    }
    fs::write(&object, whole).unwrap();
    let (clean, said) = fsck(&world, &["--repair"]);
    assert!(clean, "{said}");
}

#[test]
fn reading_everything_again_gives_no_number_to_what_was_removed_in_a_later_epoch() {
    let mut world = World::new();
    let all = mails(8);
    world.inbox("test").add(&all[..5]);
    let mut second = Epoch::new(&world.path("lists/test/git/1.git"));
    second.add(&all[5..6]);
    second.remove(&all[1]);
    world.index();
    world.done(&["rm", "test", "-m", "m2@weaver.example"]);
    let before = world.catalogue("index");
    for _ in 0..2 {
        world.done(&["index", "--reindex", "test"]);
        assert_eq!(world.catalogue("index"), before);
        world.done(&["fsck"]);
    }
    second.add(&all[6..]);
    world.index();
    let numbers: Vec<i64> = world.articles().iter().map(|(num, _)| *num).collect();
    assert_eq!(numbers, [1, 4, 5, 6, 7, 8]);
}
