//! What goes wrong behind the pages: mail that vanishes, an index that breaks, answers that fail on their way, threads
//! that are too long, and parameters that nobody should send.

use std::fs;

use super::sound::check_page;
use crate::support::{Ask, Mail, World, demo};

#[test]
fn a_mail_that_git_has_lost_is_missing_alone() {
    let mut world = World::new();
    let mails: Vec<Vec<u8>> = (0..3)
        .map(|n| Mail::new(&format!("m{n}@x.example"), "Mail", n).bytes())
        .collect();
    let epoch = world.inbox("x");
    let mut epoch = epoch;
    epoch.add(&mails);
    world.index();
    let server = world.serve();
    // All objects go: what was indexed is known, and what is read is lost.
    for dir in ["objects"] {
        for entry in fs::read_dir(epoch.dir.join(dir)).unwrap().flatten() {
            if entry.file_name().len() == 2 {
                fs::remove_dir_all(entry.path()).unwrap();
            } else if entry.file_name() == "pack" {
                for pack in fs::read_dir(entry.path()).unwrap().flatten() {
                    fs::remove_file(pack.path()).unwrap();
                }
            }
        }
    }
    let page = server.get("/x/m1@x.example/");
    assert!(page.status < 600 && page.whole, "{}", page.status);
    assert_eq!(check_page(&page.text()), Ok(()));
    server.get("/x/").ok();
    server.get("/x/topics_new.html").ok();
    server.get("/robots.txt").ok();
}

#[test]
fn an_index_that_is_damaged_or_gone_is_made_again() {
    let mut world = World::new();
    world
        .inbox("x")
        .add(&[Mail::new("m@x.example", "Mail", 1).bytes()]);
    world.index();
    for (what, damage) in [
        ("nonsense", Some(&b"this is no database"[..])),
        ("empty", Some(&b""[..])),
        ("gone", None),
    ] {
        let file = world.path("index/catalogue.sqlite3");
        for suffix in ["-wal", "-shm"] {
            fs::remove_file(world.path(&format!("index/catalogue.sqlite3{suffix}"))).ok();
        }
        match damage {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_dir_all(world.path("index")).unwrap(),
        }
        let done = world.run(&["index", "--all"]);
        if !done.status.success() {
            // It may refuse, but has to say what to do; and the mail is safe.
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(said.contains("threadbare index --all"), "{what}: {said}");
            fs::remove_dir_all(world.path("index")).unwrap();
            world.index();
        }
        let server = world.serve();
        server.get("/x/m@x.example/").ok();
    }
}

#[test]
fn an_answer_that_fails_on_its_way_is_broken_off() {
    let mut world = World::new();
    let filler = "a line of some length that is not so easily packed 0123456789\n".repeat(3000);
    let mails: Vec<Vec<u8>> = (0..60)
        .map(|n| {
            Mail::new(&format!("m{n}@x.example"), "Mail", n)
                .says(&format!("{n} {filler}"))
                .bytes()
        })
        .collect();
    let mut epoch = world.inbox("x");
    epoch.add(&mails);
    world.index();
    let server = world.serve();
    let whole = server.get("/x/all.mbox.gz").ok().gunzip();
    // The last mails are spoilt in the pack; what was promised cannot be kept.
    let packs = fs::read_dir(epoch.dir.join("objects/pack"))
        .unwrap()
        .flatten();
    let mut spoilt = false;
    for pack in packs.filter(|file| file.path().extension().is_some_and(|kind| kind == "pack")) {
        let mut bytes = fs::read(pack.path()).unwrap();
        let (from, to) = (bytes.len() / 2, bytes.len() * 3 / 4);
        bytes[from..to].fill(0xff);
        fs::remove_file(pack.path()).unwrap();
        fs::write(pack.path(), bytes).unwrap();
        spoilt = true;
    }
    assert!(spoilt, "there is no pack");
    let other = world.serve();
    let reply = other.get("/x/all.mbox.gz");
    if reply.status == 200 && reply.whole {
        // Mail that cannot be read may be left out, but what is there is a whole file.
        let mbox = reply.gunzip();
        assert!(
            mbox.len() < whole.len() && mbox.starts_with(b"From "),
            "{}",
            mbox.len()
        );
        assert!(!other.log().is_empty());
    }
}

#[test]
fn a_thread_of_five_thousand_streams() {
    let mut world = World::new();
    let mails: Vec<Vec<u8>> = (0..5000)
        .map(|n: u32| {
            let mail = Mail::new(&format!("m{n}@x.example"), "Long", n);
            match n {
                0 => mail.bytes(),
                n => mail
                    .answers(&format!("m{}@x.example", (n - 1).saturating_sub(n % 7)))
                    .bytes(),
            }
        })
        .collect();
    world.inbox("x").add(&mails);
    world.index();
    let server = world.serve();
    server.get("/x/m9@x.example/").ok();
    let before = server.resident();
    let mbox = server.get("/x/m9@x.example/t.mbox.gz").ok().gunzip();
    let begins = memchr::memmem::find_iter(&mbox, b"From mboxrd@z ").count();
    assert_eq!(begins, 5000);
    for view in ["T", "t"] {
        let reply = server.get(&format!("/x/m9@x.example/{view}/")).ok();
        assert_eq!(check_page(&reply.text()), Ok(()), "{view}");
    }
    if let (Some(before), Some(after)) = (before, server.resident()) {
        assert!(after < before + 150_000, "{before} kB became {after} kB");
    }
}

#[test]
fn odd_parameters_have_defined_results() {
    let site = demo();
    for query in [
        "q=wool&o=-1",
        "q=wool&o=1e18",
        "q=wool&o=99999999999999999999",
        "q=wool&o=-9223372036854775808",
        "q=wool&l=1e9",
        "q=wool&l=0",
        "q=wool&x=zz",
        "q=wool;x=t;o=0",
        "q=one&q=wool",
        "q=wool&&&=&=x&%00=%00",
        "q=wool&k=nonsense..",
        "t=99999999999999",
        "t=-",
        "t=00000000",
        "t=20260301-20260101",
        "t=%00",
        "unknown=1&t=20260401&other[]=2",
        "q=NOT+NOT+NOT+wool",
        "q=s:%22wool",
    ] {
        let reply = site.get(&format!("/loom/?{query}"));
        assert!(
            matches!(reply.status, 200 | 400 | 404),
            "{query}: {}",
            reply.status
        );
        assert_eq!(check_page(&reply.text()), Ok(()), "{query}");
    }
    // What is unknown changes nothing, and neither does the order.
    let plain = site.get("/loom/?t=20260401").ok();
    for query in [
        "utm_source=x&t=20260401",
        "t=20260401&zz=1",
        "t=1&t=20260401",
    ] {
        let other = site.get(&format!("/loom/?{query}")).ok();
        assert_eq!(other.header("etag"), plain.header("etag"), "{query}");
    }
}

#[test]
fn what_is_posted_to_nobody_is_not_a_search() {
    let site = demo();
    for path in [
        "/UNKNOWN/?x=m&q=wool",
        "/unknown@x.example/?x=m&q=wool",
        "/loom/unknown@x.example/?x=m&q=wool",
    ] {
        let reply = site.ask(Ask::new("POST", path).body(b"x=m"));
        assert!(
            (400..500).contains(&reply.status),
            "{path}: {}",
            reply.status
        );
        assert!(reply.body.len() < 100_000, "{path}");
    }
}
