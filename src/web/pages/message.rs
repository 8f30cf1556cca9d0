//! `/INBOX/MSGID/` — one message: its headers, its body, its place in the thread, how to answer it.

use askama::Template;

use crate::archive::{Article, Inbox, Thread};
use crate::id::{InboxName, MessageId};
use crate::mail::Message;
use crate::render::{self, BodyOptions, Fields, HeaderOptions, Html, Links, Reply, ReplySettings};
use crate::url;
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::lines::{self, Lines};
use crate::web::lists::Elsewhere;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    /// Every mail of that id.
    mails: Vec<Html>,
    next: Option<String>,
    prev: Option<String>,
    parent: Option<String>,
    /// When it came, for a way to what else came then.
    received_digits: String,
    received: String,
    /// How many messages its thread has.
    total: usize,
    /// Its parent, where that is all of the thread and was never seen.
    lost_parent: Option<Html>,
    overview: Option<Html>,
    reply: Option<Reply>,
    info_urls: Vec<String>,
    /// Other lists that have it.
    elsewhere: Option<Elsewhere>,
    up: String,
}

/// Answers with the page of a message.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    if visit.ask.post {
        return Err(WebError::MISSING);
    }
    let (articles, thread) = inbox.message(mid)?.ok_or(WebError::NoMessage)?;
    let article = articles.first().ok_or(WebError::NoMessage)?;
    let first = lines::read(&inbox, article)?;
    let first = Message::parse(first.as_deref().unwrap_or_default());
    let mut mails = vec![mail(&inbox, &first, true)];
    for other in articles.iter().skip(1) {
        let raw = lines::read(&inbox, other)?;
        let raw = raw.as_deref().unwrap_or_default();
        mails.push(mail(&inbox, &Message::parse(raw), false));
    }
    let mut page = page(visit, &inbox, article, &first, mails, &thread);
    page.elsewhere = Elsewhere::of(visit, &inbox, mid, article)?;
    // What another list has changes the page at another time than the changes of this one.
    let changed = inbox.changed().filter(|_| page.elsewhere.is_none());
    Ok(Answer::page(
        Outcome::Found,
        print(&page)?,
        Fresh::of_bytes(changed),
    ))
}

/// Headers and body of one mail.
fn mail(inbox: &Inbox, message: &Message<'_>, first: bool) -> Html {
    let addresses = lines::addresses(inbox);
    if message.raw().is_empty() {
        return Html::of(lines::LOST);
    }
    let mut html = render::headers(&Fields::of(message), HeaderOptions { first, addresses });
    let options = BodyOptions {
        addresses,
        ..BodyOptions::default()
    };
    html.append(&render::body(&message.parts(), &options));
    html
}

fn page(
    visit: &Visit<'_>,
    inbox: &Inbox,
    article: &Article,
    message: &Message<'_>,
    mails: Vec<Html>,
    thread: &Thread,
) -> MessagePage {
    let up = visit.ask.up_to_inbox();
    let to = |mid: &MessageId| format!("{up}{}/", url::escape_mid(mid));
    let parent = message.references().pop();
    let addresses = lines::addresses(inbox);
    let (subject, author) = (message.subject(), lines::author(inbox, article));
    let title = match addresses.written(&subject) {
        nothing if nothing.is_empty() => format!("{} - {author}", lines::NO_SUBJECT),
        subject => format!("{subject} - {author}"),
    };
    let settings = inbox.config();
    let mut page = MessagePage {
        frame: Frame::of_inbox(visit, inbox, &title)
            .around(Some(article.received))
            .beginning_at("b"),
        mails,
        next: None,
        prev: None,
        parent: parent.as_ref().map(to),
        received_digits: article.received.digits(),
        received: article.received.minute().to_string(),
        total: thread.total.max(1),
        lost_parent: None,
        overview: None,
        reply: None,
        info_urls: settings.info_urls.clone(),
        elsewhere: None,
        up: if up.is_empty() {
            "./".to_owned()
        } else {
            up.clone()
        },
    };
    let lines = Lines::of(inbox, thread);
    let place = lines.place(article);
    if let Some(place) = place {
        page.next = lines.after(place).map(|a| to(&a.mid));
        page.prev = lines.before(place).map(|a| to(&a.mid));
    }
    if page.total > 1 {
        let links = Links::Pages {
            base: &up,
            current: place,
        };
        page.overview = Some(render::skeleton(&lines.entries, links));
    } else if let Some(parent) = &parent {
        let mut line = Html::new();
        line.markup(" [parent not found: &lt;");
        line.link(&to(parent), parent.as_str());
        line.markup("&gt;]");
        page.lost_parent = Some(line);
    }
    let reply_settings = ReplySettings {
        reply_to: &settings.reply_to,
        list: settings.addresses.first().map(String::as_str),
        addresses: lines::addresses(inbox),
    };
    if !message.raw().is_empty() {
        let people = |header: &str| message.addresses(header);
        page.reply = Some(render::reply(
            people,
            &article.mid,
            &subject,
            &reply_settings,
        ));
    }
    page
}
