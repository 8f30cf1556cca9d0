//! A thread of the archive as the lines that `render` draws, and the words that count them.

use std::borrow::Cow;

use crate::archive::{Article, Inbox, Raw, Thread};
use crate::error::{Error, Result};
use crate::mail::What;
use crate::render::{Addresses, Entry, Sight};

/// The lines of a thread in reading order, each beside its article; ghosts have none.
pub(super) struct Lines<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) articles: Vec<Option<&'a Article>>,
}

impl<'a> Lines<'a> {
    /// The lines of `thread` as an inbox shows them.
    pub(super) fn of(inbox: &Inbox, thread: &'a Thread) -> Lines<'a> {
        let addresses = addresses(inbox);
        let mut lines = Lines {
            entries: Vec::with_capacity(thread.lines.len()),
            articles: Vec::with_capacity(thread.lines.len()),
        };
        for line in &thread.lines {
            let (mid, sight, article) = match line.what {
                What::Real(index) => {
                    let Some(article) = thread.articles.get(index) else {
                        continue;
                    };
                    let sight = Sight::Seen {
                        sent: article.sent,
                        subject: addresses.written(&article.subject),
                        author: addresses.written(&article.author),
                        score: None,
                    };
                    (&article.mid, sight, Some(article))
                }
                What::Ghost(key) => {
                    let Some(mid) = thread.ghosts.get(&key) else {
                        continue;
                    };
                    (mid, Sight::Ghost, None)
                }
            };
            lines.entries.push(Entry {
                mid,
                depth: line.depth,
                loose: line.loose,
                sight,
            });
            lines.articles.push(article);
        }
        lines
    }

    /// On which line an article stands.
    pub(super) fn place(&self, article: &Article) -> Option<usize> {
        self.articles
            .iter()
            .position(|found| found.is_some_and(|found| found.num == article.num))
    }

    /// The article on the next line that has one.
    pub(super) fn after(&self, place: usize) -> Option<&'a Article> {
        self.articles
            .get(place + 1..)?
            .iter()
            .flatten()
            .next()
            .copied()
    }

    /// The article on the line before that has one.
    pub(super) fn before(&self, place: usize) -> Option<&'a Article> {
        self.articles
            .get(..place)?
            .iter()
            .rev()
            .flatten()
            .next()
            .copied()
    }
}

/// How an inbox has addresses written.
pub(super) fn addresses(inbox: &Inbox) -> Addresses<'_> {
    let settings = inbox.config();
    match settings.obfuscate {
        true => Addresses::Hidden {
            except: &settings.clear,
        },
        false => Addresses::Shown,
    }
}

/// The subject of an article as its inbox shows it, or what stands in its place.
pub(super) fn subject<'a>(inbox: &Inbox, article: &'a Article) -> Cow<'a, str> {
    match article.subject.as_str() {
        "" => Cow::Borrowed(NO_SUBJECT),
        subject => addresses(inbox).written(subject),
    }
}

/// The names of the authors of an article as its inbox shows them.
pub(super) fn author<'a>(inbox: &Inbox, article: &'a Article) -> Cow<'a, str> {
    addresses(inbox).written(&article.author)
}

/// What a list calls itself, as it is shown to people.
pub(super) fn description(inbox: &Inbox) -> String {
    addresses(inbox).written(&inbox.description()).into_owned()
}

/// What stands in the place of a subject.
pub(super) const NO_SUBJECT: &str = "(no subject)";

/// The mail of an article, or what stands in its place. One that cannot be read never takes a page of others with
/// it; that it could not is in the log.
///
/// # Errors
/// [`Error::Busy`]: it can be read in a while, so that nothing may stand in its place.
pub(super) fn read(inbox: &Inbox, article: &Article) -> Result<Option<Raw>> {
    match inbox.read(article) {
        Ok(raw) => Ok(raw),
        Err(Error::Busy) => Err(Error::Busy),
        Err(error) => {
            let mid = &article.mid;
            tracing::error!(%mid, blob = %article.blob, %error, "cannot read <{mid}>: {error}");
            Ok(None)
        }
    }
}

/// What stands in the place of a mail that cannot be read.
pub(super) const LOST: &str = "[this message cannot be read from the archive]\n";
