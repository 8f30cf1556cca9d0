//! Takes mail into an inbox: in the form in which it is kept, once, under a Message-ID of its own.

use super::commit::{commit_of, removal_of};
use super::filter::Filter;
use super::known::Known;
use super::message_id::made_up;
use super::normal::{Unsubscribe, normal};
use crate::config::InboxConfig;
use crate::error::{Error, Result};
use crate::id::{MessageId, Oid};
use crate::mail::{Fingerprint, Message, edit};
use crate::store::{Deed, MAX_BLOB, Tombstone, Tombstones, Version, Writer};
use crate::time::{self, Timestamp};

/// How many made-up ids are tried for one mail. The second differs only where somebody has made up the first.
const ATTEMPTS: u32 = 100;

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It will be stored with the next [`Intake::commit`].
    Added {
        /// Its bytes.
        blob: Oid,
        /// What had to be done to it.
        repair: Option<Repair>,
    },
    /// The inbox has it already.
    Duplicate,
    /// It was removed before, and is not to come back.
    Buried,
    /// It is not taken; why not.
    Refused(String),
}

/// What was done to a mail so that it can be found by an id of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Repair {
    /// It had no Message-ID and got one.
    NoMessageId,
    /// Another mail has its Message-ID, and it got a second one.
    ReusedMessageId,
    /// It had no headers at all.
    NoHeaders,
}

impl std::fmt::Display for Repair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Repair::NoMessageId => "had no Message-ID and got one",
            Repair::ReusedMessageId => "had the Message-ID of another mail and got a second one",
            Repair::NoHeaders => "had no headers and got a Message-ID",
        })
    }
}

/// How mail is taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What is kept, and how.
    pub filter: Filter,
    /// What is done about links to unsubscribe.
    pub unsubscribe: Unsubscribe,
    /// At which size of its packs an epoch is full, in bytes; public-inbox's measure where nothing is said.
    pub epoch_size: Option<u64>,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            filter: Filter::Mirror,
            unsubscribe: Unsubscribe::Kept,
            epoch_size: None,
        }
    }
}

/// Takes mail into one inbox, whose lock it holds.
pub struct Intake<'a> {
    inbox: &'a InboxConfig,
    rules: &'a Rules,
    writer: Writer,
    known: &'a mut Known,
    stones: Tombstones,
}

impl<'a> Intake<'a> {
    /// Waits for its turn to write to an inbox.
    ///
    /// # Errors
    /// The inbox or the catalogue cannot be read, or the inbox cannot be locked. Then `known` is to be made anew.
    pub fn open(
        inbox: &'a InboxConfig,
        rules: &'a Rules,
        known: &'a mut Known,
    ) -> Result<Intake<'a>> {
        let mut writer = Writer::open(&inbox.dir)?;
        if let Some(bytes) = rules.epoch_size {
            writer = writer.with_epochs_of(bytes);
        }
        known.refresh(&writer.layout()?)?;
        let stones = Tombstones::read(&inbox.dir)?;
        Ok(Intake {
            inbox,
            rules,
            writer,
            known,
            stones,
        })
    }

    /// Takes one mail. `came` is when somebody else has filed it, for mail that does not say so itself.
    ///
    /// # Errors
    /// The repository cannot be read or written. What was taken since the last commit may be lost then.
    pub fn take(&mut self, raw: &[u8], came: Option<Timestamp>) -> Result<Taken> {
        if raw.len() > MAX_BLOB {
            let why = format!("it is {} bytes long; {MAX_BLOB} are the most", raw.len());
            return Ok(Taken::Refused(why));
        }
        let mail = normal(raw, self.rules.unsubscribe);
        if mail.trim_ascii().is_empty() {
            return Ok(Taken::Refused("there is nothing in it".to_owned()));
        }
        let mail = match self.rules.filter.apply(&mail) {
            Ok(mail) => mail,
            Err(why) => return Ok(Taken::Refused(why)),
        };
        let message = Message::parse(&mail);
        let ids = message.message_ids();
        if !self.stones.is_empty() && self.stones.covering(&ids, message.fingerprint()).is_some() {
            return Ok(Taken::Buried);
        }
        let repair = match ids.is_empty() {
            false => match self.place(&message, &ids)? {
                Place::Free => None,
                Place::Same => return Ok(Taken::Duplicate),
                Place::Taken => Some(Repair::ReusedMessageId),
            },
            true if message.is_readable() => Some(Repair::NoMessageId),
            true => Some(Repair::NoHeaders),
        };
        let Some(repair) = repair else {
            return self.add(&message, came, None);
        };
        let Some(mid) = self.free_id(&message, came)? else {
            return Ok(Taken::Duplicate);
        };
        let value = format!("<{mid}>");
        let mut mended = edit::with_header(&mail, "Message-ID", &value);
        if !Message::parse(&mended).message_ids().contains(&mid) {
            mended = edit::with_first_header(&mail, "Message-ID", &value);
        }
        self.add(&Message::parse(&mended), came, Some(repair))
    }

    /// Stores all that was taken. On return it is on the disk, and readers see it.
    ///
    /// # Errors
    /// The repository cannot be written; nothing is stored then. `known` is to be made anew.
    pub fn commit(&mut self) -> Result<()> {
        self.writer.commit()?;
        if let Some((number, tip)) = self.writer.tip() {
            self.known.saw(number, tip);
        }
        Ok(())
    }

    /// Takes a mail out at once, as spam that is not to come back; whether it was there.
    ///
    /// # Errors
    /// The repository cannot be read or written.
    pub fn take_out_spam(&mut self, raw: &[u8]) -> Result<bool> {
        let mail = normal(raw, self.rules.unsubscribe);
        let message = Message::parse(&mail);
        let content = message.fingerprint();
        let mut blobs = Vec::new();
        for mid in message.message_ids() {
            for mine in self.known.mails(&mid)? {
                let Some(kept) = self.writer.read(mine.blob)? else {
                    continue;
                };
                if Message::parse(&kept).fingerprint() == content && !blobs.contains(&mine.blob) {
                    blobs.push(mine.blob);
                }
            }
        }
        if blobs.is_empty() {
            return Ok(false);
        }
        let stone = Tombstone::of(&mail, Deed::Spam, time::now(), "");
        self.writer.bury(&[stone])?;
        for blob in blobs {
            self.writer
                .add_removal(blob, &removal_of(self.inbox, "spam"))?;
        }
        self.writer.commit()?;
        Ok(true)
    }

    fn add(
        &mut self,
        message: &Message<'_>,
        came: Option<Timestamp>,
        repair: Option<Repair>,
    ) -> Result<Taken> {
        let meta = commit_of(message, self.inbox, came);
        let before = self.writer.tip();
        let blob = self.writer.add(message.raw(), &meta)?;
        if self.writer.tip() != before
            && let Some((number, tip)) = self.writer.tip()
        {
            // The writer had to commit what was waiting.
            self.known.saw(number, tip);
        }
        self.known.added(&message.message_ids(), blob)?;
        Ok(Taken::Added { blob, repair })
    }

    /// Whether a mail with these ids can come in as it is.
    fn place(&mut self, message: &Message<'_>, ids: &[MessageId]) -> Result<Place> {
        let Some(first) = ids.first() else {
            return Ok(Place::Taken);
        };
        if self.known.is_free(first)? {
            return Ok(Place::Free);
        }
        if self.writer.version() == Version::V1 {
            return Ok(Place::Same);
        }
        let content = message.fingerprint();
        for mid in ids {
            if self.has_same(mid, content)? {
                return Ok(Place::Same);
            }
        }
        for mid in ids.iter().skip(1).rev() {
            if self.known.is_free(mid)? {
                return Ok(Place::Free);
            }
        }
        Ok(Place::Taken)
    }

    /// Whether a mail of that id says the same.
    fn has_same(&mut self, mid: &MessageId, content: Fingerprint) -> Result<bool> {
        for mine in self.known.mails(mid)? {
            let its = match mine.content {
                Some(its) => its,
                None => match self.writer.read(mine.blob)? {
                    Some(raw) => Message::parse(&raw).fingerprint(),
                    None => continue,
                },
            };
            if its == content {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A made-up id that no mail has; `None` where the mail itself has it already.
    fn free_id(
        &mut self,
        message: &Message<'_>,
        came: Option<Timestamp>,
    ) -> Result<Option<MessageId>> {
        let content = message.fingerprint();
        for attempt in 0..ATTEMPTS {
            let Some(mid) = made_up(message, came, attempt) else {
                break;
            };
            if self.known.mails(&mid)?.is_empty() {
                return Ok(Some(mid));
            }
            if self.has_same(&mid, content)? {
                return Ok(None);
            }
        }
        Err(Error::corrupt("every id that could be made up is taken"))
    }
}

/// How the ids of a mail stand to those that an inbox has.
enum Place {
    /// One of them is free.
    Free,
    /// The inbox has the mail.
    Same,
    /// Other mail has all of them.
    Taken,
}
