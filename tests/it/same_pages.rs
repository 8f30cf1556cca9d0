//! What a public-inbox server shows, our clone of it shows: page by page, the same words in the same order, and links to the
//! same places.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::mirrors::{cloned, public_inbox};
use crate::support::{Ask, Home, Mail, World, hrefs, text};

/// What is said otherwise, and means the same: theirs, ours.
const MEANT: &[(&str, &str)] = &[
    ("", "Skip to content"),
    (
        "",
        "- recent: [subjects (threaded)|topics (new)|topics (active)]",
    ),
    (
        "This is a public inbox, see mirroring instructions for how to clone and mirror all data and code used for this \
         inbox",
        "This list is public, and so is its archive: the mirroring instructions tell how to clone and mirror all of it.",
    ),
    (
        "You may reply publicly to this message via plain-text email using any one of the following methods: * Save the \
         following mbox file, import it into your mail client, and reply-to-all from there: mbox Avoid top-posting and \
         favor interleaved quoting:",
        "An answer to this message is a mail in plain text to the list and to all whom the message went to. Choose one of \
         these ways: * Open this mbox with your mail program, and reply to all from there. Quote only what you answer, \
         and write below it:",
    ),
    (
        "* Reply using the --to, --cc, and --in-reply-to switches of git-send-email(1):",
        "* Write your answer into a file, and send it with git-send-email(1):",
    ),
    (
        "* If your mail client supports setting the In-Reply-To header via mailto: links, try the mailto: link Be sure your \
         reply has a Subject: header at the top and a blank line before the message body.",
        "* Or let this mailto: link open your mail program, if it takes an In-Reply-To header from a link. The file begins \
         with a Subject: line; an empty line parts it from your words.",
    ),
];

/// Where only our pages lead: to their own text, to style sheets, to other orders of the same list.
fn is_ours_alone(link: &str) -> bool {
    // The page of all new mail says by its date where it begins; version 1.9 of public-inbox prints a mistake there.
    link.contains("/new.html?t=")
        // A thread of one message has an overview as well.
        || link.ends_with("#b")
        || link.ends_with("#main")
        || link.contains("/+/")
        || link.ends_with("/topics_active.html")
        || link.ends_with("/topics_new.html")
}

fn mails() -> Vec<Vec<u8>> {
    let mail = |id: &str, subject: &str, n: u32| {
        Mail::new(&format!("{id}@weaver.example"), subject, n * 7_000)
    };
    let to = |id: &str| format!("{id}@weaver.example");
    vec![
        mail("first", "Warp & weft: <threads>", 0)
            .says("Two words, and a link: https://weaver.example/a?b=c&d\n\n-- \nWeaver\n")
            .bytes(),
        mail("second", "Re: Warp & weft: <threads>", 1)
            .answers(&to("first"))
            .says("On Monday somebody wrote:\n> Two words,\n> and a link\n\nSalt & <tags> \"quoted\"\n")
            .bytes(),
        mail("third", "Re: Warp & weft: <threads>", 2)
            .answers(&to("second"))
            .says("One line.\n")
            .bytes(),
        mail("fourth", "Re: Warp & weft: <threads>", 3)
            .answers(&to("first"))
            .says("Another branch.\n")
            .bytes(),
        mail("orphan", "Re: lost", 4)
            .answers(&to("never-seen"))
            .says("Whose parent nobody has.\n")
            .bytes(),
        mail("patch", "[PATCH 1/2] loom: pick faster", 5)
            .says(
                "It was slow.\n\n---\n loom.c | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n\
                 diff --git a/loom.c b/loom.c\nindex 1111111..2222222 100644\n--- a/loom.c\n+++ b/loom.c\n@@ -1,1 +1,1 @@\n\
                 -slow();\n+fast();\n",
            )
            .bytes(),
        mail("renamed", "another subject (was: threads)", 6)
            .answers(&to("third"))
            .says("It goes on elsewhere.\n")
            .bytes(),
        mail("a/b+c%d", "An odd name", 7).says("Its id has a slash.\n").bytes(),
    ]
}

/// The words of a page, in their order.
fn words(html: &str, drop: impl Fn(&(&'static str, &'static str)) -> &'static str) -> String {
    let body = html.split_once("<body").map_or(html, |(_, body)| body);
    let body = body.split_once('>').map_or(body, |(_, body)| body);
    let parted = body
        .replace("<pre", "\n<pre")
        .replace("<hr", "\n<hr")
        .replace("<form", "\n<form");
    let words: Vec<String> = text(&parted)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let mut words = words.join(" ");
    for meant in MEANT {
        let phrase = drop(meant);
        if !phrase.is_empty() {
            words = words.replace(phrase, " ");
        }
    }
    if let Some((before, mistake)) = words.split_once("SCALAR(0x") {
        let after = mistake.split_once(')').map_or("", |(_, after)| after);
        words = format!("{before}{after}");
    }
    // On which line of an overview the subject stands.
    if let Some((before, overview)) = words.split_once("Thread overview:") {
        let bare = overview.replace("Warp & weft: <threads> ", "");
        words = format!("{before}Thread overview:{bare}");
    }
    // Who a mail went to is on one line where there is room.
    words = words.replace("; +Cc:", " Cc:");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the links of a page lead, whatever server they are on.
fn links(html: &str, page: &str, server: SocketAddr) -> BTreeSet<String> {
    let own = format!("http://{server}");
    let found = hrefs(html).into_iter();
    found
        .map(|href| {
            let href = href.strip_prefix(&own).unwrap_or(&href).to_owned();
            resolved(page, &href)
        })
        .filter(|link| !is_ours_alone(link))
        .collect()
}

fn resolved(page: &str, href: &str) -> String {
    if href.contains(':') && !href.starts_with('.') || href.starts_with('/') {
        return href.to_owned();
    }
    let page = page.split_once('?').map_or(page, |(path, _)| path);
    if href.starts_with(['#', '?']) {
        return format!("{page}{href}");
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    let (path, rest) = href
        .find(['#', '?'])
        .map_or((href, ""), |at| href.split_at(at));
    let mut ends_in_dir = path.is_empty();
    for part in path.split('/') {
        ends_in_dir = matches!(part, "." | ".." | "");
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let slash = if ends_in_dir { "/" } else { "" };
    format!("{}{slash}{rest}", parts.join("/"))
}

#[test]
fn our_clone_shows_what_public_inbox_shows() {
    let mut world = World::new();
    let old: Vec<Vec<u8>> = [("first", 1), ("second", 2), ("third", 3)]
        .map(|(id, n)| {
            let mail = Mail::new(&format!("old-{id}@weaver.example"), &format!("Old {id}"), n);
            mail.says(&format!("As it was: {id}.\n")).bytes()
        })
        .into();
    let dir = {
        let mut epoch = world.inbox("warp");
        epoch.add(&mails());
        epoch.dir.ancestors().nth(2).unwrap().to_owned()
    };
    world.version_1("weft", &old);
    let home = Home::new();
    let weft = world.path("lists/weft");
    let Some((_daemon, theirs)) = public_inbox(&home, &[("warp", &dir), ("weft", &weft)]) else {
        return;
    };
    let here = cloned(theirs);
    let ours = here.serve();
    let mut paths = Vec::new();
    for (inbox, ids) in [
        (
            "warp",
            &[
                "first",
                "second",
                "third",
                "fourth",
                "orphan",
                "patch",
                "renamed",
                "a%2Fb+c%25d",
            ][..],
        ),
        ("weft", &["old-first", "old-second", "old-third"][..]),
    ] {
        paths.extend(["", "new.html"].map(|page| format!("/{inbox}/{page}")));
        for id in ids {
            paths.extend(
                ["", "T/", "t/"].map(|page| format!("/{inbox}/{id}@weaver.example/{page}")),
            );
        }
    }
    let mut wrong = Vec::new();
    for path in &paths {
        let (a, b) = (Ask::get(path).send(theirs).ok(), ours.get(path).ok());
        let (a, b) = (a.text(), b.text());
        let (theirs_say, ours_say) = (words(&a, |meant| meant.0), words(&b, |meant| meant.1));
        if theirs_say != ours_say {
            let same = theirs_say
                .bytes()
                .zip(ours_say.bytes())
                .take_while(|(a, b)| a == b);
            let at = same.count().saturating_sub(60);
            let part = |words: &str| {
                let part = words.as_bytes().get(at..(at + 240).min(words.len()));
                String::from_utf8_lossy(part.unwrap_or_default()).into_owned()
            };
            wrong.push(format!(
                "{path}\n  theirs: {}\n  ours:   {}",
                part(&theirs_say),
                part(&ours_say)
            ));
        }
        let (theirs_lead, ours_lead) = (links(&a, path, theirs), links(&b, path, ours.address));
        if theirs_lead != ours_lead {
            wrong.push(format!(
                "{path}\n  only theirs leads to {:?}\n  only ours to {:?}",
                &theirs_lead - &ours_lead,
                &ours_lead - &theirs_lead
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(paths.len() > 30);
}
