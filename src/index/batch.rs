//! Changes on their way into both indexes: the catalogue and the words, batch by batch.

use std::collections::HashSet;

use super::words::Copies;
use crate::db::{self, Db, Outcome, Removed, Stored};
use crate::error::Result;
use crate::id::{ArticleNum, EpochNum, InboxId, MessageKey, Oid};
use crate::mail::Overview;
use crate::search::{self, Document, Place, Search};

/// The one who writes both indexes.
///
/// The words are committed first, under a token; the catalogue then takes that token along with the batch. So the
/// words are as old as the catalogue or one batch ahead of it, or they are not those of this catalogue at all and
/// have to be made again.
pub(super) struct Batch {
    pub(super) db: db::Writer,
    words: search::Writer,
    copies: Copies,
    catalogue: String,
    number: u64,
    /// Whether the words hold nothing that the catalogue does not know: then nothing needs to be replaced.
    in_step: bool,
}

impl Batch {
    /// Opens both indexes for writing. Words that do not go with the catalogue are made again, which takes as long as
    /// reading all mail.
    pub(super) fn open(db: &Db, search: &Search, threads: usize) -> Result<Batch> {
        let (catalogue, number, step) = compare(db, search)?;
        let mut batch = Batch {
            db: db.writer()?,
            words: search.writer(threads)?,
            copies: Copies::default(),
            catalogue,
            number,
            in_step: step == Step::Same,
        };
        if step == Step::Strange {
            batch.make_words_again()?;
        }
        Ok(batch)
    }

    /// Waits until nothing is being merged, and closes both.
    pub(super) fn close(self) -> Result<()> {
        self.words.close()
    }

    /// Begins a batch, waiting for whoever else writes.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.db.begin()
    }

    /// Ends it: all of it can be found now, also after a kill.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.number += 1;
        let token = format!("{} {}", self.catalogue, self.number);
        self.words.commit(&token)?;
        self.db.set_words_token(&token)?;
        self.db.commit()?;
        self.in_step = true;
        Ok(())
    }

    /// Ends a batch after which `head` is the last commit of the epoch that was read.
    pub(super) fn commit_at(&mut self, inbox: InboxId, epoch: EpochNum, head: Oid) -> Result<()> {
        self.db.set_head(inbox, epoch, head)?;
        self.commit()
    }

    /// Adds a mail; `num` is the number that it had before, if it had one.
    pub(super) fn add(
        &mut self,
        inbox: InboxId,
        stored: Stored,
        overview: &Overview,
        document: Document,
        num: Option<ArticleNum>,
    ) -> Result<Outcome> {
        let outcome = self.db.add(inbox, stored, overview, num)?;
        let Outcome::Added { message, num, new } = outcome else {
            return Ok(outcome);
        };
        let place = Place {
            inbox,
            num,
            received: overview.received,
        };
        if new && !document.is_copy() {
            let document = document.at(message, &[place]);
            match self.in_step {
                true => self.words.add_new(document)?,
                false => self.words.add(document)?,
            }
        } else if !new && self.in_step && !self.db.lacks_words(message, inbox)? {
            self.words
                .add_new(document.into_copy().at(message, &[place]))?;
        } else {
            // A mail that was a copy when it was read and is not any more; the first copy whose words are wanted; or perhaps
            // one that the words have already.
            self.renew_words(message)?;
        }
        Ok(outcome)
    }

    /// Takes an article out of its inbox; whether it was there.
    pub(super) fn remove(&mut self, inbox: InboxId, num: ArticleNum) -> Result<bool> {
        match self.db.remove(inbox, num)? {
            Some(Removed {
                message,
                last: true,
            }) => self.words.remove(message),
            Some(Removed {
                message,
                last: false,
            }) => self.go_on_without(message)?,
            None => return Ok(false),
        }
        Ok(true)
    }

    /// What is left of a message that has lost one of its copies. Copies are equal in content, but each has its own size: where
    /// the row was that of the lost one, the message becomes another row, as an index has it that never saw that copy.
    fn go_on_without(&mut self, message: MessageKey) -> Result<()> {
        let copies = self.db.copies(message)?;
        let inboxes: HashSet<InboxId> = copies.iter().map(|copy| copy.inbox).collect();
        let overviews = self.copies.overviews(&copies);
        let first = overviews.as_ref().and_then(|all| all.first());
        let (Some(first), true) = (first, inboxes.len() == copies.len()) else {
            return self.renew_words(message);
        };
        if self.db.size_of(message)? == Some((first.bytes, first.lines)) {
            return self.renew_words(message);
        }
        for copy in &copies {
            self.db.remove(copy.inbox, copy.num)?;
        }
        self.words.remove(message);
        let mut anew = None;
        for (copy, overview) in copies.iter().zip(overviews.iter().flatten()) {
            let num = Some(copy.num);
            let outcome = self.db.add(copy.inbox, copy.stored, overview, num)?;
            if let Outcome::Added { message, .. } = outcome {
                anew = Some(message);
            }
        }
        anew.map_or(Ok(()), |message| self.renew_words(message))
    }

    /// Indexes the words of a message anew, by all the copies that there are.
    fn renew_words(&mut self, message: MessageKey) -> Result<()> {
        match self.copies.document(message, self.db.copies(message)?) {
            Some(document) => self.words.add(document),
            // Git has lost them all; what it had said before stays findable.
            None => Ok(()),
        }
    }

    /// Indexes all words of an inbox's mail from now on, or no more than its ids; also of what is there.
    pub(super) fn change_words(&mut self, inbox: InboxId, words: bool) -> Result<()> {
        self.begin()?;
        self.db.set_words(inbox, words)?;
        for message in self.db.messages_in(inbox)? {
            self.renew_words(message)?;
        }
        self.commit()
    }

    /// Makes the words of a message again; none where no inbox has it.
    pub(super) fn renew_or_drop(&mut self, message: MessageKey) -> Result<()> {
        self.words.remove(message);
        self.renew_words(message)
    }

    /// Takes words of removed messages off the disk.
    pub(super) fn expunge(&mut self) -> Result<()> {
        self.words.expunge()
    }

    /// Forgets all mail, in the batch that is under way.
    pub(super) fn forget_everything(&mut self) -> Result<()> {
        self.words.clear()?;
        self.in_step = true;
        self.db.forget_everything()
    }

    /// Makes all words again, from the mail that the catalogue knows of.
    pub(super) fn make_words_again(&mut self) -> Result<()> {
        const AT_ONCE: usize = 5_000;
        tracing::info!("the full-text index is not that of this catalogue: it is made again");
        self.words.clear()?;
        self.begin()?;
        let mut last = MessageKey(0);
        loop {
            let messages = self.db.messages_after(last, AT_ONCE)?;
            let Some(newest) = messages.last() else { break };
            last = *newest;
            for message in messages {
                let copies = self.db.copies(message)?;
                if let Some(document) = self.copies.document(message, copies) {
                    self.words.add_new(document)?;
                }
            }
        }
        // What was found meanwhile may be kept, and is less than there is now.
        self.db.renew_states()?;
        self.commit()
    }
}

/// How the words stand to the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// They are those of the last batch.
    Same,
    /// They have one batch too much: the program was killed between the two commits.
    Ahead,
    /// They are not those of this catalogue.
    Strange,
}

/// Which catalogue this is, the number of the last batch in either index, and how the two stand to each other.
pub(super) fn compare(db: &Db, search: &Search) -> Result<(String, u64, Step)> {
    let (catalogue, taken) = db.reader()?.words_token()?;
    let told = search.payload()?;
    let number_of = |token: &Option<String>| -> Option<u64> {
        let (id, number) = token.as_deref()?.split_once(' ')?;
        (id == catalogue).then(|| number.parse().ok())?
    };
    let (taken_number, told_number) = (number_of(&taken), number_of(&told));
    let step = match (taken_number.unwrap_or(0), told_number) {
        _ if taken == told => Step::Same,
        (taken, Some(told)) if told == taken + 1 => Step::Ahead,
        _ => Step::Strange,
    };
    let number = taken_number.max(told_number).unwrap_or(0);
    Ok((catalogue, number, step))
}
