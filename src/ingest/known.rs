//! What an inbox has already: by its catalogue, and by the commits that came after it was last indexed.

use std::collections::{HashMap, HashSet};

use crate::db::{Db, Overflow};
use crate::error::Result;
use crate::id::{EpochNum, InboxId, MessageId, Oid};
use crate::mail::{Fingerprint, Message};
use crate::store::{Epoch, Layout, What};

/// A mail that an inbox has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mine {
    pub(super) blob: Oid,
    /// `None` where nobody has looked yet.
    pub(super) content: Option<Fingerprint>,
    /// Whether the id that was asked for holds its number.
    pub(super) by_it: bool,
}

/// How many mails are held in memory; and how many are known twice, by the catalogue too, before they are forgotten here.
const MOST_FRESH: usize = 50_000;

/// Where each epoch was last seen.
type Heads = Vec<(EpochNum, Option<Oid>)>;

/// What an inbox has. Kept by those who write again and again; only for those who hold the inbox's lock.
pub struct Known {
    db: Db,
    /// The inbox in the catalogue; `None` where the catalogue is of no use.
    inbox: Option<InboxId>,
    /// Whether the catalogue is of no use because history was rewritten since.
    rewritten: bool,
    /// What the catalogue had read when `fresh` began.
    indexed: Heads,
    /// What was read into `fresh`.
    seen: Heads,
    fresh: HashMap<MessageId, Vec<Mine>>,
    /// Those of before, where they are too many.
    overflow: Option<Overflow>,
    /// How many ids went there.
    overflown: usize,
    gone: HashSet<Oid>,
}

impl Known {
    /// Nothing yet: [`Known::refresh`] first.
    pub fn new(db: &Db) -> Known {
        Known {
            db: db.clone(),
            inbox: None,
            rewritten: false,
            indexed: Heads::new(),
            seen: Heads::new(),
            fresh: HashMap::new(),
            overflow: None,
            overflown: 0,
            gone: HashSet::new(),
        }
    }

    /// How many mails are known that the catalogue does not have yet.
    fn ahead(&self) -> usize {
        self.fresh.len() + self.overflown
    }

    /// Takes in what others have stored, or indexed, since.
    pub(super) fn refresh(&mut self, layout: &Layout) -> Result<()> {
        let reader = self.db.reader()?;
        let inbox = reader.inbox_in(&layout.dir)?;
        let mut indexed = Heads::new();
        for (number, _) in &layout.epochs {
            let head = match inbox {
                Some(inbox) => reader.head(inbox, *number)?,
                None => None,
            };
            indexed.push((*number, head));
        }
        drop(reader);
        let moved = indexed != self.indexed;
        let much = self.rewritten || self.ahead() > MOST_FRESH;
        let other = self.inbox != inbox && !self.rewritten;
        if self.seen.is_empty() || other || (moved && much) {
            self.begin(inbox, indexed.clone());
        }
        if !self.read_on(layout)? {
            // History was rewritten: until it is indexed anew, every mail is looked at.
            self.begin(
                None,
                layout.epochs.iter().map(|(n, _)| (*n, None)).collect(),
            );
            (self.indexed, self.rewritten) = (indexed, true);
            self.read_on(layout)?;
        }
        Ok(())
    }

    fn begin(&mut self, inbox: Option<InboxId>, heads: Heads) {
        self.inbox = inbox;
        self.rewritten = false;
        self.fresh.clear();
        (self.overflow, self.overflown) = (None, 0);
        self.gone.clear();
        self.seen = heads.clone();
        self.indexed = heads;
    }

    /// Reads the commits that it has not seen; whether they follow those that it has.
    fn read_on(&mut self, layout: &Layout) -> Result<bool> {
        for (number, path) in &layout.epochs {
            let epoch = Epoch::open(path)?;
            let Some(tip) = epoch.tip()? else { continue };
            let seen = self.seen_of(*number);
            if seen == Some(tip) {
                continue;
            }
            if seen.is_some_and(|seen| !epoch.is_ancestor(seen, tip)) {
                return Ok(false);
            }
            for change in epoch.walk(seen, tip)? {
                match change.what {
                    What::Added(blob) if blob != Oid::EMPTY_BLOB => {
                        if let Ok(Some(raw)) = epoch.read(blob) {
                            let ids = Message::parse(&raw).message_ids();
                            self.added(&ids, blob)?;
                        }
                    }
                    What::Removed(blob) => self.removed(blob),
                    _ => {}
                }
            }
            self.saw(*number, tip);
        }
        Ok(true)
    }

    fn seen_of(&self, number: EpochNum) -> Option<Oid> {
        let found = self.seen.iter().find(|(n, _)| *n == number);
        found.and_then(|(_, head)| *head)
    }

    /// We have written up to here ourselves.
    pub(super) fn saw(&mut self, number: EpochNum, tip: Oid) {
        match self.seen.iter_mut().find(|(n, _)| *n == number) {
            Some((_, head)) => *head = Some(tip),
            None => self.seen.push((number, Some(tip))),
        }
    }

    /// A mail with these ids was stored. Which of them holds its number is public-inbox's rule: the first that holds
    /// none yet, but of the second to last the last.
    pub(super) fn added(&mut self, ids: &[MessageId], blob: Oid) -> Result<()> {
        let mut holder = None;
        for mid in ids.iter().take(1).chain(ids.iter().skip(1).rev()) {
            if self.is_free(mid)? {
                holder = Some(mid.clone());
                break;
            }
        }
        // Without a number it is a duplicate that nobody sees.
        let Some(holder) = holder else { return Ok(()) };
        self.gone.remove(&blob);
        for mid in ids {
            let mine = Mine {
                blob,
                content: None,
                by_it: *mid == holder,
            };
            self.fresh.entry(mid.clone()).or_default().push(mine);
        }
        match self.fresh.len() > MOST_FRESH {
            true => self.overflow(),
            false => Ok(()),
        }
    }

    /// Makes room in memory.
    fn overflow(&mut self) -> Result<()> {
        let overflow = match self.overflow.take() {
            Some(overflow) => overflow,
            None => Overflow::new()?,
        };
        let overflow = self.overflow.insert(overflow);
        let mails = self.fresh.iter();
        let mails = mails
            .flat_map(|(mid, mails)| mails.iter().map(move |mine| (mid, mine.blob, mine.by_it)));
        overflow.add(mails)?;
        self.overflown += self.fresh.len();
        self.fresh = HashMap::new();
        Ok(())
    }

    pub(super) fn removed(&mut self, blob: Oid) {
        // Removals are few.
        for mails in self.fresh.values_mut() {
            mails.retain(|mine| mine.blob != blob);
        }
        self.gone.insert(blob);
    }

    /// Whether no mail of this inbox goes by that id.
    pub(super) fn is_free(&self, mid: &MessageId) -> Result<bool> {
        Ok(!self.mails(mid)?.iter().any(|mine| mine.by_it))
    }

    /// The mails that have that id.
    pub(super) fn mails(&self, mid: &MessageId) -> Result<Vec<Mine>> {
        let mut mails = Vec::new();
        if let Some(inbox) = self.inbox {
            // None is held on to: a server that has to open the catalogue anew waits for all that are lent.
            let held = self.db.reader()?.held(inbox, mid)?.into_iter();
            let there = held.filter(|held| !self.gone.contains(&held.blob));
            mails.extend(there.map(|held| Mine {
                blob: held.blob,
                content: Some(held.content),
                by_it: held.by_it,
            }));
        }
        if let Some(overflow) = &self.overflow {
            let found = overflow.find(mid)?.into_iter();
            let there = found.filter(|(blob, _)| !self.gone.contains(blob));
            mails.extend(there.map(|(blob, by_it)| Mine {
                blob,
                content: None,
                by_it,
            }));
        }
        mails.extend(self.fresh.get(mid).into_iter().flatten());
        Ok(mails)
    }
}
