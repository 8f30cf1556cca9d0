//! Articles: messages where they stand, in one inbox, by number, by Message-ID, by time, by thread.

use std::ops::Deref;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Params, Row};

use super::messages::Skeleton;
use super::pool::Reader;
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxId, MessageKey, MidKey, Oid, ThreadId};
use crate::time::Timestamp;
use crate::url::Window;

/// What an inbox knows of one message without reading git; its [`Skeleton`] reads as part of it. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Its number in the inbox.
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
            "SELECT p.message, p.num, p.epoch, p.sent, p.received, p.blob ",
            $rest
        )
    };
}

struct Place {
    message: MessageKey,
    num: ArticleNum,
    epoch: EpochNum,
    sent: Timestamp,
    received: Timestamp,
    blob: Oid,
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        message: row.get(0)?,
        num: row.get(1)?,
        epoch: row.get(2)?,
        sent: row.get(3)?,
        received: row.get(4)?,
        blob: row.get(5)?,
    })
}

impl Reader {
    fn list(&self, sql: &str, params: impl Params) -> Result<Vec<Article>> {
        let mut statement = self.sql()?.prepare_cached(sql)?;
        let places: Vec<Place> = statement
            .query_map(params, place)?
            .collect::<rusqlite::Result<_>>()?;
        drop(statement);
        let mut articles = Vec::with_capacity(places.len());
        for Place {
            message,
            num,
            epoch,
            sent,
            received,
            blob,
        } in places
        {
            let skeleton = self.skeleton(message)?;
            articles.push(Article {
                num,
                sent,
                received,
                epoch,
                blob,
                message,
                skeleton,
            });
        }
        Ok(articles)
    }

    /// Every mail of the inbox that carries this Message-ID, by number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles(&self, inbox: InboxId, mid: MidKey) -> Result<Vec<Article>> {
        self.list(
            places!(
                "FROM carries c CROSS JOIN place p ON p.message = c.message
              WHERE c.mid = ?1 AND p.inbox = ?2 ORDER BY p.num"
            ),
            (mid, inbox),
        )
    }

    /// The inboxes that have a mail of this Message-ID.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn holders(&self, mid: MidKey) -> Result<Vec<InboxId>> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT DISTINCT p.inbox FROM carries c CROSS JOIN place p ON p.message = c.message WHERE c.mid = ?1",
        )?;
        let rows = statement.query_map([mid], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// At most `limit` articles of a stretch of time, newest received first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn window(&self, inbox: InboxId, window: Window, limit: usize) -> Result<Vec<Article>> {
        const NEWEST: &str = places!(
            "FROM place p
              WHERE p.inbox = ?1 AND p.received BETWEEN ?2 AND ?3
              ORDER BY p.received DESC, p.num DESC LIMIT ?4"
        );
        const OLDEST: &str = places!(
            "FROM place p
              WHERE p.inbox = ?1 AND p.received BETWEEN ?2 AND ?3
              ORDER BY p.received, p.num LIMIT ?4"
        );
        let (sql, from, to) = match window {
            Window::Latest => (NEWEST, i64::MIN, i64::MAX),
            Window::UpTo(to) => (NEWEST, i64::MIN, to.0),
            Window::From(from) => (OLDEST, from.0, i64::MAX),
            Window::Between(from, to) => (NEWEST, from.0, to.0),
        };
        let mut articles = self.list(sql, (inbox, from, to, limit))?;
        if matches!(window, Window::From(_)) {
            articles.reverse();
        }
        Ok(articles)
    }

    /// At most `limit` articles with a number above `after`, in order.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn articles_after(
        &self,
        inbox: InboxId,
        after: Option<ArticleNum>,
        limit: usize,
    ) -> Result<Vec<Article>> {
        self.list(
            places!("FROM place p WHERE p.inbox = ?1 AND p.num > ?2 ORDER BY p.num LIMIT ?3"),
            (inbox, after.unwrap_or(ArticleNum(i64::MIN)), limit),
        )
    }

    /// All articles of the inbox in a thread of the site, in no order.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn thread(&self, inbox: InboxId, thread: ThreadId) -> Result<Vec<Article>> {
        self.list(
            places!(
                "FROM message m CROSS JOIN place p ON p.message = m.id
              WHERE m.thread = ?1 AND p.inbox = ?2"
            ),
            (thread, inbox),
        )
    }

    /// Articles of the inbox under a subject, newest sent first, at most `limit`.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn under_subject(
        &self,
        inbox: InboxId,
        subject_key: i64,
        limit: usize,
    ) -> Result<Vec<Article>> {
        self.list(
            places!(
                "FROM message m CROSS JOIN place p ON p.message = m.id
              WHERE m.subject_key = ?1 AND p.inbox = ?2 ORDER BY p.sent DESC, p.num DESC LIMIT ?3"
            ),
            (subject_key, inbox, limit),
        )
    }

    /// When the newest message of the inbox came.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn newest(&self, inbox: InboxId) -> Result<Option<Timestamp>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT max(received) FROM place WHERE inbox = ?1")?;
        Ok(statement.query_row([inbox], |row| row.get(0))?)
    }

    /// How many articles the inbox has.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn count(&self, inbox: InboxId) -> Result<u64> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT count(*) FROM place WHERE inbox = ?1")?;
        Ok(statement.query_row([inbox], |row| row.get(0))?)
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

    /// The article with this number.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn article(&self, inbox: InboxId, num: ArticleNum) -> Result<Option<Article>> {
        let found = self.list(
            places!("FROM place p WHERE p.inbox = ?1 AND p.num = ?2"),
            (inbox, num),
        )?;
        Ok(found.into_iter().next())
    }

    /// Every place of a message: the inbox, and the article that it is there.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn copies(&self, message: MessageKey) -> Result<Vec<(InboxId, Article)>> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT inbox, num FROM place WHERE message = ?1 ORDER BY inbox, num",
        )?;
        let places: Vec<(InboxId, ArticleNum)> = statement
            .query_map([message], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        drop(statement);
        let mut copies = Vec::with_capacity(places.len());
        for (inbox, num) in places {
            copies.extend(self.article(inbox, num)?.map(|article| (inbox, article)));
        }
        Ok(copies)
    }

    /// The thread of the site that a message belongs to; `None` where there is no such message.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn thread_of_message(&self, message: MessageKey) -> Result<Option<ThreadId>> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT thread FROM message WHERE id = ?1")?;
        Ok(statement
            .query_row([message], |row| row.get(0))
            .optional()?)
    }

    /// How many articles of the inbox stand under a subject.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn count_under_subject(&self, inbox: InboxId, subject_key: i64) -> Result<usize> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT count(*) FROM message m CROSS JOIN place p ON p.message = m.id
              WHERE m.subject_key = ?1 AND p.inbox = ?2",
        )?;
        Ok(statement.query_row((subject_key, inbox), |row| row.get(0))?)
    }
}
