//! A message among others on a page: who wrote to whom and when, to which lists it went, and what it says.

use super::lines;
use super::lists;
use crate::archive::{Article, Inbox};
use crate::error::Result;
use crate::mail::Message;
use crate::render::{self, BodyOptions, Html};
use crate::url;

/// The inbox that a page shows, and the way to it.
pub(super) struct Home<'a> {
    pub(super) inbox: &'a Inbox,
    /// From the page to the inbox: `../` some times, or its name and a slash.
    pub(super) up: &'a str,
    /// From the page to the root of the site.
    pub(super) site: &'a str,
}

impl Home<'_> {
    /// The address of a message's own page, ending in `/`.
    pub(super) fn base(&self, article: &Article) -> String {
        format!("{}{}/", self.up, url::escape_mid(&article.mid))
    }
}

/// Whether a message says what it answers: not where it stands below it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    Named,
    Left,
}

/// The head and the text of a message, up to the end of its last line.
pub(super) fn entry(home: &Home<'_>, article: &Article, parent: Parent) -> Result<Html> {
    let base = home.base(article);
    let raw = lines::read(home.inbox, article)?;
    let message = Message::parse(raw.as_deref().unwrap_or_default());
    let (to, cc) = (message.addresses("To"), message.addresses("Cc"));
    let head = render::entry_head(
        &article.author,
        article.sent,
        &base,
        (&to, &cc),
        lines::addresses(home.inbox),
    );
    let head = lists::head_with(head, lists::line_of(home.inbox, article, home.site)?);
    let answers = (parent == Parent::Named).then(|| answers(home, &message));
    let mut html = lists::head_with(head, answers.flatten());
    match raw {
        Some(_) => {
            let options = BodyOptions {
                base: &base,
                addresses: lines::addresses(home.inbox),
                ..BodyOptions::default()
            };
            html.append(&render::body(&message.parts(), &options));
        }
        None => html.markup(lines::LOST),
    }
    html.end_line();
    Ok(html)
}

fn answers(home: &Home<'_>, message: &Message<'_>) -> Option<Html> {
    let references = message.references();
    let parent = references.last()?;
    let mut line = Html::new();
    line.markup("In-Reply-To: &lt;");
    line.link(
        &format!("{}{}/", home.up, url::escape_mid(parent)),
        parent.as_str(),
    );
    line.markup("&gt;\n");
    Some(line)
}
