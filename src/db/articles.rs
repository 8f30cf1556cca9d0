//! Articles: messages where they stand, in one inbox, by number, by Message-ID, by time, by thread.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use rusqlite::{Params, Row};

use super::messages::Skeleton;
use super::pool::Reader;
use super::shelf::Shelf;
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxId, MessageKey, MidKey, Oid, ThreadId};
use crate::time::Timestamp;
use crate::url::Window;

/// What an inbox knows of one message without reading git; its [`Skeleton`] reads as part of it. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// The inbox that this copy stands in.
    pub inbox: InboxId,
    /// Its number there, or on a shelf of several inboxes ([`Shelf::Several`]) the one that it has on the shelf.
    pub num: ArticleNum,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it came.
    pub received: Timestamp,
    /// The epoch that has its bytes.
    pub epoch: EpochNum,
    /// Its bytes.
    pub blob: Oid,
    /// The message that it is a copy of.
    pub message: MessageKey,
    skeleton: Arc<Skeleton>,
}

impl Deref for Article {
    type Target = Skeleton;

    fn deref(&self) -> &Skeleton {
        &self.skeleton
    }
}

// `CROSS JOIN` in what follows keeps the order of the tables as it is written: from the few messages to their places.
// Left alone, `SQLite` reads a whole inbox instead.

/// A query for places `p`, with the columns that [`place`] reads.
macro_rules! places {
    ($rest:literal) => {
        concat!(
            "SELECT p.message, p.num, p.epoch, p.sent, p.received, p.blob, p.inbox ",
            $rest
        )
    };
}

/// A copy of a message in an inbox: an [`Article`] before its skeleton is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) message: MessageKey,
    pub(super) inbox: InboxId,
    pub(super) num: ArticleNum,
    pub(super) epoch: EpochNum,
    pub(super) sent: Timestamp,
    pub(super) received: Timestamp,
    pub(super) blob: Oid,
}

pub(super) fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        message: row.get(0)?,
        num: row.get(1)?,
        epoch: row.get(2)?,
        sent: row.get(3)?,
        received: row.get(4)?,
        blob: row.get(5)?,
        inbox: row.get(6)?,
    })
}

impl Reader {
    /// The first so many rows of a query that stand on the shelf, under their numbers there.
    pub(super) fn places(
        &self,
        shelf: &Shelf,
        sql: &str,
        params: impl Params,
        limit: usize,
    ) -> Result<Vec<Place>> {
        let mut statement = self.sql()?.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut places = Vec::new();
        while places.len() < limit
            && let Some(row) = rows.next()?
        {
            let mut place = place(row)?;
            if shelf.shows(self, place.message, (place.inbox, place.num))? {
                place.num = shelf.number(place.num, place.blob);
                places.push(place);
            }
        }
        Ok(places)
    }

    fn list(
        &self,
        shelf: &Shelf,
        sql: &str,
        params: impl Params,
        limit: usize,
    ) -> Result<Vec<Article>> {
        // In one state: a place's message may go meanwhile.
        self.snapshot(|reader| {
            let places = reader.places(shelf, sql, params, limit)?;
            let filled = places.into_iter().map(|place| reader.filled(place));
            filled.collect()
        })
    }

    pub(super) fn filled(&self, place: Place) -> Result<Article> {
        Ok(Article {
            inbox: place.inbox,
            num: place.num,
            sent: place.sent,
            received: place.received,
            epoch: place.epoch,
            blob: place.blob,
            message: place.message,
            skeleton: self.skeleton(place.message)?,
        })
    }

    /// Every mail on the shelf that carries this Message-ID, by number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles(&self, shelf: &Shelf, mid: MidKey) -> Result<Vec<Article>> {
        self.list(
            shelf,
            places!(
                "FROM carries c CROSS JOIN place p ON p.message = c.message
              WHERE c.mid = ?1 AND (?2 IS NULL OR p.inbox = ?2) ORDER BY p.num, p.received, p.blob"
            ),
            (mid, shelf.inbox()),
            usize::MAX,
        )
    }

    /// Every mail of the site that carries this Message-ID, in no order: all copies in all inboxes.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn everywhere(&self, mid: MidKey) -> Result<Vec<Article>> {
        self.snapshot(|reader| {
            let mut statement = reader.sql()?.prepare_cached(places!(
                "FROM carries c CROSS JOIN place p ON p.message = c.message WHERE c.mid = ?1"
            ))?;
            let places: Vec<Place> = statement
                .query_map([mid], place)?
                .collect::<rusqlite::Result<_>>()?;
            drop(statement);
            let filled = places.into_iter().map(|place| reader.filled(place));
            filled.collect()
        })
    }

    /// The message as it stands on the shelf: its first copy there.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn article_of(&self, shelf: &Shelf, message: MessageKey) -> Result<Option<Article>> {
        let found = self.list(
            shelf,
            places!(
                "FROM place p WHERE p.message = ?1 AND (?2 IS NULL OR p.inbox = ?2) ORDER BY p.num"
            ),
            (message, shelf.inbox()),
            1,
        )?;
        Ok(found.into_iter().next())
    }

    /// At most `limit` articles of a stretch of time, newest received first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn window(&self, shelf: &Shelf, window: Window, limit: usize) -> Result<Vec<Article>> {
        const NEWEST: &str = places!(
            "FROM place p
              WHERE p.inbox = ?4 AND p.received BETWEEN ?1 AND ?2
              ORDER BY p.received DESC, p.num DESC LIMIT ?3"
        );
        const OLDEST: &str = places!(
            "FROM place p
              WHERE p.inbox = ?4 AND p.received BETWEEN ?1 AND ?2
              ORDER BY p.received, p.num LIMIT ?3"
        );
        // There the numbers say nothing about the order in which mail came.
        const NEWEST_OF_ALL: &str = places!(
            "FROM place p WHERE p.received BETWEEN ?1 AND ?2
              ORDER BY p.received DESC, p.blob DESC LIMIT ?3"
        );
        const OLDEST_OF_ALL: &str = places!(
            "FROM place p WHERE p.received BETWEEN ?1 AND ?2 ORDER BY p.received, p.blob LIMIT ?3"
        );
        let (from, to) = match window {
            Window::Latest => (i64::MIN, i64::MAX),
            Window::UpTo(to) => (i64::MIN, to.0),
            Window::From(from) => (from.0, i64::MAX),
            Window::Between(from, to) => (from.0, to.0),
        };
        let ascends = matches!(window, Window::From(_));
        let rows = shelf.row_limit(limit);
        let mut articles = match (shelf.inbox(), ascends) {
            (Some(inbox), false) => self.list(shelf, NEWEST, (from, to, rows, inbox), limit)?,
            (Some(inbox), true) => self.list(shelf, OLDEST, (from, to, rows, inbox), limit)?,
            (None, false) => self.list(shelf, NEWEST_OF_ALL, (from, to, rows), limit)?,
            (None, true) => self.list(shelf, OLDEST_OF_ALL, (from, to, rows), limit)?,
        };
        if ascends {
            articles.reverse();
        }
        Ok(articles)
    }

    /// At most `limit` articles that come after this one, in order: by number, or on a shelf of several inboxes by
    /// the time when they came. `None`: from the start.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles_after(
        &self,
        shelf: &Shelf,
        after: Option<&Article>,
        limit: usize,
    ) -> Result<Vec<Article>> {
        let rows = shelf.row_limit(limit);
        match shelf.inbox() {
            Some(inbox) => self.list(
                shelf,
                places!("FROM place p WHERE p.inbox = ?1 AND p.num > ?2 ORDER BY p.num LIMIT ?3"),
                (inbox, after.map_or(ArticleNum(i64::MIN), |a| a.num), rows),
                limit,
            ),
            None => {
                let (since, blob) =
                    after.map_or((Timestamp(i64::MIN), None), |a| (a.received, Some(a.blob)));
                self.list(
                    shelf,
                    places!(
                        "FROM place p WHERE p.received >= ?1 AND (p.received > ?1 OR ?2 IS NULL OR p.blob > ?2)
                          ORDER BY p.received, p.blob LIMIT ?3"
                    ),
                    (since, blob, rows),
                    limit,
                )
            }
        }
    }

    /// All articles of the shelf in a thread of the site, in no order.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn thread(&self, shelf: &Shelf, thread: ThreadId) -> Result<Vec<Article>> {
        let places = self.thread_places(shelf, thread)?;
        places.into_iter().map(|place| self.filled(place)).collect()
    }

    pub(super) fn thread_places(&self, shelf: &Shelf, thread: ThreadId) -> Result<Vec<Place>> {
        self.places(
            shelf,
            places!(
                "FROM message m CROSS JOIN place p ON p.message = m.id
              WHERE m.thread = ?1 AND (?2 IS NULL OR p.inbox = ?2)"
            ),
            (thread, shelf.inbox()),
            usize::MAX,
        )
    }

    /// Articles of the shelf under a subject, newest sent first, at most `limit`.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn under_subject(
        &self,
        shelf: &Shelf,
        subject_key: i64,
        limit: usize,
    ) -> Result<Vec<Article>> {
        self.list(
            shelf,
            places!(
                "FROM message m CROSS JOIN place p ON p.message = m.id
              WHERE m.subject_key = ?1 AND (?2 IS NULL OR p.inbox = ?2)
              ORDER BY p.sent DESC, p.num DESC, p.blob DESC LIMIT ?3"
            ),
            (subject_key, shelf.inbox(), shelf.row_limit(limit)),
            limit,
        )
    }

    /// When the newest message of the shelf came.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn newest(&self, shelf: &Shelf) -> Result<Option<Timestamp>> {
        let latest = self.window(shelf, Window::Latest, 1)?;
        Ok(latest.first().map(|article| article.received))
    }

    /// How many messages several inboxes have together, each counted once: reads all their places.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn count_together(&self, inboxes: &[InboxId]) -> Result<u64> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT count(DISTINCT message) FROM place WHERE inbox IN (SELECT value FROM json_each(?1))",
        )?;
        Ok(statement.query_row([json_list(inboxes.iter().map(|id| id.0))], |row| row.get(0))?)
    }

    /// What an epoch holds, as (blob, number) pairs.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn blobs(&self, inbox: InboxId, epoch: EpochNum) -> Result<Vec<(Oid, ArticleNum)>> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT blob, num FROM place WHERE inbox = ?1 AND epoch = ?2 ORDER BY num",
        )?;
        let rows = statement.query_map((inbox, epoch), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The article of an inbox with this number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn article(&self, inbox: InboxId, num: ArticleNum) -> Result<Option<Article>> {
        let found = self.list(
            &Shelf::Inbox(inbox),
            places!("FROM place p WHERE p.inbox = ?1 AND p.num = ?2"),
            (inbox, num),
            1,
        )?;
        Ok(found.into_iter().next())
    }

    /// The articles that these messages are in an inbox, in the order of the messages, as far as there are any.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles_of(&self, inbox: InboxId, messages: &[MessageKey]) -> Result<Vec<Article>> {
        self.snapshot(|reader| {
            let state = reader.state(inbox)?;
            let standing = reader.db().standing();
            let kept: Vec<Option<Place>> = (messages.iter())
                .map(|message| standing.find(inbox, *message, state))
                .collect();
            let unknown = messages.iter().zip(&kept);
            let unknown = unknown.filter(|(_, kept)| kept.is_none());
            let unknown: Vec<MessageKey> = unknown.map(|(message, _)| *message).collect();
            let read = match unknown.is_empty() {
                true => Vec::new(),
                false => reader.places_in(inbox, &unknown)?,
            };
            let mut read = read.chunk_by(|a, b| a.message == b.message).peekable();
            let mut articles = Vec::with_capacity(messages.len());
            for (message, kept) in messages.iter().zip(&kept) {
                let of_it =
                    |places: &&[Place]| places.first().is_some_and(|p| p.message == *message);
                let places = match kept {
                    Some(place) => std::slice::from_ref(place),
                    None => read.next_if(of_it).unwrap_or_default(),
                };
                if let (None, [only]) = (kept, places) {
                    standing.keep(*only, state);
                }
                for place in places {
                    articles.push(reader.filled(*place)?);
                }
            }
            Ok(articles)
        })
    }

    /// The places of these messages in an inbox, in the order of the messages.
    fn places_in(&self, inbox: InboxId, messages: &[MessageKey]) -> Result<Vec<Place>> {
        self.places(
            &Shelf::Inbox(inbox),
            places!(
                "FROM json_each(?2) n CROSS JOIN place p ON p.message = n.value AND p.inbox = ?1"
            ),
            (inbox, json_list(messages.iter().map(|key| key.0))),
            usize::MAX,
        )
    }

    /// The articles that these messages are on a shelf of several inboxes, in the order of the messages, as far as there are
    /// any; beside each the inboxes of the shelf that have a copy of it.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles_with_holders(
        &self,
        shelf: &Shelf,
        messages: &[MessageKey],
    ) -> Result<Vec<(Article, Vec<InboxId>)>> {
        self.snapshot(|reader| {
            let mut statement = reader.sql()?.prepare_cached(places!(
                "FROM json_each(?1) n CROSS JOIN place p ON p.message = n.value"
            ))?;
            let all: Vec<Place> = statement
                .query_map([json_list(messages.iter().map(|key| key.0))], place)?
                .collect::<rusqlite::Result<_>>()?;
            drop(statement);
            let rank = |p: &Place| shelf.rank((p.inbox, p.num), p.received, p.blob);
            let mut articles = Vec::with_capacity(messages.len());
            for copies in all.chunk_by(|a, b| a.message == b.message) {
                let shown = copies.iter().filter(|copy| shelf.has(copy.inbox));
                let Some(first) = shown.clone().min_by_key(|copy| rank(copy)) else {
                    continue;
                };
                let num = shelf.number(first.num, first.blob);
                let article = reader.filled(Place { num, ..*first })?;
                articles.push((article, shown.map(|copy| copy.inbox).collect()));
            }
            Ok(articles)
        })
    }

    /// Every place of a message: the inbox, and the article that it is there.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn copies(&self, message: MessageKey) -> Result<Vec<(InboxId, Article)>> {
        self.snapshot(|reader| {
            let mut statement = reader.sql()?.prepare_cached(places!(
                "FROM place p WHERE p.message = ?1 ORDER BY p.inbox, p.num"
            ))?;
            let places: Vec<Place> = statement
                .query_map([message], place)?
                .collect::<rusqlite::Result<_>>()?;
            drop(statement);
            let filled = |place: Place| Ok((place.inbox, reader.filled(place)?));
            places.into_iter().map(filled).collect()
        })
    }

    /// The inboxes that have a copy of a message.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn holders(&self, message: MessageKey) -> Result<Vec<InboxId>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT DISTINCT inbox FROM place WHERE message = ?1")?;
        let rows = statement.query_map([message], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The threads of the site that these messages belong to, as far as there are such messages.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn threads_of(&self, messages: &[MessageKey]) -> Result<HashMap<MessageKey, ThreadId>> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT m.id, m.thread FROM json_each(?1) j CROSS JOIN message m ON m.id = j.value",
        )?;
        let rows = statement.query_map([json_list(messages.iter().map(|key| key.0))], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many articles of the shelf stand under a subject.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn count_under_subject(&self, shelf: &Shelf, subject_key: i64) -> Result<usize> {
        let Some(inbox) = shelf.inbox() else {
            let all = self.places(
                shelf,
                places!(
                    "FROM message m CROSS JOIN place p ON p.message = m.id WHERE m.subject_key = ?1"
                ),
                [subject_key],
                usize::MAX,
            )?;
            return Ok(all.len());
        };
        let mut statement = self.sql()?.prepare_cached(
            "SELECT count(*) FROM message m CROSS JOIN place p ON p.message = m.id
              WHERE m.subject_key = ?1 AND p.inbox = ?2",
        )?;
        Ok(statement.query_row((subject_key, inbox), |row| row.get(0))?)
    }
}

/// `[1,2,3]`, as `json_each` takes a list of any length in one parameter.
fn json_list(numbers: impl Iterator<Item = i64>) -> String {
    use std::fmt::Write as _;
    let mut list = String::from("[");
    for number in numbers {
        let comma = if list.len() > 1 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(list, "{comma}{number}");
    }
    list.push(']');
    list
}
