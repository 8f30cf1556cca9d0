//! git and those who mirror, against a running server: clones of every kind, the manifest, and what is refused.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, Weak};

use serde_json::Value;

use crate::support::{Ask, Mail, Server, Site, World, share, wait_until};

/// `warp` has two epochs, the second one packed; `weft` is of version 1.
fn mirrored() -> Arc<Site> {
    static SITE: Mutex<Weak<Site>> = Mutex::new(Weak::new());
    share(&SITE, build)
}

fn build() -> World {
    let mut world = World::new();
    let mut first = world.inbox("warp");
    first.add(&mails("first", 30));
    let mut second = crate::support::Epoch::new(&world.path("lists/warp/git/1.git"));
    second.add(&mails("second", 30));
    second.repack();
    std::fs::write(second.dir.join("description"), "The new times\n").unwrap();
    world.version_1("weft", &mails("old", 5));
    world
}

fn mails(name: &str, count: u32) -> Vec<Vec<u8>> {
    let mail = |n| {
        let mail = Mail::new(&format!("{name}-{n}@weaver.example"), "Threads", n);
        mail.says(&format!("{name} {n} ").repeat(200)).bytes()
    };
    (0..count).map(mail).collect()
}

/// git at work in a directory of its own.
struct Work(tempfile::TempDir);

impl Work {
    fn new() -> Work {
        Work(tempfile::TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env_remove("http_proxy")
            .env_remove("GIT_DIR");
        command
    }

    fn git(&self, args: &[&str]) -> Output {
        self.command("git").args(args).output().unwrap()
    }

    /// What git prints when all goes well.
    #[track_caller]
    fn well(&self, args: &[&str]) -> String {
        let done = self.git(args);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// The commit that a repository is at, and how many it has.
    #[track_caller]
    fn state(&self, repository: &Path) -> (String, usize) {
        let repository = repository.to_str().unwrap();
        let tip = self.well(&["-C", repository, "rev-parse", "HEAD"]);
        let count = self.well(&["-C", repository, "rev-list", "--count", "--all"]);
        (tip, count.parse().unwrap())
    }
}

fn epoch(site: &Site, number: u32) -> PathBuf {
    site.world.path(&format!("lists/warp/git/{number}.git"))
}

#[test]
fn a_mirror_is_made_by_every_version_of_the_protocol_and_every_address() {
    let (site, work) = (mirrored(), Work::new());
    let wanted = work.state(&epoch(&site, 1));
    for (number, version) in ["0", "1", "2"].iter().enumerate() {
        let config = format!("protocol.version={version}");
        let (url, to) = (format!("{}warp/1", site.url()), format!("v{number}"));
        work.well(&["-c", &config, "clone", "-q", "--mirror", &url, &to]);
        assert_eq!(work.state(&work.path(&to)), wanted, "version {version}");
        work.well(&["-C", &to, "fsck", "--strict", "--connectivity-only"]);
    }
    for address in ["warp/1", "warp/1.git", "warp/git/1.git", "warp/1/"] {
        let refs = work.well(&["ls-remote", &format!("{}{address}", site.url()), "HEAD"]);
        assert!(refs.starts_with(&wanted.0), "{address}: {refs}");
    }
}

#[test]
fn an_inbox_of_version_1_is_cloned_at_its_own_address() {
    let (site, work) = (mirrored(), Work::new());
    let url = format!("{}weft", site.url());
    work.well(&["clone", "-q", "--mirror", &url, "smart"]);
    let mut plain = work.command("git");
    plain.env("GIT_SMART_HTTP", "0");
    let done = plain
        .args(["clone", "-q", "--mirror", &url, "plain"])
        .status()
        .unwrap();
    assert!(done.success());
    let wanted = work.state(&site.world.path("lists/weft"));
    assert_eq!(work.state(&work.path("smart")), wanted);
    assert_eq!(work.state(&work.path("plain")), wanted);
}

#[test]
fn without_git_clones_go_by_the_plain_protocol() {
    let (mut world, work) = (World::new(), Work::new());
    let mut epoch = world.inbox("x");
    epoch.add(&[Mail::new("one@x.example", "One", 1).bytes()]);
    let dir = epoch.dir.clone();
    world.index();
    let server = world.serve_as("serve.log", &[("PATH", "/nowhere")], &[]);
    let url = format!("{}x/git/0.git", server.url());
    work.well(&["clone", "-q", "--mirror", &url, "plain"]);
    assert_eq!(work.state(&work.path("plain")), work.state(&dir));
    assert!(server.stop());
}

#[test]
fn shallow_clones_have_what_they_asked_for_and_can_be_deepened() {
    let (site, work) = (mirrored(), Work::new());
    let url = format!("{}warp/git/0.git", site.url());
    for version in ["0", "2"] {
        let config = format!("protocol.version={version}");
        let (one, since) = (format!("one{version}"), format!("since{version}"));
        work.well(&[
            "-c",
            &config,
            "clone",
            "-q",
            "--mirror",
            "--depth=1",
            &url,
            &one,
        ]);
        assert_eq!(work.state(&work.path(&one)).1, 1);
        // A commit is made each minute from 1,770,000,000 on.
        let date = "--shallow-since=@1770001500";
        work.well(&["-c", &config, "clone", "-q", "--mirror", date, &url, &since]);
        assert_eq!(work.state(&work.path(&since)).1, 5);
        let date = "--shallow-since=@1770001200";
        work.well(&[
            "-C",
            &since,
            "-c",
            &config,
            "fetch",
            "-q",
            "origin",
            date,
            "--update-shallow",
        ]);
        assert_eq!(work.state(&work.path(&since)).1, 10);
        work.well(&[
            "-C",
            &one,
            "-c",
            &config,
            "fetch",
            "-q",
            "--unshallow",
            "origin",
        ]);
        assert_eq!(work.state(&work.path(&one)), work.state(&epoch(&site, 0)));
    }
}

#[test]
fn a_clone_without_mail_fetches_mail_when_it_is_read() {
    let (site, work) = (mirrored(), Work::new());
    let url = format!("{}warp/1", site.url());
    work.well(&["clone", "-q", "--bare", "--filter=blob:none", &url, "bare"]);
    let missing = work.well(&[
        "-C",
        "bare",
        "rev-list",
        "--all",
        "--objects",
        "--missing=print",
    ]);
    assert_eq!(
        missing.lines().filter(|line| line.starts_with('?')).count(),
        30
    );
    let mail = work.well(&["-C", "bare", "cat-file", "blob", "HEAD:m"]);
    assert!(mail.contains("<second-29@weaver.example>"), "{mail}");
}

#[test]
fn the_plain_protocol_needs_no_preparation() {
    let (site, work) = (mirrored(), Work::new());
    for number in [0, 1] {
        let mut git = work.command("git");
        let (url, to) = (format!("{}warp/{number}", site.url()), format!("{number}"));
        git.env("GIT_SMART_HTTP", "0")
            .args(["clone", "-q", "--mirror", &url, &to]);
        assert!(git.status().unwrap().success(), "{url}");
        assert_eq!(
            work.state(&work.path(&to)),
            work.state(&epoch(&site, number))
        );
    }
    assert!(!epoch(&site, 0).join("info/refs").exists());
}

#[test]
fn new_mail_is_there_for_the_next_fetch() {
    let mut world = World::new();
    let mut epoch = world.inbox("live");
    epoch.add(&mails("live", 5));
    world.index();
    let (server, work) = (world.serve(), Work::new());
    let url = format!("{}live/0", server.url());
    work.well(&["clone", "-q", "--mirror", &url, "mirror"]);
    let before = server.get("/live/manifest.js.gz").ok();
    epoch.add(&mails("more", 300));
    work.well(&["-C", "mirror", "remote", "update"]);
    assert_eq!(work.state(&work.path("mirror")), work.state(&epoch.dir));
    let since =
        Ask::get("/live/manifest.js.gz").with("If-Modified-Since", before.says("last-modified"));
    assert_ne!(server.ask(since).ok().body, before.body);
}

#[test]
fn nobody_pushes() {
    let (site, work) = (mirrored(), Work::new());
    let url = format!("{}warp/1", site.url());
    work.well(&["clone", "-q", "--bare", &url, "mine"]);
    assert!(
        !work
            .git(&["-C", "mine", "push", &url, "HEAD:refs/heads/mine"])
            .status
            .success()
    );
    site.get("/warp/1/info/refs?service=git-receive-pack")
        .status(404);
    let pushed = Ask::new("POST", "/warp/1/git-receive-pack").body(b"0000");
    assert!(matches!(site.ask(pushed).status, 404 | 405));
    assert_eq!(work.well(&["ls-remote", &url, "refs/heads/mine"]), "");
}

#[test]
fn what_is_not_served_is_not_there() {
    let site = mirrored();
    for path in [
        "/warp/2/HEAD",
        "/warp/99/info/refs?service=git-upload-pack",
        "/warp/info/refs?service=git-upload-pack",
        "/warp/4294967296/HEAD",
        "/nowhere/0/HEAD",
        "/nowhere/0/info/refs?service=git-upload-pack",
        "/weft/0/HEAD",
        "/warp/1/config",
        "/warp/1/hooks/update.sample",
        "/warp/1/../1.git/config",
        "/warp/1/objects/info/alternates",
        "/warp/1/objects/pack/pack-0000000000000000000000000000000000000000.pack",
    ] {
        assert!(
            matches!(site.get(path).status, 301 | 404),
            "{path}: {}",
            site.get(path).status
        );
    }
    for (ask, status) in [
        (Ask::get("/warp/1/git-upload-pack"), 405),
        (Ask::new("POST", "/warp/1/info/refs").body(b""), 405),
        (
            Ask::new("POST", "/warp/1/git-upload-pack").body(b"0000"),
            415,
        ),
        (request("/warp/9/git-upload-pack").body(b"0000"), 404),
        (
            request("/warp/1/git-upload-pack").body(b"this is no packet line"),
            400,
        ),
        (
            request("/warp/1/git-upload-pack")
                .with("Content-Encoding", "gzip")
                .body(b"no gzip"),
            400,
        ),
        (
            request("/warp/1/git-upload-pack")
                .with("Content-Encoding", "br")
                .body(b"0000"),
            415,
        ),
        (
            request("/warp/1/git-upload-pack")
                .with("Content-Encoding", "gzip")
                .body(&bomb(&site)),
            413,
        ),
        (request("/warp/1/git-upload-pack").body(b"0000"), 200),
    ] {
        let shown = format!("{ask:?}").chars().take(200).collect::<String>();
        assert_eq!(site.ask(ask).status, status, "{shown}");
    }
}

fn request(path: &str) -> Ask {
    Ask::new("POST", path).with("Content-Type", "application/x-git-upload-pack-request")
}

/// Wants the same thing over and over: 11 MB in a few kilobytes.
fn bomb(site: &Site) -> Vec<u8> {
    let refs = site.get("/warp/1/info/refs").ok().text();
    let want = format!("0032want {}\n", refs.split('\t').next().unwrap());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder
        .write_all(want.repeat((11 << 20) / want.len()).as_bytes())
        .unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_refs_come_as_git_itself_would_say_them() {
    let site = mirrored();
    let url = "/warp/1/info/refs?service=git-upload-pack";
    let first = site.get(url).ok();
    assert_eq!(
        first.says("content-type"),
        "application/x-git-upload-pack-advertisement"
    );
    assert!(first.says("cache-control").contains("no-cache"));
    assert!(
        first
            .text()
            .starts_with("001e# service=git-upload-pack\n0000")
    );
    let second = site
        .ask(Ask::get(url).with("Git-Protocol", "version=2"))
        .ok();
    assert!(
        second.text().starts_with("000eversion 2\n"),
        "{}",
        second.text()
    );
    let odd = site
        .ask(Ask::get(url).with("Git-Protocol", "version=2;$(x) \""))
        .ok();
    assert!(odd.text().starts_with("001e# service"), "not a protocol");
    let head = site.head(url);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.says("content-type"), first.says("content-type"));
}

#[test]
fn files_of_objects_come_in_parts_and_are_kept_for_good() {
    let site = mirrored();
    let packs = site.get("/warp/1/objects/info/packs").ok().text();
    let name = packs
        .lines()
        .next()
        .unwrap()
        .strip_prefix("P ")
        .unwrap()
        .to_owned();
    let path = format!("/warp/1/objects/pack/{name}");
    let whole = site.get(&path).ok();
    assert_eq!(
        whole.body,
        std::fs::read(epoch(&site, 1).join("objects/pack").join(&name)).unwrap()
    );
    assert_eq!(
        whole.says("content-type"),
        "application/x-git-packed-objects"
    );
    assert_eq!(
        whole.says("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(whole.says("accept-ranges"), "bytes");
    let date = whole.says("last-modified").to_owned();
    site.ask(Ask::get(&path).with("If-Modified-Since", &date))
        .status(304);
    let of = whole.body.len();
    for (range, first, last) in [
        ("bytes=12-99", 12, 99),
        ("bytes=12-", 12, of - 1),
        ("bytes=-20", of - 20, of - 1),
    ] {
        let part = site.ask(Ask::get(&path).with("Range", range)).status(206);
        assert_eq!(part.body, whole.body[first..=last], "{range}");
        assert_eq!(
            part.says("content-range"),
            format!("bytes {first}-{last}/{of}")
        );
    }
    let beyond = site
        .ask(Ask::get(&path).with("Range", &format!("bytes={of}-")))
        .status(416);
    assert_eq!(beyond.says("content-range"), format!("bytes */{of}"));
    let head = site.head(&path);
    assert_eq!(
        (head.status, head.says("content-length")),
        (200, of.to_string().as_str())
    );
    let text = site.get("/warp/1/HEAD").ok();
    assert_eq!(text.text(), "ref: refs/heads/master\n");
    assert!(text.says("cache-control").contains("no-cache"));
    let date = text.says("last-modified").to_owned();
    site.ask(Ask::get("/warp/1/HEAD").with("If-Modified-Since", &date))
        .status(304);
}

#[test]
fn a_long_pack_is_sent_whole_and_its_length_is_said_before() {
    let mut world = World::new();
    let mut epoch = world.inbox("long");
    // What does not pack well: 4 MB of it.
    let mut state = 1_u64;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        format!("{state:016x}")
    };
    let mails: Vec<_> = (0..40)
        .map(|n| {
            let words: Vec<String> = (0..12_000).map(|_| word()).collect();
            Mail::new(&format!("{n}@long.example"), "Long", n)
                .says(&words.join("\n"))
                .bytes()
        })
        .collect();
    epoch.add(&mails);
    epoch.repack();
    world.index();
    let (server, work) = (world.serve(), Work::new());
    let packs = server.get("/long/0/objects/info/packs").ok().text();
    let name = packs
        .lines()
        .next()
        .unwrap()
        .strip_prefix("P ")
        .unwrap()
        .to_owned();
    let reply = server.get(&format!("/long/0/objects/pack/{name}")).ok();
    assert!(reply.body.len() > 3_000_000);
    assert_eq!(reply.says("content-length"), reply.body.len().to_string());
    let url = format!("{}long/0", server.url());
    work.well(&["clone", "-q", "--mirror", &url, "mirror"]);
    assert_eq!(work.state(&work.path("mirror")), work.state(&epoch.dir));
    leave_early(&server);
}

/// Takes the beginning of a pack and goes; nothing of git may be left behind.
fn leave_early(server: &Server) {
    let refs = server.get("/long/0/info/refs").ok().text();
    let tip = refs.split('\t').next().unwrap();
    let body = format!("0032want {tip}\n00000009done\n");
    let request = format!(
        "POST /long/0/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-upload-pack-request\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..3 {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut beginning = [0; 100];
        std::io::Read::read_exact(&mut stream, &mut beginning).unwrap();
        assert!(beginning.starts_with(b"HTTP/1.1 200"));
    }
    wait_until("git has gone", || server.children() == 0);
}

/// Begins to ask for a pack and leaves it at that: git waits, and keeps its place.
fn hold(server: &Server, inbox: &str) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    // A short question is heard to its end before git is asked.
    let line = "ref-prefix refs/heads/one-of-very-many\n";
    let line = format!("{:04x}{line}", line.len() + 4);
    let question = format!(
        "0014command=ls-refs\n0001{}",
        line.repeat(300_000 / line.len())
    );
    let head = format!(
        "POST /{inbox}/0/git-upload-pack HTTP/1.1\r\nHost: x\r\nGit-Protocol: version=2\r\n\
         Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 1000000\r\n\r\n{question}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn so_many_clones_go_on_at_once_and_others_wait_or_are_sent_away() {
    let mut world = World::new();
    for name in ["warp", "weft", "open"] {
        world.inbox(name).add(&mails(name, 3));
    }
    // Two inboxes share one place with no line before it; another has one with a line.
    world.add_to_config(
        "[publicinboxlimiter \"strict\"]\n\tmax = 1\n\tdepth = 0\n[publicinboxlimiter \"kind\"]\n\tmax = 1\n",
    );
    world.set_inbox("warp", "httpbackendmax = strict");
    world.set_inbox("weft", "httpbackendmax = strict");
    world.set_inbox("open", "httpbackendmax = kind");
    world.index();
    let server = world.serve();
    let (first, second) = (hold(&server, "warp"), hold(&server, "open"));
    wait_until("git waits for more", || server.children() == 2);

    let refs = |inbox: &str| format!("/{inbox}/0/info/refs?service=git-upload-pack");
    for inbox in ["warp", "weft"] {
        let refused = server.get(&refs(inbox)).status(503);
        assert!(refused.says("retry-after").parse::<u32>().unwrap() > 0);
    }
    // Who reads notices nothing, and who may wait does so until it is his turn.
    server.get("/warp/warp-0@weaver.example/").ok();
    let (url, to) = (format!("{}open/0", server.url()), world.path("waits.git"));
    let waits = std::thread::spawn(move || {
        let mut clone = Command::new("git");
        clone.args(["clone", "-q", "--mirror", &url]).arg(to);
        clone
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap()
    });
    drop(first);
    wait_until("there is a place again", || {
        server.get(&refs("weft")).status == 200
    });
    assert!(!waits.is_finished());
    drop(second);
    let done = waits.join().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    wait_until("all is over", || server.children() == 0);
}

#[test]
fn the_manifest_says_what_a_mirror_needs() {
    let (site, work) = (mirrored(), Work::new());
    // In the second in which a repository was written to there is no date to tell.
    wait_until("the second is over", || {
        let reply = site.head("/warp/manifest.js.gz");
        reply.says("last-modified") != "Thu, 01 Jan 1970 00:00:01 GMT"
    });
    let reply = site.get("/warp/manifest.js.gz").ok();
    assert_eq!(reply.says("content-type"), "application/gzip");
    let manifest: Value = serde_json::from_slice(&reply.gunzip()).unwrap();
    let keys: Vec<&String> = manifest.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["/warp/git/0.git", "/warp/git/1.git"]);
    let first = &manifest["/warp/git/0.git"];
    assert_eq!(first["description"], "The list warp [epoch 0]");
    assert_eq!(manifest["/warp/git/1.git"]["description"], "The new times");
    assert_eq!(first["modified"], 1_770_000_000 + 60 * 29);
    assert_eq!(
        (&first["owner"], &first["reference"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(first.get("head"), None);
    let refs = work.well(&["-C", epoch(&site, 0).to_str().unwrap(), "show-ref"]);
    assert_eq!(first["fingerprint"], sha1_hex(&format!("{refs}\n")));
    // Not the date of any commit: what is pushed late would have one that has gone by.
    let written = reply.says("last-modified").to_owned();
    for (date, status) in [
        (written.as_str(), 304),
        ("Mon, 02 Feb 2026 03:09:00 GMT", 200),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 200),
    ] {
        let ask = Ask::get("/warp/manifest.js.gz").with("If-Modified-Since", date);
        assert_eq!(site.ask(ask).status, status, "{date}");
    }
    let tag = Ask::get("/warp/manifest.js.gz").with("If-None-Match", reply.says("etag"));
    site.ask(tag).status(304);
    let whole = site.get("/manifest.js.gz").ok();
    let whole: Value = serde_json::from_slice(&whole.gunzip()).unwrap();
    assert_eq!(whole["/warp/git/0.git"], *first);
    assert_eq!(whole["/weft"]["description"], "The list weft");
    assert_eq!(whole.as_object().unwrap().len(), 3);
    site.head("/manifest.js.gz").ok();
}

fn sha1_hex(of: &str) -> String {
    use sha1::Digest;
    let digest = sha1::Sha1::digest(of.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_manifest_of_the_site_shows_what_the_settings_let_it() {
    for (setting, host, shown) in [
        ("grokManifest = all", "x.example", vec!["/open/git/0.git"]),
        (
            "grokManifest = match=domain",
            "lists.example.org:80",
            vec!["/open/git/0.git"],
        ),
        ("grokManifest = match=domain", "x.example", vec![]),
        ("grokManifest = 404", "lists.example.org", vec![]),
    ] {
        let mut world = World::new();
        world.inbox("open").add(&mails("open", 1));
        world.inbox("shut").add(&mails("shut", 1));
        world.set(&format!(
            "url = https://lists.example.org/\n[publicinbox]\n\t{setting}"
        ));
        world.set_inbox("shut", "hide = manifest");
        world.index();
        let server = world.serve();
        let reply = server
            .ask(Ask::get("/manifest.js.gz").with("Host", host))
            .ok();
        let manifest: Value = serde_json::from_slice(&reply.gunzip()).unwrap();
        let keys: Vec<&String> = manifest.as_object().unwrap().keys().collect();
        assert_eq!(keys, shown, "{setting} for {host}");
        let own: Value =
            serde_json::from_slice(&server.get("/shut/manifest.js.gz").ok().gunzip()).unwrap();
        assert!(own.get("/shut/git/0.git").is_some());
    }
}

#[test]
fn public_inbox_clone_makes_a_mirror_and_fetch_keeps_it() {
    let (site, work) = (mirrored(), Work::new());
    let clone = work
        .command("public-inbox-clone")
        .args(["-q", &format!("{}warp/", site.url()), "warp"])
        .output();
    let Ok(done) = clone else {
        skipped!("there is no public-inbox-clone");
        return;
    };
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    for number in [0, 1] {
        let mirror = work.path(&format!("warp/git/{number}.git"));
        assert_eq!(work.state(&mirror), work.state(&epoch(&site, number)));
    }
    let description = std::fs::read_to_string(work.path("warp/description")).unwrap();
    assert_eq!(description, "The list warp\n");
    let done = work
        .command("public-inbox-fetch")
        .args(["-q", "-C", "warp"])
        .output()
        .unwrap();
    // 127: nothing is new.
    assert!(
        matches!(done.status.code(), Some(0 | 127)),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}
