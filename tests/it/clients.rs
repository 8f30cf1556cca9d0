//! The programs that people use, against a running server: python's `mailbox`, a feed parser, git, a text browser.
//! What is not installed is skipped, saying so; `.ci/run` installs all of it.

use std::process::Command;

use crate::support::{Ask, World, demo};

/// Runs a program that may not be there. `None` where it is not, saying so.
fn run(program: &str, args: &[&str]) -> Option<(bool, String)> {
    match Command::new(program)
        .args(args)
        .env_remove("http_proxy")
        .output()
    {
        Ok(done) => {
            let said = [done.stdout, done.stderr].concat();
            Some((
                done.status.success(),
                String::from_utf8_lossy(&said).into_owned(),
            ))
        }
        Err(error) => {
            skipped!("{program}: {error}");
            None
        }
    }
}

/// Runs a python script with arguments; it says `ok` at its end.
#[track_caller]
fn python(script: &str, args: &[&str]) {
    let program = std::env::var("THREADBARE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let all: Vec<&str> = ["-c", script].iter().chain(args).copied().collect();
    let Some((well, said)) = run(&program, &all) else {
        return;
    };
    if said.trim_end().ends_with("No module named 'feedparser'") {
        skipped!("python has no feedparser");
        return;
    }
    assert!(well && said.trim_end().ends_with("ok"), "{said}");
}

#[test]
fn python_reads_our_mboxes() {
    let site = demo();
    let script = r#"
import gzip, mailbox, sys, urllib.request, email
data = gzip.decompress(urllib.request.urlopen(sys.argv[1]).read())
with open(sys.argv[2], 'wb') as f: f.write(data)
box = mailbox.mbox(sys.argv[2])
mails = [box.get_bytes(key) for key in box.keys()]
assert len(mails) == int(sys.argv[3]), len(mails)
ids = [email.message_from_bytes(m)['Message-ID'] for m in mails]
assert all(ids), ids
print('ok')
"#;
    let file = site.world.path("box.mbox");
    for list in ["loom", "loom-patches"] {
        let mails = threadbare::demo::mails();
        let count = mails.iter().filter(|(name, _)| *name == list).count();
        let url = format!("{}{list}/all.mbox.gz", site.url());
        python(script, &[&url, file.to_str().unwrap(), &count.to_string()]);
    }
}

#[test]
fn a_feed_parser_finds_nothing_to_complain_of() {
    let site = demo();
    let script = r#"
import feedparser, sys
for url in sys.argv[1:]:
    feed = feedparser.parse(url)
    assert not feed.bozo, (url, feed.get('bozo_exception'))
    assert feed.version == 'atom10', feed.version
    assert feed.entries and feed.feed.id and feed.feed.updated_parsed, url
    ids = [entry.id for entry in feed.entries]
    assert len(set(ids)) == len(ids), ids
    for entry in feed.entries:
        assert entry.link.startswith('http') and entry.updated_parsed and 'title' in entry, entry
print('ok')
"#;
    let base = site.url();
    let urls: Vec<String> = [
        "loom/new.atom",
        "loom/atom.xml",
        "loom-patches/new.atom",
        "loom/topics_new.atom",
        "loom/topics_active.atom",
        "loom/new.atom?t=20260505040000",
        "loom/vCpNPbEtS+GaM0uo@vav.example/t.atom",
        "loom/7a2f8549-7548-f3db8854@stanok.example/t.atom",
    ]
    .iter()
    .map(|path| format!("{base}{path}"))
    .collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    python(script, &urls);
}

#[test]
fn feeds_are_well_formed_xml() {
    let site = demo();
    let script = r#"
import sys, urllib.request, xml.etree.ElementTree as tree
for url in sys.argv[1:]:
    root = tree.fromstring(urllib.request.urlopen(url).read())
    assert root.tag == '{http://www.w3.org/2005/Atom}feed', root.tag
print('ok')
"#;
    let urls = [
        format!("{}loom/new.atom", site.url()),
        format!(
            "{}loom/20260505010009.60f7a5@ithaca.example/t.atom",
            site.url()
        ),
    ];
    python(script, &[&urls[0], &urls[1]]);
}

#[test]
fn a_text_browser_shows_a_thread() {
    let site = demo();
    let url = format!("{}loom/vCpNPbEtS+GaM0uo@vav.example/", site.url());
    let Some((well, said)) = run("w3m", &["-dump", "-cols", "100", &url]) else {
        return;
    };
    assert!(
        well && said.contains("Thread overview") && said.contains("Floating words"),
        "{said}"
    );
}

#[test]
fn b4_asks_for_a_thread_and_gets_it() {
    // As captured: the whole id is escaped, and on a 404 it asks the top of the site by HEAD.
    let site = demo();
    let ask = |path: &str| {
        Ask::get(path)
            .with("User-Agent", "b4/0.16.0")
            .with("Accept-Encoding", "gzip, deflate")
    };
    let reply = site
        .ask(ask(
            "/loom/wLE3%2Fi15JFnyb%2Fdj%40selvedge.example/t.mbox.gz",
        ))
        .ok();
    assert_eq!(reply.says("content-type"), "application/gzip");
    assert!(!reply.gunzip().is_empty());
    site.ask(ask("/loom/no-such-message%40example.invalid/t.mbox.gz"))
        .status(404);
    site.head("/no-such-message%40example.invalid/").status(404);
    let found = site.head("/wLE3%2Fi15JFnyb%2Fdj%40selvedge.example/");
    assert!(matches!(found.status, 301 | 302), "{}", found.status);
    assert!(
        found
            .says("location")
            .ends_with("/loom/wLE3%2Fi15JFnyb%2Fdj@selvedge.example/")
    );
}

#[test]
fn newsboat_asks_for_a_feed_and_asks_again() {
    let site = demo();
    let ask = || {
        Ask::get("/loom/new.atom")
            .with("User-Agent", "newsboat/2.21.0 (Linux x86_64)")
            .with("Accept-Encoding", "gzip, deflate")
    };
    let first = site.ask(ask()).ok();
    let again = site.ask(ask().with("If-None-Match", first.says("etag")));
    again.status(304);
}

#[test]
fn the_demo_needs_nothing_but_itself() {
    let world = World::new();
    let help = world.run(&["--help"]);
    let said = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.status.success());
    for command in ["demo", "init", "index", "serve"] {
        assert!(said.contains(command), "{command}: {said}");
        assert!(
            world.run(&[command, "--help"]).status.success(),
            "{command}"
        );
    }
    assert!(!world.run(&["no-such-command"]).status.success());
}

#[test]
fn init_makes_an_inbox_twice_and_refuses_what_would_clash() {
    let world = World::new();
    let dir = world.path("made");
    let args = [
        "init",
        "made",
        "made@lists.example.org",
        "--url",
        "https://lists.example.org/made/",
        "--dir",
    ];
    let with_dir: Vec<&str> = args
        .iter()
        .copied()
        .chain([dir.to_str().unwrap()])
        .collect();
    for _ in 0..2 {
        let done = world.run(&with_dir);
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    assert!(dir.join("inbox.lock").exists());
    let other = world.path("other");
    let clash = world.run(&[
        "init",
        "made",
        "other@lists.example.org",
        "--url",
        "https://x.example/",
        "--dir",
        other.to_str().unwrap(),
    ]);
    assert!(!clash.status.success());
    assert!(!clash.stderr.is_empty());
}
