//! Several servers, each fed by git from one writer: they show the same, and together they never fail.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use threadbare::archive::Archive;
use threadbare::config::Config;

use crate::support::{Ask, Epoch, Mail, Reply, Server, World, git, wait_until};

const LISTS: [&str; 3] = ["warp", "weft", "selvedge"];

/// The one to whom mail comes.
struct Writer {
    world: World,
    epochs: Vec<Epoch>,
    sent: u32,
}

impl Writer {
    fn new() -> Writer {
        let mut world = World::new();
        let epochs = LISTS.map(|name| world.inbox(name)).into();
        Writer {
            world,
            epochs,
            sent: 0,
        }
    }

    /// A thread on the first list, of which a part goes to the others, too. Every third mail comes late, under an old
    /// date; one comes twice with other words.
    fn write(&mut self, mails: u32) {
        for _ in 0..mails {
            let n = self.sent;
            self.sent += 1;
            let minute = if n % 3 == 2 { n / 2 } else { 10 * n };
            let mail = Mail::new(
                &format!("{n}@writer.example"),
                &format!("Mail {}", n % 4),
                minute,
            );
            let mail = match n % 4 {
                0 => mail,
                _ => mail.answers(&format!("{}@writer.example", n - 1)),
            };
            self.epochs[0].add(&[mail.bytes()]);
            if n.is_multiple_of(2) {
                let other = format!("Received: by weft; {n} Jan 2025 00:00:00 +0000\n");
                let copy = [other.into_bytes(), mail.bytes()].concat();
                self.epochs[1].add(&[copy]);
            }
            if n.is_multiple_of(5) {
                self.epochs[2].add(&[mail.says("Other words.").bytes()]);
            }
        }
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.world.path("lists").join(name).join("git/0.git")
    }
}

/// A server with mirrors of all lists, and an index of its own.
struct Replica {
    world: World,
    dirs: BTreeMap<&'static str, PathBuf>,
}

impl Replica {
    fn of(writer: &Writer) -> Replica {
        let mut world = World::new();
        world.set("url = https://lists.example.org/");
        let mut dirs = BTreeMap::new();
        for name in LISTS {
            let dir = world.inbox_dir(name, &format!("{name}@lists.example.org"));
            let mirror = dir.join("git/0.git");
            let from = writer.repository(name);
            let done = git(&dir)
                .args(["clone", "-q", "--mirror"])
                .arg(&from)
                .arg(&mirror)
                .status();
            assert!(done.unwrap().success());
            dirs.insert(name, mirror);
        }
        Replica { world, dirs }
    }

    fn fetch(&self, name: &str) {
        let done = git(&self.dirs[name]).args(["fetch", "-q"]).status();
        assert!(done.unwrap().success(), "git fetch of {name}");
    }

    fn fetch_all(&self) {
        LISTS.iter().for_each(|name| self.fetch(name));
    }

    /// Number, Message-ID and blob of each article of each list.
    fn numbers(&self) -> Vec<String> {
        let config = Config::read(&self.world.path("config")).unwrap();
        let archive = Archive::open(config, &self.world.path("index")).unwrap();
        let mut lines = Vec::new();
        for inbox in archive.every_inbox() {
            for article in inbox.articles_after(None, 10_000).unwrap() {
                let name = &inbox.config().name;
                lines.push(format!(
                    "{name} {} {} {}",
                    article.num, article.mid, article.blob
                ));
            }
        }
        lines
    }
}

/// All pages there are of so many mails, but for searches: nobody keeps these, and how well a result fits is weighed by
/// how an index has grown.
fn pages(mails: u32) -> Vec<String> {
    let mut paths = vec!["/".to_owned(), "/?f=we".to_owned()];
    for list in LISTS.iter().chain(&["all"]) {
        for page in [
            "",
            "?t=20260101020000",
            "new.html",
            "new.atom",
            "topics_new.html",
            "topics_active.html",
            "topics_new.atom",
            "all.mbox.gz",
            "description",
            "_/text/help/",
            "_/text/mirror/",
            "_/text/config/raw",
        ] {
            paths.push(format!("/{list}/{page}"));
        }
        for n in 0..mails {
            for page in ["", "raw", "T/", "t/", "t.mbox.gz", "t.atom", "d/"] {
                paths.push(format!("/{list}/{n}@writer.example/{page}"));
            }
        }
    }
    paths
}

fn shown(reply: &Reply) -> (u16, Option<&str>, Option<&str>, &[u8]) {
    let (tag, date) = (reply.header("etag"), reply.header("last-modified"));
    (reply.status, tag, date, &reply.body)
}

#[test]
fn what_they_show_depends_on_the_mail_alone_and_not_on_how_it_came() {
    let mut writer = Writer::new();
    writer.write(4);
    // One has every mail as it comes, one fetches the lists now and then in another order, one comes when all is over.
    let (often, seldom) = (Replica::of(&writer), Replica::of(&writer));
    often.world.index();
    seldom.world.run(&["index", "weft"]);
    for n in 0..12_u32 {
        writer.write(1);
        often.fetch_all();
        often.world.index();
        if n.is_multiple_of(5) {
            seldom.fetch("selvedge");
            seldom.world.index();
            seldom.fetch("weft");
            seldom.world.index();
        }
    }
    seldom.fetch_all();
    let late = Replica::of(&writer);
    let replicas = [&often, &seldom, &late];
    for replica in replicas {
        replica.world.index();
    }
    assert_eq!(often.numbers(), seldom.numbers());
    assert_eq!(often.numbers(), late.numbers());
    assert!(often.numbers().len() > 20);

    let servers = replicas.map(|replica| replica.world.serve());
    for path in pages(16) {
        let [first, others @ ..] = servers.each_ref().map(|server| server.get(&path));
        for other in &others {
            assert!(
                shown(&first) == shown(other),
                "{path}: {} {:?}\n{}\n{} {:?}\n{}",
                first.status,
                first.headers,
                first.text(),
                other.status,
                other.headers,
                other.text()
            );
        }
        // So a copy from one is known for good by the others.
        if let (200, Some(tag)) = (first.status, first.header("etag")) {
            let ask = Ask::get(&path).with("If-None-Match", tag);
            assert_eq!(servers[2].ask(ask).status, 304, "{path}");
        }
    }
}

#[test]
fn a_date_alone_never_keeps_late_mail_from_those_who_ask_by_it() {
    let mut writer = Writer::new();
    writer.write(5);
    let replica = Replica::of(&writer);
    replica.world.index();
    let server = replica.world.serve();
    let pages = [
        "/warp/",
        "/warp/new.html",
        "/warp/new.atom",
        "/warp/topics_new.html",
        "/warp/all.mbox.gz",
        "/warp/4@writer.example/T/",
        "/warp/4@writer.example/t.mbox.gz",
    ];
    let before = pages.map(|path| server.get(path).ok());
    // Its date is before that of all others.
    let late = Mail::new("late@writer.example", "Late", 1).answers("4@writer.example");
    writer.epochs[0].add(&[late.bytes()]);
    replica.fetch_all();
    wait_until("the late mail is there", || {
        server.get("/warp/late@writer.example/").status == 200
    });
    for (path, before) in pages.iter().zip(&before) {
        let date = before.says("last-modified");
        let again = server.ask(Ask::get(path).with("If-Modified-Since", date));
        assert!(again.ok().body != before.body, "{path}");
        let now = server.get(path).ok();
        let date = now.says("last-modified");
        server
            .ask(Ask::get(path).with("If-Modified-Since", date))
            .status(304);
    }
    let manifest = server.get("/manifest.js.gz").ok();
    // A push that is older than another repository's.
    writer.epochs[2].add(&[late.bytes()]);
    replica.fetch_all();
    let again = || {
        let date = manifest.says("last-modified");
        server.ask(Ask::get("/manifest.js.gz").with("If-Modified-Since", date))
    };
    assert!(again().ok().gunzip() != manifest.gunzip());
}

/// A balancer in front of some servers.
struct Balancer {
    child: Child,
    address: SocketAddr,
}

impl Balancer {
    /// `None` where it is not installed.
    fn start(dir: &Path, servers: &[SocketAddr]) -> Option<Balancer> {
        let program = [
            "/usr/sbin/haproxy",
            "/usr/bin/haproxy",
            "/usr/local/sbin/haproxy",
        ]
        .iter()
        .find(|path| Path::new(path).exists())?;
        let address = free("127.0.0.1");
        let lines: Vec<String> = servers
            .iter()
            .enumerate()
            .map(|(n, server)| format!("    server s{n} {server} check\n"))
            .collect();
        // The settings that docs/scaling.md advises, with shorter times.
        let config = include_str!("../../docs/haproxy.cfg")
            .replace(":80 ", &format!("{address} "))
            .replace("inter 2s", "inter 100ms");
        let (head, _) = config.split_once("    server ").unwrap();
        let path = dir.join("haproxy.cfg");
        fs::write(&path, format!("{head}{}", lines.concat())).unwrap();
        let child = Command::new(program)
            .args(["-db", "-f"])
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.join("haproxy.log")).unwrap())
            .spawn()
            .unwrap();
        Some(Balancer { child, address })
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An address that nobody listens at.
fn free(host: &str) -> SocketAddr {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}

#[test]
fn behind_a_balancer_no_request_fails_while_one_dies_and_another_is_upgraded() {
    let mut writer = Writer::new();
    writer.write(8);
    let replicas: Vec<Replica> = (0..3).map(|_| Replica::of(&writer)).collect();
    let addresses: Vec<SocketAddr> = (2..5).map(|n| free(&format!("127.0.0.{n}"))).collect();
    let start = |n: usize| -> Server {
        let address = addresses[n].to_string();
        replicas[n].world.serve_at(&address, &[])
    };
    for replica in &replicas {
        replica.world.index();
    }
    let mut servers: Vec<Option<Server>> = (0..3).map(|n| Some(start(n))).collect();
    let scratch = World::new();
    let Some(balancer) = Balancer::start(&scratch.path("."), &addresses) else {
        skipped!("HAProxy is not installed");
        return;
    };
    let front = balancer.address;
    wait_until("the balancer answers", || {
        std::net::TcpStream::connect(front).is_ok() && Ask::get("/warp/").send(front).status == 200
    });

    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let failures: Arc<Mutex<Vec<String>>> = Arc::default();
    let visitors: Vec<_> = (0..3)
        .map(|n| {
            let (stop, answered) = (stop.clone(), answered.clone());
            let failures = failures.clone();
            std::thread::spawn(move || {
                let mut paths = pages(8);
                // How copies differ is told of some only.
                paths.retain(|path| !path.ends_with("/d/") && !path.starts_with("/selvedge/"));
                paths.retain(|path| !path.starts_with("/weft/") || !path.contains('@'));
                for path in paths.iter().cycle().skip(n * 50) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let reply = Ask::get(path).send(front);
                    if reply.status != 200 || !reply.whole {
                        let said = format!("{path}: {} {}", reply.status, reply.text());
                        failures.lock().unwrap().push(said);
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let some_more = |what: &str| {
        let then = answered.load(Ordering::Relaxed);
        wait_until(what, || answered.load(Ordering::Relaxed) > then + 300);
    };

    some_more("all three answer");
    drop(servers[0].take()); // killed without a word
    some_more("two answer");
    writer.write(2);
    replicas[1].fetch_all();
    replicas[2].fetch_all();
    some_more("mail comes meanwhile");
    replicas[0].fetch_all();
    servers[0] = Some(start(0));
    some_more("the dead one is back, and indexes what it has missed");
    assert!(servers[1].take().unwrap().stop());
    some_more("another is taken down for its upgrade");
    servers[1] = Some(start(1));
    some_more("it is back");
    stop.store(true, Ordering::Relaxed);
    for visitor in visitors {
        visitor.join().unwrap();
    }
    let failures = failures.lock().unwrap();
    assert!(
        failures.is_empty(),
        "{} failed: {:#?}",
        failures.len(),
        &failures[..1]
    );
    wait_until("all have all mail", || {
        let newest = |server: &Option<Server>| {
            server
                .as_ref()
                .unwrap()
                .get("/all/9@writer.example/")
                .status
                == 200
        };
        servers.iter().all(newest)
    });
    for path in pages(10) {
        let replies: Vec<Reply> = servers
            .iter()
            .map(|server| server.as_ref().unwrap().get(&path))
            .collect();
        assert!(
            replies
                .iter()
                .all(|reply| shown(reply) == shown(&replies[0])),
            "{path}"
        );
    }
}
