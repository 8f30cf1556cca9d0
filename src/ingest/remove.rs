//! Mail goes: out of the list, out of history, or for other bytes in its place.
//!
//! Each way first says so in the tombstones, then changes git, and leaves the indexes to who follows git. Killed in
//! between, the mail is away already, and to do it again finishes it.

use std::collections::{HashMap, HashSet};

use super::commit::{commit_of, removal_of};
use super::companion::Led;
use crate::config::InboxConfig;
use crate::error::{Error, Result};
use crate::id::{MessageId, Oid};
use crate::mail::{Fingerprint, Message};
use crate::store::{
    Companion, Deed, Epoch, Instead, Rewritten, Tombstone, Tombstones, What, Writer,
};
use crate::time;

/// Takes mails out of an inbox by commits of their own; their bytes stay in history. Gives how many were there.
///
/// # Errors
/// As [`Writer::open`], [`Writer::bury`] and [`Writer::remove`]. Those before the one that fails are gone.
pub fn remove(inbox: &InboxConfig, blobs: &[Oid], deed: Deed, reason: &str) -> Result<usize> {
    let mut writer = Writer::open(&inbox.dir)?;
    let subject = match deed {
        Deed::Spam => "spam",
        _ => "rm",
    };
    let mut count = 0;
    for blob in blobs {
        let Some(raw) = find(&writer, *blob)? else {
            continue;
        };
        writer.bury(&[Tombstone::of(&raw, deed, time::now(), reason)])?;
        writer.remove(*blob, &removal_of(inbox, subject))?;
        count += 1;
    }
    Ok(count)
}

/// Lets a mail come back that was removed; whether it was.
///
/// # Errors
/// As [`Writer::open`] and [`Writer::bury`].
pub fn restore(inbox: &InboxConfig, raw: &[u8]) -> Result<bool> {
    let mut writer = Writer::open(&inbox.dir)?;
    let stones = Tombstones::read(&inbox.dir)?;
    let Some(stone) = stones.covering_mail(raw) else {
        return Ok(false);
    };
    // Never before what it is to undo, whatever the clock says.
    writer.bury(&[Tombstone {
        when: time::now().max(stone.when),
        deed: Deed::Restored,
        reason: String::new(),
        ..stone.clone()
    }])?;
    Ok(true)
}

/// What is to be purged.
#[derive(Clone, Debug, Default)]
pub struct Condemned {
    /// Every mail of these ids.
    pub ids: HashSet<MessageId>,
    /// Those with this content and one of these ids, in all their copies.
    pub mails: Vec<(Vec<MessageId>, Fingerprint)>,
}

impl Condemned {
    /// Adds this mail and all its copies.
    pub fn add_mail(&mut self, raw: &[u8]) {
        let message = Message::parse(raw);
        self.mails
            .push((message.message_ids(), message.fingerprint()));
    }

    fn has(&self, raw: &[u8]) -> bool {
        let message = Message::parse(raw);
        let ids = message.message_ids();
        if ids.iter().any(|mid| self.ids.contains(mid)) {
            return true;
        }
        let of_ids = |known: &[MessageId]| match known {
            [] => ids.is_empty(),
            known => known.iter().any(|mid| ids.contains(mid)),
        };
        let mut alike = self
            .mails
            .iter()
            .filter(|(known, _)| of_ids(known))
            .peekable();
        alike.peek().is_some() && {
            let content = message.fingerprint();
            alike.any(|(_, known)| *known == content)
        }
    }

    fn names(&self, stone: &Tombstone) -> bool {
        self.ids.iter().any(|mid| stone.names(mid))
            || self.mails.iter().any(|(ids, content)| {
                *content == stone.content
                    && (ids.iter().any(|mid| stone.names(mid))
                        || (ids.is_empty() && stone.mids.is_empty()))
            })
    }
}

/// What a purge found, and did.
#[derive(Clone, Debug)]
pub struct Purge {
    /// The mails that go, each copy in git once: its blob, and its bytes.
    pub found: Vec<(Oid, Vec<u8>)>,
    /// What became of each epoch; empty where it was only looked.
    pub epochs: Vec<Rewritten>,
    /// What became of public-inbox's own index.
    pub companion: Companion,
}

/// Whether to do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Yes.
    Do,
    /// No, only look what would be done.
    Look,
}

/// Takes mails out of the history of an inbox, those that were removed or were duplicates among them, and their bytes
/// out of its repositories. Reads all of its mail.
///
/// # Errors
/// [`Error::Invalid`] where something else in the repository holds on to the bytes; otherwise as [`Writer::open`],
/// [`Writer::bury`] and [`Writer::rewrite`].
pub fn purge(
    inbox: &InboxConfig,
    condemned: &Condemned,
    reason: &str,
    mode: Mode,
) -> Result<Purge> {
    let led = match mode {
        Mode::Do => Led::begin(inbox, &[]),
        Mode::Look => None,
    };
    let mut writer = Writer::open(&inbox.dir)?;
    let mut purge = Purge {
        found: search(&writer, |raw| condemned.has(raw))?,
        epochs: Vec::new(),
        companion: Companion::None,
    };
    if mode == Mode::Look {
        return Ok(purge);
    }
    let known = Tombstones::read(&inbox.dir)?;
    let stones = purge
        .found
        .iter()
        .map(|(_, raw)| Tombstone::of(raw, Deed::Purged, time::now(), reason));
    let stones: Vec<Tombstone> = stones.collect();
    writer.bury(&stones)?;
    let instead = purge
        .found
        .iter()
        .map(|(blob, _)| (*blob, Instead::Nothing));
    purge.epochs = writer.rewrite(&instead.collect())?;
    // What an earlier purge was killed before it could delete is known by its tombstone.
    let left = known
        .iter()
        .filter(|stone| stone.deed == Deed::Purged && condemned.names(stone));
    let mut gone: Vec<Oid> = left.map(|stone| stone.blob).collect();
    gone.extend(purge.found.iter().map(|(blob, _)| *blob));
    if let Some(led) = led.filter(|_| !gone.is_empty()) {
        drop(writer);
        purge.companion = led.end();
        writer = Writer::open(&inbox.dir)?;
    }
    writer.sweep(&gone)?;
    Ok(purge)
}

/// What an edit did.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What became of each epoch; empty where the inbox has no such mail.
    pub epochs: Vec<Rewritten>,
    /// What became of public-inbox's own index.
    pub companion: Companion,
}

/// Puts other bytes in the place of a mail, in history too, and deletes the old ones.
///
/// # Errors
/// [`Error::Invalid`] where the new mail has other ids; otherwise as [`purge`].
pub fn edit(inbox: &InboxConfig, old: &[u8], new: &[u8], reason: &str) -> Result<Edit> {
    let (was, is) = (Message::parse(old), Message::parse(new));
    if was.message_ids() != is.message_ids() {
        let why = "its Message-ID cannot change: a mail with another one is another mail";
        return Err(Error::invalid("the edited mail", why));
    }
    let ids = is.message_ids();
    let led = Led::begin(inbox, &ids);
    let mut writer = Writer::open(&inbox.dir)?;
    let mut condemned = Condemned::default();
    condemned.add_mail(old);
    let found = search(&writer, |raw| condemned.has(raw) && raw != new)?;
    // Where only headers changed that do not count, the old mail is the new one, and has to stay.
    if was.fingerprint() != is.fingerprint() {
        let stones = found
            .iter()
            .map(|(_, raw)| Tombstone::of(raw, Deed::Edited, time::now(), reason));
        let stones: Vec<Tombstone> = stones.collect();
        writer.bury(&stones)?;
    }
    let meta = commit_of(&is, inbox, None);
    let instead: HashMap<Oid, Instead> = found
        .iter()
        .map(|(blob, _)| (*blob, Instead::Mail(new.to_vec(), meta.clone())))
        .collect();
    let epochs = writer.rewrite(&instead)?;
    let mut companion = Companion::None;
    if let Some(led) = led.filter(|_| !epochs.is_empty()) {
        drop(writer);
        companion = led.end();
        writer = Writer::open(&inbox.dir)?;
    }
    let gone: Vec<Oid> = found.iter().map(|(blob, _)| *blob).collect();
    writer.sweep(&gone)?;
    Ok(Edit { epochs, companion })
}

/// The mail of this blob, from whichever epoch.
fn find(writer: &Writer, blob: Oid) -> Result<Option<Vec<u8>>> {
    for (_, path) in writer.layout()?.epochs.iter().rev() {
        if let Some(raw) = Epoch::open(path)?.read(blob)? {
            return Ok(Some(raw));
        }
    }
    Ok(None)
}

/// Every blob of history that is wanted, added or removed, with its bytes. What git has lost is passed over.
fn search(writer: &Writer, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<(Oid, Vec<u8>)>> {
    let mut found: Vec<(Oid, Vec<u8>)> = Vec::new();
    for (_, path) in writer.layout()?.epochs {
        let epoch = Epoch::open(&path)?;
        let Some(tip) = epoch.tip()? else { continue };
        for change in epoch.walk(None, tip)? {
            let (What::Added(blob) | What::Removed(blob)) = change.what else {
                continue;
            };
            if blob == Oid::EMPTY_BLOB || found.iter().any(|(known, _)| *known == blob) {
                continue;
            }
            match epoch.read(blob) {
                Ok(Some(raw)) if wanted(&raw) => found.push((blob, raw)),
                Ok(_) => {}
                Err(error) => tracing::warn!("{error}"),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::Condemned;
    use crate::id::MessageId;

    #[test]
    fn the_condemned_are_told_from_others_of_their_id() {
        let mail =
            |id: &str, body: &str| format!("Message-ID: {id}\nSubject: s\n\n{body}\n").into_bytes();
        let mut exact = Condemned::default();
        exact.add_mail(&mail("<one@example.com>", "text"));
        let mut all = Condemned::default();
        all.ids.extend(MessageId::parse("one@example.com"));
        for (raw, by_content, by_id) in [
            (mail("<one@example.com>", "text"), true, true),
            (mail("<one@exam\n ple.com>", "other"), false, false),
            (mail("<one@example.com>", "other"), false, true),
            (mail("<two@example.com>", "text"), false, false),
            (
                mail("<two@example.com> <one@example.com>", "text"),
                true,
                true,
            ),
            (b"Subject: s\n\ntext\n".to_vec(), false, false),
        ] {
            assert_eq!(
                exact.has(&raw),
                by_content,
                "{}",
                String::from_utf8_lossy(&raw)
            );
            assert_eq!(all.has(&raw), by_id, "{}", String::from_utf8_lossy(&raw));
        }
        let mut nameless = Condemned::default();
        nameless.add_mail(b"Subject: s\n\ntext\n");
        assert!(nameless.has(b"Subject: s\n\ntext\n") && !nameless.has(&mail("<a@b>", "text")));
    }
}
