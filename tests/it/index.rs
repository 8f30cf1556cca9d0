//! `threadbare index`: following git through everything that happens to an archive.

use std::fs;
use std::time::Duration;

use crate::support::{Epoch, Mail, Server, World, hrefs, overview, text, wait_until};

fn mails(from: u32, to: u32) -> Vec<Mail> {
    (from..to)
        .map(|n| {
            let mail = Mail::new(
                &format!("m{n}@weaver.example"),
                &format!("Thread {}", n / 3),
                n,
            );
            match n % 3 {
                0 => mail,
                _ => mail.answers(&format!("m{}@weaver.example", n - 1)),
            }
        })
        .collect()
}

fn bytes(mails: &[Mail]) -> Vec<Vec<u8>> {
    mails.iter().map(Mail::bytes).collect()
}

fn world_with(mails: &[Mail]) -> (World, Epoch) {
    let mut world = World::new();
    let mut epoch = world.inbox("test");
    epoch.add(&bytes(mails));
    world.index();
    (world, epoch)
}

/// Everything that a visitor can see of the list, in one text.
fn everything(world: &World) -> String {
    let server = world.serve();
    let mut all = String::new();
    for path in ["", "new.html", "topics_new.html", "topics_active.html"] {
        let page = server.get(&format!("/test/{path}"));
        all.push_str(&format!("{path} {}\n{}", page.status, text(&page.text())));
    }
    let mbox = server.get("/test/all.mbox.gz");
    if mbox.status == 200 {
        let mbox = String::from_utf8_lossy(&mbox.gunzip()).into_owned();
        for mid in mbox.split("\nMessage-ID: <").skip(1) {
            let mid = mid.split('>').next().unwrap();
            let page = server.get(&format!("/test/{mid}/")).ok().text();
            all.push_str(&format!("{mid}: {:?}\n", overview(&page)));
        }
        all.push_str(&mbox);
    }
    all
}

fn shows(server: &Server, mid: &str) -> bool {
    server.get(&format!("/test/{mid}/")).status == 200
}

#[test]
fn indexing_again_changes_nothing() {
    let (world, _) = world_with(&mails(0, 12));
    let before = everything(&world);
    world.index();
    assert_eq!(everything(&world), before);
}

/// How many segments the full-text index has.
fn segments(world: &World) -> usize {
    let layouts = fs::read_dir(world.path("index/words")).unwrap();
    let layout = layouts.flatten().next().unwrap().path();
    let meta = fs::read(layout.join("meta.json")).unwrap();
    let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
    meta["segments"].as_array().unwrap().len()
}

#[test]
fn a_list_indexed_mail_by_mail_has_few_segments() {
    let all = mails(0, 440);
    let (world, mut epoch) = world_with(&all[..400]);
    for mail in &all[400..] {
        epoch.add(&[mail.bytes()]);
        world.index();
        assert!(segments(&world) < 12, "{}", segments(&world));
    }
}

#[test]
fn a_list_indexed_in_steps_is_the_list_indexed_at_once() {
    let all = mails(0, 30);
    let (world, mut epoch) = world_with(&all[..1]);
    for step in [&all[1..2], &all[2..10], &all[10..11], &all[11..30]] {
        epoch.add(&bytes(step));
        world.index();
    }
    epoch.repack();
    world.index();
    let (at_once, _) = world_with(&all);
    assert_eq!(everything(&world), everything(&at_once));
}

#[test]
fn parents_that_come_late_take_the_place_that_was_kept_for_them() {
    let mut backwards = mails(0, 9);
    backwards.reverse();
    let (world, _) = world_with(&backwards);
    let server = world.serve();
    let page = server.get("/test/m2@weaver.example/").ok().text();
    let depths: Vec<usize> = overview(&page).iter().map(|line| line.depth).collect();
    assert_eq!(depths, [0, 1, 2]);
}

#[test]
fn what_was_removed_is_gone_from_every_page() {
    let all = mails(0, 6);
    let (world, mut epoch) = world_with(&all);
    epoch.remove(&all[4].bytes());
    world.index();
    let server = world.serve();
    assert!(!shows(&server, "m4@weaver.example"));
    for path in [
        "",
        "new.html",
        "new.atom",
        "topics_new.html",
        "m3@weaver.example/T/",
        "m3@weaver.example/t.atom",
    ] {
        let seen = server.get(&format!("/test/{path}")).ok().text();
        assert!(!seen.contains("The words of m4@weaver.example."), "{path}");
    }
    let mbox = server.get("/test/all.mbox.gz").ok().gunzip();
    assert!(memchr::memmem::find(&mbox, b"Message-ID: <m4@weaver.example>").is_none());
    // Its child still knows of it.
    let page = server.get("/test/m5@weaver.example/").ok().text();
    let ghost = overview(&page).into_iter().find(|line| line.date.is_none());
    assert_eq!(ghost.unwrap().mid.as_deref(), Some("m4@weaver.example"));
}

#[test]
fn what_was_removed_may_come_again() {
    let all = mails(0, 3);
    let (world, mut epoch) = world_with(&all);
    epoch.remove(&all[2].bytes());
    world.index();
    epoch.add(&[all[2].bytes()]);
    world.index();
    assert!(shows(&world.serve(), "m2@weaver.example"));
}

#[test]
fn what_was_added_and_removed_between_two_runs_was_never_there() {
    let (world, mut epoch) = world_with(&mails(0, 3));
    let short = Mail::new("short@weaver.example", "Short", 50);
    epoch.add(&[short.bytes()]);
    epoch.remove(&short.bytes());
    world.index();
    assert!(!shows(&world.serve(), "short@weaver.example"));
}

#[test]
fn a_purged_mail_is_gone_and_the_others_stay() {
    let all = mails(0, 9);
    let (world, mut epoch) = world_with(&all);
    epoch.purge(&all[4].bytes());
    world.index();
    let server = world.serve();
    for (n, mail) in all.iter().enumerate() {
        assert_eq!(shows(&server, &mail.id), n != 4, "{}", mail.id);
    }
    let mbox = server.get("/test/all.mbox.gz").ok().gunzip();
    assert!(memchr::memmem::find(&mbox, b"The words of m4@").is_none());
}

#[test]
fn an_edited_mail_shows_its_new_words_only() {
    let all = mails(0, 9);
    let (world, mut epoch) = world_with(&all);
    let new = all[4].clone().says("Other words.");
    epoch.edit(&all[4].bytes(), &new.bytes());
    world.index();
    let server = world.serve();
    let page = server.get("/test/m4@weaver.example/").ok().text();
    assert!(page.contains("Other words.") && !page.contains("The words of m4@"));
    for mail in &all {
        assert!(shows(&server, &mail.id), "{}", mail.id);
    }
}

#[test]
fn a_history_begun_anew_replaces_the_old_one() {
    let (mut world, epoch) = world_with(&mails(0, 9));
    fs::remove_dir_all(&epoch.dir).unwrap();
    let mut other = Epoch::new(&epoch.dir);
    other.add(&bytes(&mails(100, 103)));
    world.index();
    let server = world.serve();
    assert!(shows(&server, "m101@weaver.example"));
    assert!(!shows(&server, "m1@weaver.example"));
    world.set("listen = 127.0.0.1:0");
}

#[test]
fn epochs_follow_each_other_also_with_gaps() {
    let (mut world, _) = world_with(&mails(0, 3));
    let dir = world.path("lists/test/git/2.git");
    let mut later = Epoch::new(&dir);
    later.add(&bytes(&mails(3, 6)));
    world.index();
    let server = world.serve();
    let mirror = text(&server.get("/test/_/text/mirror/").ok().text());
    assert!(
        mirror.contains("git/2.git") && !mirror.contains("git/1.git"),
        "{mirror}"
    );
    for n in 0..6 {
        assert!(shows(&server, &format!("m{n}@weaver.example")), "{n}");
    }
    world.set("listen = 127.0.0.1:0");
}

#[test]
fn an_index_killed_at_any_instant_resumes_to_the_same() {
    let mut world = World::new();
    let mut epoch = world.inbox("test");
    epoch.add(&bytes(&mails(0, 1500)));
    let kill_after = [3, 10, 25, 40, 60, 90, 130, 200];
    for milliseconds in kill_after {
        let mut child = world
            .program()
            .args(["index", "--all"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().ok();
        child.wait().unwrap();
    }
    world.index();
    let mut other = World::new();
    let mut epoch = other.inbox("test");
    epoch.add(&bytes(&mails(0, 1500)));
    other.index();
    let (killed, whole) = (world.serve(), other.serve());
    for path in [
        "",
        "topics_new.html",
        "new.html",
        "m700@weaver.example/",
        "m1499@weaver.example/t/",
    ] {
        let of = |server: &Server| text(&server.get(&format!("/test/{path}")).ok().text());
        assert_eq!(of(&killed), of(&whole), "{path}");
    }
    let of = |server: &Server| server.get("/test/all.mbox.gz").ok().gunzip();
    assert_eq!(of(&killed), of(&whole));
}

#[test]
fn a_commit_is_soon_visible_in_a_running_server() {
    let (world, mut epoch) = world_with(&mails(0, 3));
    let server = world.serve();
    assert!(shows(&server, "m2@weaver.example"));
    for n in 3..6 {
        epoch.add(&bytes(&mails(n, n + 1)));
        let mid = format!("m{n}@weaver.example");
        wait_until("the new mail is shown", || shows(&server, &mid));
    }
    // The pages around it know, too.
    let seen = server.get("/test/m3@weaver.example/").ok().text();
    assert_eq!(overview(&seen).len(), 3);
    epoch.remove(&mails(5, 6)[0].bytes());
    wait_until("the removed mail is gone", || {
        !shows(&server, "m5@weaver.example")
    });
}

#[test]
fn a_purge_is_followed_by_a_running_server() {
    let all = mails(0, 6);
    let (world, mut epoch) = world_with(&all);
    let server = world.serve();
    epoch.purge(&all[4].bytes());
    wait_until("the purged mail is gone", || {
        !shows(&server, "m4@weaver.example")
    });
    assert!(shows(&server, "m5@weaver.example"));
}

#[test]
fn an_inbox_added_to_the_config_appears_without_a_restart() {
    let (mut world, _) = world_with(&mails(0, 3));
    let server = world.serve();
    let mut epoch = world.inbox("second");
    epoch.add(&[Mail::new("new@weaver.example", "New", 1).bytes()]);
    wait_until("the new inbox is served", || {
        server.get("/second/new@weaver.example/").status == 200
    });
    let links = hrefs(&server.get("/").ok().text());
    assert!(
        links.iter().any(|href| href.contains("second/")),
        "{links:?}"
    );
}

#[test]
fn a_new_epoch_is_noticed_by_a_running_server() {
    let (world, _) = world_with(&mails(0, 3));
    let server = world.serve();
    let mut later = Epoch::new(&world.path("lists/test/git/1.git"));
    later.add(&bytes(&mails(3, 6)));
    wait_until("mail of the new epoch is shown", || {
        shows(&server, "m5@weaver.example")
    });
}

#[test]
fn a_directory_in_no_config_is_indexed_and_served_by_its_name() {
    let (world, epoch) = world_with(&mails(0, 3));
    let mirror = world.path("mirror/git/0.git");
    fs::create_dir_all(mirror.parent().unwrap()).unwrap();
    let done = std::process::Command::new("git")
        .args(["clone", "-q", "--mirror"])
        .args([&epoch.dir, &mirror])
        .status();
    assert!(done.unwrap().success());
    let dir = world.path("mirror");
    let server = world.serve_with(&[dir.to_str().unwrap()]);
    wait_until("the mirror is indexed", || {
        server.get("/mirror/m1@weaver.example/").status == 200
    });
}

#[test]
fn commits_without_mail_stop_nothing_and_are_counted() {
    let mut world = World::new();
    let mut epoch = world.inbox("test");
    let good = Mail::new("good@weaver.example", "Good", 1).bytes();
    epoch.add(&[b"".to_vec(), b"no header\n".to_vec(), vec![0; 300], good]);
    let said = String::from_utf8_lossy(&world.index().stderr).into_owned();
    assert!(shows(&world.serve(), "good@weaver.example"), "{said}");
}

#[test]
fn an_object_that_is_lost_stops_nothing() {
    let all = mails(0, 6);
    let mut world = World::new();
    let mut epoch = world.inbox("test");
    epoch.add(&bytes(&all));
    let oid = std::process::Command::new("git")
        .current_dir(&epoch.dir)
        .args(["rev-parse", "master~2:m"])
        .output()
        .unwrap();
    let oid = String::from_utf8(oid.stdout).unwrap().trim().to_owned();
    // Unpacked, every object is a file, and files get lost.
    let pack = fs::read_dir(epoch.dir.join("objects/pack")).unwrap();
    let packs: Vec<_> = pack.map(|entry| entry.unwrap().path()).collect();
    for path in packs
        .iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "pack"))
    {
        let moved = epoch.dir.join("moved.pack");
        fs::rename(path, &moved).unwrap();
        for rest in packs
            .iter()
            .filter(|path| path.extension().is_some_and(|kind| kind != "pack"))
        {
            fs::remove_file(rest).ok();
        }
        let done = std::process::Command::new("git")
            .current_dir(&epoch.dir)
            .args(["unpack-objects", "-q"])
            .stdin(fs::File::open(&moved).unwrap())
            .status();
        assert!(done.unwrap().success());
        fs::remove_file(moved).unwrap();
    }
    fs::remove_file(
        epoch
            .dir
            .join(format!("objects/{}/{}", &oid[..2], &oid[2..])),
    )
    .unwrap();
    let said = String::from_utf8_lossy(&world.index().stderr).into_owned();
    let server = world.serve();
    for (n, mail) in all.iter().enumerate() {
        assert_eq!(shows(&server, &mail.id), n != 3, "{} {said}", mail.id);
    }
}

/// Who was told that a mail is gone must not see it a moment later, though another process did it.
#[test]
fn a_server_shows_at_once_what_another_process_has_indexed() {
    let id = |n: u32| format!("m{n}@weaver.example");
    let alone = (0..12).map(|n| Mail::new(&id(n), &format!("Subject {n}"), n));
    let (world, _) = world_with(&alone.collect::<Vec<_>>());
    let server = world.serve();
    for mid in (0..11).map(id) {
        let pages = ["", "new.atom", "topics_new.html"].map(|page| format!("/test/{page}"));
        // Asked for twice, they are kept.
        for page in pages.iter().chain(&pages) {
            assert!(server.get(page).ok().text().contains(&mid), "{page}");
        }
        let removed = world.run(&["rm", "test", "-m", &mid]);
        assert!(removed.status.success(), "{removed:?}");
        for page in &pages {
            assert!(!server.get(page).ok().text().contains(&mid), "{page}");
        }
        let found = server.get(&format!("/test/?q=m:{mid}"));
        assert_eq!(found.status, 404);
    }
}
