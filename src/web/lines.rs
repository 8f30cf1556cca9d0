//! A thread of the archive as the lines that `render` draws, and the words that count them.

use crate::archive::{Article, Inbox, Thread};
use crate::mail::What;
use crate::render::{Entry, Sight};

/// The lines of a thread in reading order, each beside its article; ghosts have none.
pub(super) struct Lines<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) articles: Vec<Option<&'a Article>>,
}

impl<'a> Lines<'a> {
    /// The lines of `thread`.
    pub(super) fn of(thread: &'a Thread) -> Lines<'a> {
        let mut lines = Lines {
            entries: Vec::with_capacity(thread.lines.len()),
            articles: Vec::with_capacity(thread.lines.len()),
        };
        for line in &thread.lines {
            let (mid, sight, article) = match line.what {
                What::Real(index) => {
                    let Some(article) = thread.articles.get(index) else { continue };
                    let sight = Sight::Seen {
                        sent: article.sent,
                        subject: &article.subject,
                        author: &article.author,
                        score: None,
                    };
                    (&article.mid, sight, Some(article))
                }
                What::Ghost(key) => {
                    let Some(mid) = thread.ghosts.get(&key) else { continue };
                    (mid, Sight::Ghost, None)
                }
            };
            lines.entries.push(Entry { mid, depth: line.depth, loose: line.loose, sight });
            lines.articles.push(article);
        }
        lines
    }

    /// On which line an article stands.
    pub(super) fn place(&self, article: &Article) -> Option<usize> {
        self.articles.iter().position(|found| found.is_some_and(|found| found.num == article.num))
    }

    /// The article on the next line that has one.
    pub(super) fn after(&self, place: usize) -> Option<&'a Article> {
        self.articles.get(place + 1..)?.iter().flatten().next().copied()
    }

    /// The article on the line before that has one.
    pub(super) fn before(&self, place: usize) -> Option<&'a Article> {
        self.articles.get(..place)?.iter().rev().flatten().next().copied()
    }
}

/// The mail of an article, or what stands in its place. One that cannot be read never takes a page of others with
/// it; that it could not is in the log.
pub(super) fn read(inbox: &Inbox, article: &Article) -> Option<Vec<u8>> {
    match inbox.read(article) {
        Ok(raw) => raw,
        Err(error) => {
            let mid = &article.mid;
            tracing::error!(%mid, blob = %article.blob, %error, "cannot read <{mid}>: {error}");
            None
        }
    }
}

/// What stands in the place of a mail that cannot be read.
pub(super) const LOST: &str = "[this message cannot be read from the archive]\n";

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Lines;
    use crate::archive::{Article, Thread};
    use crate::id::{ArticleNum, EpochNum, MessageId, MidKey, Oid, ThreadId};
    use crate::mail::{Line, What};
    use crate::time::Timestamp;

    #[test]
    fn neighbours_are_real_messages() {
        let mid = |text: &str| MessageId::parse(text).unwrap();
        let article = |n: i64| Article {
            num: ArticleNum(n),
            mid: mid(&format!("{n}@x")),
            key: MidKey(n),
            references: Vec::new(),
            subject: String::new(),
            author: String::new(),
            sent: Timestamp(n),
            received: Timestamp(n),
            epoch: EpochNum(0),
            blob: Oid::EMPTY_BLOB,
            thread: ThreadId(1),
        };
        let line = |what| Line { what, depth: 0, loose: false };
        let thread = Thread {
            articles: vec![article(1), article(2)],
            lines: [What::Real(0), What::Ghost(MidKey(8)), What::Ghost(MidKey(9)), What::Real(1), What::Real(7)]
                .map(line)
                .to_vec(),
            ghosts: HashMap::from([(MidKey(8), mid("8@x"))]),
            total: 2,
        };
        let lines = Lines::of(&thread);
        assert_eq!(lines.entries.len(), 3);
        assert_eq!(lines.place(&thread.articles[1]), Some(2));
        assert_eq!(lines.before(2).map(|a| a.num), Some(ArticleNum(1)));
        assert_eq!(lines.after(0).map(|a| a.num), Some(ArticleNum(2)));
        assert_eq!(lines.before(0), None);
        assert_eq!(lines.after(2), None);
    }
}
