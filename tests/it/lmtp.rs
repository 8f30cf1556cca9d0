//! `serve --lmtp`: what mail servers say, what others might, and that nothing is acknowledged and lost.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::Caller;
use crate::support::incoming::{kept, nasty, new_inbox};
use crate::support::{Mail, Server, World, wait_until};

fn mail(id: &str, list: &str) -> Vec<u8> {
    let mail = Mail::new(id, "a subject", 1).bytes();
    let mail = String::from_utf8(mail).unwrap();
    mail.replace(
        "test@lists.example.org",
        &format!("{list}@lists.example.org"),
    )
    .into_bytes()
}

fn serving(world: &World, args: &[&str]) -> (Server, std::path::PathBuf) {
    let socket = world.path("lmtp.sock");
    let args = [&["--lmtp", socket.to_str().unwrap()], args].concat();
    (world.serve_with(&args), socket)
}

#[test]
fn every_recipient_has_an_answer_of_its_own() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let plain = new_inbox(&mut world, "plain");
    world.set_inbox("loom", "filter = PublicInbox::Filter::Mirror");
    world.set("maxMessageSize = 1m");
    let (server, socket) = serving(&world, &["--no-precheck"]);
    let mut caller = Caller::new(&socket);
    for (line, code) in [
        ("RCPT TO:<loom@lists.example.org>", "503"),
        ("EHLO x", "500"),
        ("MAIL FROM:a@b", "501"),
        ("MAIL FROM:<a@b> SIZE=99999999", "552"),
        ("MAIL FROM:<>", "250"),
        ("MAIL FROM:<>", "503"),
        ("DATA", "503"),
        ("RCPT TO:<nobody@lists.example.org>", "550"),
        ("RCPT TO:<LOOM@lists.example.org>", "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        ("NOOP", "250"),
        ("VRFY loom", "252"),
        ("FOO", "500"),
    ] {
        assert_eq!(caller.say(line), code, "{line}");
    }
    let both = ["loom@lists.example.org", "plain@lists.example.org"];
    let html = [&b"Content-Type: text/html\n"[..], &mail("html@x", "loom")].concat();
    assert_eq!(
        caller.send(&both, &html),
        ["250", "554"],
        "one list takes no HTML"
    );
    assert_eq!(caller.send(&both, &mail("one@x", "loom")), ["250", "250"]);
    assert_eq!(
        caller.send(&both[..1], &mail("one@x", "loom")),
        ["250"],
        "a duplicate is no error"
    );
    let long = [mail("long@x", "loom"), b"x".repeat(2 << 20)].concat();
    assert_eq!(caller.send(&both, &long), ["552", "552"]);
    let dots = [mail("dots@x", "loom"), b".\n..\nend\n".to_vec()].concat();
    assert_eq!(caller.send(&both[..1], &dots), ["250"]);
    assert_eq!(caller.say("QUIT"), "221");
    assert!(kept(&loom)[2].ends_with(b".\n..\nend\n"));
    assert_eq!((kept(&loom).len(), kept(&plain).len()), (3, 1));
    wait_until("a mail that was handed in", || {
        server.get("/loom/dots@x/raw").status == 200
    });
    assert!(server.stop());
    assert!(UnixStream::connect(&socket).is_err());
    let (server, socket) = serving(&world, &[]);
    assert_eq!(
        Caller::new(&socket).say("QUIT"),
        "221",
        "what was left behind is in nobody's way"
    );
    assert!(server.stop());
}

#[test]
fn a_thousand_in_a_burst_are_all_there() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let (server, socket) = serving(&world, &[]);
    std::thread::scope(|scope| {
        for caller in 0..20 {
            let socket = &socket;
            scope.spawn(move || {
                let mut talk = Caller::new(socket);
                for n in 0..50 {
                    let raw = mail(&format!("{caller}.{n}@x"), "loom");
                    assert_eq!(talk.send(&["loom@lists.example.org"], &raw), ["250"]);
                }
            });
        }
    });
    assert_eq!(kept(&loom).len(), 1000);
    wait_until("the last of a burst", || {
        (0..20).all(|caller| server.get(&format!("/loom/{caller}.49@x/raw")).status == 200)
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        let (server, socket) = serving(&world, &[]);
        let mut caller = Caller::new(&socket);
        for n in 0..20 {
            let id = format!("{round}.{n}@x");
            if caller.send(&["loom@lists.example.org"], &mail(&id, "loom")) == ["250"] {
                acknowledged.push(id);
            }
        }
        // Killed, not stopped.
        drop(server);
    }
    let found: Vec<String> = kept(&loom)
        .into_iter()
        .map(|raw| String::from_utf8(raw).unwrap())
        .collect();
    for id in &acknowledged {
        let count = found
            .iter()
            .filter(|text| text.contains(&format!("Message-ID: <{id}>")))
            .count();
        assert_eq!(count, 1, "{id}");
    }
    assert_eq!(acknowledged.len(), 100);
}

#[test]
fn callers_that_misbehave_hurt_nobody() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let (server, socket) = serving(&world, &[]);
    // Gone in the middle of a mail.
    let mut caller = Caller::new(&socket);
    caller.say("MAIL FROM:<a@b>");
    caller.say("RCPT TO:<loom@lists.example.org>");
    caller.say("DATA");
    caller
        .output
        .write_all(b"Message-ID: <half@x>\r\n\r\nhalf")
        .unwrap();
    drop(caller);
    // A line without an end, bytes that are no text, silence.
    let mut caller = Caller::new(&socket);
    caller.output.write_all(&[b'x'; 100_000]).unwrap();
    assert_eq!(caller.say(""), "500");
    caller.output.write_all(b"\xff\xfe\r\n").unwrap();
    assert_eq!(caller.hear(), "500");
    let _silent = Caller::silent(&socket);
    // Too many mistakes.
    let mut caller = Caller::new(&socket);
    let last = (0..50)
        .map(|_| caller.say("NONSENSE"))
        .find(|code| code != "500");
    assert_eq!(last.as_deref(), Some("421"));
    let mut rest = Vec::new();
    assert!(caller.input.read_to_end(&mut rest).is_ok());
    // A dot between bare line feeds ends nothing.
    let mut caller = Caller::new(&socket);
    caller.say("MAIL FROM:<a@b>");
    caller.say("RCPT TO:<loom@lists.example.org>");
    caller.say("DATA");
    let smuggled = String::from_utf8(mail("outer@x", "loom"))
        .unwrap()
        .replace('\n', "\r\n");
    let smuggled = format!("{smuggled}\n.\nMAIL FROM:<evil@x>\n.\r\nMore\r\n.\r\n");
    caller.output.write_all(smuggled.as_bytes()).unwrap();
    assert_eq!(caller.hear(), "250");
    assert_eq!(caller.say("NOOP"), "250");
    let mails = kept(&loom);
    assert_eq!(mails.len(), 1);
    assert!(String::from_utf8_lossy(&mails[0]).contains("MAIL FROM:<evil@x>\n.\nMore"));
    wait_until("the list", || server.get("/loom/").status == 200);
}

#[test]
fn mail_for_which_there_is_no_room_is_told_to_come_again() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    world.add_to_config("[threadbare \"limits\"]\nincoming = 1\npatience = 1\n");
    let (server, socket) = serving(&world, &["--no-precheck"]);
    let list = ["loom@lists.example.org"];
    let long = |id: &str| [mail(id, "loom"), b"a line of some length\n".repeat(30_000)].concat();
    let half = |id: &str| {
        let mut caller = Caller::new(&socket);
        caller.say("MAIL FROM:<a@b>");
        caller.say(&format!("RCPT TO:<{}>", list[0]));
        assert_eq!(caller.say("DATA"), "354");
        let text = String::from_utf8(long(id)).unwrap().replace('\n', "\r\n");
        caller.output.write_all(text.as_bytes()).unwrap();
        caller
    };
    // Two have more in hand than there is room for: one of them waits in vain, whichever it is.
    let mut callers = [half("one@x"), half("two@x")];
    let mut other = Caller::new(&socket);
    assert_eq!(other.send(&list, &mail("short@x", "loom")), ["250"]);
    wait_until("one that is refused", || {
        server.log().contains("no room for a mail")
    });
    let mut told = callers.each_mut().map(|caller| caller.say("."));
    told.sort();
    assert_eq!(told, ["250", "452"]);
    assert_eq!(other.send(&list, &long("three@x")), ["250"]);
    assert_eq!(kept(&loom).len(), 3);
    assert!(server.stop());
}

#[test]
fn a_server_that_takes_the_place_of_another_takes_its_callers_too() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let (socket, next) = (world.path("lmtp.sock"), world.path("hand-over"));
    let args = [
        "--lmtp",
        socket.to_str().unwrap(),
        "--lmtp",
        "127.0.0.1:0",
        "--hand-over",
        next.to_str().unwrap(),
    ];
    let mut server = world.serve_as("0.log", &[], &args);
    let port = server.printed("taking mail by LMTP on 127.0.0.1:");
    // A mail server that never stops: a connection for each mail, again where it was asked to come again.
    let stop = AtomicBool::new(false);
    let sent = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let n = sent.load(Ordering::Relaxed);
                if hand_in_once(&socket, &mail(&format!("{n}@x"), "loom")) {
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        for n in 1..4 {
            wait_until("some mail", || sent.load(Ordering::Relaxed) >= 5 * n);
            let mut idle = Caller::new(&socket);
            let mut busy = Caller::new(&socket);
            assert_eq!(busy.say("MAIL FROM:<a@b>"), "250");
            assert_eq!(busy.say("RCPT TO:<loom@lists.example.org>"), "250");
            assert_eq!(busy.say("DATA"), "354");
            let new = world.serve_as(&format!("{n}.log"), &[], &args);
            assert_eq!(new.printed("taking mail by LMTP on 127.0.0.1:"), port);
            let mut old = std::mem::replace(&mut server, new);
            assert_eq!(idle.hear(), "421", "who says nothing is asked to go");
            let text = String::from_utf8(mail(&format!("busy-{n}@x"), "loom")).unwrap();
            let wire = format!("{}\r\n.\r\n", text.replace('\n', "\r\n"));
            busy.output.write_all(wire.as_bytes()).unwrap();
            assert_eq!(busy.hear(), "250", "a mail that has begun is taken");
            assert_eq!(busy.hear(), "421");
            wait_until("the end of the old server", || {
                old.has_ended() == Some(true)
            });
        }
        stop.store(true, Ordering::Relaxed);
    });
    let mails = kept(&loom);
    let kept = |id: &str| {
        let line = format!("Message-ID: <{id}>");
        let holds = |mail: &&Vec<u8>| String::from_utf8_lossy(mail).contains(&line);
        mails.iter().filter(holds).count()
    };
    for n in 0..sent.load(Ordering::Relaxed) {
        assert_eq!(kept(&format!("{n}@x")), 1, "{n}");
    }
    assert!((1..4).all(|n| kept(&format!("busy-{n}@x")) == 1));
    assert!(server.stop());
}

/// Whether a mail was taken. It may be asked to come again, but the door is never shut.
fn hand_in_once(socket: &Path, mail: &[u8]) -> bool {
    let mut caller = Caller::silent(socket);
    if caller.hear() != "220" {
        return false;
    }
    let text = String::from_utf8_lossy(mail).replace('\n', "\r\n");
    let wire = [
        "LHLO test\r\n",
        "MAIL FROM:<a@b>\r\n",
        "RCPT TO:<loom@lists.example.org>\r\n",
        "DATA\r\n",
        &format!("{text}\r\n.\r\n"),
    ];
    wire.iter().all(|line| {
        let said = caller.output.write_all(line.as_bytes());
        said.is_ok() && matches!(&*caller.hear(), "250" | "354")
    })
}

#[test]
fn nasty_mail_comes_in_by_lmtp() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    world.set_inbox("loom", "filter = PublicInbox::Filter::Mirror");
    let (server, socket) = serving(&world, &["--no-precheck"]);
    let mut caller = Caller::new(&socket);
    for (what, raw) in nasty() {
        assert_eq!(
            caller.send(&["loom@lists.example.org"], &raw),
            ["250"],
            "{what}"
        );
    }
    assert_eq!(kept(&loom).len(), nasty().len());
    wait_until("the list", || server.get("/loom/").status == 200);
}

#[test]
fn pythons_smtplib_hands_in_mail() {
    let python = std::env::var_os("THREADBARE_PYTHON").unwrap_or_else(|| "python3".into());
    if Command::new(&python).arg("--version").output().is_err() {
        skipped!("python3 is not installed");
        return;
    }
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let (_server, socket) = serving(&world, &[]);
    let script = "import smtplib, sys\n\
        s = smtplib.LMTP(sys.argv[1])\n\
        refused = s.sendmail('a@b', ['loom@lists.example.org', 'nobody@lists.example.org'], open(sys.argv[2], 'rb').read())\n\
        assert list(refused) == ['nobody@lists.example.org'], refused\n\
        s.quit()\n";
    fs::write(world.path("m.eml"), mail("python@x", "loom")).unwrap();
    let done = Command::new(python)
        .args(["-c", script])
        .args([&socket, &world.path("m.eml")])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(kept(&loom).len(), 1);
}
