//! What a visitor with a browser sees in place of a page that cannot be given. Programs get its text alone.

use askama::Template;

use crate::id::InboxName;
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'a> {
    frame: Frame,
    text: &'a str,
    /// Where one may go on.
    home: Option<String>,
}

/// Answers for a known shape of address that an inbox has nothing for.
pub(in crate::web) fn nothing(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let page = RefusalPage {
        frame: Frame::of_inbox(visit, &inbox, "Not Found"),
        text: "There is nothing at this address.",
        home: None,
    };
    Ok(Answer::page(Outcome::Missing, print(&page)?, Fresh::Never))
}

/// The page around the text of a refusal.
pub(in crate::web) fn page(
    visit: &Visit<'_>,
    outcome: Outcome,
    text: &str,
) -> Result<String, WebError> {
    let (title, text) = match outcome {
        Outcome::Missing => ("Not Found", "There is nothing at this address."),
        Outcome::Busy => ("Busy", text),
        _ => ("This did not work", text),
    };
    let page = RefusalPage {
        frame: Frame::of_site(visit, title),
        text,
        home: (outcome == Outcome::Missing).then(|| visit.ask.up_to_site()),
    };
    print(&page)
}
