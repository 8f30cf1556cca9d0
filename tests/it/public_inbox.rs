//! public-inbox's own tools on inboxes that we write, in turn with us: both number alike, and what one of them does to
//! mail the other follows.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::incoming::{kept, new_inbox, with_input};
use crate::support::peer::{Peer, numbers_of_ours, numbers_of_theirs};
use crate::support::{Ask, Daemon, Mail, Reply, Server, World, wait_until};

/// A mail to the inbox `test`, whose words hardly shrink when they are packed.
fn mail(n: u32, kilobytes: usize) -> Mail {
    let mut seed = u64::from(n) + 1;
    let mut letter = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
                [(seed >> 58) as usize],
        )
    };
    let lines: Vec<String> = (0..kilobytes * 16)
        .map(|_| (0..63).map(|_| letter()).collect())
        .collect();
    let mail = Mail::new(&format!("m{n}@weaver.example"), &format!("Subject {n}"), n);
    let mail = match n % 3 {
        0 => mail,
        _ => mail.answers(&format!("m{}@weaver.example", n - 1)),
    };
    mail.says(&format!("unheardof{n}\n{}", lines.join("\n")))
}

fn dir(world: &World) -> PathBuf {
    world.path("lists/test")
}

/// An inbox of Threadbare's with three epochs, of mails that were imported and mails that were delivered.
fn world() -> (World, Vec<Mail>) {
    let mut world = World::new();
    new_inbox(&mut world, "test");
    world.set("epochSize = 100k");
    world.set_inbox("test", "filter = PublicInbox::Filter::Mirror");
    world.add_to_config("[publicinboxmda]\n\tspamcheck = none\n");
    let mails: Vec<Mail> = (0..14)
        .map(|n| mail(n, if n < 10 { 60 } else { 1 }))
        .collect();
    fs::create_dir(world.path("eml")).unwrap();
    for (n, mail) in mails[..10].iter().enumerate() {
        fs::write(world.path(&format!("eml/{n}.eml")), mail.bytes()).unwrap();
    }
    let done = world.run(&["import", "test", "eml"]);
    assert!(done.status.success(), "{done:?}");
    for mail in &mails[10..] {
        deliver(&world, mail);
    }
    let epochs = fs::read_dir(dir(&world).join("git")).unwrap().count();
    assert!(epochs >= 2, "{epochs} epochs");
    (world, mails)
}

#[track_caller]
fn deliver(world: &World, mail: &Mail) {
    let args = ["deliver", "--no-precheck", "test"];
    let done = with_input(world, &args, None, &mail.bytes());
    assert!(done.status.success(), "{done:?}");
}

#[track_caller]
fn run(world: &World, args: &[&str]) {
    let done = world.run(args);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{args:?}: {said}");
}

/// Both index, and number alike. Gives the numbers.
#[track_caller]
fn agree(world: &World, peer: &Peer<'_>) -> Vec<(i64, String)> {
    peer.run("index", &[dir(world).to_str().unwrap()]);
    world.index();
    let (ours, theirs) = (
        numbers_of_ours(world, &dir(world)),
        numbers_of_theirs(&dir(world)),
    );
    assert_eq!(ours, theirs);
    run(world, &["fsck"]);
    theirs
}

/// Its server over the same inboxes.
struct TheirServer {
    address: std::net::SocketAddr,
    _daemon: Daemon,
}

impl TheirServer {
    fn start(peer: &Peer<'_>) -> TheirServer {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut httpd = peer.command("httpd");
        httpd.args(["-W0", "-l", &format!("http://{address}")]);
        let mut daemon = Daemon::start(&mut httpd);
        assert!(
            daemon.listens(address),
            "public-inbox-httpd does not listen"
        );
        TheirServer {
            address,
            _daemon: daemon,
        }
    }

    fn get(&self, path: &str) -> Reply {
        Ask::get(path).send(self.address)
    }
}

fn page(n: u32) -> String {
    format!("/test/m{n}@weaver.example/raw")
}

/// Waits until both servers show that mail with these words in it.
#[track_caller]
fn both_show(ours: &Server, theirs: &TheirServer, n: u32, words: &str) {
    wait_until(&format!("we show {words} in mail {n}"), || {
        let reply = ours.get(&page(n));
        reply.status == 200 && reply.text().contains(words)
    });
    wait_until(&format!("they show {words} in mail {n}"), || {
        let reply = theirs.get(&page(n));
        reply.status == 200 && reply.text().contains(words)
    });
}

/// Waits until neither server has that mail; the status that ours gives.
#[track_caller]
fn both_have_lost(ours: &Server, theirs: &TheirServer, n: u32) -> u16 {
    let gone = |status: u16| matches!(status, 300 | 404 | 410);
    wait_until(&format!("they have lost mail {n}"), || {
        gone(theirs.get(&page(n)).status)
    });
    wait_until(&format!("we have lost mail {n}"), || {
        gone(ours.get(&page(n)).status)
    });
    ours.get(&page(n)).status
}

#[test]
fn its_tools_follow_what_we_do() {
    let (world, mails) = world();
    let Some(peer) = Peer::find(&world, &["index", "httpd"]) else {
        return;
    };
    let mut numbers = agree(&world, &peer);
    assert_eq!(numbers.len(), mails.len());
    let ours = world.serve();
    let theirs = TheirServer::start(&peer);
    for n in 0..14 {
        both_show(&ours, &theirs, n, &format!("unheardof{n}"));
    }
    let mut without = |n: u32| {
        numbers.retain(|(_, mid)| *mid != format!("m{n}@weaver.example"));
        assert_eq!(agree(&world, &peer), numbers);
    };

    // One of an old epoch, one of the newest.
    for n in [2, 12] {
        run(
            &world,
            &["rm", "test", "-m", &format!("m{n}@weaver.example")],
        );
        without(n);
        assert_eq!(both_have_lost(&ours, &theirs, n), 410);
    }
    let done = with_input(&world, &["learn", "spam"], None, &mails[3].bytes());
    assert!(done.status.success(), "{done:?}");
    without(3);
    assert_eq!(both_have_lost(&ours, &theirs, 3), 410);
    for n in [4, 13] {
        run(
            &world,
            &["purge", "test", "-m", &format!("m{n}@weaver.example")],
        );
        without(n);
        assert_eq!(both_have_lost(&ours, &theirs, n), 410);
    }

    // And mail goes on coming, to both.
    deliver(&world, &mail(20, 1));
    let more = agree(&world, &peer);
    assert_eq!(more[..numbers.len()], numbers[..]);
    peer.deliver("test", &mail(21, 1).bytes());
    assert_eq!(agree(&world, &peer).len(), numbers.len() + 2);
    both_show(&ours, &theirs, 21, "unheardof21");

    // One of an old epoch, one of the newest, and then one that moves in its thread.
    let numbers = agree(&world, &peer);
    for (n, parent) in [(7, "m6"), (11, "m10"), (8, "m0")] {
        let new = mails[n as usize]
            .clone()
            .answers(&format!("{parent}@weaver.example"))
            .says(&format!("rewritten{n}"));
        fs::write(world.path("new.eml"), new.bytes()).unwrap();
        let mid = format!("m{n}@weaver.example");
        let edit = ["edit", "test", "-m", &mid, "--with", "new.eml", "--force"];
        let done = world.run(&edit);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            done.status.success() && said.contains("index has followed"),
            "{said}"
        );
        assert_eq!(numbers_of_theirs(&dir(&world)), numbers);
        both_show(&ours, &theirs, n, &format!("rewritten{n}"));
        for (word, status) in [("rewritten", 200), ("unheardof", 404)] {
            wait_until(&format!("their search knows of {word}{n}"), || {
                theirs.get(&format!("/test/?q={word}{n}")).status == status
            });
        }
        assert_eq!(agree(&world, &peer), numbers);
    }
    deliver(&world, &mail(22, 1));
    // Whoever writes takes what is there for indexed.
    agree(&world, &peer);
    peer.deliver("test", &mail(23, 1).bytes());
    assert_eq!(agree(&world, &peer).len(), numbers.len() + 2);
    for n in [22, 23] {
        both_show(&ours, &theirs, n, &format!("unheardof{n}"));
    }
    numbers_hold_in_an_index_made_again(&peer, &dir(&world));
}

/// What it reads again is what it had.
fn numbers_hold_in_an_index_made_again(peer: &Peer<'_>, dir: &Path) {
    let before = numbers_of_theirs(dir);
    peer.run("index", &["--reindex", dir.to_str().unwrap()]);
    assert_eq!(numbers_of_theirs(dir), before);
}

#[test]
fn we_follow_what_its_tools_do() {
    let (world, mails) = world();
    let Some(peer) = Peer::find(&world, &["index", "httpd", "mda", "learn", "edit", "purge"])
    else {
        return;
    };
    let mut numbers = agree(&world, &peer);
    let ours = world.serve();
    let theirs = TheirServer::start(&peer);
    let place = dir(&world);
    let place = place.to_str().unwrap();

    peer.deliver("test", &mail(30, 1).bytes());
    both_show(&ours, &theirs, 30, "unheardof30");
    numbers = {
        let more = agree(&world, &peer);
        assert_eq!(more[..numbers.len()], numbers[..]);
        more
    };
    let mut without = |n: u32| {
        numbers.retain(|(_, mid)| *mid != format!("m{n}@weaver.example"));
        assert_eq!(agree(&world, &peer), numbers);
    };

    peer.reads("learn", &["rm"], &mails[1].bytes());
    assert_eq!(
        both_have_lost(&ours, &theirs, 1),
        404,
        "nobody wrote a tombstone"
    );
    without(1);
    peer.reads("learn", &["spam"], &mails[12].bytes());
    both_have_lost(&ours, &theirs, 12);
    without(12);
    // One of the epoch that the removed one is in, whose removal is in another.
    for n in [2, 6, 13] {
        peer.reads("purge", &[place], &mails[n as usize].bytes());
        both_have_lost(&ours, &theirs, n);
        without(n);
    }
    for n in [7, 11] {
        let script = format!("sed -i s/unheardof{n}/rewritten{n}/");
        let mid = format!("m{n}@weaver.example");
        let mut edit = peer.command("edit");
        edit.env("GIT_EDITOR", script).args(["-m", &mid, place]);
        let done = edit.output().unwrap();
        assert!(done.status.success(), "{done:?}");
        both_show(&ours, &theirs, n, &format!("rewritten{n}"));
        assert_eq!(agree(&world, &peer), numbers);
    }
    // What spam was, is none after all.
    peer.reads("learn", &["ham"], &mails[12].bytes());
    both_show(&ours, &theirs, 12, "unheardof12");
    assert_eq!(agree(&world, &peer).len(), numbers.len() + 1);
    assert_eq!(kept_count(&dir(&world)), numbers.len() + 1);

    drop((ours, theirs));
    // An index made from nothing still finds them all, under numbers in the same order.
    fs::remove_dir_all(world.path("index")).unwrap();
    world.index();
    let anew: Vec<String> = numbers_of_ours(&world, &dir(&world))
        .into_iter()
        .map(|(_, mid)| mid)
        .collect();
    let theirs: Vec<String> = numbers_of_theirs(&dir(&world))
        .into_iter()
        .map(|(_, mid)| mid)
        .collect();
    assert_eq!(anew, theirs);
}

/// How many mails an inbox has that were neither removed nor purged.
fn kept_count(dir: &Path) -> usize {
    kept(dir).iter().filter(|raw| !raw.is_empty()).count()
}

#[test]
fn it_mirrors_from_our_server_what_was_rewritten_and_what_came() {
    let (world, mails) = world();
    let Some(peer) = Peer::find(&world, &["clone", "fetch", "index", "init"]) else {
        return;
    };
    world.index();
    let server = world.serve();
    let url = format!("{}test/", server.url());
    peer.run("clone", &["-q", &url, "copy"]);
    let copy = world.path("copy");
    let elsewhere = |name: &str| {
        let mut command = peer.command(name);
        command.env("PI_CONFIG", world.path("their-config"));
        command
    };
    let mut init = elsewhere("init");
    init.args([
        "-V2",
        "copy",
        copy.to_str().unwrap(),
        &url,
        "copy@weaver.example",
    ]);
    assert!(init.output().unwrap().status.success());
    let follows = |what: &str| {
        wait_until(what, || {
            let fetched = elsewhere("fetch")
                .args(["-q", "-C", "copy"])
                .output()
                .unwrap();
            assert!(fetched.status.success(), "{what}: {fetched:?}");
            let indexed = elsewhere("index").arg("copy").output().unwrap();
            assert!(indexed.status.success(), "{what}: {indexed:?}");
            numbers_of_theirs(&copy) == numbers_of_ours(&world, &dir(&world))
        });
    };
    follows("it has all that there is");

    deliver(&world, &mail(20, 60));
    deliver(&world, &mail(21, 60));
    run(&world, &["rm", "test", "-m", "m2@weaver.example"]);
    follows("it has what came, and lost what was removed");
    run(&world, &["purge", "test", "-m", "m13@weaver.example"]);
    // More than an epoch holds comes at once.
    fs::create_dir(world.path("more")).unwrap();
    for n in 40..50 {
        fs::write(world.path(&format!("more/{n}.eml")), mail(n, 60).bytes()).unwrap();
    }
    run(&world, &["import", "test", "more"]);
    follows("it has the new epochs");
    let epochs = |dir: &Path| fs::read_dir(dir.join("git")).unwrap().count();
    assert_eq!(epochs(&copy), epochs(&dir(&world)));

    // An edit that it does not follow by itself comes to its git all the same.
    let new = mails[11].clone().says("rewritten");
    fs::write(world.path("new.eml"), new.bytes()).unwrap();
    run(&world, &["edit", "test", "-n", "12", "--with", "new.eml"]);
    wait_until("it has the edited mail", || {
        let fetched = elsewhere("fetch")
            .args(["-q", "-C", "copy"])
            .output()
            .unwrap();
        fetched.status.success() && kept(&copy) == kept(&dir(&world))
    });
}
