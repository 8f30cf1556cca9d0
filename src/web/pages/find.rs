//! `/r/MSGID`, `/MSGID` — wherever the site has that message; `/FORMER-NAME/…` — where an inbox is now.

use crate::archive::Inbox;
use crate::id::{ArticleNum, InboxName, MessageId};
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

/// `/FORMER-NAME/…`, `/NEWSGROUP/…` — the same below the name that the inbox has now. A number is an article, as in
/// links to newsgroups.
pub(in crate::web) fn renamed(
    visit: &Visit<'_>,
    inbox: &Inbox,
    inside: &str,
) -> Result<Answer, WebError> {
    let name = &inbox.config().name;
    if let Ok(number) = inside.trim_end_matches('/').parse::<i64>()
        && let Some(article) = inbox.article(ArticleNum(number))?
    {
        let path = format!("/{name}/{}/", url::escape_mid(&article.mid));
        return Ok(Answer::elsewhere(path));
    }
    let path = visit.ask.with_query(format!("/{name}/{inside}"));
    Ok(match visit.ask.post {
        true => Answer::moved_with_all(path),
        false => Answer::moved(path),
    })
}
