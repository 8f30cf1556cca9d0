//! `/` — the inboxes of the site, the one with the newest mail first. `?f=` shows those whose name, description or
//! address has all of its words.

use askama::Template;

use crate::archive::Inbox;
use crate::render::Html;
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::lines;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "listing.html")]
struct ListingPage {
    frame: Frame,
    /// What is written into the box that filters; no box where there is little to filter.
    filter: Option<String>,
    /// How many lists there are, and how many are shown where these are fewer.
    count: Html,
    entries: Html,
}

/// Fewer lists are seen at a glance.
const MANY: usize = 8;

/// Answers `/`.
pub(in crate::web) fn show(visit: &Visit<'_>) -> Result<Answer, WebError> {
    let inboxes = visit.listed()?;
    let filter = visit.ask.query.value('f').unwrap_or("").trim();
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let mut entries = Html::new();
    let mut shown = 0;
    for inbox in inboxes.iter().filter(|inbox| has_all(inbox, &words)) {
        entry(&mut entries, visit, inbox)?;
        shown += 1;
    }
    let outcome = match inboxes.is_empty() {
        true => Outcome::Missing,
        false => Outcome::Found,
    };
    if inboxes.is_empty() {
        entries.markup("no inboxes, yet");
    } else if shown == 0 {
        entries.markup("[No list is called like that]\n");
    }
    let page = ListingPage {
        frame: Frame::of_site(visit, "Mailing lists"),
        filter: (inboxes.len() > MANY || !words.is_empty()).then(|| filter.to_owned()),
        count: summary(visit, inboxes.len(), shown),
        entries,
    };
    Ok(Answer::page(outcome, print(&page)?, Fresh::of_bytes(None)))
}

/// Whether the name, the description or an address of an inbox has each of these words.
fn has_all(inbox: &Inbox, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let settings = inbox.config();
    let mut text = format!("{}\n{}\n", settings.name, inbox.description());
    text.push_str(&settings.addresses.join("\n"));
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// How many lists there are, with a link to all of them together.
fn summary(visit: &Visit<'_>, all: usize, shown: usize) -> Html {
    let mut html = Html::new();
    if all < 2 {
        return html;
    }
    match all == shown {
        true => html.print(format_args!("{} lists", grouped(all as u64))),
        false => html.print(format_args!("{shown} of {} lists", grouped(all as u64))),
    }
    if let Some(together) = visit.site.archive.all() {
        html.markup(" | ");
        html.link(
            &format!("{}/", together.config().name),
            "all of them together",
        );
    }
    html
}

fn entry(html: &mut Html, visit: &Visit<'_>, inbox: &Inbox) -> Result<(), WebError> {
    let name = inbox.config().name.as_str();
    html.markup("* ");
    match inbox.newest()? {
        Some(newest) => html.print(format_args!("{}", newest.minute())),
        None => html.blanks(16),
    }
    html.markup(" - ");
    let url = visit.site.inbox_url(inbox);
    html.link(&format!("{name}/"), url.as_deref().unwrap_or(name));
    match inbox.count()? {
        0 => html.markup("  (no messages yet)"),
        1 => html.markup("  (1 message)"),
        count => html.print(format_args!("  ({} messages)", grouped(count))),
    }
    html.markup("\n  ");
    html.line(&lines::description(inbox));
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
