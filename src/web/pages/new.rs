//! `/INBOX/new.html` — its latest messages in full.

use askama::Template;

use crate::archive::{Article, Inbox};
use crate::id::InboxName;
use crate::render::{self, Html};
use crate::web::answer::Answer;
use crate::web::entry::{Home, Parent, entry};
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::lines;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "new.html")]
struct NewPage {
    frame: Frame,
    entries: Vec<String>,
}

/// Answers with the messages of a window.
pub(in crate::web) fn show(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let articles = inbox.window(visit.ask.query.window(), inbox.config().feed_max)?;
    let newest = articles.iter().map(|a| a.received).max();
    let page = NewPage {
        frame: Frame::of_inbox(visit, &inbox, &lines::description(&inbox)).around(newest),
        entries: articles
            .iter()
            .map(|article| whole(visit, &inbox, article))
            .collect::<Result<_, _>>()?,
    };
    Ok(Answer::page(
        Outcome::Found,
        print(&page)?,
        Fresh::of_bytes(inbox.changed()),
    ))
}

fn whole(visit: &Visit<'_>, inbox: &Inbox, article: &Article) -> Result<String, WebError> {
    let home = Home {
        inbox,
        up: "",
        site: &visit.ask.up_to_site(),
    };
    let mut html = title(inbox, article);
    html.append(&entry(&home, article, Parent::Named)?);
    html.append(&render::entry_foot(
        &article.mid,
        &home.base(article),
        None,
        "",
    ));
    Ok(html.into_string())
}

fn title(inbox: &Inbox, article: &Article) -> Html {
    let anchor = render::anchor(&article.mid);
    let mut html = Html::new();
    html.markup("<a href=\"#e");
    html.text(&anchor);
    html.markup("\" id=\"m");
    html.text(&anchor);
    html.markup("\">*</a> <b>");
    html.line(&lines::subject(inbox, article));
    html.markup("</b>\n");
    html
}
