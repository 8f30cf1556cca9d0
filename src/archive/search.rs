//! Searches: from words to articles, in an inbox, in several together, or in one thread.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::Inbox;
use crate::db::{Article, Reader};
use crate::error::{Error, Result};
use crate::id::{InboxId, MessageId, MessageKey};
use crate::search::{Budget, Cursor, Edge, Filter, Found, Hit, Query, Search, Sort, Window};

/// No search works for longer than this; what it found until then is shown.
const PATIENCE: Duration = Duration::from_secs(5);
/// To see which of them are of one thread, so many results are looked at.
const FIRST: Window = Window {
    offset: 0,
    limit: 20_000,
    edge: None,
};
/// No further are results passed over one by one.
const DEEPEST: usize = 1_000_000;

/// Where is searched.
#[derive(Clone)]
pub enum Realm {
    /// In an inbox, or in several together.
    Inbox(Inbox),
    /// Among these messages of an inbox: a thread.
    Thread(Inbox, Vec<MessageKey>),
}

/// What is sought, and how much of it.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The query.
    pub query: &'a Query,
    /// In which order.
    pub sort: Sort,
    /// Which of the results.
    pub window: Window,
    /// Whether only the first result of each thread counts.
    pub one_per_thread: bool,
    /// Set as soon as nobody waits for the answer any more.
    pub stop: Option<&'a AtomicBool>,
}

/// What was found.
#[derive(Default)]
pub struct Results {
    /// A window of the results, in order. What the catalogue does not have (any more) is left out.
    pub matches: Vec<Match>,
    /// How many results there are in all.
    pub total: usize,
    /// How many of them stand before the window.
    pub passed: usize,
    /// How many of them lie in the window, with those that are left out.
    pub shown: usize,
    /// The places of the first and the last result of the window.
    pub ends: Option<(Cursor, Cursor)>,
    /// Whether `total` is exact: everything was looked at.
    pub complete: bool,
}

/// One result.
pub struct Match {
    /// The message, as the inbox has it.
    pub article: Article,
    /// Where it went, in a search of several inboxes together; at least one of them then.
    pub lists: Vec<Inbox>,
    /// How well it fits, compared with the best result, 0 to 99 per cent.
    pub percent: u8,
}

impl Realm {
    /// The thread around a message; `None` where the inbox has no such message.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn thread(inbox: Inbox, mid: &MessageId) -> Result<Option<Realm>> {
        let articles = inbox.whole_thread(mid)?;
        let keys: Vec<MessageKey> = articles.iter().map(|article| article.message).collect();
        Ok((!keys.is_empty()).then_some(Realm::Thread(inbox, keys)))
    }

    /// Finds a window of the results.
    ///
    /// # Errors
    /// [`Error::Invalid`] with a sentence for who asked; or the indexes cannot be read.
    pub fn find(&self, wanted: &Wanted<'_>) -> Result<Results> {
        if wanted.window.offset > DEEPEST {
            return Err(Error::invalid(
                "this page of results",
                "lies more than a million results deep, better narrow the search by a date",
            ));
        }
        let ids = self.ids();
        let filter = self.filter(&ids);
        let window = match wanted.one_per_thread {
            true => FIRST,
            false => wanted.window,
        };
        let found = self.search().find(
            wanted.query,
            filter,
            wanted.sort,
            window,
            budget(wanted.stop),
        )?;
        let mut found = found;
        self.inbox().reader()?.snapshot(|reader| {
            if wanted.one_per_thread {
                first_of_threads(reader, &mut found)?;
                narrow(&mut found, wanted.window);
            }
            let Found {
                hits,
                total,
                passed,
                complete,
            } = found;
            let shown = hits.len();
            let ends = hits.first().zip(hits.last());
            let ends = ends.map(|(first, last)| (first.cursor, last.cursor));
            let matches = match self.inbox().is_together() {
                true => self.look_up_together(reader, hits)?,
                false => self.look_up(reader, hits)?,
            };
            Ok(Results {
                matches,
                total,
                passed,
                shown,
                ends,
                complete,
            })
        })
    }

    /// All results, for [`Inbox::found`]: highest number first, or of several inboxes together what came last.
    ///
    /// # Errors
    /// As for [`Realm::find`]; and [`Error::Invalid`] where it takes too long: half of the mail is no answer.
    pub fn find_all(&self, query: &Query, stop: Option<&AtomicBool>) -> Result<Vec<MessageKey>> {
        let (all, complete) =
            self.search()
                .find_all(query, self.filter(&self.ids()), budget(stop))?;
        if !complete {
            return Err(Error::invalid(
                "this search",
                "takes too long, better narrow it by a date",
            ));
        }
        Ok(all)
    }

    /// The inbox that is searched, or several together.
    pub fn inbox(&self) -> &Inbox {
        match self {
            Realm::Inbox(inbox) | Realm::Thread(inbox, _) => inbox,
        }
    }

    fn search(&self) -> &Search {
        self.inbox().search()
    }

    /// Whose mail is sought, one by one.
    fn ids(&self) -> Vec<InboxId> {
        self.inbox().members().iter().map(Inbox::id).collect()
    }

    fn filter<'a>(&'a self, inboxes: &'a [InboxId]) -> Filter<'a> {
        let inbox = self.inbox();
        let one = !inbox.is_together();
        Filter {
            inbox: one.then(|| inbox.id()),
            any_of: (!one).then_some(inboxes),
            among: match self {
                Realm::Thread(_, keys) => Some(keys),
                Realm::Inbox(_) => None,
            },
        }
    }

    /// The articles of the hits. The index of words may know what the catalogue has forgotten since.
    fn look_up(&self, reader: &Reader, hits: Vec<Hit>) -> Result<Vec<Match>> {
        let messages: Vec<MessageKey> = hits.iter().map(|hit| hit.key).collect();
        let articles = reader.articles_of(self.inbox().id(), &messages)?;
        let mut articles = articles.into_iter().peekable();
        let mut found = Vec::with_capacity(hits.len());
        for hit in hits {
            // A message may stand in an inbox twice.
            while let Some(article) = articles.next_if(|article| article.message == hit.key) {
                if article.num == hit.num {
                    found.push(Match {
                        article,
                        lists: Vec::new(),
                        percent: hit.percent,
                    });
                }
            }
        }
        Ok(found)
    }

    /// The same for several inboxes together, and to which of them each message went.
    fn look_up_together(&self, reader: &Reader, hits: Vec<Hit>) -> Result<Vec<Match>> {
        let messages: Vec<MessageKey> = hits.iter().map(|hit| hit.key).collect();
        let articles = reader.articles_with_holders(self.inbox().shelf(), &messages)?;
        let mut articles = articles.into_iter().peekable();
        let members = self.inbox().members();
        let at: HashMap<InboxId, usize> = members.iter().map(Inbox::id).zip(0..).collect();
        let mut found = Vec::with_capacity(hits.len());
        for hit in hits {
            let Some((article, holders)) = articles.next_if(|(a, _)| a.message == hit.key) else {
                continue;
            };
            let lists: BTreeSet<usize> = holders
                .iter()
                .filter_map(|id| at.get(id).copied())
                .collect();
            found.push(Match {
                article,
                lists: lists
                    .into_iter()
                    .filter_map(|at| members.get(at))
                    .cloned()
                    .collect(),
                percent: hit.percent,
            });
        }
        Ok(found)
    }
}

/// Keeps the first hit of each thread.
fn first_of_threads(reader: &Reader, found: &mut Found) -> Result<()> {
    found.complete &= found.hits.len() == found.total;
    let keys: Vec<MessageKey> = found.hits.iter().map(|hit| hit.key).collect();
    let thread_of = reader.threads_of(&keys)?;
    let mut seen = HashSet::new();
    found.hits.retain(|hit| {
        let thread = thread_of.get(&hit.key);
        thread.is_some_and(|thread| seen.insert(*thread))
    });
    found.total = found.hits.len();
    Ok(())
}

/// Keeps what lies in the window.
fn narrow(found: &mut Found, window: Window) {
    let count = found.hits.len();
    // By relevance a result may stand elsewhere than it stood; where it is gone its old place will do.
    let place = |cursor: Cursor| {
        let at = found.hits.iter().position(|hit| hit.key == cursor.key());
        let before = || found.hits.partition_point(|hit| hit.cursor > cursor);
        at.map_or_else(|| (before(), before()), |at| (at, at + 1))
    };
    let from = match window.edge {
        None => window.offset,
        Some(Edge::After(cursor)) => place(cursor).1 + window.offset,
        Some(Edge::Before(cursor)) => place(cursor).0.saturating_sub(window.limit),
    };
    let to = match window.edge {
        Some(Edge::Before(cursor)) => place(cursor).0,
        _ => from.saturating_add(window.limit),
    };
    found.passed = from;
    found.hits.truncate(to.min(count));
    found.hits.drain(..from.min(found.hits.len()));
}

fn budget(stop: Option<&AtomicBool>) -> Budget<'_> {
    Budget {
        until: Some(Instant::now() + PATIENCE),
        stop,
    }
}

impl Inbox {
    /// The article of a message that [`Realm::find_all`] has found; `None` where it is gone since.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn found(&self, message: MessageKey) -> Result<Option<Article>> {
        self.reader()?.article_of(self.shelf(), message)
    }

    /// At most `limit` Message-IDs of this inbox that contain `part`, whatever punctuation is between its letters.
    ///
    /// # Errors
    /// The indexes cannot be read.
    pub fn similar_ids(&self, part: &str, limit: usize) -> Result<Vec<MessageId>> {
        let letters = |text: &str| -> String {
            let letters = text.chars().filter(|c| c.is_alphanumeric());
            letters.flat_map(char::to_lowercase).collect()
        };
        let part_letters = letters(part);
        for query in Query::of_id_part(part) {
            let wanted = Wanted {
                query: &query,
                sort: Sort::Newest,
                window: Window { limit, ..FIRST },
                one_per_thread: false,
                stop: None,
            };
            let found = match Realm::Inbox(self.clone()).find(&wanted) {
                Ok(found) => found,
                // A short piece at the end stands for too many words: the next question is without it.
                Err(Error::Invalid { .. }) => continue,
                Err(error) => return Err(error),
            };
            let mids = found
                .matches
                .into_iter()
                .map(|found| found.article.mid.clone());
            let similar: Vec<MessageId> = mids
                .filter(|mid| letters(mid.as_str()).contains(&part_letters))
                .collect();
            if !similar.is_empty() {
                return Ok(similar);
            }
        }
        Ok(Vec::new())
    }
}
