//! An Atom feed (RFC 4287, RFC 4685) as it is written: its head, and one entry for each message.
//!
//! Readers know entries by their ids, so these never change: they are made of Message-IDs, as public-inbox makes them.

use std::io::Write;

use sha1::{Digest, Sha1};

use super::answer::{Answer, Media, ascii};
use super::error::WebError;
use super::freshness::Fresh;
use super::lines;
use super::site::Visit;
use crate::archive::{Article, Inbox};
use crate::error::{Error, Result};
use crate::id::MessageId;
use crate::mail::{Address, Message};
use crate::render::{self, BodyOptions, Html};
use crate::time::Timestamp;
use crate::url;

/// A feed, all but its entries.
pub(super) struct Feed {
    pub(super) inbox: Inbox,
    pub(super) title: String,
    pub(super) id: String,
    pub(super) updated: Option<Timestamp>,
    /// The page that shows the same.
    pub(super) alternate: String,
    /// Where the inbox is, ending in `/`: absolute where that is known, else relative to the feed.
    pub(super) inbox_url: String,
    /// Where the feed itself is.
    pub(super) own: String,
}

impl Feed {
    pub(super) fn of(visit: &Visit<'_>, inbox: &Inbox, title: &str) -> Feed {
        let up = visit.ask.up_to_inbox();
        let relative = if up.is_empty() { "./".to_owned() } else { up };
        let inbox_url = visit.site.inbox_url(inbox).unwrap_or(relative);
        let inside = visit.ask.path.splitn(3, '/').nth(2).unwrap_or("");
        let own = format!("{inbox_url}{inside}");
        let query = &visit.ask.query;
        let own = match (query.value('q'), query.only("t").as_str()) {
            (Some(_), _) => visit.ask.with_query(own),
            (None, "") => own,
            (None, window) => format!("{own}?{window}"),
        };
        Feed {
            inbox: inbox.clone(),
            title: title.to_owned(),
            id: urn(&own),
            updated: None,
            alternate: inbox_url.clone(),
            inbox_url,
            own,
        }
    }

    /// A short feed, in the order given.
    pub(super) fn whole(mut self, articles: Vec<Article>) -> std::result::Result<Answer, WebError> {
        let changed = self.inbox.changed();
        self.updated = self.inbox.newest()?;
        let mut feed = Vec::new();
        self.write(&mut feed, articles)?;
        Ok(Answer::found(Media::Atom, feed, Fresh::of_bytes(changed)))
    }

    pub(super) fn write(self, out: &mut dyn Write, articles: Vec<Article>) -> Result<()> {
        put(out, self.head())?;
        for article in &articles {
            // An entry without its mail would say nothing, and readers would keep it.
            if let Some(raw) = lines::read(&self.inbox, article)? {
                put(out, self.entry(article, &Message::parse(&raw))?)?;
            }
        }
        put(out, closing("</feed>\n"))
    }

    fn head(&self) -> Html {
        let mut xml = Html::new();
        xml.markup("<?xml version=\"1.0\" encoding=\"us-ascii\"?>\n<feed\nxmlns=\"http://www.w3.org/2005/Atom\"\n");
        xml.markup("xmlns:thr=\"http://purl.org/syndication/thread/1.0\">");
        title(&mut xml, &self.title);
        xml.markup("<link\nrel=\"alternate\"\ntype=\"text/html\"\nhref=\"");
        xml.line(&self.alternate);
        xml.markup("\"/><link\nrel=\"self\"\nhref=\"");
        xml.line(&self.own);
        xml.markup("\"/>");
        element(&mut xml, Tag::Id, &self.id);
        // A feed must have a date, also one of an inbox without mail.
        element(
            &mut xml,
            Tag::Updated,
            &self.updated.unwrap_or_default().rfc3339(),
        );
        xml
    }

    fn entry(&self, article: &Article, message: &Message<'_>) -> Result<Html> {
        let link = |mid: &MessageId| format!("{}{}/", self.inbox_url, url::escape_mid(mid));
        let settings = self.inbox.config();
        let base = link(&article.mid);
        let mut xml = Html::new();
        xml.markup("<entry><author>");
        let author = message
            .authors()
            .into_iter()
            .next()
            .unwrap_or_else(|| Address {
                name: None,
                email: settings.addresses.first().cloned().unwrap_or_default(),
            });
        let addresses = lines::addresses(&self.inbox);
        element(&mut xml, Tag::Name, &addresses.written(author.shown()));
        if !addresses.hides(&author.email) && !author.email.is_empty() {
            element(&mut xml, Tag::Email, &author.email);
        }
        xml.markup("</author>");
        title(&mut xml, &lines::subject(&self.inbox, article));
        element(&mut xml, Tag::Updated, &article.received.rfc3339());
        xml.markup("<link\nhref=\"");
        xml.line(&base);
        xml.markup("\"/>");
        element(&mut xml, Tag::Id, &urn(article.mid.as_str()));
        if let Some(parent) = message.references().last() {
            xml.markup("<thr:in-reply-to\nref=\"");
            xml.line(&urn(parent.as_str()));
            xml.markup("\"\nhref=\"");
            xml.line(&link(parent));
            xml.markup("\"/>");
        }
        if self.inbox.is_together() {
            for list in self.inbox.lists_of(article)? {
                xml.markup("<category\nterm=\"");
                xml.line(list.config().name.as_str());
                xml.markup("\"/>");
            }
        }
        xml.markup("<content\ntype=\"xhtml\"><div\nxmlns=\"http://www.w3.org/1999/xhtml\"><pre\n");
        xml.markup("style=\"white-space:pre-wrap\">");
        let options = BodyOptions {
            base: &base,
            fold: false,
            addresses,
        };
        xml.append(&render::body(&message.parts_as_sent(), &options));
        xml.markup("</pre></div></content></entry>");
        Ok(xml)
    }
}

/// Elements of text that feeds are made of.
#[derive(Clone, Copy)]
enum Tag {
    Title,
    Id,
    Updated,
    Name,
    Email,
}

/// A title as public-inbox writes it, so that no reader takes an old entry for a changed one: HTML as soon as a
/// character has a name there. Not so where one would be markup, and readers would leave it out: then it is text.
/// White space is squeezed.
fn title(xml: &mut Html, text: &str) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let named = |c: char| !c.is_ascii() || matches!(c, '"' | '\'');
    let markup = ['&', '<', '>'];
    if !text.contains(named) || text.contains(markup) {
        return element(xml, Tag::Title, &text);
    }
    xml.markup("<title\ntype=\"html\">");
    xml.line(&text);
    xml.markup("</title>");
}

fn element(xml: &mut Html, tag: Tag, text: &str) {
    let (open, close) = match tag {
        Tag::Title => ("<title>", "</title>"),
        Tag::Id => ("<id>", "</id>"),
        Tag::Updated => ("<updated>", "</updated>"),
        Tag::Name => ("<name>", "</name>"),
        Tag::Email => ("<email>", "</email>"),
    };
    xml.markup(open);
    xml.line(text);
    xml.markup(close);
}

fn closing(tag: &'static str) -> Html {
    let mut xml = Html::new();
    xml.markup(tag);
    xml
}

/// `urn:uuid:` and the first 128 bits of the SHA-1 of a text.
pub(super) fn urn(text: &str) -> String {
    let digest = Sha1::digest(text.as_bytes());
    let mut urn = "urn:uuid:".to_owned();
    for (n, byte) in digest.iter().take(16).enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            urn.push('-');
        }
        urn.push_str(&format!("{byte:02x}"));
    }
    urn
}

/// Entities of HTML are unknown to XML, numbers are not; so a feed is ASCII, too.
fn put(out: &mut dyn Write, xml: Html) -> Result<()> {
    let xml = ascii(xml.into_string());
    out.write_all(xml.as_bytes())
        .map_err(|error| Error::io("the answer", error))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Html, Tag, element, put, title, urn};
    use crate::mail::Message;
    use crate::render::{self, Addresses, BodyOptions};
    use crate::web::xml;

    /// What has a meaning in mail, in HTML, in XML.
    const PIECES: [&str; 24] = [
        "<",
        ">",
        "&",
        "\"",
        "'",
        "]]>",
        "<![CDATA[",
        "<!--",
        "-->",
        "&amp;",
        "&#0;",
        "&nbsp;",
        "</pre>",
        "</div>",
        "\n",
        "\0",
        "\x1b",
        "\u{fffe}",
        "\u{202e}",
        "é",
        "http://a.b/?c&d",
        "> q\n",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-<\n+&\n",
        "=?utf-8?q?=3C=00=EF=BF=BE?=",
    ];

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            3 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_feed_is_well_formed_whatever_mail_says(words in hostile(), text in hostile(), kind in 0..3usize) {
            let kinds = ["text/plain", "text/html", "multipart/mixed; boundary=\"\n\""];
            let line = words.replace(['\n', '\r'], " ");
            let raw = format!("Subject: {line}\nFrom: {line} <a@b>\nContent-Type: {}\n\n{text}", kinds[kind]);
            let message = Message::parse(raw.as_bytes());
            let mut feed = Html::new();
            feed.markup("<feed>");
            title(&mut feed, &message.subject());
            for author in message.authors() {
                element(&mut feed, Tag::Name, author.shown());
                element(&mut feed, Tag::Email, &author.email);
            }
            feed.markup("<link\nhref=\"");
            feed.line(&words);
            feed.markup("\"/><pre>");
            let options = BodyOptions { base: "https://x/\"<&", fold: false, addresses: if text.len() % 2 == 0 { Addresses::Shown } else { Addresses::Hidden { except: &[] } } };
            feed.append(&render::body(&message.parts_as_sent(), &options));
            feed.markup("</pre></feed>");
            let mut written = Vec::new();
            put(&mut written, feed).unwrap();
            let written = String::from_utf8(written).unwrap();
            prop_assert_eq!(xml::check(&written), Ok(()), "{}", written);
        }
    }

    #[test]
    fn what_is_not_well_formed_is_seen() {
        for (text, well) in [
            (
                "<?xml version=\"1.0\"?>\n<a><b c=\"d&amp;\"/>e&#233;</a>\n",
                true,
            ),
            ("<a><b></a></b>", false),
            ("<a>&nbsp;</a>", false),
            ("<a>&#0;</a>", false),
            ("<a b=\"<\"/>", false),
            ("<a b=c/>", false),
            ("<a b=\"1\" b=\"2\"/>", false),
            ("<a>\u{fffe}</a>", false),
            ("<a>]]></a>", false),
            ("<a/>x", false),
            ("<a>", false),
        ] {
            assert_eq!(xml::check(text).is_ok(), well, "{text}");
        }
    }

    #[test]
    fn ids_are_those_of_public_inbox() {
        let mid = "YT4QCHwnqZL/rl0z@kroah.com";
        assert_eq!(urn(mid), "urn:uuid:c995f55a-1a67-aaff-812b-644d15a045ef");
        assert_eq!(
            urn(&format!("t\n{mid}")),
            "urn:uuid:bc7d0576-fa08-996c-d415-7ed7eb44a38e"
        );
    }

    #[test]
    fn nothing_that_mail_says_breaks_the_xml() {
        let mut xml = Html::new();
        let hostile: String = (0..0x20_u8)
            .map(char::from)
            .chain("]]></title>&\u{fffe}\u{ffff}\u{7f}é".chars())
            .collect();
        element(&mut xml, Tag::Title, &hostile);
        let mut feed = Vec::new();
        put(&mut feed, xml).unwrap();
        let inner = std::str::from_utf8(&feed).unwrap();
        let inner = inner
            .strip_prefix("<title>")
            .unwrap()
            .strip_suffix("</title>")
            .unwrap();
        assert!(
            inner
                .bytes()
                .all(|b| b == b'\t' || (0x20..0x7f).contains(&b)),
            "{inner}"
        );
        assert!(!inner.contains(['<', '>']), "{inner}");
        assert!(inner.ends_with("&#233;"), "{inner}");
    }
}
