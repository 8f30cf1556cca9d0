//! The thread around a message, in reading order.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::db::{Article, Reader, Shelf};
use crate::error::Result;
use crate::id::{ArticleNum, MessageId, MidKey, ThreadId};
use crate::mail::{DisjointSets, Line, Node, What, arrange};

/// How many messages of a thread are shown on one page.
const SHOWN: usize = 1000;

/// Some of the articles of a thread. A page asks a thousand times, so the hash is a quick one.
pub type Numbers = HashSet<ArticleNum, RandomState>;

/// A thread: its messages, and the order in which to read them.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// Its messages, by the time they were sent.
    pub articles: Vec<Article>,
    /// The lines of its overview; they name articles by their index.
    pub lines: Vec<Line>,
    /// Those of them that are here only because others answer them: from outside what was asked for, but known to the
    /// inbox. They stand in the tree, and in no flat list.
    pub answered: Numbers,
    /// Those of them that are here for their subject only.
    pub loose: Numbers,
    /// The Message-IDs of its ghosts.
    pub ghosts: HashMap<MidKey, MessageId>,
    /// How many messages belong to it in this inbox, those that are only loosely matched among them.
    pub total: usize,
}

impl Thread {
    /// The thread around a message, and what is there for its subject only.
    pub(super) fn around(reader: &Reader, shelf: &Shelf, place: &Place) -> Result<Thread> {
        let subject_key = place.first.subject_key;
        let mut articles = strict(reader, shelf, place)?;
        articles.sort_by_key(|article| (article.sent, article.num));
        let mut total = articles.len();
        let within: Numbers = articles.iter().map(|article| article.num).collect();
        articles.truncate(SHOWN);
        let strict = articles.len();
        if let Some(subject_key) = subject_key {
            let mut loose = reader.under_subject(shelf, subject_key, SHOWN + within.len())?;
            let found = loose.len();
            loose.retain(|article| !within.contains(&article.num));
            total += loose.len();
            if found == SHOWN + within.len() {
                let all = reader.count_under_subject(shelf, subject_key)?;
                total += all.saturating_sub(found);
            }
            loose.truncate(SHOWN - articles.len());
            articles.extend(loose);
        }
        let loose = articles[strict..]
            .iter()
            .map(|article| article.num)
            .collect();
        let mut thread = Thread::of(reader, shelf, articles, Some(place.first.key), &loose)?;
        thread.total = total;
        Ok(thread)
    }

    /// All articles that [`Thread::around`] counts, by number.
    pub(super) fn members(reader: &Reader, shelf: &Shelf, mid: &MessageId) -> Result<Vec<Article>> {
        let Some(place) = Place::find(reader, shelf, mid)? else {
            return Ok(Vec::new());
        };
        let mut articles = strict(reader, shelf, &place)?;
        if let Some(subject_key) = place.first.subject_key {
            articles.extend(reader.under_subject(shelf, subject_key, usize::MAX >> 1)?);
        }
        articles.sort_by_key(|article| article.num);
        articles.dedup_by_key(|article| article.num);
        Ok(articles)
    }

    /// The articles that hang together by references, by number.
    pub(super) fn strict_members(
        reader: &Reader,
        shelf: &Shelf,
        mid: &MessageId,
    ) -> Result<Vec<Article>> {
        let Some(place) = Place::find(reader, shelf, mid)? else {
            return Ok(Vec::new());
        };
        let mut articles = strict(reader, shelf, &place)?;
        articles.sort_by_key(|article| article.num);
        Ok(articles)
    }

    /// Arranges these articles, some of which may be there for their subject only, and with them what they answer as
    /// far as the inbox has it. `total` counts only what was given.
    pub(super) fn of(
        reader: &Reader,
        shelf: &Shelf,
        mut articles: Vec<Article>,
        about: Option<MidKey>,
        loose: &Numbers,
    ) -> Result<Thread> {
        let total = articles.len();
        let mut lines = lines_of(&mut articles, about, loose, &Numbers::default());
        let mut known: Numbers = articles.iter().map(|article| article.num).collect();
        let mut answered = Vec::new();
        for key in ghosts_of(&lines) {
            let first = reader.articles(shelf, key)?.into_iter().next();
            answered.extend(first.filter(|article| known.insert(article.num)));
        }
        let outside: Numbers = answered.iter().map(|article| article.num).collect();
        if !answered.is_empty() {
            articles.append(&mut answered);
            lines = lines_of(&mut articles, about, loose, &outside);
        }
        let mut ghosts = HashMap::new();
        for key in ghosts_of(&lines) {
            if let Some(mid) = reader.mid_text(key)? {
                ghosts.insert(key, mid);
            }
        }
        Ok(Thread {
            articles,
            lines,
            answered: outside,
            loose: loose.clone(),
            ghosts,
            total,
        })
    }

    /// Whether its first tree has the message of this id.
    pub(super) fn begins_with(&self, key: MidKey) -> bool {
        let rest = self.lines.iter().skip(1);
        let tree = self
            .lines
            .iter()
            .take(1)
            .chain(rest.take_while(|line| line.depth > 0));
        let mut messages = tree.filter_map(|line| match line.what {
            What::Real(index) => self.articles.get(index),
            What::Ghost(_) => None,
        });
        messages.any(|article| article.key == key)
    }

    /// What was asked for, by the time it was sent, without what is only answered by it.
    pub fn flat(&self) -> impl Iterator<Item = &Article> {
        self.articles
            .iter()
            .filter(|article| !self.answered.contains(&article.num))
    }
}

/// The lines of these articles. Those from `outside` stand where the others say that they stand: what they answer
/// themselves was not asked for, and a hundred patches would hang below one cover letter of which nobody speaks.
fn lines_of(
    articles: &mut [Article],
    about: Option<MidKey>,
    loose: &Numbers,
    outside: &Numbers,
) -> Vec<Line> {
    articles.sort_by_key(|article| (article.sent, article.num));
    let nodes: Vec<Node<'_>> = articles
        .iter()
        .map(|article| Node {
            id: article.key,
            references: match outside.contains(&article.num) {
                true => &[],
                false => &article.references,
            },
            sent: article.sent,
            num: article.num,
            loose: loose.contains(&article.num),
        })
        .collect();
    arrange(&nodes, about)
}

fn ghosts_of(lines: &[Line]) -> impl Iterator<Item = MidKey> + '_ {
    lines.iter().filter_map(|line| match line.what {
        What::Ghost(key) => Some(key),
        What::Real(_) => None,
    })
}

/// Where a message is to be found: the first mail of its id in the inbox, and the thread of the site that it is in.
pub(super) struct Place {
    pub(super) first: Article,
    pub(super) thread: ThreadId,
}

impl Place {
    /// The place of the message of this id; `None` where the inbox has none.
    pub(super) fn find(reader: &Reader, shelf: &Shelf, mid: &MessageId) -> Result<Option<Place>> {
        let Some((key, thread)) = reader.mid_place(mid)? else {
            return Ok(None);
        };
        let first = reader.articles(shelf, key)?.into_iter().next();
        Ok(first.map(|first| Place { first, thread }))
    }
}

/// What hangs together with a message by references, within this inbox alone. The catalogue weaves threads over the
/// whole site, so mail that is elsewhere only may have joined what stands apart here.
fn strict(reader: &Reader, shelf: &Shelf, place: &Place) -> Result<Vec<Article>> {
    let mut articles = reader.thread(shelf, place.thread)?;
    let mut sets = DisjointSets::default();
    for article in &articles {
        sets.join(article.key, article.key);
        for key in article.other_keys.iter().chain(&article.references) {
            sets.join(article.key, *key);
        }
    }
    let root = sets.root(place.first.key);
    articles.retain(|article| sets.root(article.key) == root);
    Ok(articles)
}
