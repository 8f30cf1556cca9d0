//! Threads by when they began or were last written to.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::articles::{Article, Place, place};
use super::pool::Reader;
use super::shelf::Shelf;
use crate::error::Result;
use crate::id::{ArticleNum, ThreadId};
use crate::url::TopicOrder;

/// How many messages are looked through for the first so many threads.
const LOOKED_AT: usize = 20_000;

/// A thread in a list of threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRow {
    /// Its first article on the shelf, or its latest, as the order has it.
    pub article: Article,
    /// How many articles the shelf has of it.
    pub count: usize,
}

impl Reader {
    /// At most `limit` threads of the shelf, the latest first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn topics(&self, shelf: &Shelf, order: TopicOrder, limit: usize) -> Result<Vec<TopicRow>> {
        const OF_INBOX: &str =
            "SELECT p.message, p.num, p.epoch, p.sent, p.received, p.blob, p.inbox, m.thread
               FROM place p CROSS JOIN message m ON m.id = p.message
              WHERE p.inbox = ?2 ORDER BY p.received DESC, p.num DESC LIMIT ?1";
        const OF_ALL: &str =
            "SELECT p.message, p.num, p.epoch, p.sent, p.received, p.blob, p.inbox, m.thread
               FROM place p CROSS JOIN message m ON m.id = p.message
              ORDER BY p.received DESC, p.blob DESC LIMIT ?1";
        let mut recent = self.sql()?.prepare_cached(match shelf.inbox() {
            Some(_) => OF_INBOX,
            None => OF_ALL,
        })?;
        let mut rows = match shelf.inbox() {
            Some(inbox) => recent.query((LOOKED_AT, inbox))?,
            None => recent.query([LOOKED_AT])?,
        };
        let mut begun: HashMap<ThreadId, (ArticleNum, usize), RandomState> = HashMap::default();
        let mut topics = Vec::new();
        while topics.len() < limit
            && let Some(row) = rows.next()?
        {
            let (mut place, thread): (Place, ThreadId) = (place(row)?, row.get(7)?);
            if !shelf.shows(self, place.message, (place.inbox, place.num))? {
                continue;
            }
            place.num = shelf.number(place.num, place.blob);
            let (is_latest, (first, count)) = match begun.get(&thread) {
                Some(known) => (false, *known),
                None => {
                    let known = self.first_of(shelf, thread)?;
                    begun.insert(thread, known);
                    (true, known)
                }
            };
            // A thread stands where its latest message came, or where its first did.
            let has_its_turn = match order {
                TopicOrder::Active => is_latest,
                TopicOrder::New => first == place.num,
            };
            if has_its_turn {
                let article = self.filled(place)?;
                topics.push(TopicRow { article, count });
            }
        }
        Ok(topics)
    }

    fn first_of(&self, shelf: &Shelf, thread: ThreadId) -> Result<(ArticleNum, usize)> {
        let places = self.thread_places(shelf, thread)?;
        let first = places
            .iter()
            .min_by_key(|place| (place.received, place.num));
        let first = first.map_or(ArticleNum(0), |place| place.num);
        Ok((first, places.len()))
    }
}
