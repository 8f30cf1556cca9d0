//! `/INBOX/` — its latest threads. Threads are woven of the latest messages only; `?t=` moves that window.

use askama::Template;

use crate::archive::{Article, Thread};
use crate::id::{InboxName, MessageId};
use crate::mail::{self, Line, What};
use crate::render::{Addresses, Html};
use crate::time::Timestamp;
use crate::url::{self, Window};
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::lines;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "topics.html")]
struct TopicsPage {
    frame: Frame,
    topics: Html,
    older: Option<String>,
    newer: Option<String>,
    paged: bool,
}

/// How many messages a window holds.
const WINDOW: usize = 200;

/// Answers with the threads of a window.
pub(in crate::web) fn show(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    if let Some(commit) = visit.ask.query.value('r') {
        // An early way to ask for a page as it was at a commit.
        let query = format!("/{name}/new.html?r={}", url::escape_query(commit));
        return Ok(Answer::elsewhere(query));
    }
    let window = visit.ask.query.window();
    let articles = inbox.window(window, WINDOW)?;
    let newest = articles.iter().map(|a| a.received).max();
    let oldest = articles.iter().map(|a| a.received).min();
    let paging = Paging::of(window, articles.len(), oldest.zip(newest));
    let outcome = if articles.is_empty() {
        Outcome::Missing
    } else {
        Outcome::Found
    };
    let Thread {
        lines, articles, ..
    } = inbox.arrange(articles)?;
    let rows: Vec<Row<'_>> = articles.iter().map(Row::of).collect();
    let topics = list(&lines, &rows, lines::addresses(&inbox));
    let mut frame = Frame::of_inbox(visit, &inbox, &lines::description(&inbox));
    frame.feed = Some("new.atom".to_owned());
    if window == Window::Latest {
        frame.home = None;
    }
    let page = TopicsPage {
        frame,
        topics,
        older: paging.older,
        newer: paging.newer,
        paged: window != Window::Latest,
    };
    Ok(Answer::page(
        outcome,
        print(&page)?,
        Fresh::of_bytes(inbox.changed()),
    ))
}

/// Where a window's neighbours are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Paging {
    older: Option<String>,
    newer: Option<String>,
}

impl Paging {
    /// Both ends of a window are inclusive, so that nothing falls between two pages.
    fn of(window: Window, count: usize, ends: Option<(Timestamp, Timestamp)>) -> Paging {
        let Some((oldest, newest)) = ends else {
            return Paging::default();
        };
        let full = count >= WINDOW;
        let older =
            (full || matches!(window, Window::From(_))).then(|| format!("?t={}", oldest.digits()));
        let newer = (window != Window::Latest && (full || !matches!(window, Window::From(_))))
            .then(|| format!("?t={}-", newest.digits()));
        Paging { older, newer }
    }
}

/// What the list needs of a message.
struct Row<'a> {
    mid: &'a MessageId,
    subject: &'a str,
    sent: Timestamp,
}

impl<'a> Row<'a> {
    fn of(article: &'a Article) -> Row<'a> {
        Row {
            mid: &article.mid,
            subject: &article.subject,
            sent: article.sent,
        }
    }
}

/// One thread of the list.
struct Topic<'a> {
    newest_sent: Timestamp,
    count: usize,
    /// Its subjects in reading order.
    subjects: Vec<Subject<'a>>,
}

/// A subject of a thread.
struct Subject<'a> {
    depth: usize,
    text: String,
    /// The last message, in reading order, that has it.
    last: &'a Row<'a>,
}

/// The threads of an arranged window as lines.
fn list(lines: &[Line], rows: &[Row<'_>], addresses: Addresses<'_>) -> Html {
    let mut topics = gather(lines, rows);
    topics.sort_by_key(|topic| std::cmp::Reverse(topic.newest_sent));
    let mut html = Html::with_capacity(rows.len() * 128);
    for (n, topic) in topics.iter().enumerate() {
        if n > 0 {
            html.markup("\n");
        }
        write_topic(&mut html, topic, addresses);
    }
    if topics.is_empty() {
        html.markup("[No topics in range]");
    }
    html
}

fn gather<'a>(lines: &[Line], rows: &'a [Row<'a>]) -> Vec<Topic<'a>> {
    let mut topics: Vec<Topic<'_>> = Vec::new();
    // The subject of the message before, as it was written, and where in its thread it stands: most have the same.
    let mut before: Option<(&str, usize)> = None;
    let mut fresh = true;
    for line in lines {
        if line.depth == 0 {
            fresh = true;
        }
        let What::Real(index) = line.what else {
            continue;
        };
        let Some(row) = rows.get(index) else { continue };
        if fresh {
            fresh = false;
            before = None;
            topics.push(Topic {
                newest_sent: row.sent,
                count: 0,
                subjects: Vec::new(),
            });
        }
        let Some(topic) = topics.last_mut() else {
            continue;
        };
        topic.count += 1;
        topic.newest_sent = topic.newest_sent.max(row.sent);
        let place = match before {
            Some((written, place)) if written == row.subject => place,
            _ => {
                let text = mail::normalize_subject(row.subject);
                let known = topic.subjects.iter().position(|known| known.text == text);
                known.unwrap_or_else(|| {
                    topic.subjects.push(Subject {
                        depth: line.depth,
                        text,
                        last: row,
                    });
                    topic.subjects.len() - 1
                })
            }
        };
        before = Some((row.subject, place));
        if let Some(subject) = topic.subjects.get_mut(place) {
            subject.last = row;
        }
    }
    topics
}

fn write_topic(html: &mut Html, topic: &Topic<'_>, addresses: Addresses<'_>) {
    let Some((top, others)) = topic.subjects.split_first() else {
        return;
    };
    let end = if topic.count > 1 { "T/#t" } else { "T/#u" };
    let shown = match top.text.as_str() {
        "" => lines::NO_SUBJECT.into(),
        text => addresses.written(text),
    };
    link(html, top.last, end, &shown);
    html.markup("\n ");
    html.print(format_args!("{} UTC ", topic.newest_sent.minute()));
    if topic.count > 1 {
        html.print(format_args!(" ({}+ messages)", topic.count));
    }
    html.markup("\n");
    let mut before = &top.text;
    for subject in others {
        html.indent(2 * subject.depth.saturating_sub(1));
        html.markup("` ");
        let (rest, omitted) = unlike(&subject.text, before);
        link(
            html,
            subject.last,
            "T/#u",
            &match rest.as_str() {
                "" => lines::NO_SUBJECT.into(),
                rest => addresses.written(rest),
            },
        );
        if omitted {
            html.markup(" &quot;");
        }
        html.markup("\n");
        before = &subject.text;
    }
}

fn link(html: &mut Html, row: &Row<'_>, end: &str, text: &str) {
    html.link(&format!("{}/{end}", url::escape_mid(row.mid)), text);
}

/// What a subject says that the one before it did not: equal words at their ends are left out where there are two or
/// more, and the second value says so.
fn unlike(subject: &str, before: &str) -> (String, bool) {
    let mut words: Vec<&str> = subject.split(' ').collect();
    let equal = words
        .iter()
        .rev()
        .zip(before.split(' ').rev())
        .take_while(|(a, b)| *a == b)
        .count();
    if equal < 2 || equal == words.len() {
        return (subject.to_owned(), false);
    }
    words.truncate(words.len() - equal);
    (words.join(" "), true)
}

#[cfg(test)]
mod tests {
    use super::{Addresses, Paging, Row, WINDOW, list, unlike};
    use crate::id::{MessageId, MidKey};
    use crate::mail::{Line, What};
    use crate::time::Timestamp;
    use crate::url::Window;

    fn line(what: What, depth: usize) -> Line {
        Line {
            what,
            depth,
            loose: false,
        }
    }

    #[test]
    fn a_thread_shows_its_subjects_and_links_the_last_message_of_each() {
        let mids: Vec<MessageId> = (0..5)
            .map(|n| MessageId::parse(&format!("{n}/x@y")).unwrap())
            .collect();
        let row = |n: usize, at: i64, subject: &'static str| Row {
            mid: &mids[n],
            subject,
            sent: Timestamp(1_600_000_000 + at),
        };
        let rows = [
            row(0, 1, "on looms and <wool>"),
            row(1, 2, "[rant] on looms and <wool>"),
            row(2, 3, "Re: on looms and <wool>"),
            row(3, 900, "alone"),
            row(4, 400, ""),
        ];
        let lines = [
            line(What::Real(0), 0),
            line(What::Real(1), 2),
            line(What::Real(2), 1),
            line(What::Real(3), 0),
            line(What::Ghost(MidKey(7)), 0),
            line(What::Real(4), 1),
        ];
        assert_eq!(
            list(&lines, &rows, Addresses::Shown).as_str(),
            "<a href=\"3%2Fx@y/T/#u\">alone</a>\n 2020-09-13 12:41 UTC \n\n\
             <a href=\"4%2Fx@y/T/#u\">(no subject)</a>\n 2020-09-13 12:33 UTC \n\n\
             <a href=\"2%2Fx@y/T/#t\">on looms and &lt;wool&gt;</a>\n 2020-09-13 12:26 UTC  (3+ messages)\n\
             <span class=\"in\">  </span>` <a href=\"1%2Fx@y/T/#u\">[rant]</a> &quot;\n"
        );
    }

    #[test]
    fn an_empty_window_says_so() {
        assert_eq!(
            list(&[], &[], Addresses::Shown).as_str(),
            "[No topics in range]"
        );
    }

    #[test]
    fn only_two_equal_words_or_more_are_left_out() {
        for (subject, before, rest, omitted) in [
            ("a b c d", "x c d", "a b", true),
            ("a b c", "x c", "a b c", false),
            ("a b", "a b", "a b", false),
            ("", "a", "", false),
        ] {
            assert_eq!(
                unlike(subject, before),
                (rest.to_owned(), omitted),
                "{subject}"
            );
        }
    }

    #[test]
    fn pages_touch_each_other() {
        let ends = Some((Timestamp(0), Timestamp(60)));
        let older = Some("?t=19700101000000".to_owned());
        let newer = Some("?t=19700101000100-".to_owned());
        let (up_to, from) = (Window::UpTo(Timestamp(0)), Window::From(Timestamp(0)));
        for (window, count, ends, older, newer) in [
            (Window::Latest, 2, ends, None, None),
            (Window::Latest, WINDOW, ends, older.clone(), None),
            (up_to, 2, ends, None, newer.clone()),
            (up_to, WINDOW, ends, older.clone(), newer.clone()),
            (from, 2, ends, older.clone(), None),
            (from, WINDOW, ends, older, newer),
            (from, 0, None, None, None),
        ] {
            assert_eq!(
                Paging::of(window, count, ends),
                Paging { older, newer },
                "{window:?} {count}"
            );
        }
    }
}
