//! The words of a message from git, by all of its copies.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::db::{Copy, Stored};
use crate::id::{InboxId, MessageKey};
use crate::mail::{CommitTimes, Message, Overview};
use crate::search::{Document, Place};
use crate::store::{Blobs, Layout};

/// Reads copies of messages; inboxes are looked up once.
#[derive(Default)]
pub(super) struct Copies {
    blobs: Blobs,
    layouts: HashMap<PathBuf, Option<Layout>>,
}

impl Copies {
    /// What can be found of a message that stands in these places. `None` where git has lost every copy.
    pub(super) fn document(&mut self, message: MessageKey, copies: Vec<Copy>) -> Option<Document> {
        let mut document: Option<Document> = None;
        let mut places = Vec::with_capacity(copies.len());
        for copy in copies {
            places.push(Place {
                inbox: copy.inbox,
                num: copy.num,
                received: copy.received,
            });
            let Some(raw) = self.read(&copy) else {
                continue;
            };
            let mail = Message::parse(&raw);
            match &mut document {
                Some(document) => document.add_copy(&mail),
                None => {
                    let times = CommitTimes {
                        author: copy.sent,
                        committer: copy.received,
                    };
                    document = Some(Document::of(&mail, &Overview::of(&mail, times)));
                }
            }
        }
        document.map(|document| document.at(message, &places))
    }

    /// The words of one copy, which was read a moment ago, with what the others have for themselves: they say the same,
    /// so only their headers are looked at.
    pub(super) fn complete(
        &mut self,
        mut document: Document,
        message: MessageKey,
        ours: (InboxId, Stored),
        copies: Vec<Copy>,
    ) -> Document {
        let mut places = Vec::with_capacity(copies.len());
        for copy in copies {
            places.push(Place {
                inbox: copy.inbox,
                num: copy.num,
                received: copy.received,
            });
            // The same bytes have the same headers.
            if copy.stored.blob != ours.1.blob
                && (copy.inbox, copy.stored) != ours
                && let Some(raw) = self.read(&copy)
            {
                document.add_copy(&Message::parse(&raw));
            }
        }
        document.at(message, &places)
    }

    fn read(&mut self, copy: &Copy) -> Option<Vec<u8>> {
        let find = || Layout::find(&copy.dir).ok();
        let layout = self
            .layouts
            .entry(copy.dir.clone())
            .or_insert_with(find)
            .as_ref()?;
        let path = layout.epoch(copy.stored.epoch)?;
        match self.blobs.read(path, copy.stored.blob) {
            Ok(raw) => raw,
            Err(error) => {
                tracing::warn!("the words of a message are left out: {error}");
                None
            }
        }
    }
}
