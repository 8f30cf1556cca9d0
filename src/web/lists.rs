//! The lists that a message went to: links to its copies, and whether these say the same.

use super::site::Visit;
use crate::archive::{Article, Inbox};
use crate::error::Result;
use crate::id::MessageId;
use crate::render::Html;
use crate::url;

/// Further lists that have a mail of some Message-ID.
pub(super) struct Elsewhere {
    /// Links to them, in one line.
    pub(super) links: Html,
    /// Whether any of their copies differs from ours by as much as a byte.
    pub(super) differs: bool,
    /// Whether the page is one of several inboxes, so that these are all lists there are.
    pub(super) together: bool,
}

impl Elsewhere {
    /// What other inboxes, or in a page of everything together all of them, have of this id. `ours` is the copy that
    /// the page shows. `None` where nobody else has any.
    pub(super) fn of(
        visit: &Visit<'_>,
        inbox: &Inbox,
        mid: &MessageId,
        ours: &Article,
    ) -> Result<Option<Elsewhere>> {
        let together = inbox.is_together();
        if !together && visit.site.archive.has_one_inbox() {
            return Ok(None);
        }
        let mut copies = visit.site.archive.copies(mid)?;
        copies.retain(|(holder, _)| together || holder.id() != inbox.id());
        if copies.is_empty() {
            return Ok(None);
        }
        let mut links = Html::new();
        let up = visit.ask.up_to_site();
        for (n, of_one) in copies.chunk_by(|a, b| a.0.id() == b.0.id()).enumerate() {
            let Some((holder, _)) = of_one.first() else {
                continue;
            };
            links.markup(if n > 0 { ", " } else { "" });
            let name = holder.config().name.as_str();
            links.link(&format!("{up}{name}/{}/", url::escape_mid(mid)), name);
            // The catalogue knows it for another message: a reader would see that it says something else.
            if of_one.iter().all(|(_, copy)| copy.message != ours.message) {
                links.markup(" (says something else)");
            }
        }
        Ok(Some(Elsewhere {
            links,
            differs: copies.iter().any(|(_, copy)| copy.blob != ours.blob),
            together,
        }))
    }
}

/// `  Lists: a, b`, a line of the head of a message among others, where several lists are shown as one. `up` leads to
/// the root of the site.
pub(super) fn line_of(inbox: &Inbox, article: &Article, up: &str) -> Result<Option<Html>> {
    if !inbox.is_together() {
        return Ok(None);
    }
    let mut line = Html::new();
    line.markup("  Lists: ");
    for (n, list) in inbox.lists_of(article)?.iter().enumerate() {
        line.markup(if n > 0 { ", " } else { "" });
        let name = list.config().name.as_str();
        let mid = url::escape_mid(&article.mid);
        line.link(&format!("{up}{name}/{mid}/"), name);
    }
    line.markup("\n");
    Ok(Some(line))
}

/// The head of a message among others with that line put before the empty one that ends it.
pub(super) fn head_with(head: Html, line: Option<Html>) -> Html {
    let Some(line) = line else {
        return head;
    };
    let mut with = head.without_last_line_end();
    with.append(&line);
    with.markup("\n");
    with
}
