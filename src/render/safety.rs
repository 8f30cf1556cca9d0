//! Whatever a mail says, its page stays a page: properties of everything that this room writes.

use std::time::Duration;
use std::time::Instant;

use proptest::prelude::*;

use super::markup::check;
use super::{
    Addresses, BodyOptions, Entry, Family, Fields, HeaderOptions, Html, Links, Reply,
    ReplySettings, Sight, View, body, context, entry_foot, entry_head, headers, linkify, reply,
    skeleton,
};
use crate::id::MessageId;
use crate::mail::{Address, Part, PartBody};
use crate::time::Timestamp;

/// Mail as an attacker would write it: pieces that mean something to the code, and anything else between them.
fn hostile() -> impl Strategy<Value = String> {
    const PIECES: [&str; 40] = [
        "<script>",
        "</pre>",
        "</span>",
        "\"",
        "'",
        "&",
        "&lt;",
        "<",
        ">",
        "> ",
        "\n",
        "\n> ",
        "\n\n",
        "--- a\n+++ b\n@@ -1,2 +3 @@\n",
        "diff --git a/x b/x\n",
        "diff --git \"a/<\" b/\"\n",
        "index 0..1\n",
        "+",
        "-",
        " ",
        "-- \n",
        "@@",
        "@@ -99999999999 +1 @@\n",
        " x | 2 +-\n",
        " .../x | Bin 0 -> 1\n",
        " {a => b}/<i> | 3\n",
        "http://",
        "https://a.b/c",
        "javascript:",
        "://",
        "a@b.c",
        "<m@x>",
        "(",
        ")",
        ".",
        "\0",
        "\r",
        "\x1b[0m",
        "\u{202e}",
        "é",
    ];
    let piece = prop_oneof![
        4 => (0..PIECES.len()).prop_map(|at| PIECES[at].to_owned()),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn mid(text: &str) -> MessageId {
    MessageId::parse(text).unwrap_or_else(|| MessageId::parse("x").expect("an id"))
}

fn part(index: &str, name: &str, body: PartBody) -> Part {
    Part {
        index: index.to_owned(),
        depth: 1,
        content_type: name.to_owned(),
        content_type_full: name.to_owned(),
        filename: Some(name.to_owned()),
        description: name.len().is_multiple_of(2).then(|| name.to_owned()),
        size: 1,
        charset: None,
        body,
    }
}

fn in_pre(html: &Html) -> String {
    format!("<pre>{html}</pre>")
}

proptest! {
    #[test]
    fn no_body_breaks_out(text in hostile(), name in hostile(), more in 0..60usize) {
        let text = format!("{text}\n{}{text}", "> quote\n".repeat(more));
        let headers = vec![(name.clone(), text.clone())];
        let parts = [
            part("1", &name, PartBody::Text { text: text.clone(), mangled: name.len() % 3 == 0 }),
            part("2", &name, PartBody::Html { text: text.clone() }),
            part("3", &name, PartBody::Embedded { headers }),
            part("3.1", &name, PartBody::Opaque),
        ];
        for (fold, addresses) in [(true, Addresses::Shown), (false, Addresses::Hidden { except: &[] })] {
            let options = BodyOptions { base: "../../\"<x/", fold, addresses };
            let html = body(&parts, &options);
            prop_assert_eq!(check(&in_pre(&html)), Ok(()), "{}", html);
        }
    }

    #[test]
    fn no_url_breaks_out(text in hostile()) {
        let mut out = Html::new();
        linkify(&mut out, &text);
        prop_assert_eq!(check(out.as_str()), Ok(()), "{}", out);
    }

    #[test]
    fn no_header_breaks_out(text in hostile(), other in hostile()) {
        let fields = Fields {
            from: vec![text.clone()],
            to: vec![other.repeat(9), text.clone()],
            cc: vec![text.repeat(9)],
            subject: vec![text.clone(), other.clone()],
            date: Some(other.clone()),
            ids: vec![("Message-ID", mid(&text)), ("X-Alt-Message-ID", mid(&other))],
            in_reply_to: Some(text.clone()),
        };
        for (first, addresses) in [(true, Addresses::Shown), (false, Addresses::Hidden { except: &[] })] {
            let html = headers(&fields, HeaderOptions { first, addresses });
            prop_assert_eq!(check(html.as_str()), Ok(()), "{}", html);
        }
        let people = [
            Address { name: Some(text.clone()), email: other.clone() },
            Address { name: None, email: text.clone() },
        ];
        let head = entry_head(&text, Timestamp(0), "../../x/", (&people, &people), Addresses::Shown);
        prop_assert_eq!(check(head.as_str()), Ok(()), "{}", head);
        let foot = entry_foot(&mid(&text), "../../x/", Some(View::Flat), &other);
        prop_assert_eq!(check(foot.as_str()), Ok(()), "{}", foot);
        let addresses = match text.len() % 2 {
            0 => Addresses::Hidden { except: &[] },
            _ => Addresses::Shown,
        };
        let settings = ReplySettings { reply_to: ":all", list: Some("l@x.y"), addresses };
        if let Reply::Open { command, .. } = reply(|_| people.to_vec(), &mid(&text), &other, &settings) {
            prop_assert_eq!(check(command.as_str()), Ok(()), "{}", command);
            // Nobody else's words may become a command of their own.
            prop_assert_eq!(command.as_str().lines().filter(|line| !line.starts_with("    ")).count(), 1);
        }
    }

    #[test]
    fn no_thread_breaks_out(
        lines in prop::collection::vec((hostile(), hostile(), 0..40usize, 0..4usize), 1..12),
    ) {
        let mids: Vec<MessageId> = lines.iter().map(|(text, ..)| mid(text)).collect();
        let entries: Vec<Entry> = lines.iter().zip(&mids).map(|((subject, author, depth, kind), mid)| Entry {
            mid,
            depth: *depth,
            loose: *kind == 2,
            sight: if *kind == 0 {
                Sight::Ghost
            } else {
                Sight::Seen { sent: Timestamp(0), subject: subject.into(), author: author.into(), score: Some(3) }
            },
        }).collect();
        for links in [
            Links::Pages { base: "../", current: Some(0) },
            Links::Anchors { base: "../../", scores: true },
        ] {
            let html = skeleton(&entries, links);
            prop_assert_eq!(check(html.as_str()), Ok(()), "{}", html);
            let notes = usize::from(entries.iter().skip(1).any(|entry| entry.loose) && !entries[0].loose);
            prop_assert_eq!(html.as_str().matches('\n').count(), entries.len() + notes);
        }
        let family = Family::of(&entries);
        for index in 0..entries.len() {
            let html = context(&entries, &family, index, index == 0, "N");
            prop_assert_eq!(check(html.as_str()), Ok(()), "{}", html);
        }
    }
}

/// On texts of this size anything that grows faster than they do takes minutes.
#[test]
fn text_that_is_made_to_be_slow_is_not() {
    const LONG: usize = 800_000;
    let units = [
        ">",
        "> \n",
        "\r",
        "\n",
        "http://a.b/c\n",
        "((((",
        "-- \n",
        "a@a",
        "--- a\n",
        "--- a\n+++ b\n",
        "diff --git a/x b/x\n",
        " x | 2\n",
        " .../x | 2\n",
        "@@ -1 +1 @@\n",
        "> x\n\n",
        "a.b@c.d ",
    ];
    let mut texts: Vec<String> = units
        .iter()
        .map(|unit| format!("diff --git a/q b/q\n{}", unit.repeat(LONG / unit.len())))
        .collect();
    // A diffstat of many names that were cut, and their files.
    let stats: String = (0..20_000).map(|n| format!(" .../{n} | 2 +-\n")).collect();
    let heads: String = (0..20_000)
        .map(|n| format!("diff --git a/d/{n} b/d/{n}\n"))
        .collect();
    texts.push(stats + &heads);
    let options = BodyOptions {
        addresses: Addresses::Hidden { except: &[] },
        ..BodyOptions::default()
    };
    for text in texts {
        let beginning: String = text.chars().skip(19).take(20).collect();
        let parts = [part(
            "1",
            "x",
            PartBody::Text {
                text,
                mangled: false,
            },
        )];
        let start = Instant::now();
        assert!(!body(&parts, &options).is_empty());
        let took = start.elapsed();
        assert!(
            took < Duration::from_secs(10),
            "{beginning:?} took {took:?}"
        );
    }
}
