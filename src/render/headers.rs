//! The headers above a message on its own page.

use super::fold::folded;
use super::{Addresses, Html};
use crate::id::MessageId;
use crate::mail::Message;
use crate::url;

/// As much of a header as is shown: ten thousand recipients are still all there.
const LONGEST: usize = 512 * 1024;

/// The headers that are shown, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Every `From`.
    pub from: Vec<String>,
    /// Every `To`.
    pub to: Vec<String>,
    /// Every `Cc`.
    pub cc: Vec<String>,
    /// Every `Subject`.
    pub subject: Vec<String>,
    /// `Date` as its sender wrote it.
    pub date: Option<String>,
    /// `Message-ID` and `X-Alt-Message-ID`, with the name of the header that each stood in.
    pub ids: Vec<(&'static str, MessageId)>,
    /// What it answers: `In-Reply-To` as its sender wrote it, or else its last reference in angle brackets.
    pub in_reply_to: Option<String>,
}

impl Fields {
    /// Takes them from a message.
    pub fn of(message: &Message<'_>) -> Fields {
        let own = message.message_ids().into_iter();
        let others = message.alternate_ids().into_iter();
        let last = || message.references().last().map(|mid| format!("<{mid}>"));
        Fields {
            from: message.people("From"),
            to: message.people("To"),
            cc: message.people("Cc"),
            subject: message.headers("Subject"),
            date: message.raw_header("Date"),
            ids: own
                .map(|mid| ("Message-ID", mid))
                .chain(others.map(|mid| ("X-Alt-Message-ID", mid)))
                .collect(),
            in_reply_to: message.header("In-Reply-To").or_else(last),
        }
    }
}

/// How the block of headers is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderOptions<'a> {
    /// Whether the page's anchors and links (`#t`, `#r`) are here: on the first of several messages.
    pub first: bool,
    /// How addresses are written.
    pub addresses: Addresses<'a>,
}

impl Default for HeaderOptions<'_> {
    fn default() -> Self {
        HeaderOptions {
            first: true,
            addresses: Addresses::Shown,
        }
    }
}

/// The block of headers, an element of the class `mail` and an empty line, to be put inside a `<pre>`.
pub fn headers(fields: &Fields, options: HeaderOptions<'_>) -> Html {
    let mut out = Html::with_capacity(2048);
    out.markup("<span class=\"mail\">");
    let mut people = |name: &'static str, values: &[String], write: fn(&mut Html, &str)| {
        for value in values.iter().filter(|value| !value.is_empty()) {
            out.markup(name);
            let value = &value[..value.floor_char_boundary(LONGEST)];
            write(&mut out, &options.addresses.written(value));
            out.markup("\n");
        }
    };
    people("From: ", &fields.from, Html::line);
    people("To: ", &fields.to, folded);
    people("Cc: ", &fields.cc, folded);
    subject_lines(&mut out, &fields.subject, options);
    if let Some(date) = &fields.date {
        out.markup("Date: ");
        out.line(date);
        thread_link(&mut out, options.first);
        out.markup("\n");
    }
    id_lines(&mut out, &fields.ids);
    if let Some(value) = &fields.in_reply_to {
        out.markup("In-Reply-To: ");
        with_id_links(&mut out, &value[..value.floor_char_boundary(LONGEST)]);
        out.markup("\n");
    }
    if fields.date.is_none() && options.first {
        out.markup("<a href=\"#r\">[thread overview]</a>\n");
    }
    out.markup("</span>\n");
    out
}

fn thread_link(out: &mut Html, first: bool) {
    if first {
        out.markup("\t<a href=\"#r\">[thread overview]</a>");
    }
}

fn subject_lines(out: &mut Html, subjects: &[String], options: HeaderOptions<'_>) {
    let mut anchor = options.first;
    // The page's links lead here, whether there is a subject or not.
    if anchor && subjects.iter().all(String::is_empty) {
        out.markup("Subject: <a href=\"#r\" id=\"t\">(no subject)</a>\n");
    }
    for subject in subjects.iter().filter(|subject| !subject.is_empty()) {
        out.markup("Subject: ");
        let subject = &subject[..subject.floor_char_boundary(LONGEST)];
        let subject = &options.addresses.written(subject);
        if anchor {
            out.markup("<a href=\"#r\" id=\"t\">");
            out.line(subject);
            out.markup("</a>\n");
            anchor = false;
        } else {
            out.line(subject);
            out.markup("\n");
        }
    }
}

/// The ids that it is known by. One alone is its address already; of several each is a link.
fn id_lines(out: &mut Html, ids: &[(&'static str, MessageId)]) {
    let alone = ids.len() == 1;
    for (name, mid) in ids {
        out.markup(name);
        out.markup(": &lt;");
        if alone {
            out.line(mid.as_str());
            out.markup("&gt; (<a href=\"raw\">raw</a>)\n");
        } else {
            let page = format!("../{}/", url::escape_mid(mid));
            out.link(&page, mid.as_str());
            out.markup("&gt; (");
            out.link(&format!("{page}raw"), "raw");
            out.markup(")\n");
        }
    }
}

/// Free text in which every `<id>` is a link to that message.
fn with_id_links(out: &mut Html, text: &str) {
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('<') {
        let Some((id, after)) = tail.split_once('>') else {
            break;
        };
        out.line(before);
        out.markup("&lt;");
        match MessageId::parse(id) {
            Some(mid) => out.link(&format!("../{}/", url::escape_mid(&mid)), mid.as_str()),
            None => out.line(id),
        }
        out.markup("&gt;");
        rest = after;
    }
    out.line(rest);
}

#[cfg(test)]
mod tests {
    use super::{Fields, HeaderOptions, headers};
    use crate::id::MessageId;

    fn mid(text: &str) -> MessageId {
        MessageId::parse(text).expect("an id")
    }

    #[test]
    fn the_block_has_a_fixed_order() {
        let fields = Fields {
            from: vec!["A <a@b>".to_owned()],
            to: vec!["b@c".to_owned(), String::new()],
            cc: Vec::new(),
            subject: vec!["Hi & ho".to_owned()],
            date: Some("Sun, 12 Sep 2021 16:34:48 +0200".to_owned()),
            ids: vec![("Message-ID", mid("x/y@z"))],
            in_reply_to: Some("your mail of <p/q@z> & <>".to_owned()),
        };
        assert_eq!(
            headers(&fields, HeaderOptions::default()).as_str(),
            "<span class=\"mail\">From: A &lt;a@b&gt;\nTo: b@c\n\
             Subject: <a href=\"#r\" id=\"t\">Hi &amp; ho</a>\n\
             Date: Sun, 12 Sep 2021 16:34:48 +0200\t<a href=\"#r\">[thread overview]</a>\n\
             Message-ID: &lt;x/y@z&gt; (<a href=\"raw\">raw</a>)\n\
             In-Reply-To: your mail of &lt;<a href=\"../p%2Fq@z/\">p/q@z</a>&gt; &amp; &lt;&gt;\n</span>\n"
        );
    }

    #[test]
    fn lists_of_people_are_folded_and_an_author_is_not() {
        let person = |letters| format!("\"Weaver, W.\" <{}@example.org>", "w".repeat(letters));
        let fields = Fields {
            from: vec![person(60)],
            to: vec![format!("{}, a@b.example", person(36))],
            ..Fields::default()
        };
        let html = headers(&fields, HeaderOptions::default());
        let lines: Vec<&str> = html.as_str().lines().collect();
        assert!(lines[0].ends_with("@example.org&gt;"), "{html}");
        assert!(lines[1].ends_with("@example.org&gt;,"), "{html}");
        assert_eq!(lines[2], "\ta@b.example");
    }

    #[test]
    fn an_empty_subject_is_still_the_way_to_the_thread() {
        let subject = vec![String::new()];
        let fields = Fields {
            subject,
            ..Fields::default()
        };
        let html = headers(&fields, HeaderOptions::default());
        assert!(
            html.as_str().contains("id=\"t\">(no subject)</a>\n"),
            "{html}"
        );
    }

    #[test]
    fn each_of_several_ids_is_a_link() {
        let fields = Fields {
            ids: vec![("Message-ID", mid("a@b")), ("X-Alt-Message-ID", mid("c@d"))],
            ..Fields::default()
        };
        assert_eq!(
            headers(&fields, HeaderOptions::default()).as_str(),
            "<span class=\"mail\">Subject: <a href=\"#r\" id=\"t\">(no subject)</a>\nMessage-ID: &lt;<a href=\"../a@b/\">a@b</a>&gt; (<a href=\"../a@b/raw\">raw</a>)\n\
             X-Alt-Message-ID: &lt;<a href=\"../c@d/\">c@d</a>&gt; (<a href=\"../c@d/raw\">raw</a>)\n\
             <a href=\"#r\">[thread overview]</a>\n</span>\n"
        );
    }
}
