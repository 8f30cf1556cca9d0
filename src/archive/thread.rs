//! The thread around a message, in reading order.

use std::collections::{HashMap, HashSet};

use crate::db::{Article, Reader};
use crate::error::Result;
use crate::id::{ArticleNum, InboxId, MessageId, MidKey};
use crate::mail::{DisjointSets, Line, Node, What, arrange};

/// How many messages of a thread are shown on one page.
const SHOWN: usize = 1000;

/// A thread: its messages, and the order in which to read them.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// Its messages, by the time they were sent.
    pub articles: Vec<Article>,
    /// The lines of its overview; they name articles by their index.
    pub lines: Vec<Line>,
    /// Those of them that are here only because others answer them: from outside what was asked for, but known to the
    /// inbox. They stand in the tree, and in no flat list.
    pub answered: HashSet<ArticleNum>,
    /// Those of them that are here for their subject only.
    pub loose: HashSet<ArticleNum>,
    /// The Message-IDs of its ghosts.
    pub ghosts: HashMap<MidKey, MessageId>,
    /// How many messages belong to it in this inbox, those that are only loosely matched among them.
    pub total: usize,
}

impl Thread {
    /// The thread around the message of this id, and what is there for its subject only.
    pub(super) fn around(
        reader: &Reader,
        inbox: InboxId,
        mid: &MessageId,
    ) -> Result<Option<Thread>> {
        let Some(Strict {
            about,
            subject_key,
            mut articles,
        }) = strict(reader, inbox, mid)?
        else {
            return Ok(None);
        };
        articles.sort_by_key(|article| (article.sent, article.num));
        let mut total = articles.len();
        let within: HashSet<ArticleNum> = articles.iter().map(|article| article.num).collect();
        articles.truncate(SHOWN);
        let strict = articles.len();
        if let Some(subject_key) = subject_key {
            let mut loose = reader.under_subject(inbox, subject_key, SHOWN + within.len())?;
            let found = loose.len();
            loose.retain(|article| !within.contains(&article.num));
            total += loose.len();
            if found == SHOWN + within.len() {
                let all = reader.count_under_subject(inbox, subject_key)?;
                total += all.saturating_sub(found);
            }
            loose.truncate(SHOWN - articles.len());
            articles.extend(loose);
        }
        let loose = articles[strict..]
            .iter()
            .map(|article| article.num)
            .collect();
        let mut thread = Thread::of(reader, inbox, articles, Some(about), &loose)?;
        thread.total = total;
        Ok(Some(thread))
    }

    /// All articles that [`Thread::around`] counts, by number.
    pub(super) fn members(
        reader: &Reader,
        inbox: InboxId,
        mid: &MessageId,
    ) -> Result<Vec<Article>> {
        let Some(Strict {
            subject_key,
            mut articles,
            ..
        }) = strict(reader, inbox, mid)?
        else {
            return Ok(Vec::new());
        };
        if let Some(subject_key) = subject_key {
            articles.extend(reader.under_subject(inbox, subject_key, usize::MAX >> 1)?);
        }
        articles.sort_by_key(|article| article.num);
        articles.dedup_by_key(|article| article.num);
        Ok(articles)
    }

    /// Arranges these articles, some of which may be there for their subject only, and with them what they answer as
    /// far as the inbox has it. `total` counts only what was given.
    pub(super) fn of(
        reader: &Reader,
        inbox: InboxId,
        mut articles: Vec<Article>,
        about: Option<MidKey>,
        loose: &HashSet<ArticleNum>,
    ) -> Result<Thread> {
        let total = articles.len();
        let mut lines = lines_of(&mut articles, about, loose, &HashSet::new());
        let mut known: HashSet<ArticleNum> = articles.iter().map(|article| article.num).collect();
        let mut answered = Vec::new();
        for key in ghosts_of(&lines) {
            let first = reader.articles(inbox, key)?.into_iter().next();
            answered.extend(first.filter(|article| known.insert(article.num)));
        }
        let outside: HashSet<ArticleNum> = answered.iter().map(|article| article.num).collect();
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
    loose: &HashSet<ArticleNum>,
    outside: &HashSet<ArticleNum>,
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

struct Strict {
    about: MidKey,
    subject_key: Option<i64>,
    articles: Vec<Article>,
}

/// What hangs together with a message by references, within this inbox alone. The catalogue weaves threads over the
/// whole site, so mail that is elsewhere only may have joined what stands apart here.
fn strict(reader: &Reader, inbox: InboxId, mid: &MessageId) -> Result<Option<Strict>> {
    let Some(key) = reader.mid_key(mid)? else {
        return Ok(None);
    };
    let Some(first) = reader.articles(inbox, key)?.into_iter().next() else {
        return Ok(None);
    };
    let Some(thread) = reader.thread_of(first.key)? else {
        return Ok(None);
    };
    let mut articles = reader.thread(inbox, thread)?;
    let mut sets = DisjointSets::default();
    for article in &articles {
        sets.join(article.key, article.key);
        for key in article.other_keys.iter().chain(&article.references) {
            sets.join(article.key, *key);
        }
    }
    let root = sets.root(first.key);
    articles.retain(|article| sets.root(article.key) == root);
    Ok(Some(Strict {
        about: first.key,
        subject_key: first.subject_key,
        articles,
    }))
}
