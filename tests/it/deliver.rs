//! `threadbare deliver`: one mail on standard input, codes of sysexits, and the same archive as public-inbox-mda makes.

use std::fs;
use std::path::Path;

use crate::support::incoming::{kept, nasty, new_inbox, with_input};
use crate::support::peer::{Peer, numbers_of_ours, numbers_of_theirs};
use crate::support::{Mail, World, git_text, wait_until};

fn mail(id: &str) -> Vec<u8> {
    let mail = Mail::new(id, "a subject", 1).bytes();
    String::from_utf8(mail)
        .unwrap()
        .replace("test@lists", "loom@lists")
        .into_bytes()
}

#[test]
fn a_mail_finds_its_inbox_and_the_mail_server_hears_what_became_of_it() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let other = new_inbox(&mut world, "other");
    world.set_inbox("other", "listid = other.example.org");
    world.set("maxMessageSize = 100k");
    let code = |args: &[&str], recipient: Option<&str>, raw: &[u8]| {
        let args = [&["deliver"], args].concat();
        with_input(&world, &args, recipient, raw).status.code()
    };
    let html = [&b"Content-Type: text/html\n"[..], &mail("html@x")].concat();
    let long = [mail("long@x"), b"x".repeat(200 << 10)].concat();
    let listed = [&b"List-Id: <OTHER.example.org>\n"[..], &mail("listed@x")].concat();
    for (args, recipient, raw, expected) in [
        (
            &[][..],
            Some("LOOM@lists.example.org"),
            &mail("one@x")[..],
            0,
        ),
        (&[], Some("loom@lists.example.org"), &mail("one@x"), 0),
        (&["loom"], None, &mail("two@x"), 0),
        (&["--no-precheck"], None, &listed, 0),
        (&["--no-precheck"], Some("nobody@example.org"), &listed, 0),
        (&[], Some("nobody@example.org"), &mail("three@x"), 67),
        (&["nowhere"], None, &mail("three@x"), 67),
        (&["loom"], None, &html, 65),
        (&["loom"], None, &long, 65),
        (&["other"], None, &mail("unaddressed@x"), 0),
    ] {
        assert_eq!(
            code(args, recipient, raw),
            Some(expected),
            "{args:?} {recipient:?}"
        );
    }
    let ids = |dir: &Path| {
        let mails = kept(dir).into_iter();
        let texts: Vec<String> = mails.map(|raw| String::from_utf8(raw).unwrap()).collect();
        let id = |text: &String| {
            text.split("Message-ID: <")
                .nth(1)
                .unwrap()
                .split('@')
                .next()
                .unwrap()
                .to_owned()
        };
        texts.iter().map(id).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids(&loom), "one two");
    assert_eq!(ids(&other), "listed");
    assert!(
        String::from_utf8(kept(&loom).remove(0))
            .unwrap()
            .contains("List-Id: <loom.lists.example.org>")
    );
    let aside = fs::read_dir(world.path(".public-inbox/emergency/new")).unwrap();
    assert_eq!(
        aside.count(),
        1,
        "what looks wrong is kept for a person to look at"
    );

    let elsewhere = World::new();
    fs::write(elsewhere.path("config"), "").unwrap();
    let later = with_input(&elsewhere, &["deliver", "loom"], None, &mail("four@x"));
    assert_eq!(
        later.status.code(),
        Some(75),
        "no mail bounces for want of a config"
    );

    world.set_inbox("loom", "filter = PublicInbox::Filter::Nonsense");
    let later = with_input(&world, &["deliver", "loom"], None, &mail("four@x"));
    assert_eq!(later.status.code(), Some(75), "the mail server keeps it");
    assert_eq!(ids(&loom), "one two");
}

#[test]
fn spam_is_put_aside_and_a_check_that_fails_is_tried_again() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    world.set("spamCheck = grep -qv MONEY");
    let code = |world: &World, id: &str, body: &str| {
        let raw = [mail(id), body.as_bytes().to_vec()].concat();
        with_input(world, &["deliver", "loom"], None, &raw)
            .status
            .code()
    };
    // `grep -v` is content with any line that is free of it: a mail of one word has none.
    assert_eq!(code(&world, "ham@x", ""), Some(0));
    world.set("spamCheck = sh -c 'exit 1'");
    assert_eq!(code(&world, "spam@x", ""), Some(0));
    world.set("spamCheck = sh -c 'exit 9'");
    assert_eq!(code(&world, "later@x", ""), Some(75));
    assert_eq!(kept(&loom).len(), 1);
    assert_eq!(
        fs::read_dir(world.path(".public-inbox/emergency/new"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn what_is_delivered_is_there_at_once_with_a_server_or_without() {
    let mut world = World::new();
    new_inbox(&mut world, "loom");
    let done = with_input(&world, &["deliver", "loom"], None, &mail("before@x"));
    assert!(done.status.success());
    let found = world.run(&["search", "subject"]);
    assert!(
        String::from_utf8_lossy(&found.stdout).contains("before@x"),
        "{found:?}"
    );
    let server = world.serve();
    assert_eq!(server.get("/loom/before@x/raw").status, 200);
    let done = with_input(&world, &["deliver", "loom"], None, &mail("while@x"));
    assert!(done.status.success());
    wait_until("a mail that was delivered", || {
        server.get("/loom/while@x/raw").status == 200
    });
}

/// A mail as both sides may have it: made-up ids differ, and so do the names of the inboxes.
fn comparable(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw)
        .replace("<pi.lists", "<LIST")
        .replace("<tb.lists", "<LIST");
    let lines = text.split_inclusive('\n').map(|line| {
        match line.starts_with("Message-ID: <20") && line.ends_with("@z>\n") {
            true => "MADE UP\n",
            false => line,
        }
    });
    lines.collect()
}

#[test]
fn public_inbox_stores_the_same_and_gives_the_same_numbers() {
    let mut world = World::new();
    let (ours, theirs) = (new_inbox(&mut world, "tb"), new_inbox(&mut world, "pi"));
    for name in ["tb", "pi"] {
        world.set_inbox(name, "filter = PublicInbox::Filter::Mirror");
    }
    world.add_to_config("[publicinboxmda]\n\tspamcheck = none\n");
    let Some(peer) = Peer::find(&world, &["mda", "index"]) else {
        return;
    };
    let head = "From: \"Fred (F) O'Neil\" <fred@Example.com>, b@x\nTo: test@lists.example.org\n";
    let dated = "Date: Tue, 2 Feb 2021 09:59:00 -0730\n";
    let mails: Vec<String> = vec![
        format!(
            "From fred Mon Jan 1 00:00:00 2020\nDelivered-To: a@b\nReceived: from a by b; Tue, 02 Feb 2021 10:00:00 +0530\n{head}\
                 Status: RO\nBytes: 4\nLines: 2\nContent-Length: 33\nX-Approved: 4\nUrgent: yes\n\
                 Subject: =?utf-8?q?h=C3=A9llo?=  two   blanks\n\tfolded\n{dated}Message-ID: <one@x>\nX-PMRQC: 3\nApproved: foo\n\nbody\n"
        ),
        format!("{head}{dated}\nno id, no subject\n"),
        format!("{head}{dated}Subject: reused\nMessage-ID: <one@x>\n\nanother body\n"),
        format!("{head}{dated}Subject: reused\nMessage-ID: <one@x>\n\nanother body\n"),
        format!(
            "{head}{dated}Subject: ids\nMessage-ID: <m1@x>\nMessage-ID: <m2@x> <m3@x>\n\ntext\n"
        ),
        format!(
            "{head}{dated}Subject: ids\nMessage-ID: <m1@x>\nMessage-ID: <m2@x> <m3@x>\n\nother text\n"
        ),
        format!("{head}{dated}Subject: ids\nMessage-ID: <m2@x>\n\nthird text\n"),
        format!("{head}{dated}Subject: crlf\nStatus: R\nMessage-ID: <crlf@x>\n\nbody\n")
            .replace('\n', "\r\n"),
        format!(
            "Sender: s@x\nDate: Tue, 2 Feb 2021 09:59:00 +9999\nSubject: =?utf-8?q?a?= =?utf-8?q?b?=\nMessage-ID: <zone@x>\n\nx\n"
        ),
        format!(
            "From: =?iso-8859-1?q?J=F6rg?= <j@x>\nDate: Tue, 2 Feb 21 9:59 EST\nSubject: \nMessage-ID: <{}@x>\n\nx\n",
            "i".repeat(300)
        ),
        format!("{head}{dated}Subject: nobracket\nMessage-ID: foo@bar\n\nx\n"),
    ];
    for raw in &mails {
        let done = with_input(
            &world,
            &["deliver", "--no-precheck"],
            Some("tb@lists.example.org"),
            raw.as_bytes(),
        );
        assert!(done.status.success(), "{done:?}");
        peer.deliver("pi", raw.as_bytes());
    }
    let blobs = |dir: &Path| {
        kept(dir)
            .iter()
            .map(|raw| comparable(raw))
            .collect::<Vec<_>>()
    };
    assert_eq!(blobs(&ours), blobs(&theirs));
    assert_eq!(blobs(&ours).len(), mails.len() - 1, "one came twice");
    let commits = |dir: &Path| {
        git_text(
            &dir.join("git/0.git"),
            &["log", "--format=%an|%ae|%ad|%cd|%s|%b", "--date=raw"],
        )
    };
    assert_eq!(commits(&ours), commits(&theirs));

    // Both write to both, and count alike: public-inbox's writer must have seen what came before it.
    peer.run("index", &[ours.to_str().unwrap()]);
    let more = format!("{head}{dated}Subject: more\nMessage-ID: <more@x>\n\nmore\n");
    peer.deliver("tb", more.as_bytes());
    let again = with_input(
        &world,
        &["deliver", "--no-precheck", "pi"],
        None,
        more.as_bytes(),
    );
    assert!(again.status.success(), "{again:?}");
    world.index();
    for dir in [&ours, &theirs] {
        peer.run("index", &[dir.to_str().unwrap()]);
        assert_eq!(numbers_of_ours(&world, dir), numbers_of_theirs(dir));
    }
}

#[test]
fn nasty_mail_comes_in() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    world.set_inbox("loom", "filter = PublicInbox::Filter::Mirror");
    for (what, raw) in nasty() {
        let done = with_input(&world, &["deliver", "--no-precheck", "loom"], None, &raw);
        assert!(done.status.success(), "{what}: {done:?}");
    }
    assert_eq!(kept(&loom).len(), nasty().len());
    let server = world.serve();
    assert_eq!(server.get("/loom/").status, 200);
    assert_eq!(server.get("/loom/new.html").status, 200);
    assert_eq!(server.get("/loom/all.mbox.gz").status, 200);
}
