//! The programs of others that mirror, against a running server, and ours against theirs: public-inbox-clone and
//! -fetch, grok-pull, lei, and public-inbox's own server.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ask, Daemon, Epoch, Home, Mail, Reply, World, program, said};

fn mails(name: &str, count: u32) -> Vec<Vec<u8>> {
    let mail = |n: u32| {
        let mail = Mail::new(&format!("{name}-{n}@weaver.example"), "Threads", n);
        match n {
            0 => mail.bytes(),
            _ => mail
                .answers(&format!("{name}-{}@weaver.example", n - 1))
                .bytes(),
        }
    };
    (0..count).map(mail).collect()
}

/// A site with `warp` in two epochs, and `weft` of version 1.
fn site() -> (World, Vec<Epoch>) {
    let mut world = World::new();
    let mut first = world.inbox("warp");
    first.add(&mails("zero", 5));
    let mut second = Epoch::new(&world.path("lists/warp/git/1.git"));
    second.add(&mails("one", 4));
    world.version_1("weft", &mails("old", 3));
    world.index();
    (world, vec![first, second])
}

/// All refs of a repository and where they are.
fn refs(repository: &Path) -> String {
    let done = Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .arg("for-each-ref")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", said(&done));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// How many articles public-inbox has numbered.
fn numbered(home: &Home, inbox: &str) -> String {
    let script = "import sqlite3, sys\n\
         print(sqlite3.connect(sys.argv[1]).execute('SELECT COUNT(*) FROM msgmap').fetchone()[0])";
    let mut python = home.command("python3");
    python.args(["-c", script, &format!("{inbox}/msgmap.sqlite3")]);
    home.well(&mut python).trim().to_owned()
}

#[test]
fn public_inbox_clones_indexes_and_fetches_from_us() {
    let (Some(clone), Some(fetch), Some(index), Some(init)) = (
        program("public-inbox-clone"),
        program("public-inbox-fetch"),
        program("public-inbox-index"),
        program("public-inbox-init"),
    ) else {
        return;
    };
    let ((world, mut epochs), home) = (site(), Home::new());
    let server = world.serve();
    let url = format!("{}warp/", server.url());
    home.well(home.command(&clone).args(["-q", &url, "warp"]));
    for (number, epoch) in epochs.iter().enumerate() {
        let copy = home.path(&format!("warp/git/{number}.git"));
        assert_eq!(refs(&copy), refs(&epoch.dir));
    }
    assert_eq!(home.read("warp/description"), "The list warp\n");
    let config = home.read("warp/inbox.config.example");
    assert!(
        config.contains("address = warp@lists.example.org"),
        "{config}"
    );
    home.well(
        home.command(&init)
            .args(["-V2", "warp", "warp", &url, "warp@x.example"]),
    );
    home.well(home.command(&index).arg("warp"));
    assert_eq!(numbered(&home, "warp"), "9");

    let status = || {
        let mut fetch = home.command(&fetch);
        let done = home.run(fetch.args(["-q", "--exit-code", "-C", "warp"]));
        done.status.code()
    };
    assert_eq!(status(), Some(127), "nothing is new");
    epochs[1].add(&mails("late", 2));
    let mut third = Epoch::new(&world.path("lists/warp/git/2.git"));
    third.add(&mails("third", 1));
    crate::support::wait_until("the new epoch is served", || {
        let manifest = server.get("/warp/manifest.js.gz").ok().gunzip();
        String::from_utf8_lossy(&manifest).contains("/2.git")
    });
    assert_eq!(status(), Some(0));
    assert_eq!(refs(&home.path("warp/git/2.git")), refs(&third.dir));
    home.well(home.command(&index).arg("warp"));
    assert_eq!(numbered(&home, "warp"), "12");

    home.well(
        home.command(&clone)
            .args(["-q", &format!("{}weft/", server.url()), "weft"]),
    );
    assert_eq!(refs(&home.path("weft")), refs(&world.path("lists/weft")));
    home.well(
        home.command(&clone)
            .args(["-q", "--epoch=~0", &url, "part"]),
    );
    assert_eq!(refs(&home.path("part/git/0.git")), "");
    let partial = threadbare::store::Layout::find(&home.path("part"));
    assert_eq!(partial.unwrap().partial().unwrap().upstream, url);
}

#[test]
fn a_mirror_of_public_inbox_s_is_ours_to_fetch_and_the_other_way_round() {
    let (Some(clone), Some(fetch)) = (program("public-inbox-clone"), program("public-inbox-fetch"))
    else {
        return;
    };
    let ((world, mut epochs), home, here) = (site(), Home::new(), World::new());
    let server = world.serve();
    let url = format!("{}warp/", server.url());
    home.well(home.command(&clone).args(["-q", &url, "theirs"]));
    let ours = here.path("ours");
    let done = here.run(&["clone", &url, ours.to_str().unwrap(), "--name", "ours"]);
    assert!(done.status.success(), "{}", said(&done));

    let theirs = home.path("theirs");
    let theirs = theirs.to_str().unwrap();
    let done = here.run(&["fetch", theirs, "--exit-code"]);
    assert_eq!(done.status.code(), Some(127), "{}", said(&done));
    epochs[0].add(&mails("late", 1));
    let done = here.run(&["fetch", theirs, "--exit-code"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(refs(&home.path("theirs/git/0.git")), refs(&epochs[0].dir));

    let mut command = home.command(&fetch);
    let done = home.run(command.args(["-q", "--exit-code", "-C"]).arg(&ours));
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(refs(&ours.join("git/0.git")), refs(&epochs[0].dir));
    let done = home.run(&mut command);
    assert_eq!(done.status.code(), Some(127), "{}", said(&done));
    let done = here.run(&["fetch", "ours", "--exit-code"]);
    assert_eq!(done.status.code(), Some(127), "{}", said(&done));
}

#[test]
fn grokmirror_pulls_the_whole_site_and_then_what_is_new() {
    let Some(pull) = program("grok-pull") else {
        return;
    };
    let ((world, mut epochs), home) = (site(), Home::new());
    let server = world.serve();
    let top = home.path("top");
    std::fs::create_dir(&top).unwrap();
    home.write(
        "grok.conf",
        &format!(
            "[core]\ntoplevel = {top}\nmanifest = {top}/manifest.js.gz\n\
             [remote]\nsite = {}\nmanifest = {}manifest.js.gz\n\
             [pull]\ndefault_owner = Tester\npull_threads = 2\nrefresh = 0\n",
            server.url().trim_end_matches('/'),
            server.url(),
            top = top.display()
        ),
    );
    let pull = || home.well(home.command(&pull).args(["-v", "-c", "grok.conf"]));
    let told = pull();
    for (copy, there) in [
        ("warp/git/0.git", epochs[0].dir.clone()),
        ("warp/git/1.git", epochs[1].dir.clone()),
        ("weft", world.path("lists/weft")),
    ] {
        assert_eq!(refs(&top.join(copy)), refs(&there), "{copy}: {told}");
    }
    // Its clock of manifests has seconds, and ours are those of commits.
    epochs[1].add(&mails("late", 90));
    let told = pull();
    assert_eq!(
        refs(&top.join("warp/git/1.git")),
        refs(&epochs[1].dir),
        "{told}"
    );
    // And what grokmirror keeps is a mirror to us as well.
    let layout = threadbare::store::Layout::find(&top.join("warp")).unwrap();
    assert_eq!(
        layout.upstream().unwrap().url,
        format!("{}warp/", server.url())
    );
}

#[test]
fn lei_searches_a_server_and_makes_it_an_external() {
    let Some(lei) = program("lei") else {
        return;
    };
    let ((world, _), home) = (site(), Home::new());
    let server = world.serve();
    std::fs::create_dir(home.path("run")).unwrap();
    let lei = |args: &[&str]| home.run(home.command(&lei).args(args));
    struct Stop<F: Fn()>(F);
    impl<F: Fn()> Drop for Stop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    // It leaves a daemon behind.
    let _stop = Stop(|| {
        lei(&["daemon-kill"]);
    });
    let url = format!("{}warp/", server.url());
    let count = |file: &str| {
        let text = home.read(file);
        text.lines()
            .filter(|line| line.starts_with("From "))
            .count()
    };
    let one = format!("mboxrd:{}", home.path("one.mbox").display());
    let done = lei(&["q", "-I", &url, "-o", &one, "m:zero-2@weaver.example"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(count("one.mbox"), 1, "{}", said(&done));

    let done = lei(&["add-external", &url]);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&lei(&["ls-external"])).contains(&url));
    let thread = format!("mboxrd:{}", home.path("thread.mbox").display());
    let done = lei(&["q", "-t", "-o", &thread, "m:one-3@weaver.example"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(count("thread.mbox"), 4, "{}", said(&done));
    // What is not there is no failure.
    let none = format!("mboxrd:{}", home.path("none.mbox").display());
    let done = lei(&["q", "-o", &none, "m:no-such@weaver.example"]);
    assert!(said(&done).contains("0 written"), "{}", said(&done));
}

/// A clone of all that a server has.
pub(crate) fn cloned(server: SocketAddr) -> World {
    let here = World::new();
    let done = here.run(&["clone", &format!("http://{server}/"), "site"]);
    assert!(done.status.success(), "{}", said(&done));
    here
}

/// A public-inbox server over these directories, by name.
pub(crate) fn public_inbox(home: &Home, inboxes: &[(&str, &Path)]) -> Option<(Daemon, SocketAddr)> {
    let (httpd, index) = (
        program("public-inbox-httpd")?,
        program("public-inbox-index")?,
    );
    let mut config = String::from("[publicinbox]\n\twwwListing = all\n\tgrokManifest = all\n");
    for (name, dir) in inboxes {
        config.push_str(&format!(
            "[publicinbox \"{name}\"]\n\tinboxdir = {}\n\taddress = {name}@lists.example.org\n\
             \turl = http://127.0.0.1/{name}\n\tlistid = {name}.lists.example.org\n",
            dir.display()
        ));
    }
    home.write(".public-inbox/config", &config);
    for (_, dir) in inboxes {
        home.well(home.command(&index).arg(dir));
    }
    // Somebody else may take the port before the server does.
    for _ in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let listen = address.to_string();
        let mut command = home.command(&httpd);
        let mut daemon = Daemon::start(command.args(["-W0", "-l", &listen]));
        if daemon.listens(address) {
            return Some((daemon, address));
        }
    }
    panic!("public-inbox-httpd does not start");
}

#[test]
fn what_public_inbox_serves_is_served_by_our_mirror_as_well() {
    let (world, epochs) = site();
    let home = Home::new();
    let warp = epochs[0].dir.ancestors().nth(2).unwrap().to_owned();
    let weft = world.path("lists/weft");
    let Some((_daemon, theirs)) = public_inbox(&home, &[("warp", &warp), ("weft", &weft)]) else {
        return;
    };
    let here = cloned(theirs);
    let config = std::fs::read_to_string(here.path("config")).unwrap();
    for name in ["warp", "weft"] {
        assert!(
            config.contains(&format!("address = {name}@lists.example.org")),
            "{config}"
        );
        assert!(
            config.contains(&format!("listid = {name}.lists.example.org")),
            "{config}"
        );
    }
    assert_eq!(refs(&here.path("site/weft")), refs(&weft));
    let done = here.run(&["fetch", "--exit-code"]);
    assert_eq!(done.status.code(), Some(127), "{}", said(&done));

    let ours = here.serve();
    let both = |path: &str| (Ask::get(path).send(theirs), ours.get(path));
    for (inbox, ids) in [
        ("warp", ["zero-0", "zero-4", "one-3"]),
        ("weft", ["old-0", "old-1", "old-2"]),
    ] {
        let mut paths: Vec<String> = [
            "",
            "new.html",
            "new.atom",
            "description",
            "_/text/config/raw",
        ]
        .iter()
        .map(|page| format!("/{inbox}/{page}"))
        .collect();
        for id in ids.iter().chain(&["no-such"]) {
            for page in ["", "raw", "T/", "t/", "t.mbox.gz", "t.atom", "T", "R/"] {
                paths.push(format!("/{inbox}/{id}@weaver.example/{page}"));
            }
        }
        paths.push(format!("/{inbox}"));
        paths.push(format!("/{inbox}/?q=s:threads"));
        for path in &paths {
            let (theirs, ours) = both(path);
            assert_eq!(theirs.status, ours.status, "{path}");
        }
        for id in ids {
            let (theirs, ours) = both(&format!("/{inbox}/{id}@weaver.example/raw"));
            assert_eq!(theirs.body, ours.body, "{inbox} {id}");
            let (theirs, ours) = both(&format!("/{inbox}/{id}@weaver.example/t.mbox.gz"));
            assert_eq!(messages(&theirs), messages(&ours), "{inbox} {id}");
        }
        let (theirs, ours) = both(&format!("/{inbox}/all.mbox.gz"));
        assert_eq!(messages(&theirs), messages(&ours), "{inbox}");
        let (theirs, ours) = both(&format!("/{inbox}/manifest.js.gz"));
        assert_eq!(prints(&theirs), prints(&ours), "{inbox}");
    }
    let (theirs, ours) = both("/manifest.js.gz");
    assert_eq!(prints(&theirs), prints(&ours));
}

/// The mails of an mbox.
fn messages(reply: &Reply) -> BTreeSet<String> {
    assert_eq!(reply.status, 200);
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(&reply.body[..])
        .read_to_string(&mut text)
        .unwrap();
    let mails = text.split("From mboxrd@z Thu Jan  1 00:00:00 1970\n");
    mails.map(str::to_owned).collect()
}

/// Which repositories a manifest lists, and in which state.
fn prints(reply: &Reply) -> Vec<(String, Value, Value)> {
    let manifest: Value = serde_json::from_slice(&reply.gunzip()).unwrap();
    let entries = manifest.as_object().unwrap().iter();
    entries
        .map(|(path, about)| {
            (
                path.clone(),
                about["fingerprint"].clone(),
                about["modified"].clone(),
            )
        })
        .collect()
}
