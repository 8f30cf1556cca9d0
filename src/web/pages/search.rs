//! `/INBOX/?q=…` — search. The index of words is not asked yet; this is its place.

use crate::id::InboxName;
use crate::web::answer::{Answer, Media};
use crate::web::error::{Outcome, WebError};
use crate::web::site::Visit;

/// Answers a search of one inbox, also a POST for the results as an mbox.
pub(in crate::web) fn show(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    visit.site.inbox(name)?;
    let text = "This site has no search index.\n";
    Ok(Answer::new(Outcome::Unsupported, Media::Plain, text).unlisted())
}
