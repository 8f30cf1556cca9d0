//! `/INBOX/MSGID/d/` — how the mails that came under one Message-ID differ, each from the first.

use askama::Template;

use crate::archive::{Article, Inbox};
use crate::id::{InboxName, MessageId};
use crate::mail::Message;
use crate::render::{self, Fields, Html};
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::lines;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "copies.html")]
struct CopiesPage {
    frame: Frame,
    mid: Html,
    pairs: Vec<Pair>,
    /// How many are not compared.
    left_out: usize,
}

/// The first mail beside another.
struct Pair {
    old: String,
    new: String,
    diff: Option<Html>,
}

/// So many are compared with the first.
const COMPARED: usize = 8;

/// Answers with the differences; where there are no two mails of that id, there is nothing to see.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let articles = inbox.articles(mid)?;
    let [first, others @ ..] = articles.as_slice() else {
        return Err(WebError::MISSING);
    };
    if others.is_empty() {
        return Err(WebError::MISSING);
    }
    let old = plain(&inbox, first);
    let mut pairs = Vec::new();
    for (n, other) in others.iter().take(COMPARED).enumerate() {
        pairs.push(Pair {
            old: called(1, first),
            new: called(n + 2, other),
            diff: render::compare(&old, &plain(&inbox, other)),
        });
    }
    let page = CopiesPage {
        frame: Frame::of_inbox(visit, &inbox, &format!("Messages that are called <{mid}>")),
        mid: Html::of(mid.as_str()),
        left_out: others.len().saturating_sub(COMPARED),
        pairs,
    };
    let newest = articles.iter().map(|article| article.received).max();
    let html = print(&page)?;
    Ok(Answer::page(Outcome::Found, html, Fresh::of_bytes(newest)).unlisted())
}

/// A copy as the head of a diff names it.
fn called(n: usize, article: &Article) -> String {
    format!("message {n}\treceived {} UTC", article.received.minute())
}

fn plain(inbox: &Inbox, article: &Article) -> String {
    match lines::read(inbox, article) {
        Some(raw) => {
            let message = Message::parse(&raw);
            let obfuscate = inbox.config().obfuscate;
            render::plain(&Fields::of(&message), &message.parts(), obfuscate)
        }
        None => lines::LOST.to_owned(),
    }
}
