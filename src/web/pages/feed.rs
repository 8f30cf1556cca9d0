//! The Atom feeds: `/INBOX/new.atom`, `topics_new.atom`, `topics_active.atom`, `/INBOX/MSGID/t.atom`.

use crate::archive::Article;
use crate::id::{InboxName, MessageId};
use crate::url::TopicOrder;
use crate::web::answer::{Answer, Media};
use crate::web::atom::{Feed, urn};
use crate::web::error::WebError;
use crate::web::freshness::Fresh;
use crate::web::lines;
use crate::web::site::Visit;

/// How many threads a feed of threads has.
const TOPICS: usize = 200;

/// Answers `new.atom` with the messages of a window.
pub(in crate::web) fn new(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let articles = inbox.window(visit.ask.query.window(), inbox.config().feed_max)?;
    let mut feed = Feed::of(visit, &inbox, &lines::description(&inbox));
    if let Some(address) = inbox.config().addresses.first() {
        feed.id = format!("mailto:{address}");
    }
    // One feed, by whatever address or from whatever time on it is read.
    feed.own = format!("{}new.atom", feed.inbox_url);
    feed.whole(articles)
}

/// Answers `topics_new.atom` and `topics_active.atom` with the message that stands for each thread.
pub(in crate::web) fn topics(
    visit: &Visit<'_>,
    name: &InboxName,
    order: TopicOrder,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let topics = inbox.topics(order, TOPICS)?;
    let kind = match order {
        TopicOrder::New => "new topics",
        TopicOrder::Active => "active topics",
    };
    let title = format!("{kind} - {}", lines::description(&inbox));
    let articles = topics.into_iter().map(|topic| topic.article).collect();
    Feed::of(visit, &inbox, &title).whole(articles)
}

/// Answers `t.atom` with the messages of a thread, oldest first.
pub(in crate::web) fn thread(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let thread = inbox
        .thread(mid)?
        .ok_or(WebError::NotFound("No feed found for thread"))?;
    let articles: Vec<Article> = thread.flat().cloned().collect();
    let title = articles.first().map_or(lines::NO_SUBJECT.into(), |first| {
        lines::subject(&inbox, first)
    });
    let mut feed = Feed::of(visit, &inbox, &title);
    feed.id = urn(&format!("t\n{mid}"));
    feed.updated = inbox.newest()?;
    let parts: Vec<_> = articles.iter().map(|a| (a.num, a.blob)).collect();
    let seed = (&feed.own, &feed.inbox_url, &feed.id, parts, feed.updated);
    let looks = visit.site.looks(&inbox);
    let lists = match inbox.is_together() {
        true => inbox.revision()?,
        false => 0,
    };
    let fresh = Fresh::of((seed, looks, lists), inbox.changed());
    Ok(Answer::stream(Media::Atom, fresh, move |out| {
        feed.write(out, articles)
    }))
}
