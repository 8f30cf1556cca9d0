//! `/INBOX/description` — one line of text, for those who mirror.

use crate::id::InboxName;
use crate::web::answer::{Answer, Media};
use crate::web::error::WebError;
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

/// Answers with the description.
pub(in crate::web) fn show(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let text = format!("{}\n", inbox.description());
    Ok(Answer::found(Media::Plain, text, Fresh::of_bytes(None)))
}
