//! `/` — the inboxes of the site, the one with the newest mail first.

use askama::Template;

use crate::archive::Inbox;
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
    let inboxes = visit.listed()?;
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
    match inbox.count()? {
        0 => html.markup("  (no messages yet)"),
        1 => html.markup("  (1 message)"),
        count => html.text(&format!("  ({} messages)", grouped(count))),
    }
    html.markup("\n  ");
    html.line(&inbox.description());
    for url in &inbox.config().info_urls {
        html.markup("\n  ");
        html.line(url);
    }
    html.markup("\n\n");
    Ok(())
}

/// A number with a comma before every third digit from its end: tens of thousands are told from millions at a glance.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn long_numbers_are_grouped() {
        for (number, shown) in [
            (7, "7"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), shown);
        }
    }
}
