//! `threadbare import`: from whatever there was, all of it, once.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use threadbare::demo;
use threadbare::mail::mboxrd;

use crate::support::incoming::{kept, nasty, new_inbox};
use crate::support::{Epoch, Mail, World};

fn import(world: &World, args: &[&str]) -> Value {
    let done = world.run(&[&["import", "--json"], args].concat());
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let count = |key: &str| report[key].as_u64().unwrap();
    let sum = count("added") + count("duplicates") + count("buried") + count("refused");
    assert_eq!(count("read"), sum, "{report}");
    report
}

fn mailbox(mails: &[Vec<u8>]) -> Vec<u8> {
    let mut mbox = Vec::new();
    mails.iter().for_each(|raw| mboxrd(raw, &mut mbox));
    mbox
}

fn plain(count: usize) -> Vec<Vec<u8>> {
    let body = "From the loom\n>From the loom\nand more of it. ".repeat(20);
    (0..count)
        .map(|n| {
            Mail::new(&format!("{n}@x"), &format!("number {n}"), n as u32)
                .says(&body)
                .bytes()
        })
        .collect()
}

#[test]
fn the_same_mail_comes_from_every_kind_of_source() {
    let mut world = World::new();
    let mails = plain(40);
    let mbox = mailbox(&mails);
    let source = |name: &str| world.path("sources").join(name);
    fs::create_dir_all(source("eml")).unwrap();
    for below in ["md/cur", "md/new", "md/tmp", "mh"] {
        fs::create_dir_all(source(below)).unwrap();
    }
    for (n, raw) in mails.iter().enumerate() {
        fs::write(source(&format!("eml/{n}.eml")), raw).unwrap();
        fs::write(source(&format!("mh/{n}")), raw).unwrap();
        let place = if n < 20 { "cur" } else { "new" };
        fs::write(source(&format!("md/{place}/17{n:04}.x:2,S")), raw).unwrap();
    }
    fs::write(source("plain.mbox"), &mbox).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&mbox).unwrap();
    fs::write(source("packed.mbox.gz"), gz.finish().unwrap()).unwrap();
    fs::write(
        source("packed.mbox.zst"),
        zstd::encode_all(&mbox[..], 1).unwrap(),
    )
    .unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&mbox).unwrap();
    fs::write(source("packed.mbox.xz"), xz.finish().unwrap()).unwrap();
    Epoch::version_1(&source("version-1"), &mails);
    let mut epoch = Epoch::new(&source("version-2/git/0.git"));
    epoch.add(&mails);
    epoch.add(&[b"Message-ID: <gone@x>\n\ngone\n".to_vec()]);
    epoch.remove(b"Message-ID: <gone@x>\n\ngone\n");

    for (n, name) in [
        "eml",
        "mh",
        "md",
        "plain.mbox",
        "packed.mbox.gz",
        "packed.mbox.zst",
        "packed.mbox.xz",
        "version-1",
        "version-2",
    ]
    .iter()
    .enumerate()
    {
        let inbox = format!("list-{n}");
        let dir = new_inbox(&mut world, &inbox);
        let source = world.path("sources").join(name);
        let report = import(&world, &[&inbox, source.to_str().unwrap()]);
        assert_eq!(report["added"], 40, "{name}: {report}");
        assert!(kept(&dir) == mails, "{name}");
        let again = import(&world, &[&inbox, source.to_str().unwrap()]);
        assert_eq!(
            (&again["added"], &again["duplicates"]),
            (&0.into(), &40.into()),
            "{name}"
        );
        assert!(kept(&dir) == mails, "{name}");
    }
    let done = world.run(&["search", "--inbox", "list-0", "loom"]);
    drop(done);
    let server = world.serve();
    assert_eq!(server.get("/list-3/39@x/raw").status, 200, "it was indexed");
}

#[test]
fn what_cannot_be_taken_or_was_mended_is_told() {
    let mut world = World::new();
    let dir = new_inbox(&mut world, "loom");
    let text = "From joe at example.org  Thu Jan  1 00:00:10 2026\nFrom: joe at example.org (Joe)\nDate: Thu, 1 Jan 2026 00:00:10 +0000\n\
         Subject: [loom] lossy\nMessage-ID: <lossy@x>\n\nFrom the beginning: a line that begins like a mail\n\n\
         From joe at example.org  Thu Jan  1 00:00:10 2026\nbut no header follows it.\n\n\
         From ann at example.org  Thu Jan  1 00:00:20 2026\nFrom: ann at example.org (Ann)\nSubject: no id\n\nbody\n\n\
         From ann at example.org  Thu Jan  1 00:00:20 2026\nMessage-ID: <lossy@x>\n\nanother body\n";
    fs::write(world.path("2026-January.txt"), text).unwrap();
    fs::create_dir(world.path("eml")).unwrap();
    fs::write(world.path("eml/empty.eml"), "\n\n").unwrap();
    fs::write(
        world.path("eml/twin.eml"),
        "Message-ID: <lossy@x>\n\nanother body\n",
    )
    .unwrap();
    let report = import(
        &world,
        &[
            "loom",
            world.path("2026-January.txt").to_str().unwrap(),
            world.path("eml").to_str().unwrap(),
        ],
    );
    assert_eq!(
        (
            &report["read"],
            &report["added"],
            &report["duplicates"],
            &report["refused"]
        ),
        (&5.into(), &3.into(), &1.into(), &1.into()),
        "{report}"
    );
    let repaired: u64 = report["repaired"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(repaired, 2, "{report}");
    let lossy: u64 = report["lossy"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(lossy, 3, "{report}");
    assert!(
        report["refusals"][0]["place"]
            .as_str()
            .unwrap()
            .ends_with("empty.eml"),
        "{report}"
    );
    assert!(
        String::from_utf8(kept(&dir).remove(0))
            .unwrap()
            .ends_with("but no header follows it.\n")
    );
}

#[test]
fn an_import_that_is_killed_goes_on_and_loses_or_doubles_nothing() {
    let mut world = World::new();
    let dir = new_inbox(&mut world, "loom");
    // More than one batch, so that there is something to go on from.
    let mails = plain(24_000);
    let path = world.path("large.mbox");
    fs::write(&path, mailbox(&mails)).unwrap();
    let path = path.to_str().unwrap();
    let mut finished = false;
    for round in 0..200 {
        let mut child = world
            .program()
            .args(["import", "loom", path])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Where each kill falls does not matter; that there are several, at different moments, does.
        std::thread::sleep(Duration::from_millis(50 + 317 * round % 4_000));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            finished = true;
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if round == 7 {
            break;
        }
    }
    if !finished {
        import(&world, &["loom", path]);
    }
    let found = kept(&dir);
    assert_eq!(found.len(), mails.len());
    assert!(found == mails, "in the same order");
    let after = import(&world, &["loom", path]);
    assert_eq!(
        (&after["added"], &after["duplicates"]),
        (&0.into(), &24_000.into())
    );
}

#[test]
fn old_addresses_lead_to_the_mail() {
    let mut world = World::new();
    for name in ["pipermail", "hyperkitty", "mhonarc"] {
        new_inbox(&mut world, name);
    }
    let mails = [
        Mail::new("one@x", "one", 1).bytes(),
        b"From: a@b\nDate: Sat, 31 Jan 2026 23:30:00 -0500\nSubject: two\nMessage-ID: <t/wo@x>\n\nx\n".to_vec(),
    ];
    let path = world.path("all.mbox");
    fs::write(&path, mailbox(&mails)).unwrap();
    for archive in ["pipermail", "hyperkitty", "mhonarc"] {
        import(
            &world,
            &["--keep-urls", archive, archive, path.to_str().unwrap()],
        );
    }
    let server = world.serve();
    for (old, new) in [
        ("/pipermail/2026-January/000000.html", "/pipermail/one@x/"),
        (
            "/pipermail/2026-January/000001.html",
            "/pipermail/t%2Fwo@x/",
        ),
        (
            "/pipermail/2026-February/000001.html",
            "/pipermail/t%2Fwo@x/",
        ),
        ("/hyperkitty/message/XIALVNZPH5ZWS3IEVDVYKF7AYZDQ6BZV/", ""),
        ("/mhonarc/msg00001.html", "/mhonarc/t%2Fwo@x/"),
        ("/mhonarc/msg00002.html", ""),
    ] {
        let mut at = old.to_owned();
        for _ in 0..3 {
            let reply = server.get(&at);
            if reply.status != 301 {
                break;
            }
            let location = reply.header("location").unwrap();
            let below = location.trim_start_matches("../").trim_start_matches('/');
            at = format!("/{below}");
        }
        match new {
            "" => assert!(server.get(&at).status >= 300, "{old}"),
            new => assert_eq!(at, new, "{old}"),
        }
    }
    let hash = fs::read_to_string(world.path("lists/hyperkitty/redirects")).unwrap();
    let line = hash.lines().find(|line| line.ends_with("\tone@x")).unwrap();
    let (old, _) = line.split_once('\t').unwrap();
    assert_eq!(
        server
            .get(&format!("/hyperkitty/{old}/"))
            .header("location")
            .map(|l| l.ends_with("/hyperkitty/one@x/")),
        Some(true)
    );
}

#[test]
fn nasty_mail_comes_in_by_mailbox_and_folder_and_git() {
    let mut world = World::new();
    let all: Vec<Vec<u8>> = nasty().into_iter().map(|(_, raw)| raw).collect();
    let dir = world.path("eml");
    fs::create_dir(&dir).unwrap();
    for (n, raw) in all.iter().enumerate() {
        fs::write(dir.join(format!("{n}.eml")), raw).unwrap();
    }
    let by_folder = new_inbox(&mut world, "folder");
    let report = import(&world, &["folder", dir.to_str().unwrap()]);
    assert_eq!(report["added"], all.len(), "{report}");
    let by_git = new_inbox(&mut world, "git");
    let report = import(&world, &["git", by_folder.to_str().unwrap()]);
    assert_eq!(report["added"], all.len(), "{report}");
    for (n, (git, folder)) in kept(&by_git).iter().zip(kept(&by_folder)).enumerate() {
        let starts = |raw: &[u8]| String::from_utf8_lossy(&raw[..raw.len().min(300)]).into_owned();
        assert!(
            *git == folder,
            "{n}: {:?} was {:?}",
            starts(git),
            starts(&folder)
        );
    }
    // A mailbox cannot hold what has no header; of the others none is lost, and none is invented.
    let by_mailbox = new_inbox(&mut world, "mailbox");
    let headed: Vec<Vec<u8>> = kept(&by_folder)
        .into_iter()
        .filter(|raw| raw.starts_with(b"From: "))
        .collect();
    fs::write(world.path("nasty.mbox"), mailbox(&headed)).unwrap();
    let report = import(
        &world,
        &["mailbox", world.path("nasty.mbox").to_str().unwrap()],
    );
    assert_eq!(report["read"], headed.len(), "{report}");
    assert_eq!(
        kept(&by_mailbox).len() as u64,
        report["added"].as_u64().unwrap()
    );
    let server = world.serve();
    for list in ["folder", "git", "mailbox"] {
        assert_eq!(server.get(&format!("/{list}/")).status, 200);
    }
}

#[test]
fn the_mail_of_the_demo_survives_a_mailbox() {
    let mut world = World::new();
    let dir = new_inbox(&mut world, "loom");
    let mails: Vec<Vec<u8>> = demo::mails()
        .into_iter()
        .filter(|(list, _)| *list == "loom")
        .map(|(_, raw)| raw)
        .collect();
    let path = world.path("loom.mbox");
    fs::write(&path, mailbox(&mails)).unwrap();
    let report = import(&world, &["loom", path.to_str().unwrap()]);
    assert_eq!(report["added"], mails.len(), "{report}");
    let _: &Path = &dir;
}
