//! `/INBOX/MSGID/d/` — how the mails that came under one Message-ID differ, each from the first: those of the inbox,
//! and the copies that other lists have.

use askama::Template;

use crate::archive::{Article, Inbox};
use crate::error::Result;
use crate::id::{InboxName, MessageId, Oid};
use crate::mail::Message;
use crate::render::{self, Addresses, Fields, Html};
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
    /// How they differ in what is shown of them.
    diff: Option<Html>,
    /// How their headers differ where nothing else does.
    headers: Option<Html>,
}

/// So many are compared with the first.
const COMPARED: usize = 8;

/// Answers with the differences; where there are no two mails of that id that differ, there is nothing to see.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let copies = copies(visit, &inbox, mid)?;
    let [first, others @ ..] = copies.as_slice() else {
        return Err(WebError::MISSING);
    };
    if others.is_empty() {
        return Err(WebError::MISSING);
    }
    let hiding = copies.iter().find(|(inbox, _)| inbox.config().obfuscate);
    let addresses = lines::addresses(hiding.map_or(&inbox, |(inbox, _)| inbox));
    let old = Plain::of(first, addresses)?;
    let mut pairs = Vec::new();
    for (n, other) in others.iter().take(COMPARED).enumerate() {
        let new = Plain::of(other, addresses)?;
        let diff = render::compare(&old.shown, &new.shown);
        let headers = match diff {
            Some(_) => None,
            None => render::compare(&old.headers, &new.headers),
        };
        pairs.push(Pair {
            old: called(1, first),
            new: called(n + 2, other),
            diff,
            headers,
        });
    }
    let page = CopiesPage {
        frame: Frame::of_inbox(visit, &inbox, &format!("Messages that are called <{mid}>")),
        mid: Html::of(mid.as_str()),
        left_out: others.len().saturating_sub(COMPARED),
        pairs,
    };
    let html = print(&page)?;
    Ok(Answer::page(Outcome::Found, html, Fresh::of_bytes(None)).unlisted())
}

/// The mails of that id, those of the inbox first, no two with the same bytes.
fn copies(
    visit: &Visit<'_>,
    inbox: &Inbox,
    mid: &MessageId,
) -> Result<Vec<(Inbox, Article)>, WebError> {
    let ours = inbox.articles(mid)?;
    if ours.is_empty() {
        return Ok(Vec::new());
    }
    let home = |article: &Article| {
        let mut members = inbox.members().iter();
        members.find(|member| member.id() == article.inbox).cloned()
    };
    let ours = ours
        .into_iter()
        .filter_map(|article| Some((home(&article)?, article)));
    let mut seen: Vec<Oid> = Vec::new();
    let mut copies: Vec<(Inbox, Article)> = ours.collect();
    copies.extend(visit.site.archive.copies(mid)?);
    copies.retain(|(_, article)| {
        let new = !seen.contains(&article.blob);
        seen.push(article.blob);
        new
    });
    Ok(copies)
}

/// A copy as the head of a diff names it.
fn called(n: usize, (inbox, article): &(Inbox, Article)) -> String {
    let name = &inbox.config().name;
    format!(
        "message {n}, on {name}\treceived {} UTC",
        article.received.minute()
    )
}

/// A mail as plain text.
struct Plain {
    /// What its page shows of it.
    shown: String,
    /// All its headers.
    headers: String,
}

impl Plain {
    fn of((inbox, article): &(Inbox, Article), addresses: Addresses<'_>) -> Result<Plain> {
        let Some(raw) = lines::read(inbox, article)? else {
            return Ok(Plain {
                shown: lines::LOST.to_owned(),
                headers: String::new(),
            });
        };
        let message = Message::parse(&raw);
        Ok(Plain {
            shown: render::plain(&Fields::of(&message), &message.parts(), addresses),
            headers: render::plain_headers(message.raw(), addresses),
        })
    }
}
