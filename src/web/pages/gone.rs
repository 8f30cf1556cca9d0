//! Mail that was removed: when, and why. And `/INBOX/tombstones`, for those who mirror.

use std::io;

use askama::Template;

use crate::archive::{Deed, Tombstone};
use crate::error::Error;
use crate::id::{InboxName, MessageId};
use crate::web::answer::{Answer, Media};
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "gone.html")]
struct GonePage<'a> {
    frame: Frame,
    mid: &'a str,
    what: &'static str,
    date: String,
    reason: &'a str,
}

/// In which shape something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Shape {
    /// As a page.
    Page,
    /// As a file, for programs; who takes pages gets one all the same.
    File,
}

/// The answer for a mail that is not there but was, whatever was asked of it; `None` where nothing is known of it.
pub(in crate::web) fn instead(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
    shape: Shape,
) -> Result<Option<Answer>, WebError> {
    let inbox = visit.site.inbox(name)?;
    let Some(stone) = inbox.tombstone(mid) else {
        return Ok(None);
    };
    if shape == Shape::File && !visit.ask.takes_html() {
        let Tombstone { when, reason, .. } = &stone;
        let what = what_of(stone.deed);
        let colon = if reason.is_empty() { "" } else { ": " };
        let text = format!("{what} on {} UTC{colon}{reason}\n", when.minute());
        let media = Media::Text("UTF-8".to_owned());
        return Ok(Some(Answer::new(Outcome::Gone, media, text).unlisted()));
    }
    let title = format!("<{mid}> was removed");
    let page = GonePage {
        frame: Frame::of_inbox(visit, &inbox, &title),
        mid: mid.as_str(),
        what: what_of(stone.deed),
        date: stone.when.minute().to_string(),
        reason: &stone.reason,
    };
    Ok(Some(
        Answer::page(Outcome::Gone, print(&page)?, Fresh::Never).unlisted(),
    ))
}

fn what_of(deed: Deed) -> &'static str {
    match deed {
        Deed::Spam => "This message was removed as spam",
        Deed::Purged => "This message was erased",
        _ => "This message was removed",
    }
}

/// Answers with the file as it is.
pub(in crate::web) fn file(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let (mut file, length, modified) = inbox.tombstones()?.ok_or(WebError::MISSING)?;
    let fresh = Fresh::of(("tombstones", name, length, modified.0), Some(modified));
    let media = Media::Text("UTF-8".to_owned());
    Ok(Answer::stream(media, fresh, move |out| {
        let copied = io::copy(&mut file, out);
        copied.map(drop).map_err(|e| Error::io("tombstones", e))
    }))
}
