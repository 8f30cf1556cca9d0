//! `/INBOX/topics_new.html`, `/INBOX/topics_active.html` — one line for each thread.

use askama::Template;

use crate::archive::{Inbox, Topic};
use crate::id::InboxName;
use crate::render::Html;
use crate::url::{self, TopicOrder};
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::lines;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "topic_list.html")]
struct TopicListPage {
    frame: Frame,
    topics: Html,
    active: bool,
}

/// How many threads are listed.
const TOPICS: usize = 200;

/// Answers with the threads that began, or went on, last.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    order: TopicOrder,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let topics = inbox.topics(order, TOPICS)?;
    let mut frame = Frame::of_inbox(visit, &inbox, &lines::description(&inbox));
    let feed = match order {
        TopicOrder::New => "topics_new.atom",
        TopicOrder::Active => "topics_active.atom",
    };
    frame.feed = Some(feed.to_owned());
    let page = TopicListPage {
        frame,
        topics: list(&inbox, &topics),
        active: order == TopicOrder::Active,
    };
    Ok(Answer::page(
        Outcome::Found,
        print(&page)?,
        Fresh::of_bytes(inbox.changed()),
    ))
}

fn list(inbox: &Inbox, topics: &[Topic]) -> Html {
    let mut html = Html::new();
    for Topic { article, count } in topics {
        html.print(format_args!("{}", article.sent.minute()));
        html.markup(" ");
        let subject = lines::subject(inbox, article);
        html.link(&format!("{}/#r", url::escape_mid(&article.mid)), &subject);
        if *count > 1 {
            html.print(format_args!(" {count}+ messages"));
        }
        html.markup("\n");
    }
    if topics.is_empty() {
        html.markup("[No topics in range]\n");
    }
    html
}
