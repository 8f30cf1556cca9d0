//! A message that this inbox does not have: where it may be instead.

use askama::Template;

use crate::archive::Inbox;
use crate::id::{InboxName, MessageId};
use crate::render::Html;
use crate::url;
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "missing.html")]
struct MissingPage {
    frame: Frame,
    text: Html,
}

/// Shorter ids are not completed: too many begin with them.
const SHORTEST_PART: usize = 14;
/// More guesses help nobody.
const GUESSES: usize = 100;

/// Archives of other lists, and what goes before a Message-ID in their addresses.
const ELSEWHERE: [&str; 6] = [
    "https://lore.kernel.org/all/",
    "https://marc.info/?i=",
    "https://www.mail-archive.com/search?l=mid&q=",
    "https://lists.debian.org/msgid-search/",
    "https://www.w3.org/mid/",
    "https://www.postgresql.org/message-id/",
];

/// Answers for a message that is not in this inbox.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    let inbox = &visit.site.inbox(name)?;
    if let Some(mid) = inbox.old_address(mid.as_str()) {
        return Ok(Answer::moved(format!("/{name}/{}/", url::escape_mid(&mid))));
    }
    let holders = visit.site.archive.holders(mid)?;
    let mut text = Html::new();
    let mut outcome = Outcome::Choices;
    let site = visit.ask.up_to_site();
    text.markup(if holders.is_empty() {
        "Message-ID &lt;"
    } else {
        "Message-ID: &lt;"
    });
    text.line(mid.as_str());
    text.markup("&gt;\n");
    if holders.is_empty() {
        text.markup("not found\n");
        let guesses = guesses(inbox, mid)?;
        if !guesses.is_empty() {
            let plural = if guesses.len() == 1 { "" } else { "es" };
            text.text(&format!(
                "\n{} partial match{plural} found:\n\n",
                guesses.len()
            ));
        } else if mid.as_str().contains('@') {
            text.markup("\nPerhaps another archive has it:\n\n");
            for prefix in ELSEWHERE {
                let href = format!("{prefix}{}", url::escape_mid(mid));
                text.link(&href, &href);
                text.markup("\n");
            }
        } else {
            outcome = Outcome::Missing;
        }
        for guess in guesses {
            let path = format!("{}/{}/", inbox.config().name, url::escape_mid(&guess));
            text.link(&format!("{site}{path}"), &shown(visit, inbox, &guess));
            text.markup("\n");
        }
    } else {
        text.markup(if holders.len() == 1 {
            "found in another inbox:\n\n"
        } else {
            "found in other inboxes:\n\n"
        });
        for holder in &holders {
            let path = format!("{}/{}/", holder.config().name, url::escape_mid(mid));
            text.link(&format!("{site}{path}"), &shown(visit, holder, mid));
            text.markup("\n");
        }
    }
    let title = format!("<{mid}> not found");
    let page = MissingPage {
        frame: Frame::of_inbox(visit, inbox, &title),
        text,
    };
    Ok(Answer::page(outcome, print(&page)?, Fresh::Never).unlisted())
}

/// Ids of this inbox that begin alike, for people whose link was cut short.
fn guesses(inbox: &Inbox, mid: &MessageId) -> Result<Vec<MessageId>, WebError> {
    if mid.as_str().len() < SHORTEST_PART {
        return Ok(Vec::new());
    }
    Ok(inbox.similar_ids(mid.as_str(), GUESSES)?)
}

/// The address of a message as people would paste it.
fn shown(visit: &Visit<'_>, inbox: &Inbox, mid: &MessageId) -> String {
    let name = &inbox.config().name;
    let base = visit
        .site
        .inbox_url(inbox)
        .unwrap_or_else(|| format!("/{name}/"));
    format!("{base}{}/", url::escape_mid(mid))
}
