//! `threadbare import`: from whatever there was, all of it, once.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use threadbare::demo;
use threadbare::mail::mboxrd;

use crate::support::incoming::{kept, nasty, new_inbox};
use crate::support::{Epoch, Mail, World};
use crate::support::{fed, program, said};

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
fn a_hyperkitty_export_is_read_and_known_to_be_lossy() {
    let mut world = World::new();
    let dir = new_inbox(&mut world, "loom");
    // As its export writes mail: a multipart of Python's, few headers, bodies not quoted, addresses hidden in them.
    let mail = |n: u32, from: &str, body: &str| {
        let boundary = format!("==============={n:019}==");
        format!(
            "From {from} Thu Jan  1 00:00:1{n} 2026\nFrom: Joe <{from}>\nTo: loom@lists.example.org\nSubject: mail {n}\n\
             Date: Thu, 01 Jan 2026 00:00:1{n} +0000\nMessage-ID: <hk{n}@x>\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\n--{boundary}\nContent-Type: text/plain; charset=\"utf-8\"\n\
             Content-Transfer-Encoding: 7bit\n\n{body}\n\n--{boundary}\nContent-Type: text/x-diff\n\
             Content-Disposition: attachment; filename=\"a.diff\"\n\n+x\n\n--{boundary}--\n\n\n"
        )
    };
    let text = mail(
        1,
        "joe@example.org",
        "Write to ann(a)example.org\n\nFrom now on: it is hidden",
    ) + &mail(2, "joe at example.org", "as older ones write it")
        + &mail(3, "joe@example.org", "a third");
    let path = world.path("loom@lists.example.org-2026-01.mbox.gz");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    fs::write(&path, gz.finish().unwrap()).unwrap();
    let report = import(
        &world,
        &["--keep-urls", "hyperkitty", "loom", path.to_str().unwrap()],
    );
    assert_eq!(
        (&report["added"], &report["refused"]),
        (&3.into(), &0.into()),
        "{report}"
    );
    let lossy = report["lossy"].as_object().unwrap();
    assert_eq!(lossy.len(), 1, "{report}");
    let (what, count) = lossy.iter().next().unwrap();
    assert!(what.contains("HyperKitty") && *count == 3, "{report}");
    let texts: Vec<String> = kept(&dir)
        .into_iter()
        .map(|raw| String::from_utf8(raw).unwrap())
        .collect();
    assert!(
        texts
            .iter()
            .all(|text| text.contains("\nX-Threadbare-Lossy: addresses, headers\n\n--===")),
        "{texts:?}"
    );
    assert!(texts[0].contains("\nFrom now on: it is hidden\n") && texts[0].contains("\n+x\n"));
    assert!(world.index().status.success());
    let server = world.serve();
    // What HyperKitty calls a mail: the SHA-1 of its Message-ID in base 32.
    let redirects = fs::read_to_string(dir.join("redirects")).unwrap();
    assert!(
        redirects.contains("message/AO7R6LYKBUYZRSXZP5EF7I4ZIWRCFJZJ\thk1@x\n"),
        "{redirects}"
    );
    let reply = server.get("/loom/message/AO7R6LYKBUYZRSXZP5EF7I4ZIWRCFJZJ/");
    assert!(reply.moved(301).ends_with("/loom/hk1@x/"));
    let again = import(&world, &["loom", path.to_str().unwrap()]);
    assert_eq!(again["duplicates"], 3, "{again}");
}

#[test]
fn what_pipermail_has_changed_is_marked() {
    let mut world = World::new();
    let dir = new_inbox(&mut world, "loom");
    let text = "From joe at example.org  Thu Jan  1 00:00:10 2026\nFrom: joe at example.org (Joe)\n\
         Date: Thu, 1 Jan 2026 00:00:10 +0000\nSubject: [loom] lossy\nMessage-ID: <lossy@x>\n\nwords\n\n\
         From ann at example.org  Thu Jan  1 00:00:20 2026\nFrom: ann at example.org (Ann)\nSubject: no id\n\nbody\n";
    fs::write(world.path("2026-January.txt"), text).unwrap();
    let path = world.path("2026-January.txt");
    let report = import(&world, &["loom", path.to_str().unwrap()]);
    assert_eq!(report["added"], 2, "{report}");
    for raw in kept(&dir) {
        let text = String::from_utf8(raw).unwrap();
        assert!(
            text.contains("\nX-Threadbare-Lossy: addresses, headers, attachments\n"),
            "{text}"
        );
    }
    let again = import(&world, &["loom", path.to_str().unwrap()]);
    assert_eq!(again["duplicates"], 2, "{again}");
    // What is exported and imported again keeps its mark, and gets no second one.
    assert!(
        world
            .run(&["export", "loom", "--format", "mbox", "-o", "out.mbox"])
            .status
            .success()
    );
    let copy = new_inbox(&mut world, "copy");
    let report = import(&world, &["copy", world.path("out.mbox").to_str().unwrap()]);
    assert_eq!(
        report["lossy"].as_object().map(serde_json::Map::len),
        Some(0),
        "{report}"
    );
    assert!(kept(&copy) == kept(&dir));
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
    let leads_to = |path: &str| {
        let location = server.get(path).header("location").map(str::to_owned);
        location.unwrap_or_default()
    };
    let with_slash = leads_to(&format!("/hyperkitty/{old}"));
    let below = with_slash.trim_start_matches("../").trim_start_matches('/');
    for path in [format!("/hyperkitty/{old}/"), format!("/{below}")] {
        let location = leads_to(&path);
        assert!(
            location.ends_with("/hyperkitty/one@x/"),
            "{path}: {location}"
        );
    }
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

/// Every kind of mail that has brought archives down: what [`nasty`] makes, and the files of the tests.
fn hostile() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail");
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let files = files.into_iter().map(|file| fs::read(file).unwrap());
    nasty()
        .into_iter()
        .map(|(_, raw)| raw)
        .chain(files)
        .collect()
}

#[test]
fn every_form_of_source_brings_the_same_hostile_mail_and_counts_it() {
    let mut world = World::new();
    let all = hostile();
    let source = |name: &str| world.path("sources").join(name);
    for below in ["eml", "mh", "md/cur", "md/new", "md/tmp"] {
        fs::create_dir_all(source(below)).unwrap();
    }
    for (n, raw) in all.iter().enumerate() {
        fs::write(source(&format!("eml/{n}.eml")), raw).unwrap();
        fs::write(source(&format!("mh/{}", n + 1)), raw).unwrap();
        let place = ["cur", "new"][n % 2];
        let by_maildir = format!("md/{place}/17{n:04}.x:2,S");
        fs::write(source(&by_maildir), raw).unwrap();
        // When a file was written dates a mail that does not say when it was.
        let filed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + n as u64);
        for file in [format!("eml/{n}.eml"), format!("mh/{}", n + 1), by_maildir] {
            let file = fs::File::options().append(true).open(source(&file));
            file.unwrap().set_modified(filed).unwrap();
        }
    }
    let numbers = |report: &Value| {
        let keys = ["read", "added", "duplicates", "buried", "refused"];
        keys.map(|key| report[key].as_u64().unwrap())
    };
    let mut expected: Option<([u64; 5], Vec<Vec<u8>>)> = None;
    for form in ["eml", "mh", "md"] {
        let name = format!("by-{form}");
        let dir = new_inbox(&mut world, &name);
        let path = world.path("sources").join(form);
        let report = import(&world, &[&name, path.to_str().unwrap()]);
        let counted = numbers(&report);
        assert_eq!(counted[0], all.len() as u64, "{form}: {report}");
        assert_eq!(counted[1], kept(&dir).len() as u64, "{form}: {report}");
        let found = (counted, kept(&dir));
        match &expected {
            None => expected = Some(found),
            Some(expected) => {
                assert_eq!(found.0, expected.0, "{form}: {report}");
                assert!(found.1 == expected.1, "{form}");
            }
        }
    }
    // What is in git comes out of git, out of mailboxes that we write, and out of packed ones.
    let (_, stored) = expected.unwrap();
    let mbox = mailbox(&stored);
    fs::write(world.path("sources/plain.mbox"), &mbox).unwrap();
    let zst = zstd::encode_all(&mbox[..], 1).unwrap();
    fs::write(world.path("sources/packed.mbox.zst"), zst).unwrap();
    for form in ["plain.mbox", "packed.mbox.zst", "../lists/by-eml"] {
        let name = format!("from-{}", &form[..2].replace('.', "g"));
        let dir = new_inbox(&mut world, &name);
        let path = world.path("sources").join(form);
        let report = import(&world, &[&name, path.to_str().unwrap()]);
        assert_eq!(numbers(&report)[0], stored.len() as u64, "{form}: {report}");
        assert_eq!(numbers(&report)[1], stored.len() as u64, "{form}: {report}");
        for (n, (found, wanted)) in kept(&dir).iter().zip(&stored).enumerate() {
            let start = |raw: &[u8]| raw[..raw.len().min(300)].escape_ascii().to_string();
            assert!(
                found == wanted,
                "{form}: {n}: {} was {}",
                start(found),
                start(wanted)
            );
        }
    }
    let server = world.serve();
    for list in ["by-eml", "by-md", "from-pl"] {
        for page in ["", "new.html", "new.atom", "all.mbox.gz"] {
            assert_eq!(
                server.get(&format!("/{list}/{page}")).status,
                200,
                "{list} {page}"
            );
        }
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

/// A mailbox that is more than two batches.
fn long_mailbox(world: &World) {
    let mut text = String::new();
    for n in 0..25_000 {
        text.push_str(&format!(
            "From a@x Thu Jan  1 00:00:10 2026\nFrom: A <a@weaver.example>\nSubject: {n}\n\
             Date: Thu, 1 Jan 2026 00:00:10 +0000\nMessage-ID: <{n}@x>\n\nx\n\n"
        ));
    }
    fs::write(world.path("long.mbox"), text).unwrap();
}

#[test]
fn on_a_terminal_a_bar_shows_how_long_it_will_take() {
    let Some(script) = program("script") else {
        return;
    };
    let mut world = World::new();
    new_inbox(&mut world, "loom");
    long_mailbox(&world);
    let import = world.program();
    let import = import.get_program().to_str().unwrap().to_owned();
    // `script` runs it on a terminal of its own, which is where both of its outputs go.
    let line = format!("stty cols 80; {import} import loom long.mbox --no-index");
    let mut command = world.program();
    let envs: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    let dir = command.get_current_dir().unwrap().to_owned();
    command = std::process::Command::new(script);
    command
        .args(["-qec", &line, "/dev/null"])
        .envs(envs)
        .env("TERM", "xterm")
        .current_dir(dir);
    let done = fed(&mut command, b"");
    let said = said(&done);
    assert!(done.status.success(), "{said}");
    // `██░░░ 1.52 MiB/3.79 MiB 3s 10000 added`, drawn over what was there.
    let bars: Vec<&str> = said
        .split(['\r', '\n', '\x1b'])
        .filter(|drawn| drawn.contains("MiB/"))
        .collect();
    let told = bars.iter().find(|drawn| drawn.contains("0000 added"));
    let told = told.unwrap_or_else(|| panic!("no bar says how many: {bars:?}"));
    let mut words = told.rsplit(' ').skip(2);
    let left = words.next().unwrap();
    assert!(
        left.ends_with('s') && left[..left.len() - 1].parse::<u32>().is_ok(),
        "{told} has no estimate"
    );
    assert!(words.any(|word| word.contains('█')), "{told} has no bar");
    assert!(!said.contains("% read"), "{said}");
    assert!(said.contains("25000 added"), "{said}");
}

#[test]
fn elsewhere_some_lines_say_how_far_it_is() {
    let mut world = World::new();
    new_inbox(&mut world, "loom");
    long_mailbox(&world);
    let done = world.run(&["import", "loom", "long.mbox", "--no-index"]);
    assert!(done.status.success());
    let told = String::from_utf8(done.stderr).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert!(!lines.is_empty() && lines.len() < 10, "{told:?}");
    for line in lines {
        assert!(
            line.contains("0 % read: ") && line.ends_with("0 added"),
            "{told:?}"
        );
    }
    assert!(!told.contains(['\x1b', '\r', '█']), "{told:?}");
}
