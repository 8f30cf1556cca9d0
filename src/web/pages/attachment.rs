//! `/INBOX/MSGID/2-name` — one part of a mail, to be saved. The name is for people; the index counts.

use crate::id::{InboxName, MessageId};
use crate::mail::Message;
use crate::web::answer::{Answer, Media};
use crate::web::error::{Outcome, WebError};
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

const NO_SUCH_PART: WebError = WebError::NotFound("Not found");

/// Answers with the bytes of the part, as text or as bytes to save: never as anything that a browser would run.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
    index: &str,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    for article in inbox.articles(mid)? {
        let Some(raw) = inbox.read(&article)? else {
            continue;
        };
        let Some(part) = Message::parse(&raw).attachment(index) else {
            continue;
        };
        // Other sites shall not pass our strangers' files off as theirs; whoever comes from there is asked first.
        if visit.ask.is_from_elsewhere(visit.site.url().as_deref()) && !visit.ask.post {
            return Ok(ask_first());
        }
        let media = match (part.content_type.starts_with("text/"), part.charset) {
            (true, Some(charset)) => Media::Text(charset),
            (true, None) => Media::Plain,
            (false, _) => Media::Octets,
        };
        return Ok(Answer::found(
            media,
            part.bytes,
            Fresh::of_bytes(inbox.changed()),
        ));
    }
    Err(NO_SUCH_PART)
}

/// A page with a button, for visitors that another site sent.
fn ask_first() -> Answer {
    let html = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Deep-linking prevented</title></head>\n\
        <body><form method=\"post\" action=\"\"><p>Another site has linked to this file. It came with a mail that \
        somebody sent to a public list; nobody here has looked at it.</p>\n\
        <p><input type=\"submit\" value=\"download it\"></p></form></body>\n</html>\n";
    Answer::page(Outcome::Forbidden, html.to_owned(), Fresh::Never).unlisted()
}
