//! `/INBOX/MSGID/raw` — every mail of that Message-ID as it was received, as an mbox.

use crate::id::{InboxName, MessageId};
use crate::mail::{self, Message};
use crate::web::answer::{Answer, Media};
use crate::web::error::WebError;
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

/// Answers with the bytes.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let mut mbox = Vec::new();
    let mut first = None;
    for article in inbox.articles(mid)? {
        let Some(raw) = inbox.read(&article)? else {
            continue;
        };
        let message = Message::parse(&raw);
        mail::mboxrd(message.raw(), &mut mbox);
        let charset = message.charset().or_else(|| {
            // RFC 2045, 5.2: what says nothing about itself is ASCII; and where it is, it is said.
            let plain = message.header("Content-Type").is_none() && raw.is_ascii();
            plain.then(|| "us-ascii".to_owned())
        });
        first.get_or_insert_with(|| (charset, message.subject()));
    }
    let (charset, subject) = first.ok_or(WebError::MISSING)?;
    let media = Media::Text(charset.unwrap_or_else(|| "UTF-8".to_owned()));
    Ok(Answer::found(media, mbox, Fresh::of_bytes(inbox.changed()))
        .named(mail::raw_file_name(&subject))
        .unlisted())
}
