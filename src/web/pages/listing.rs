//! `/` — the inboxes of the site, the one with the newest mail first.

use askama::Template;

use crate::archive::Inbox;
use crate::config::Listing;
use crate::render::Html;
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "listing.html")]
struct ListingPage {
    frame: Frame,
    entries: Html,
}

/// Answers `/`.
pub(in crate::web) fn show(visit: &Visit<'_>) -> Result<Answer, WebError> {
    let mut inboxes = visit.site.archive.inboxes()?;
    match visit.site.listing {
        Listing::All => {}
        Listing::MatchDomain => inboxes.retain(|inbox| visit.is_of_host(inbox)),
        Listing::Nothing => return Err(WebError::MISSING),
    }
    let mut entries = Html::new();
    for inbox in &inboxes {
        entry(&mut entries, visit, inbox)?;
    }
    let mut newest = None;
    for inbox in &inboxes {
        newest = newest.max(inbox.newest()?);
    }
    let mut outcome = Outcome::Found;
    if inboxes.is_empty() {
        entries.markup("no inboxes, yet");
        outcome = Outcome::Missing;
    }
    let page = ListingPage {
        frame: Frame::of_site(visit, "Mailing lists"),
        entries,
    };
    Ok(Answer::page(
        outcome,
        print(&page)?,
        Fresh::of_bytes(newest),
    ))
}

fn entry(html: &mut Html, visit: &Visit<'_>, inbox: &Inbox) -> Result<(), WebError> {
    let name = inbox.config().name.as_str();
    html.markup("* ");
    match inbox.newest()? {
        Some(newest) => html.text(&newest.minute().to_string()),
        None => html.blanks(16),
    }
    html.markup(" - ");
    let url = visit.site.inbox_url(inbox);
    html.link(&format!("{name}/"), url.as_deref().unwrap_or(name));
    html.markup("\n  ");
    html.line(&inbox.description());
    for url in &inbox.config().info_urls {
        html.markup("\n  ");
        html.line(url);
    }
    html.markup("\n\n");
    Ok(())
}
