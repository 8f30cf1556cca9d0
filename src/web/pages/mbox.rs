//! `/INBOX/MSGID/t.mbox.gz`, `/INBOX/all.mbox.gz` — a thread, or all mail, as one file.

use crate::archive::Article;
use crate::id::{InboxName, MessageId};
use crate::mail;
use crate::web::answer::{Answer, Media};
use crate::web::error::WebError;
use crate::web::freshness::Fresh;
use crate::web::members::Members;
use crate::web::site::Visit;

/// How many articles are looked up at once.
const BATCH: usize = 500;

/// Answers with the thread around a message, loose matches among it.
pub(in crate::web) fn thread(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let articles = inbox.whole_thread(mid)?;
    let first = articles.first().ok_or(WebError::NotFound(""))?;
    let file_name = mail::mbox_file_name(&first.subject);
    let parts: Vec<_> = articles.iter().map(|a| (a.num, a.blob)).collect();
    let fresh = Fresh::of(("mbox", name, parts), inbox.changed());
    let answer = Answer::stream(Media::Gzip, fresh, move |out| {
        let mut members = Members::new(out);
        articles
            .iter()
            .try_for_each(|article| members.add_from(&inbox, article))?;
        members.end()
    });
    Ok(answer.named(file_name).unlisted())
}

/// Answers with all mail of an inbox.
pub(in crate::web) fn all(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let fresh = Fresh::of(("all.mbox", name, inbox.revision()?), inbox.changed());
    let answer = Answer::stream(Media::Gzip, fresh, move |out| {
        let mut members = Members::new(out);
        let mut after: Option<Article> = None;
        loop {
            let articles = inbox.articles_after(after.as_ref(), BATCH)?;
            let Some(last) = articles.last() else { break };
            after = Some(last.clone());
            articles
                .iter()
                .try_for_each(|article| members.add_from(&inbox, article))?;
        }
        members.end()
    });
    Ok(answer.named("all.mbox.gz").unlisted())
}
