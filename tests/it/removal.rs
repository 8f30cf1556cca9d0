//! Mail goes: `rm`, `purge`, `edit`, and what then says that it was there.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::incoming::with_input;
use crate::support::{Mail, World, git, holders, wait_until};

fn mails(count: u32) -> Vec<Mail> {
    (0..count)
        .map(|n| {
            let mail = Mail::new(
                &format!("m{n}@weaver.example"),
                &format!("Subject {n} unheardof{n}"),
                n,
            );
            match n % 3 {
                0 => mail,
                _ => mail.answers(&format!("m{}@weaver.example", n - 1)),
            }
        })
        .collect()
}

fn world(mails: &[Mail]) -> World {
    let mut world = World::new();
    world
        .inbox("test")
        .add(&mails.iter().map(Mail::bytes).collect::<Vec<_>>());
    world.index();
    world
}

fn epoch(world: &World) -> std::path::PathBuf {
    world.path("lists/test/git/0.git")
}

fn said_by_git(world: &World, args: &[&str]) -> String {
    let output = git(&epoch(world)).args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_removed_mail_is_gone_from_every_page_and_says_so() {
    let all = mails(9);
    let world = world(&all);
    let server = world.serve();
    server.get("/test/m4@weaver.example/").ok();
    let before = world.articles();

    let said = world.done(&["rm", "test", "-m", "m4@weaver.example", "--dry-run"]);
    assert!(
        said.contains("test 5 ") && said.contains("1 mail would be removed"),
        "{said}"
    );
    assert_eq!(world.articles(), before, "a dry run changes nothing");
    assert!(!world.path("lists/test/tombstones").exists());

    world.done(&[
        "rm",
        "test",
        "-m",
        "<m4@weaver.example>",
        "--reason",
        "off <topic>",
    ]);
    assert_eq!(
        said_by_git(&world, &["log", "-1", "--format=%s|%an|%ae"]).trim(),
        "rm|test|test@lists.example.org"
    );
    assert!(said_by_git(&world, &["ls-tree", "HEAD"]).ends_with("\td\n"));
    wait_until("the page is gone", || {
        server.get("/test/m4@weaver.example/").status == 410
    });
    let page = server.get("/test/m4@weaver.example/").text();
    assert!(
        page.contains("This message was removed on ") && page.contains("off &#60;topic&#62;"),
        "{page}"
    );
    for path in ["T/", "t/", "raw", "t.mbox.gz", "t.atom", "d/"] {
        let reply = server.get(&format!("/test/m4@weaver.example/{path}"));
        assert_eq!(reply.status, 410, "{path}");
    }
    assert_eq!(
        server.get("/r/m4@weaver.example").moved(302),
        "../test/m4@weaver.example/"
    );
    assert_eq!(server.get("/test/m3@weaver.example/").status, 200);
    let file = server.get("/test/tombstones").ok().text();
    assert_eq!(
        file,
        fs::read_to_string(world.path("lists/test/tombstones")).unwrap()
    );
    assert!(
        file.contains(" removed ") && !file.contains("m4@"),
        "{file}"
    );

    let mut after = before;
    after.retain(|(_, mid)| mid != "m4@weaver.example");
    assert_eq!(world.articles(), after, "the others keep their numbers");
    world.done(&["fsck"]);
    fs::remove_dir_all(world.path("index")).unwrap();
    world.index();
    assert_eq!(
        world.articles(),
        after,
        "and an index made anew gives them the same"
    );
}

#[test]
fn mail_is_named_by_number_by_query_and_on_standard_input() {
    let all = mails(9);
    let world = world(&all);
    world.done(&["rm", "test", "-n", "2", "-n", "3"]);
    world.done(&["rm", "--all", "-q", "unheardof7 OR unheardof8"]);
    let relayed = [
        b"Received: from x; Thu, 1 Jan 2026 12:00:00 +0000\n".as_slice(),
        &all[5].bytes(),
    ]
    .concat();
    let output = with_input(&world, &["rm", "test"], None, &relayed);
    assert!(output.status.success());
    let left: Vec<i64> = world.articles().into_iter().map(|(num, _)| num).collect();
    assert_eq!(left, [1, 4, 5, 7]);
    let other = with_input(
        &world,
        &["rm", "test"],
        None,
        &all[0].clone().says("Not what it says.").bytes(),
    );
    assert!(
        !other.status.success(),
        "another mail of that id is another mail"
    );
    assert_eq!(world.articles().len(), 4);
    for wrong in [
        &["rm", "-m", "m0@weaver.example"][..],
        &["rm", "test", "-n", "77"],
    ] {
        assert!(!world.run(wrong).status.success(), "{wrong:?}");
    }
    world.done(&["fsck"]);
}

#[test]
fn a_purged_mail_is_nowhere() {
    let all = mails(12);
    let mut world = World::new();
    let mut epoch = world.inbox("test");
    let bytes: Vec<Vec<u8>> = all.iter().map(Mail::bytes).collect();
    epoch.add(&bytes[..8]);
    // Once more as a duplicate that came by another way, and once removed already.
    let twin = [b"X-Twin: unheardof4 twin\n".as_slice(), &bytes[4]].concat();
    epoch.add(std::slice::from_ref(&twin));
    epoch.add(&bytes[8..]);
    epoch.remove(&bytes[8]);
    world.index();
    let server = world.serve();
    server.get("/test/m4@weaver.example/").ok();
    server.get("/test/?q=unheardof4").ok();
    let before = world.articles();
    let blob = |raw: &[u8]| {
        let mut hash = git(&epoch.dir);
        hash.args(["hash-object", "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut hash = hash.spawn().unwrap();
        hash.stdin.take().unwrap().write_all(raw).unwrap();
        String::from_utf8(hash.wait_with_output().unwrap().stdout)
            .unwrap()
            .trim()
            .to_owned()
    };
    let gone = [blob(&bytes[4]), blob(&twin), blob(&bytes[8])];
    let looked = world.done(&["purge", "test", "-m", "m4@weaver.example", "--dry-run"]);
    assert!(
        looked.contains("2 mails in git would be purged"),
        "{looked}"
    );

    for id in ["m4@weaver.example", "m8@weaver.example"] {
        world.done(&[
            "purge",
            "test",
            "-m",
            id,
            "--reason",
            "asked for by its author",
        ]);
    }
    for blob in &gone {
        let found = git(&epoch.dir)
            .args(["cat-file", "-e", blob])
            .output()
            .unwrap();
        assert!(!found.status.success(), "{blob} is still there");
    }
    assert!(said_by_git(&world, &["log", "--format=%s"]).contains(&format!("purged {}", gone[0])));
    assert_eq!(
        said_by_git(&world, &["rev-list", "--count", "HEAD"]).trim(),
        "14"
    );
    let fsck_of_git = git(&epoch.dir)
        .args(["fsck", "--full", "--strict"])
        .output()
        .unwrap();
    assert!(fsck_of_git.status.success());
    wait_until("the server has let go", || {
        server.get("/test/m4@weaver.example/").status == 410
    });
    assert!(
        !server
            .get("/test/?q=unheardof4")
            .text()
            .contains("m4@weaver.example/")
    );
    let mut after = before;
    after.retain(|(_, mid)| mid != "m4@weaver.example");
    assert_eq!(world.articles(), after);
    world.done(&["fsck"]);
    // The server maps files that are deleted; what is on the disk is what counts.
    for word in ["unheardof4", "unheardof8"] {
        assert_eq!(
            holders(&world.path("index"), word),
            Vec::<String>::new(),
            "{word}"
        );
        assert_eq!(
            holders(&world.path("lists"), word),
            Vec::<String>::new(),
            "{word}"
        );
    }
    assert!(
        !holders(&world.path("index"), "unheardof5").is_empty(),
        "the look itself works"
    );
}

#[test]
fn a_purge_that_was_killed_is_finished_by_doing_it_again() {
    let all = mails(6);
    let world = world(&all);
    let blob = said_by_git(&world, &["rev-parse", "HEAD~2:m"])
        .trim()
        .to_owned();
    world.done(&["purge", "test", "-n", "4"]);
    // As it is when only the history was written: the bytes lie about, and nothing leads to them.
    let mut hash = git(&epoch(&world));
    hash.args(["hash-object", "-w", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut hash = hash.spawn().unwrap();
    hash.stdin
        .take()
        .unwrap()
        .write_all(&all[3].bytes())
        .unwrap();
    assert!(hash.wait().unwrap().success());
    let there = || {
        git(&epoch(&world))
            .args(["cat-file", "-e", &blob])
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(there());
    world.done(&["purge", "test", "-m", "m3@weaver.example"]);
    assert!(!there());
}

#[test]
fn a_pack_that_is_kept_on_purpose_is_named() {
    let all = mails(3);
    let world = world(&all);
    git(&epoch(&world))
        .args(["gc", "-q", "--prune=now"])
        .status()
        .unwrap();
    let pack = fs::read_dir(epoch(&world).join("objects/pack")).unwrap();
    let pack = pack
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|x| x == "pack"));
    fs::write(pack.unwrap().with_extension("keep"), "").unwrap();
    let output = world.run(&["purge", "test", "-n", "1"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(".keep"), "{said}");
}

#[test]
fn an_edited_mail_keeps_its_number_and_the_old_one_is_nowhere() {
    let all = mails(7);
    let world = world(&all);
    let server = world.serve();
    let before = world.articles();
    let new = all[3].clone().says("The edited words redacted.");
    let file = world.path("new.eml");
    for (bad, why) in [
        (
            Mail::new("other@weaver.example", "Subject 3", 3).bytes(),
            "Message-ID",
        ),
        (
            all[3].clone().answers("m0@weaver.example").bytes(),
            "--force",
        ),
        (b" \n".to_vec(), "purge"),
    ] {
        fs::write(&file, bad).unwrap();
        let output = world.run(&["edit", "test", "-n", "4", "--with", "new.eml"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    }
    fs::write(&file, new.bytes()).unwrap();
    let mut looked = world.program();
    looked.args(["edit", "test", "-m", "m3@weaver.example", "--dry-run"]);
    let looked = looked.env("VISUAL", "cp new.eml").output().unwrap();
    let said = String::from_utf8_lossy(&looked.stdout).into_owned();
    assert!(said.contains("it would be opened in cp new.eml"), "{said}");
    assert_eq!(world.articles(), before);
    let mut editor = world.program();
    let output = editor
        .args(["edit", "test", "-m", "m3@weaver.example"])
        .env("VISUAL", "cp new.eml")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(world.articles(), before);
    wait_until("the new words are shown", || {
        server
            .get("/test/m3@weaver.example/")
            .ok()
            .text()
            .contains("redacted")
    });
    assert_eq!(
        server.get("/test/m3@weaver.example/raw").ok().body,
        [
            b"From mboxrd@z Thu Jan  1 00:00:00 1970\n".as_slice(),
            &new.bytes(),
            b"\n"
        ]
        .concat()
    );
    assert_eq!(
        said_by_git(&world, &["log", "--all", "--format=%s"])
            .lines()
            .count(),
        7
    );
    world.done(&["fsck"]);
    assert_eq!(
        holders(&world.path("index"), "words of m3@"),
        Vec::<String>::new()
    );
    // The old one comes back with an old clone, and is passed over.
    let mut old = crate::support::Epoch::new(&world.path("lists/test/git/1.git"));
    old.add(&[all[3].bytes()]);
    world.index();
    assert!(
        server
            .get("/test/m3@weaver.example/")
            .ok()
            .text()
            .contains("redacted")
    );
    assert_eq!(world.articles(), before);
    world.done(&["fsck"]);
}

#[test]
fn a_mirror_follows_the_tombstones_of_its_origin() {
    let all = mails(6);
    let origin = world(&all);
    let mirror = world(&all);
    let before = mirror.articles();
    origin.done(&["purge", "test", "-n", "3", "--reason", "why"]);
    let server = mirror.serve();
    server.get("/test/m2@weaver.example/").ok();
    fs::copy(
        origin.path("lists/test/tombstones"),
        mirror.path("lists/test/tombstones"),
    )
    .unwrap();
    wait_until("it is gone, though git still has it", || {
        server.get("/test/m2@weaver.example/").status == 410
    });
    let mut after = before.clone();
    after.remove(2);
    assert_eq!(mirror.articles(), after);
    mirror.done(&["fsck"]);
    fs::remove_dir_all(mirror.path("index")).unwrap();
    drop(server);
    mirror.index();
    assert_eq!(mirror.articles(), after, "also in an index made anew");
    mirror.done(&["index", "--reindex", "test"]);
    assert_eq!(mirror.articles(), after);
    mirror.done(&["fsck"]);
}

#[test]
fn what_was_learnt_as_spam_goes_everywhere_and_comes_back_as_ham() {
    let all = mails(3);
    let mut world = world(&all);
    world.inbox("other").add(&[all[1].bytes()]);
    let shown = world.path("shown");
    for (key, word) in [("trainSpam", "spam"), ("trainHam", "ham")] {
        let command = format!("(echo {word}; cat) >> {}", shown.display());
        world.set(&format!("{key} = \"{command}\""));
    }
    world.index();
    let learn = |verdict: &str, flags: &[&str], raw: &[u8]| {
        let output = with_input(&world, &[&["learn", verdict], flags].concat(), None, raw);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{verdict}: {said}{problem}");
        said
    };

    let said = learn("spam", &["--dry-run"], &all[1].bytes());
    assert!(said.contains("2 mails would be removed"), "{said}");
    assert!(!shown.exists(), "a dry run teaches nothing");
    learn("spam", &[], &all[1].bytes());
    let server = world.serve();
    for list in ["test", "other"] {
        assert_eq!(
            server.get(&format!("/{list}/m1@weaver.example/")).status,
            410
        );
    }
    assert!(fs::read_to_string(&shown).unwrap().starts_with("spam\n"));

    let said = learn("ham", &[], &all[1].bytes());
    assert!(said.contains("test: added"), "{said}");
    wait_until("it is back", || {
        server.get("/test/m1@weaver.example/").status == 200
    });
    assert_eq!(server.get("/other/m1@weaver.example/").status, 410);
    assert!(fs::read_to_string(&shown).unwrap().contains("\nham\n"));
    let said = learn("ham", &[], &all[1].bytes());
    assert!(said.contains("it is there already"), "{said}");

    let said = learn("rm", &["--all", "--reason", "private"], &all[2].bytes());
    assert!(said.contains("1 mail removed"), "{said}");
    wait_until("it is gone", || {
        server.get("/test/m2@weaver.example/").status == 410
    });
    world.done(&["fsck"]);
}
