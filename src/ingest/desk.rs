//! Where mail is handed in by many at once: what comes in while the disk is busy is stored together.
//!
//! One thread takes all mail. Whoever hands in a mail waits until it is on the disk, and is told what became of it; so
//! a thousand deliveries in a burst cost a few commits.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::intake::{Intake, Rules, Taken};
use super::known::Known;
use crate::config::InboxConfig;
use crate::db::Db;
use crate::error::{Error, Result};

/// How much is stored together at most, in mails and in bytes.
const MOST_MAILS: usize = 500;
const MOST_BYTES: usize = 32 << 20;

/// How many mails may wait before the next one who comes has to.
const WAITING: usize = 64;

/// A mail that somebody hands in.
struct Handed {
    inbox: InboxConfig,
    rules: Rules,
    raw: Vec<u8>,
    reply: SyncSender<Result<Taken>>,
}

/// The desk. Clones are the same one; its thread ends with the last of them.
#[derive(Clone)]
pub struct Desk(Arc<Shared>);

struct Shared {
    db: Db,
    hand: Mutex<Option<SyncSender<Handed>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Desk {
    /// Opens it. `stored` is called whenever something was.
    ///
    /// # Errors
    /// The system gives no further thread.
    pub fn open(db: &Db, stored: impl Fn() + Send + 'static) -> Result<Desk> {
        let (hand, handed) = sync_channel(WAITING);
        let own = db.clone();
        let thread = std::thread::Builder::new()
            .name("desk".to_owned())
            .spawn(move || take_all(&own, &handed, &stored))
            .map_err(|e| Error::io("desk", e))?;
        Ok(Desk(Arc::new(Shared {
            db: db.clone(),
            hand: Mutex::new(Some(hand)),
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Hands in a mail, and waits until it is on the disk.
    ///
    /// # Errors
    /// It could not be stored. It may come again.
    pub fn hand_in(&self, inbox: &InboxConfig, rules: &Rules, raw: Vec<u8>) -> Result<Taken> {
        let mut told = self.hand_in_all(vec![(inbox.clone(), rules.clone(), raw)]);
        told.pop().unwrap_or_else(|| Err(closed()))
    }

    /// Hands in many, and waits until all of them are on the disk. What became of each is told in their order; where
    /// one could not be stored, it may come again.
    pub fn hand_in_all(&self, mails: Vec<(InboxConfig, Rules, Vec<u8>)>) -> Vec<Result<Taken>> {
        let hand = self.0.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let hand = hand.clone();
        let replies: Vec<_> = mails
            .into_iter()
            .map(|(inbox, rules, raw)| {
                let (reply, replied) = sync_channel(1);
                let handed = Handed {
                    inbox,
                    rules,
                    raw,
                    reply,
                };
                let sent = hand.as_ref().is_some_and(|hand| hand.send(handed).is_ok());
                sent.then_some(replied)
            })
            .collect();
        let told = replies.into_iter().map(|replied| match replied {
            Some(replied) => replied.recv().map_err(|_| closed())?,
            None => Err(closed()),
        });
        told.collect()
    }
}

impl Desk {
    /// Takes a mail out of an inbox, as spam; whether it was there.
    ///
    /// # Errors
    /// The inbox cannot be read or written.
    pub fn take_out(&self, inbox: &InboxConfig, raw: &[u8]) -> Result<bool> {
        let rules = Rules::default();
        let mut known = Known::new(&self.0.db);
        Intake::open(inbox, &rules, &mut known)?.take_out_spam(raw)
    }
}

fn closed() -> Error {
    Error::invalid("the mail", "nobody takes mail any more")
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.hand
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that takes mail has died");
        }
    }
}

fn take_all(db: &Db, handed: &Receiver<Handed>, stored: &dyn Fn()) {
    // What is known of each inbox outlives a batch.
    let mut known: HashMap<PathBuf, Known> = HashMap::new();
    while let Ok(first) = handed.recv() {
        let mut bytes = first.raw.len();
        let mut batch = vec![first];
        while batch.len() < MOST_MAILS && bytes < MOST_BYTES {
            let Ok(next) = handed.try_recv() else { break };
            bytes += next.raw.len();
            batch.push(next);
        }
        let mut by_inbox: Vec<Vec<Handed>> = Vec::new();
        for mail in batch {
            let same = by_inbox.iter_mut().find(|mails| {
                let first = mails.first();
                first.is_some_and(|first| first.inbox == mail.inbox && first.rules == mail.rules)
            });
            match same {
                Some(mails) => mails.push(mail),
                None => by_inbox.push(vec![mail]),
            }
        }
        for mails in by_inbox {
            let Some(dir) = mails.first().map(|mail| mail.inbox.dir.clone()) else {
                continue;
            };
            let own = known.remove(&dir).unwrap_or_else(|| Known::new(db));
            if let Some(own) = take(own, mails) {
                known.insert(dir, own);
                stored();
            }
        }
    }
}

/// The same error, for one more who waits.
fn again(error: &Error) -> Error {
    match error {
        Error::Io { path, source } => Error::io(path, io::Error::from(source.kind())),
        other => Error::Store(other.to_string()),
    }
}

/// Takes mails for one inbox; gives what is known of it then, unless something went wrong.
fn take(mut known: Known, mails: Vec<Handed>) -> Option<Known> {
    let Some(Handed { inbox, rules, .. }) = mails.first() else {
        return Some(known);
    };
    let mut all = || -> Result<Vec<Taken>> {
        let mut intake = Intake::open(inbox, rules, &mut known)?;
        let taken = mails.iter().map(|mail| intake.take(&mail.raw, None));
        let taken = taken.collect::<Result<Vec<Taken>>>()?;
        intake.commit()?;
        Ok(taken)
    };
    match all() {
        Ok(taken) => {
            for (mail, taken) in mails.iter().zip(taken) {
                // Who has gone meanwhile will bring it again, and it will be a duplicate.
                let _ = mail.reply.send(Ok(taken));
            }
            Some(known)
        }
        Err(error) => {
            let name = &inbox.name;
            tracing::error!(inbox = %name, "mail for {name} could not be stored: {error}");
            for mail in &mails {
                let _ = mail.reply.send(Err(again(&error)));
            }
            None
        }
    }
}
