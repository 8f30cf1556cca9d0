//! The words of a message from git, by all of its copies.

use std::collections::HashMap;
use std::path::PathBuf;

use super::pipeline::Depth;
use crate::db::Copy;
use crate::id::MessageKey;
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
    /// What can be found of a message that stands in these places: all its words if one of these inboxes wants that, else
    /// its ids. `None` where git has lost every copy.
    pub(super) fn document(&mut self, message: MessageKey, copies: Vec<Copy>) -> Option<Document> {
        let depth = Depth::with_words(copies.iter().any(|copy| copy.words));
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
            let times = times(&copy);
            match (&mut document, depth) {
                (Some(_), Depth::Ids) => {}
                (Some(document), Depth::Words) => document.add_copy(&mail),
                (None, Depth::Ids) => {
                    document = Some(Document::of_ids(&Overview::of(&mail, times)));
                }
                (None, Depth::Words) => {
                    document = Some(Document::of(&mail, &Overview::of(&mail, times)));
                }
            }
        }
        document.map(|document| document.at(message, &places))
    }

    /// What each of these copies says of itself. `None` where git has lost one of them.
    pub(super) fn overviews(&mut self, copies: &[Copy]) -> Option<Vec<Overview>> {
        let overview = |copy: &Copy| {
            let raw = self.read(copy)?;
            Some(Overview::of(&Message::parse(&raw), times(copy)))
        };
        copies.iter().map(overview).collect()
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

fn times(copy: &Copy) -> CommitTimes {
    CommitTimes {
        author: copy.sent,
        committer: copy.received,
    }
}
