//! Threads by when they began or were last written to.

use std::collections::HashMap;

use super::pool::Reader;
use crate::error::Result;
use crate::id::{ArticleNum, InboxId, ThreadId};
use crate::url::TopicOrder;

/// How many messages are looked through for the first so many threads.
const LOOKED_AT: usize = 20_000;

/// A thread in a list of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicRow {
    /// Its first article in the inbox, or its latest, as the order has it.
    pub num: ArticleNum,
    /// How many articles the inbox has of it.
    pub count: usize,
}

impl Reader {
    /// At most `limit` threads of the inbox, the latest first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn topics(&self, inbox: InboxId, order: TopicOrder, limit: usize) -> Result<Vec<TopicRow>> {
        let mut recent = self.sql()?.prepare_cached(
            "SELECT p.num, m.thread FROM place p CROSS JOIN message m ON m.id = p.message
              WHERE p.inbox = ?1 ORDER BY p.received DESC, p.num DESC LIMIT ?2",
        )?;
        let mut rows = recent.query((inbox, LOOKED_AT))?;
        let mut begun: HashMap<ThreadId, (ArticleNum, usize)> = HashMap::new();
        let mut topics = Vec::new();
        while topics.len() < limit
            && let Some(row) = rows.next()?
        {
            let (num, thread): (ArticleNum, ThreadId) = (row.get(0)?, row.get(1)?);
            let (is_latest, (first, count)) = match begun.get(&thread) {
                Some(known) => (false, *known),
                None => {
                    let known = self.first_of(inbox, thread)?;
                    begun.insert(thread, known);
                    (true, known)
                }
            };
            // A thread stands where its latest message came, or where its first did.
            let has_its_turn = match order {
                TopicOrder::Active => is_latest,
                TopicOrder::New => first == num,
            };
            if has_its_turn {
                topics.push(TopicRow { num, count });
            }
        }
        Ok(topics)
    }

    fn first_of(&self, inbox: InboxId, thread: ThreadId) -> Result<(ArticleNum, usize)> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT p.num, count(*) OVER () FROM message m CROSS JOIN place p ON p.message = m.id
              WHERE m.thread = ?1 AND p.inbox = ?2 ORDER BY p.received, p.num LIMIT 1",
        )?;
        Ok(statement.query_row((thread, inbox), |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}
