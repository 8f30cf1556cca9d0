//! `/INBOX/new.html` — its latest messages in full.

use askama::Template;

use crate::archive::{Article, Inbox};
use crate::id::InboxName;
use crate::mail::Message;
use crate::render::{self, BodyOptions, Html};
use crate::url;
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::lines;
use crate::web::lists;
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
        frame: Frame::of_inbox(visit, &inbox, &inbox.description()).around(newest),
        entries: articles
            .iter()
            .map(|article| entry(visit, &inbox, article))
            .collect::<Result<_, _>>()?,
    };
    Ok(Answer::page(
        Outcome::Found,
        print(&page)?,
        Fresh::of_bytes(inbox.changed()),
    ))
}

fn entry(visit: &Visit<'_>, inbox: &Inbox, article: &Article) -> Result<String, WebError> {
    let base = format!("{}/", url::escape_mid(&article.mid));
    let raw = lines::read(inbox, article);
    let message = Message::parse(raw.as_deref().unwrap_or_default());
    let mut html = title(article);
    let (to, cc) = (message.addresses("To"), message.addresses("Cc"));
    let head = render::entry_head(&article.author, article.sent, &base, &to, &cc);
    let head = lists::head_with(
        head,
        lists::line_of(inbox, article, &visit.ask.up_to_site())?,
    );
    let mut page = std::mem::take(&mut html).into_string();
    match message.references().last() {
        Some(parent) => {
            // It stands before the empty line that ends the head.
            page.push_str(head.as_str().strip_suffix('\n').unwrap_or(head.as_str()));
            html.markup("In-Reply-To: &lt;");
            html.link(&format!("{}/", url::escape_mid(parent)), parent.as_str());
            html.markup("&gt;\n\n");
        }
        None => html.append(&head),
    }
    match raw {
        Some(_) => {
            let obfuscate = inbox.config().obfuscate;
            let options = BodyOptions {
                base: &base,
                obfuscate,
                ..BodyOptions::default()
            };
            html.append(&render::body(&message.parts(), &options));
        }
        None => html.markup(lines::LOST),
    }
    html.end_line();
    html.append(&render::entry_foot(&article.mid, &base, None, ""));
    page.push_str(html.as_str());
    Ok(page)
}

fn title(article: &Article) -> Html {
    let anchor = render::anchor(&article.mid);
    let mut html = Html::new();
    html.markup("<a href=\"#e");
    html.text(&anchor);
    html.markup("\" id=\"m");
    html.text(&anchor);
    html.markup("\">*</a> <b>");
    html.line(if article.subject.is_empty() {
        "(no subject)"
    } else {
        &article.subject
    });
    html.markup("</b>\n");
    html
}
