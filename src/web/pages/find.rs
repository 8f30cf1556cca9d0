//! `/r/MSGID`, `/MSGID` — wherever the site has that message.

use crate::id::{InboxName, MessageId};
use crate::url;
use crate::web::answer::Answer;
use crate::web::error::WebError;
use crate::web::site::Visit;

/// Leads to the first inbox that holds the message.
pub(in crate::web) fn show(visit: &Visit<'_>, mid: &MessageId) -> Result<Answer, WebError> {
    let holders = visit.site.archive.holders(mid)?;
    // One that was removed is where that is said.
    let all = visit.site.archive.every_inbox();
    let mut removed = all
        .iter()
        .filter(|inbox| !inbox.is_hidden() && inbox.tombstone(mid).is_some());
    let inbox = holders.first().or_else(|| removed.next());
    let inbox = inbox.ok_or(WebError::MISSING)?;
    let path = format!("/{}/{}/", inbox.config().name, url::escape_mid(mid));
    Ok(Answer::elsewhere(path))
}

/// `/NAME` — the inbox of that name, or else the message.
pub(in crate::web) fn inbox_or_message(
    visit: &Visit<'_>,
    name: &InboxName,
) -> Result<Answer, WebError> {
    if visit.site.archive.inbox(name).is_some() {
        return Ok(Answer::moved(visit.ask.with_query(format!("/{name}/"))));
    }
    let mid = MessageId::parse(name.as_str()).ok_or(WebError::MISSING)?;
    show(visit, &mid)
}
