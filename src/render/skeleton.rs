//! The thread drawn with `` ` ``: one line a message, in reading order.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Html;
use super::anchors;
use crate::id::MessageId;
use crate::mail;
use crate::time::Timestamp;
use crate::url;

/// Deeper than this nothing is indented: a thread of a thousand answers in a row must not weigh a megabyte.
const DEEPEST: usize = 100;

/// A line of a thread.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The message that it stands for.
    pub mid: &'a MessageId,
    /// How deep it stands, 0 for a root.
    pub depth: usize,
    /// Whether it is here for its subject only.
    pub loose: bool,
    /// What is known of it.
    pub sight: Sight<'a>,
}

/// What is known of a message.
#[derive(Clone, Debug)]
pub enum Sight<'a> {
    /// It is here.
    Seen {
        /// When it was sent.
        sent: Timestamp,
        /// Its subject, as it may be shown.
        subject: Cow<'a, str>,
        /// The names of its authors, as they may be shown.
        author: Cow<'a, str>,
        /// In a search, how well it fits, in per cent.
        score: Option<u8>,
    },
    /// Others answer it, but it was never seen.
    Ghost,
}

/// Where the lines lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links<'a> {
    /// To the pages of the messages, which stand below this: `../` on the page of the message that is `current`
    /// among them.
    Pages {
        /// What stands before a Message-ID.
        base: &'a str,
        /// The message whose page this is.
        current: Option<usize>,
    },
    /// To the messages on this page. Each line is an anchor itself; ghosts have their pages below `base`.
    Anchors {
        /// What stands before the Message-ID of a ghost.
        base: &'a str,
        /// Whether there are scores to be shown.
        scores: bool,
    },
}

/// The overview of a thread, to be put inside a `<pre>`; each line ends with a line break.
///
/// All of it is an element of the class `tree`, so that a style sheet can let it scroll by itself where it is too wide.
pub fn skeleton(entries: &[Entry<'_>], links: Links<'_>) -> Html {
    let mut out = Html::with_capacity(entries.len() * 160);
    let mut labels = Labels::default();
    let mut anchored = HashSet::new();
    let mut loose = false;
    out.markup("<span class=\"tree\">");
    for (index, entry) in entries.iter().enumerate() {
        if entry.loose && !loose && index > 0 {
            out.markup("  -- strict thread matches above, loose matches on Subject: below --\n");
        }
        loose |= entry.loose;
        let target = Target::of(entry, links, &mut anchored);
        match (&entry.sight, links) {
            (Sight::Ghost, _) => {
                ghost_line(&mut out, entry, &target);
            }
            (Sight::Seen { sent, author, .. }, Links::Pages { current, .. })
                if current == Some(index) =>
            {
                out.markup("<b>");
                out.print(format_args!("{}", sent.minute()));
                out.markup(" ");
                indent(&mut out, entry.depth);
                out.markup("<a id=\"r\" href=\"#t\">");
                out.line(author);
                out.markup(" [this message]</a></b>\n");
            }
            (
                Sight::Seen {
                    sent,
                    subject,
                    author,
                    score,
                },
                _,
            ) => {
                out.print(format_args!("{}", sent.minute()));
                if let Links::Anchors { scores: true, .. } = links {
                    per_cent(&mut out, *score);
                }
                out.markup(" ");
                indent(&mut out, entry.depth);
                labels.next(subject).link(&mut out, author, &target);
                out.markup("\n");
            }
        }
    }
    out.markup("</span>");
    out
}

/// The link of a line, and its own id where it has one.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) href: String,
    pub(super) id: Option<String>,
}

impl Target {
    fn of(entry: &Entry<'_>, links: Links<'_>, anchored: &mut HashSet<String>) -> Target {
        match links {
            Links::Pages { base, .. } => Target {
                href: format!("{base}{}/", url::escape_mid(entry.mid)),
                id: None,
            },
            Links::Anchors { base, scores } => {
                let anchor = anchors::message(entry.mid);
                let page = || format!("{base}{}/", url::escape_mid(entry.mid));
                let href = match entry.sight {
                    // What was not found itself is not on the page.
                    Sight::Seen { score: None, .. } if scores => {
                        return Target {
                            href: page(),
                            id: None,
                        };
                    }
                    Sight::Seen { .. } => format!("#m{anchor}"),
                    Sight::Ghost => page(),
                };
                // Two mails of one Message-ID share their place.
                let id = anchored
                    .insert(anchor.clone())
                    .then(|| format!("r{anchor}"));
                Target { href, id }
            }
        }
    }

    fn open(&self, out: &mut Html) {
        out.markup("<a href=\"");
        out.line(&self.href);
        if let Some(id) = &self.id {
            out.markup("\" id=\"");
            out.text(id);
        }
        out.markup("\">");
    }
}

/// Two blanks a level, and `` ` `` before what answers something.
pub(super) fn indent(out: &mut Html, depth: usize) {
    if depth > 0 {
        out.indent(2 * (depth.min(DEEPEST) - 1));
        out.markup("` ");
    }
}

/// How well a message fits, behind its date.
pub(super) fn per_cent(out: &mut Html, score: Option<u8>) {
    match score {
        Some(score) => out.print(format_args!(" {score:2}%")),
        None => out.blanks(4),
    }
}

/// The line of a message that was never seen.
pub(super) fn ghost_line(out: &mut Html, entry: &Entry<'_>, target: &Target) {
    out.markup("     [not found] ");
    indent(out, entry.depth);
    out.markup("&lt;");
    target.open(out);
    out.line(entry.mid.as_str());
    out.markup("</a>&gt;\n");
}

/// What a line says besides its date: its subject where that differs from the one before, and its author.
#[derive(Clone, Debug, Default)]
pub(super) struct Label {
    /// The words of the subject that are worth printing; empty where it says nothing new.
    subject: String,
    /// Whether it goes on like the one before.
    omitted: bool,
}

impl Label {
    /// Writes subject and author of a message, or only its author, as a link.
    pub(super) fn link(&self, out: &mut Html, author: &str, target: &Target) {
        target.open(out);
        if self.subject.is_empty() {
            out.line(author);
            out.markup("</a>");
            return;
        }
        out.line(&self.subject);
        out.markup("</a> ");
        if self.omitted {
            out.markup("&quot; ");
        }
        out.line(author);
    }
}

/// Finds what lines say, one after the other.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// The subject of the line before, as it was given.
    given: String,
    /// Likewise in its normal form: one `Re:` and trailing dots taken off.
    normal: String,
}

impl Labels {
    /// What the next line says.
    pub(super) fn next(&mut self, subject: &str) -> Label {
        // Most answers keep the subject. A single word is not thought worth leaving out.
        if subject == self.given && self.normal.contains(' ') {
            return Label::default();
        }
        let normal = mail::normalize_subject(subject);
        let same = normal.rsplit(' ').zip(self.normal.rsplit(' '));
        let same = same.take_while(|(word, before)| word == before);
        let (count, bytes) = same.fold((0, 0), |(n, bytes), (word, _)| {
            (n + 1, bytes + word.len() + 1)
        });
        let omitted = count > 1;
        let mut new = match omitted {
            true => normal
                .get(..normal.len().saturating_sub(bytes))
                .unwrap_or(""),
            false => &normal,
        };
        let (before, last) = new.rsplit_once(' ').unwrap_or(("", new));
        if last
            .get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case("re:"))
        {
            new = before;
        }
        let label = Label {
            subject: new.to_owned(),
            omitted,
        };
        subject.clone_into(&mut self.given);
        self.normal = normal;
        label
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Links, Sight, skeleton};
    use crate::id::MessageId;
    use crate::time::Timestamp;

    fn mid(text: &str) -> MessageId {
        MessageId::parse(text).expect("an id")
    }

    fn seen<'a>(mid: &'a MessageId, depth: usize, subject: &'a str, author: &'a str) -> Entry<'a> {
        Entry {
            mid,
            depth,
            loose: false,
            sight: Sight::Seen {
                sent: Timestamp(1_631_439_288),
                subject: subject.into(),
                author: author.into(),
                score: None,
            },
        }
    }

    fn without_tags(html: &str) -> String {
        let mut text = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => text.push(c),
                _ => {}
            }
        }
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
    }

    #[test]
    fn a_line_names_what_is_new_in_its_subject() {
        let id = mid("a@b");
        for (previous, subject, line) in [
            ("", "[PATCH] x y", "[PATCH] x y A"),
            ("[PATCH] x y", "Re: [PATCH] x y", "A"),
            ("x", "Re: x", "x A"),
            ("one two", "other one two", "other \" A"),
            ("one two", "Re: other two", "other two A"),
            ("one two three", "Re: Re: two three", "A"),
            ("", "", "A"),
            ("x y", "x y...", "A"),
        ] {
            let entries = [seen(&id, 0, previous, "-"), seen(&id, 1, subject, "A")];
            let links = Links::Pages {
                base: "../",
                current: None,
            };
            let html = skeleton(&entries, links);
            let text = without_tags(html.as_str());
            let shown = text.lines().nth(1).unwrap_or("");
            assert_eq!(
                shown,
                format!("2021-09-12  9:34 ` {line}"),
                "{previous} / {subject}"
            );
        }
    }

    #[test]
    fn the_page_of_a_message_marks_its_line() {
        let (root, reply, ghost) = (mid("r/x@y"), mid("a@b"), mid("<g>@&"));
        let missing = Entry {
            mid: &ghost,
            depth: 2,
            loose: false,
            sight: Sight::Ghost,
        };
        let mut late = seen(&root, 0, "hello world", "L");
        late.loose = true;
        let entries = [
            seen(&root, 0, "hello world", "R"),
            seen(&reply, 1, "hello world", "A"),
            missing,
            late,
        ];
        let links = Links::Pages {
            base: "../",
            current: Some(1),
        };
        assert_eq!(
            skeleton(&entries, links).as_str(),
            "<span class=\"tree\">2021-09-12  9:34 <a href=\"../r%2Fx@y/\">hello world</a> R\n\
             <b>2021-09-12  9:34 ` <a id=\"r\" href=\"#t\">A [this message]</a></b>\n\
             \u{20}    [not found] <span class=\"in\">  </span>` &lt;<a href=\"../%3Cg%3E@&amp;/\">&lt;g&gt;@&amp;</a>&gt;\n\
             \u{20} -- strict thread matches above, loose matches on Subject: below --\n\
             2021-09-12  9:34 <a href=\"../r%2Fx@y/\">L</a>\n</span>"
        );
    }

    #[test]
    fn lines_of_a_page_of_many_are_anchors() {
        let id = mid("YT4QCHwnqZL/rl0z@kroah.com");
        let mut hit = seen(&id, 0, "x", "A");
        if let Sight::Seen { score, .. } = &mut hit.sight {
            *score = Some(7);
        }
        let links = Links::Anchors {
            base: "../../",
            scores: true,
        };
        let other = mid("b@c");
        let anchor = "c995f55a1a67aaff812b644d15a045efc99ec67a";
        assert_eq!(
            skeleton(&[hit, seen(&other, 1, "y", "B")], links).as_str(),
            format!(
                "<span class=\"tree\">2021-09-12  9:34  7% <a href=\"#m{anchor}\" id=\"r{anchor}\">x</a> A\n\
                 2021-09-12  9:34     ` <a href=\"../../b@c/\">y</a> B\n</span>"
            )
        );
    }

    #[test]
    fn very_deep_threads_stay_small() {
        let id = mid("a@b");
        let entries: Vec<Entry> = (0..1000).map(|depth| seen(&id, depth, "", "A")).collect();
        let links = Links::Pages {
            base: "../",
            current: None,
        };
        assert!(skeleton(&entries, links).as_str().len() < 300_000);
    }
}
