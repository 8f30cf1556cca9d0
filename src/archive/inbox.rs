//! The archive and its inboxes: handles that every reader shares.

use std::sync::Arc;

use super::Thread;
use crate::config::InboxConfig;
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxName, MessageId, MidKey, Oid, ThreadId};
use crate::time::Timestamp;
use crate::url::{TopicOrder, Window};

/// What an inbox knows of one message without reading git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Its number in the inbox.
    pub num: ArticleNum,
    /// The Message-ID that its pages stand under: the first of its own.
    pub mid: MessageId,
    /// The row of that Message-ID.
    pub key: MidKey,
    /// What it answers, the parent last.
    pub references: Vec<MidKey>,
    /// Its subject in one line.
    pub subject: String,
    /// The names of its authors.
    pub author: String,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it came.
    pub received: Timestamp,
    /// Where its bytes are.
    pub epoch: EpochNum,
    /// Where its bytes are.
    pub blob: Oid,
    /// The thread of the site that it belongs to.
    pub thread: ThreadId,
}

/// A thread in a list of threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The message whose subject, date and link stand for it: its first, or its latest.
    pub article: Article,
    /// How many messages it has in the inbox.
    pub count: usize,
}

/// All inboxes. Cheap to clone; every clone is the same archive.
#[derive(Clone)]
pub struct Archive(Arc<()>);

impl Archive {
    /// The inboxes to be listed, the one with the newest mail first.
    pub fn inboxes(&self) -> Result<Vec<Inbox>> {
        todo!()
    }
    /// The inbox of that name, also a hidden one.
    pub fn inbox(&self, _name: &InboxName) -> Option<Inbox> {
        todo!()
    }
    /// The inboxes that hold a mail of this id, in the order of the config.
    pub fn holders(&self, _mid: &MessageId) -> Result<Vec<Inbox>> {
        todo!()
    }
}

/// One inbox. Cheap to clone.
#[derive(Clone)]
pub struct Inbox(Arc<()>);

impl Inbox {
    /// Its settings.
    pub fn config(&self) -> &InboxConfig {
        todo!()
    }
    /// The first line of its `description` file, or what stands for a missing one.
    pub fn description(&self) -> String {
        todo!()
    }
    /// Changes whenever anything that the inbox shows has changed: the stuff of validators.
    pub fn state(&self) -> Result<u64> {
        todo!()
    }
    /// When its newest message came.
    pub fn newest(&self) -> Result<Option<Timestamp>> {
        todo!()
    }
    /// How many messages it has.
    pub fn count(&self) -> Result<u64> {
        todo!()
    }
    /// Every mail that carries this Message-ID, by number.
    pub fn articles(&self, _mid: &MessageId) -> Result<Vec<Article>> {
        todo!()
    }
    /// The bytes of a mail; `None` where git has lost them.
    pub fn read(&self, _article: &Article) -> Result<Option<Vec<u8>>> {
        todo!()
    }
    /// The thread around a message, at most 1,000 messages of it (`Thread::total` counts all).
    pub fn thread(&self, _mid: &MessageId) -> Result<Option<Thread>> {
        todo!()
    }
    /// At most `limit` articles of a stretch of time, newest received first.
    pub fn window(&self, _window: Window, _limit: usize) -> Result<Vec<Article>> {
        todo!()
    }
    /// A tree of these articles only, as the list of an inbox shows them.
    pub fn arrange(&self, _articles: Vec<Article>) -> Result<Thread> {
        todo!()
    }
    /// At most `limit` threads.
    pub fn topics(&self, _order: TopicOrder, _limit: usize) -> Result<Vec<Topic>> {
        todo!()
    }
    /// At most `limit` articles with a number above `after`, in the order of their numbers. `None`: from the start.
    pub fn articles_after(
        &self,
        _after: Option<ArticleNum>,
        _limit: usize,
    ) -> Result<Vec<Article>> {
        todo!()
    }
    /// Likewise, of one thread with its loose matches: what `t.mbox.gz` holds.
    pub fn thread_after(
        &self,
        _thread: &Thread,
        _after: Option<ArticleNum>,
        _limit: usize,
    ) -> Result<Vec<Article>> {
        todo!()
    }
    /// Message-IDs of this inbox that begin like `part` or contain it, for a page of suggestions.
    pub fn similar_ids(&self, _part: &str, _limit: usize) -> Result<Vec<MessageId>> {
        todo!()
    }
    /// The epochs that are there, lowest first.
    pub fn epochs(&self) -> Vec<EpochNum> {
        todo!()
    }
}
