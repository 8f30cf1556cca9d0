//! What the commit of a mail says of it.

use crate::config::InboxConfig;
use crate::mail::Message;
use crate::store::{CommitMeta, Who};
use crate::time::{self, Timestamp};

/// Author is who wrote the mail and when, committer is the inbox and when the mail came.
///
/// What the mail does not say itself is taken to be `came`: the moment at which somebody else has filed it; without
/// that, now.
pub fn commit_of(
    message: &Message<'_>,
    inbox: &InboxConfig,
    came: Option<Timestamp>,
) -> CommitMeta {
    let (received, sent) = (message.received_in_zone(), message.sent_in_zone());
    let otherwise = || (came.unwrap_or_else(time::now), 0);
    let author = message.authors().into_iter().next().unwrap_or_default();
    let local = || {
        author
            .email
            .split('@')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let name = author.name.clone().unwrap_or_else(local);
    let address = inbox.addresses.first().cloned().unwrap_or_default();
    CommitMeta {
        author: who(
            name,
            author.email,
            sent.or(received).unwrap_or_else(otherwise),
        ),
        committer: who(
            inbox.name.to_string(),
            address,
            received.or(sent).unwrap_or_else(otherwise),
        ),
        subject: message.subject(),
    }
}

/// What the commit of a removal says: the inbox itself did it, now.
pub fn removal_of(inbox: &InboxConfig, subject: &str) -> CommitMeta {
    let address = inbox.addresses.first().cloned().unwrap_or_default();
    let by = who(inbox.name.to_string(), address, (time::now(), 0));
    CommitMeta {
        author: by.clone(),
        committer: by,
        subject: subject.to_owned(),
    }
}

fn who(name: String, email: String, (time, zone): (Timestamp, i32)) -> Who {
    Who {
        name,
        email,
        time,
        zone,
    }
}
