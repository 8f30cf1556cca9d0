//! Reads and parses mail on several threads and hands it over in the order of history.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};

use crate::db::{Db, Reader};
use crate::error::{Error, Result};
use crate::id::{MessageId, Oid};
use crate::mail::{CommitTimes, Message, Overview};
use crate::search::Document;
use crate::store::{Change, Epoch, What};

/// How many changes a thread takes at once: enough that git finds the bases of its deltas in memory.
const CHUNK: usize = 64;

/// How many chunks may be under way for each thread: what bounds the memory.
const AHEAD: usize = 4;

/// A change, read and parsed as far as no order matters.
pub(super) enum Prepared {
    /// A mail to add: what the catalogue keeps of it, and what finds it.
    Mail(Box<(Overview, Document)>),
    /// A mail to remove, and the ids that it is found by; none where git has lost it.
    Gone(Vec<MessageId>),
    /// A mail that was purged from git.
    Purged,
    /// A mail whose bytes git has lost.
    Missing,
    /// What cannot be read, and why.
    Unreadable(String),
    /// A commit without mail.
    Nothing,
}

/// Whether objects are what their names say. To look takes half of the time of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// That is taken for granted.
    Trusted,
    /// Each is looked at; what is not is unreadable.
    Checked,
}

/// What of a mail is indexed to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Its ids.
    Ids,
    /// All its words.
    Words,
}

impl Depth {
    /// That of an inbox of which the catalogue says whether all words are wanted.
    pub(super) fn with_words(words: bool) -> Depth {
        match words {
            true => Depth::Words,
            false => Depth::Ids,
        }
    }
}

/// How mail is read and parsed.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) names: Names,
    pub(super) depth: Depth,
    /// Where other inboxes may have the same mail: what is known of there is not cut into words.
    pub(super) others: Option<&'a Db>,
}

impl Reading<'_> {
    /// All of each mail, whatever is known of it.
    pub(super) fn whole(names: Names, depth: Depth) -> Reading<'static> {
        Reading {
            names,
            depth,
            others: None,
        }
    }
}

/// Calls `each` for every change in order, with what was found in the repository at `path`.
///
/// # Errors
/// The repository cannot be opened, or `each` fails.
pub(super) fn prepare(
    path: &Path,
    changes: &[Change],
    jobs: usize,
    reading: Reading<'_>,
    mut each: impl FnMut(&Change, Prepared) -> Result<()>,
) -> Result<()> {
    let chunks: Vec<Range<usize>> = (0..changes.len())
        .step_by(CHUNK)
        .map(|at| at..changes.len().min(at + CHUNK))
        .collect();
    if chunks.len() < 2 || jobs < 2 {
        let epoch = Epoch::open(path)?;
        let others = reading.others.and_then(|db| db.reader().ok());
        return changes
            .iter()
            .try_for_each(|change| each(change, read(&epoch, change, reading, others.as_ref())));
    }

    let (ask, asked) = mpsc::channel::<usize>();
    let asked = &Mutex::new(asked);
    let chunks = &chunks;
    std::thread::scope(|scope| {
        let (answer, answers) = mpsc::channel::<(usize, Result<Vec<Prepared>>)>();
        for _ in 0..jobs {
            let answer = answer.clone();
            scope.spawn(move || {
                let epoch = Epoch::open(path);
                let others = reading.others.and_then(|db| db.reader().ok());
                loop {
                    let next = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(chunk) = next else { break };
                    let found = match &epoch {
                        Ok(epoch) => {
                            let changes = &changes[chunks[chunk].clone()];
                            Ok(changes
                                .iter()
                                .map(|change| read(epoch, change, reading, others.as_ref()))
                                .collect())
                        }
                        Err(error) => Err(Error::Store(error.to_string())),
                    };
                    if answer.send((chunk, found)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(answer);

        // `ask` ends with this closure, also on an error, and the threads with it.
        let ask = ask;
        let mut waiting = chunks.len().min(jobs * AHEAD);
        for chunk in 0..waiting {
            send(&ask, chunk)?;
        }
        let mut early = BTreeMap::new();
        for (chunk, range) in chunks.iter().enumerate() {
            let prepared = loop {
                if let Some(prepared) = early.remove(&chunk) {
                    break prepared;
                }
                let (done, prepared) = answers.recv().map_err(|_| gone())?;
                early.insert(done, prepared?);
            };
            if waiting < chunks.len() {
                send(&ask, waiting)?;
                waiting += 1;
            }
            for (change, prepared) in changes[range.clone()].iter().zip(prepared) {
                each(change, prepared)?;
            }
        }
        Ok(())
    })
}

fn send(ask: &mpsc::Sender<usize>, chunk: usize) -> Result<()> {
    ask.send(chunk).map_err(|_| gone())
}

fn gone() -> Error {
    Error::Store("the threads that read mail have ended".to_owned())
}

fn read(epoch: &Epoch, change: &Change, reading: Reading<'_>, others: Option<&Reader>) -> Prepared {
    let is_false =
        |blob: Oid, raw: &[u8]| reading.names == Names::Checked && Oid::of_blob(raw) != blob;
    let falsely =
        |blob: Oid| Prepared::Unreadable(format!("blob {blob} is not what its name says"));
    match &change.what {
        What::Nothing => Prepared::Nothing,
        What::Unreadable(why) => Prepared::Unreadable(why.clone()),
        What::Added(Oid::EMPTY_BLOB) => Prepared::Purged,
        What::Added(blob) => match epoch.read(*blob) {
            Ok(Some(raw)) if is_false(*blob, &raw) => falsely(*blob),
            Ok(Some(raw)) => {
                let times = CommitTimes {
                    author: change.times.author,
                    committer: change.times.committer,
                };
                let message = Message::parse(&raw);
                let overview = Overview::of(&message, times);
                // Where that is wrong, or cannot be told, whoever adds the mail finds out.
                let known =
                    others.is_some_and(|others| others.has_words_of(&overview).unwrap_or(false));
                let document = match reading.depth {
                    Depth::Words if known => Document::of_copy(&message),
                    Depth::Words => Document::of(&message, &overview),
                    Depth::Ids => Document::of_ids(&overview),
                };
                Prepared::Mail(Box::new((overview, document)))
            }
            Ok(None) => Prepared::Missing,
            Err(error) => Prepared::Unreadable(error.to_string()),
        },
        What::Removed(blob) => match epoch.read(*blob) {
            Ok(Some(raw)) if is_false(*blob, &raw) => falsely(*blob),
            Ok(Some(raw)) => Prepared::Gone(Message::parse(&raw).message_ids()),
            _ => Prepared::Gone(Vec::new()),
        },
    }
}
