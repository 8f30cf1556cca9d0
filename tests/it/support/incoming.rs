//! What tests of incoming mail share: the program with mail on its input, what an inbox holds then, and nasty mail.

use std::path::Path;
use std::process::Output;

use threadbare::store::{self, Layout, What};

use super::World;
use super::programs::fed;

/// The program with `input` on its standard input and one more variable.
pub(crate) fn with_input(
    world: &World,
    args: &[&str],
    recipient: Option<&str>,
    input: &[u8],
) -> Output {
    let mut command = world.program();
    if let Some(recipient) = recipient {
        command.env("ORIGINAL_RECIPIENT", recipient);
    }
    fed(command.args(args), input)
}

/// Makes an empty inbox `NAME@lists.example.org` as `threadbare init` lays it.
pub(crate) fn new_inbox(world: &mut World, name: &str) -> std::path::PathBuf {
    let dir = world.inbox_dir(name, &format!("{name}@lists.example.org"));
    store::init_inbox(&dir, None).unwrap();
    dir
}

/// The mails that an inbox has, in the order of its history, without those that were removed.
pub(crate) fn kept(dir: &Path) -> Vec<Vec<u8>> {
    let mut mails: Vec<(threadbare::id::Oid, Vec<u8>)> = Vec::new();
    for (_, path) in Layout::find(dir).unwrap().epochs {
        let epoch = store::Epoch::open(&path).unwrap();
        let Some(tip) = epoch.tip().unwrap() else {
            continue;
        };
        for change in epoch.walk(None, tip).unwrap() {
            match change.what {
                What::Added(blob) => mails.push((blob, epoch.read(blob).unwrap().unwrap())),
                What::Removed(blob) => mails.retain(|(other, _)| *other != blob),
                What::Nothing | What::Unreadable(_) => panic!("{change:?}"),
            }
        }
    }
    mails.into_iter().map(|(_, raw)| raw).collect()
}

/// Mail of every kind that has brought archives down, each with a word that names it.
pub(crate) fn nasty() -> Vec<(&'static str, Vec<u8>)> {
    let mail = |id: &str, header: &str, body: &str| {
        format!(
            "From: Nasty <nasty@weaver.example>\nTo: loom@lists.example.org\nSubject: nasty {id}\n\
             Date: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <{id}@weaver.example>\n{header}\n{body}"
        )
        .into_bytes()
    };
    let bare = |text: &str| text.as_bytes().to_vec();
    let deep: String = (0..3_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
        .collect();
    vec![
        ("quotes in the id", bare("From: a@weaver.example\nSubject: q\nMessage-ID: <a\"'<b&onclick=\"alert(1)\"@x>\n\nx\n")),
        ("a path in the id", bare("From: a@weaver.example\nSubject: p\nMessage-ID: <x/../../../foo%2Fraw?#;@x>\n\nx\n")),
        ("a reserved id", bare("From: a@weaver.example\nSubject: r\nMessage-ID: <new.atom>\n\nx\n")),
        ("a long id", format!("From: a@weaver.example\nSubject: l\nMessage-ID: <{}@x>\n\nx\n", "i".repeat(100_000)).into_bytes()),
        ("no id", bare("From: a@weaver.example\nSubject: none\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n\nno id\n")),
        ("an empty id", bare("From: a@weaver.example\nSubject: none\nMessage-ID: <>\n\nempty id\n")),
        ("an id without brackets", bare("From: a@weaver.example\nSubject: none\nMessage-ID: <nobracket\n\nx\n")),
        ("an id with NUL and raw bytes", b"From: a@weaver.example\nMessage-ID: <a\0\xff\t@x>\n\nx\n".to_vec()),
        ("an id", mail("twice", "", "one\n")),
        ("the same id for another mail", mail("twice", "", "two\n")),
        ("three ids", mail("three", "Message-ID: <four@x> <five@x>\n", "x\n")),
        ("an answer to itself", mail("self", "References: <self@weaver.example>\n", "x\n")),
        ("many references", mail("refs", &format!("References:{}\n", (0..20_000).map(|n| format!(" <{n}@x>\n\t")).collect::<String>().trim_end()), "x\n")),
        ("control characters", b"From: a@weaver.example\nSubject: a\0b\x1b[31m\xe2\x80\xaec\nMessage-ID: <control@x>\n\nx\0y\n".to_vec()),
        ("a long subject", mail("subject", "", "x\n").split(|b| *b == b'\n').map(|line| if line.starts_with(b"Subject") { [line, &b"x".repeat(1 << 20)[..]].concat() } else { line.to_vec() }).collect::<Vec<_>>().join(&b'\n')),
        ("dates of no calendar", bare("From: a@weaver.example\nDate: Thu, 99 Foo 99999 99:99:99 +9999\nMessage-ID: <date@x>\n\nx\n")),
        ("a date far off", bare("From: a@weaver.example\nDate: Thu, 1 Jan 9999 00:00:00 -9999\nMessage-ID: <date2@x>\n\nx\n")),
        ("ten thousand people", mail("people", &format!("Cc: {}\n", "\"a(<b\" <c@d>, ".repeat(10_000)), "x\n")),
        ("encoded words", mail("words", &format!("X: {}\nCc: =?x-none?Q?=FF?= =?utf-8?B?!!!?= <a@b>\n", "=?utf-8?Q?=C3?= ".repeat(5_000)), "x\n")),
        ("a header without an end", [b"From: a@weaver.example\nMessage-ID: <endless@x>\nX: ".to_vec(), b"x".repeat(3 << 20)].concat()),
        ("many headers", mail("headers", &"X: y\n".repeat(100_000), "x\n")),
        ("deep multiparts", mail("deep", "", "").into_iter().chain(deep.into_bytes()).collect()),
        ("many parts", mail("parts", "Content-Type: multipart/mixed; boundary=b\n", &"--b\n\nx\n".repeat(50_000))),
        ("mails in mails", mail("mails", "Content-Type: message/rfc822\n", &"Content-Type: message/rfc822\n\n".repeat(5_000))),
        ("a boundary of nothing", mail("boundary", "Content-Type: multipart/mixed; boundary=\"\"\n", "--\n\nx\n----\n")),
        ("bad encodings", mail("encodings", "Content-Type: text/plain; charset=\"../../etc\"\nContent-Transfer-Encoding: base64\n", "%%%=\n=\n")),
        ("lines as of a mailbox", mail("from", "", "From a@b Thu Jan  1 00:00:10 1970\n\nFrom here\n>From there\n>>From nowhere\n")),
        ("a dot alone", mail("dot", "", ".\n..\n.\r\n...\n")),
        ("carriage returns", mail("cr", "", &"\r\r\r\n".repeat(1_000))),
        ("a line without an end", mail("line", "", &"x".repeat(3 << 20))),
        ("a header block only", bare("From: a@weaver.example\nMessage-ID: <head@x>\n")),
        ("text without headers", bare("this is no mail\nat all\n")),
        ("blank lines first", bare("\n\n\nFrom: a@weaver.example\nMessage-ID: <blank@x>\n\nx\n")),
        ("injected headers", mail("inject", "Content-Type: text/plain; name=\"a\r\n b: c\"\n", "x\n")),
        ("html", mail("html", "Content-Type: text/html\n", &format!("<script>alert(1)</script>{}", "<div>".repeat(50_000)))),
    ]
}
