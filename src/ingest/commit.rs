//! What the commit of a mail says of it.

use crate::config::InboxConfig;
use crate::mail::Message;
use crate::store::{CommitMeta, Who};
use crate::time::{self, Timestamp};

/// Author is who wrote the mail and when, committer is the inbox and when the mail came.
pub fn commit_of(message: &Message<'_>, inbox: &InboxConfig) -> CommitMeta {
    let received = message
        .received()
        .or_else(|| message.sent())
        .unwrap_or_else(time::now);
    let author = message.authors().into_iter().next().unwrap_or_default();
    let address = inbox.addresses.first().cloned().unwrap_or_default();
    CommitMeta {
        author: who(
            author.name.unwrap_or_default(),
            author.email,
            message.sent().unwrap_or(received),
        ),
        committer: who(inbox.name.to_string(), address, received),
        subject: message.subject(),
    }
}

/// What the commit of a removal says: the inbox itself did it, now.
pub fn removal_of(inbox: &InboxConfig, subject: &str) -> CommitMeta {
    let address = inbox.addresses.first().cloned().unwrap_or_default();
    let by = who(inbox.name.to_string(), address, time::now());
    CommitMeta {
        author: by.clone(),
        committer: by,
        subject: subject.to_owned(),
    }
}

fn who(name: String, email: String, time: Timestamp) -> Who {
    Who {
        name,
        email,
        time,
        zone: 0,
    }
}
