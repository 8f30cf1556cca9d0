//! Compares git, the catalogue and the words, both ways, and names every difference.
//!
//! What it compares is of one moment: the catalogue is read in one snapshot, the words as they were then, and each
//! history up to the commit that the catalogue has come to. So it may run while mail comes in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use super::batch::{Step, compare};
use super::catch_up::Indexer;
use super::graves::Graves;
use super::numbers::{Numbering, out_of_order};
use super::pipeline::{Depth, Names, Prepared, prepare};
use super::words::Copies;
use crate::db::{Copy, Db, Known, Reader, Record};
use crate::error::Result;
use crate::id::{EpochNum, InboxId, InboxName, MessageKey, Oid};
use crate::mail::{Overview, subject_key};
use crate::search::{Search, Trace, Tracer};
use crate::store::{Change, Epoch, Layout, Tombstone, Version, What};

/// In which keep something is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// git: what is wrong there cannot be mended from anything else.
    Git,
    /// The catalogue.
    Catalogue,
    /// The full-text index.
    Words,
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Keep::Git => "git",
            Keep::Catalogue => "catalogue",
            Keep::Words => "words",
        })
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub keep: Keep,
    /// In which inbox, if in one.
    pub inbox: Option<InboxName>,
    /// What, in a sentence.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inbox {
            Some(inbox) => write!(f, "{inbox}: {}: {}", self.keep, self.what),
            None => write!(f, "{}: {}", self.keep, self.what),
        }
    }
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many articles were compared.
    pub articles: u64,
    /// How many messages' words were compared.
    pub messages: u64,
    /// How many differences there are in each keep.
    pub differences: BTreeMap<Keep, u64>,
    /// What would make the indexes right.
    pub(super) cure: Cure,
}

impl Findings {
    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What would make the indexes right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cure {
    /// The words of these messages have to be made again, or to go.
    pub(super) words: BTreeSet<MessageKey>,
    /// All words have to.
    pub(super) all_words: bool,
    /// Everything in the catalogue has to.
    pub(super) all: bool,
}

/// An inbox to be looked at.
pub type Wanted = (InboxName, Arc<Layout>);

/// Compares what is there of these inboxes. `tell` hears of every difference as soon as it is found.
///
/// Takes about 100 bytes of memory for each article of the largest inbox, and 16 for each message of the site.
///
/// # Errors
/// The catalogue or the full-text index cannot be read at all.
pub fn fsck(
    db: &Db,
    search: &Search,
    indexer: Indexer,
    inboxes: &[Wanted],
    jobs: usize,
    tell: &mut dyn FnMut(&Difference),
) -> Result<Findings> {
    db.reader()?.snapshot(|reader| {
        // The first question begins the snapshot. Nobody else writes until then, so the words are of the same moment.
        let step = compare(db, search)?.2;
        reader.inboxes()?;
        search.refresh()?;
        drop(indexer);
        let mut check = Check {
            reader,
            search,
            jobs: jobs.max(1),
            tell,
            findings: Findings::default(),
        };
        check.catalogue(inboxes)?;
        for (name, layout) in inboxes {
            check.inbox(name, layout)?;
        }
        check.words(inboxes, step)?;
        Ok(check.findings)
    })
}

struct Check<'a> {
    reader: &'a Reader,
    search: &'a Search,
    jobs: usize,
    tell: &'a mut dyn FnMut(&Difference),
    findings: Findings,
}

impl Check<'_> {
    fn report(&mut self, keep: Keep, inbox: Option<&InboxName>, what: String) {
        *self.findings.differences.entry(keep).or_default() += 1;
        (self.tell)(&Difference {
            keep,
            inbox: inbox.cloned(),
            what,
        });
    }

    /// Whether the catalogue agrees with itself.
    fn catalogue(&mut self, inboxes: &[Wanted]) -> Result<()> {
        let reader = self.reader;
        for complaint in reader.complaints()? {
            self.findings.cure.all = true;
            self.report(Keep::Catalogue, None, complaint);
        }
        let mut contradictions = Vec::new();
        reader.contradictions(|what| contradictions.push(what))?;
        for what in contradictions {
            self.findings.cure.all = true;
            self.report(Keep::Catalogue, None, what);
        }
        let known: Vec<_> = reader
            .directories()?
            .into_iter()
            .map(|(_, dir)| dir)
            .collect();
        for (name, layout) in inboxes {
            let dir = layout
                .dir
                .canonicalize()
                .unwrap_or_else(|_| layout.dir.clone());
            if !known.contains(&dir) && !layout.epochs.is_empty() {
                let what = "nothing of it has been indexed".to_owned();
                self.report(Keep::Catalogue, Some(name), what);
            }
        }
        Ok(())
    }

    /// Compares an inbox in git with the inbox in the catalogue.
    fn inbox(&mut self, name: &InboxName, layout: &Layout) -> Result<()> {
        let Some(inbox) = self.reader.inbox_at(&layout.dir)? else {
            return Ok(());
        };
        self.all_git(name, layout);
        let known = self.reader.known(inbox)?;
        let graves = Graves::read(layout)?;
        let mut audit = Audit {
            inbox,
            name,
            articles: HashMap::with_capacity(known.len()),
            followed: self.reader.graves(inbox)? == graves.mark(),
            graves: &graves,
            numbering: Numbering::default(),
        };
        let (mut most, mut is_loose) = (0, false);
        for article in known {
            if let Some((other, _)) = audit.articles.insert(article.stored.blob, (article, false)) {
                let what = format!(
                    "articles {} and {} are the same mail",
                    other.num, article.num
                );
                self.wrong(name, what);
            }
        }
        let mut live: HashMap<Oid, EpochNum> = HashMap::with_capacity(audit.articles.len());
        let mut histories = Vec::new();
        for (number, path) in &layout.epochs {
            let tip = self.history(name, inbox, *number, path)?;
            if let Some((epoch, tip)) = tip {
                match epoch.walk(None, tip) {
                    Ok(changes) => replay(&changes, *number, &mut live),
                    Err(error) => self.report(Keep::Git, Some(name), error.to_string()),
                }
                histories.push((*number, path.as_path(), tip));
            }
        }
        for (number, path, tip) in histories {
            let changes = match Epoch::open(path).and_then(|epoch| epoch.walk(None, tip)) {
                Ok(changes) => changes,
                Err(_) => {
                    is_loose = true;
                    continue; // told above
                }
            };
            let adds = |change: &&Change| matches!(change.what, What::Added(_));
            most += changes.iter().filter(adds).count();
            match self.reader.is_loose(inbox, number)? {
                true => is_loose = true,
                false => self.order(&audit, number, &changes),
            }
            let away = graves.over(&changes);
            prepare(
                path,
                &changes,
                self.jobs,
                (Names::Checked, Depth::Ids),
                |change, prepared| {
                    match (&prepared, &change.what) {
                        (Prepared::Mail(mail), What::Added(blob)) => {
                            let is_away = away.has(*blob, &mail.0);
                            audit.numbering.add(&mail.0.ids, *blob, is_away);
                        }
                        (_, What::Removed(blob)) => audit.numbering.remove(*blob),
                        _ => {}
                    }
                    self.change(&mut audit, number, &live, change, prepared)
                },
            )?;
        }
        let (last, _) = self.reader.numbers(inbox)?;
        let given = audit.numbering.given;
        if last < given || (!is_loose && usize::try_from(last).is_ok_and(|last| last > most)) {
            let what = format!(
                "the highest number ever given is said to be {last}; history gives {given}, and has {most} mails"
            );
            self.wrong(name, what);
        }
        let mut gone: Vec<&Known> = audit
            .articles
            .values()
            .map(|(known, _)| known)
            .filter(|k| !live.contains_key(&k.stored.blob))
            .collect();
        gone.sort_by_key(|known| known.num);
        for known in gone {
            self.wrong(
                name,
                format!(
                    "article {} is no mail of git's: blob {}",
                    known.num, known.stored.blob
                ),
            );
        }
        Ok(())
    }

    /// Whether numbers follow the order of an epoch's history.
    fn order(&mut self, audit: &Audit<'_>, epoch: EpochNum, changes: &[Change]) {
        let articles: Vec<Known> = in_history(changes)
            .into_iter()
            .filter_map(|blob| audit.articles.get(&blob).map(|(known, _)| *known))
            .filter(|known| known.num.0 > 0 && known.stored.epoch == epoch)
            .collect();
        let numbers: Vec<i64> = articles.iter().map(|known| known.num.0).collect();
        for at in out_of_order(&numbers) {
            if let Some(known) = articles.get(at) {
                let what = format!(
                    "article {} does not stand where history has its mail",
                    known.num
                );
                self.wrong(audit.name, what);
            }
        }
    }

    fn wrong(&mut self, name: &InboxName, what: String) {
        self.findings.cure.all = true;
        self.report(Keep::Catalogue, Some(name), what);
    }

    /// The view of all epochs that public-inbox keeps.
    fn all_git(&mut self, name: &InboxName, layout: &Layout) {
        let alternates = layout.dir.join("all.git/objects/info/alternates");
        let Ok(text) = std::fs::read_to_string(&alternates) else {
            return; // a bare mirror has none
        };
        if layout.version == Version::V1 {
            return;
        }
        for (number, _) in &layout.epochs {
            let line = format!("/{number}.git/objects");
            if !text.lines().any(|known| known.ends_with(&line)) {
                let what = format!("epoch {number} is missing from {}", alternates.display());
                self.report(Keep::Git, Some(name), what);
            }
        }
    }

    /// Looks at an epoch; gives it and the commit up to which it was indexed.
    fn history(
        &mut self,
        name: &InboxName,
        inbox: InboxId,
        number: EpochNum,
        path: &Path,
    ) -> Result<Option<(Epoch, Oid)>> {
        let head = self.reader.head(inbox, number)?;
        let opened = Epoch::open(path).and_then(|epoch| Ok((epoch.tip()?, epoch)));
        let (tip, epoch) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.report(Keep::Git, Some(name), error.to_string());
                return Ok(None);
            }
        };
        let Some(tip) = tip else {
            if head.is_some() {
                self.report(
                    Keep::Git,
                    Some(name),
                    format!("epoch {number} has lost its branch"),
                );
            }
            return Ok(None);
        };
        let mut problems = Vec::new();
        epoch.verify(tip, |what| problems.push(what))?;
        for what in problems {
            self.report(Keep::Git, Some(name), format!("epoch {number}: {what}"));
        }
        match head {
            Some(head) if epoch.is_ancestor(head, tip) => Ok(Some((epoch, head))),
            Some(_) => {
                self.wrong(
                    name,
                    format!("the history of epoch {number} was rewritten since it was indexed"),
                );
                Ok(Some((epoch, tip)))
            }
            None => {
                self.wrong(name, format!("nothing of epoch {number} has been indexed"));
                Ok(None)
            }
        }
    }

    fn change(
        &mut self,
        audit: &mut Audit<'_>,
        epoch: EpochNum,
        live: &HashMap<Oid, EpochNum>,
        change: &Change,
        prepared: Prepared,
    ) -> Result<()> {
        let commit = change.commit;
        match (prepared, &change.what) {
            (Prepared::Unreadable(why), _) => {
                self.report(
                    Keep::Git,
                    Some(audit.name),
                    format!("commit {commit}: {why}"),
                );
            }
            (Prepared::Missing, What::Added(blob)) => {
                self.report(
                    Keep::Git,
                    Some(audit.name),
                    format!("commit {commit}: blob {blob} is missing"),
                );
            }
            (Prepared::Mail(mail), What::Added(blob)) if live.get(blob) == Some(&epoch) => {
                self.mail(audit, *blob, epoch, &mail.0)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Compares a mail that is there with its article.
    fn mail(
        &mut self,
        audit: &mut Audit<'_>,
        blob: Oid,
        epoch: EpochNum,
        overview: &Overview,
    ) -> Result<()> {
        let name = audit.name;
        let Some((known, seen)) = audit.articles.get_mut(&blob) else {
            let made_up = overview.made_up_id();
            let ids = match overview.ids.as_slice() {
                [] => std::slice::from_ref(&made_up),
                ids => ids,
            };
            let mut free = false;
            for mid in ids {
                free |= !self.reader.held_by(audit.inbox, mid)?;
            }
            let covered = audit
                .graves
                .stones
                .covering(&overview.ids, overview.fingerprint);
            if free && !covered.is_some_and(Tombstone::buries) {
                self.wrong(
                    name,
                    format!("<{}>, blob {blob}, is no article", shown(ids)),
                );
            }
            return Ok(());
        };
        if std::mem::replace(seen, true) {
            return Ok(());
        }
        let known = *known;
        self.findings.articles += 1;
        if known.stored.epoch != epoch {
            let (num, said) = (known.num, known.stored.epoch);
            self.wrong(
                name,
                format!("article {num} is said to lie in epoch {said}, and lies in {epoch}"),
            );
        }
        if audit
            .graves
            .stones
            .covering(&overview.ids, overview.fingerprint)
            .is_some_and(Tombstone::buries)
            && audit.followed
        {
            self.wrong(
                name,
                format!(
                    "article {} is not to be here: a tombstone says so",
                    known.num
                ),
            );
        }
        let num = known.num;
        match self.reader.record(audit.inbox, num)? {
            None => self.wrong(name, format!("article {num} lacks rows")),
            Some(record) => {
                let differing = differing(&record, overview);
                if !differing.is_empty() {
                    let what = differing.join(", ");
                    self.wrong(name, format!("article {num}: not what git has: {what}"));
                }
            }
        }
        Ok(())
    }

    /// Compares the words of each message with those that its mails have.
    fn words(&mut self, inboxes: &[Wanted], step: Step) -> Result<()> {
        if step == Step::Strange {
            self.findings.cure.all_words = true;
            self.report(
                Keep::Words,
                None,
                "they are not those of this catalogue".to_owned(),
            );
            return Ok(());
        }
        for file in self.search.damaged_files()? {
            self.findings.cure.all_words = true;
            self.report(Keep::Words, None, format!("{} is damaged", file.display()));
        }
        if self.findings.cure.all_words {
            return Ok(());
        }
        let mut found: HashMap<MessageKey, Trace> = HashMap::new();
        let mut twice = Vec::new();
        self.search.each_trace(|key, trace| {
            if found.insert(key, trace).is_some() {
                twice.push(key);
            }
        })?;
        for key in twice {
            self.findings.cure.words.insert(key);
            self.report(
                Keep::Words,
                None,
                format!("message {} can be found twice", key.0),
            );
        }
        let mut ids = BTreeSet::new();
        for (_, layout) in inboxes {
            ids.extend(self.reader.inbox_at(&layout.dir)?);
        }
        self.each_expected(&ids, &mut found)?;
        for key in found.into_keys() {
            // A batch that the catalogue has not taken yet comes again.
            if step == Step::Same {
                self.findings.cure.words.insert(key);
                self.report(
                    Keep::Words,
                    None,
                    format!("message {} can be found and is not there", key.0),
                );
            }
        }
        Ok(())
    }

    /// Makes the words of every message again, on several threads; takes what was found of it out of `found`.
    fn each_expected(
        &mut self,
        inboxes: &BTreeSet<InboxId>,
        found: &mut HashMap<MessageKey, Trace>,
    ) -> Result<()> {
        const AT_ONCE: usize = 2_000;
        let reader = self.reader;
        let mut last = MessageKey(0);
        loop {
            let messages = reader.messages_after(last, AT_ONCE)?;
            let Some((newest, _)) = messages.last() else {
                return Ok(());
            };
            last = *newest;
            let mut asked = Vec::with_capacity(messages.len());
            for (message, _) in messages {
                let copies = reader.stands_at(message)?;
                match copies.iter().any(|copy| inboxes.contains(&copy.inbox)) {
                    true => asked.push((message, copies)),
                    false => drop(found.remove(&message)),
                }
            }
            for (message, expected) in traces(asked, self.jobs) {
                self.findings.messages += 1;
                let what = match (found.remove(&message), expected) {
                    // git has lost the mail, which was told already.
                    (_, None) => continue,
                    (Some(found), Some(expected)) if found == expected => continue,
                    (Some(_), Some(_)) => "has other words",
                    (None, Some(_)) => "cannot be found",
                };
                self.findings.cure.words.insert(message);
                self.report(Keep::Words, None, format!("message {} {what}", message.0));
            }
        }
    }
}

/// What is known of an inbox while it is looked through.
struct Audit<'a> {
    inbox: InboxId,
    name: &'a InboxName,
    /// Each with whether its mail was met.
    articles: HashMap<Oid, (Known, bool)>,
    graves: &'a Graves,
    numbering: Numbering,
    /// Whether the catalogue knows of all of them.
    followed: bool,
}

/// Follows a history: which mails are there in the end, and in which epoch each came.
pub(super) fn replay(changes: &[Change], epoch: EpochNum, live: &mut HashMap<Oid, EpochNum>) {
    for change in changes {
        match change.what {
            What::Added(blob) if blob != Oid::EMPTY_BLOB => {
                live.entry(blob).or_insert(epoch);
            }
            What::Removed(blob) => {
                live.remove(&blob);
            }
            _ => {}
        }
    }
}

/// The mails of a history in the order in which they got their numbers. One that was removed and came again is left out: it
/// may have that of either time.
pub(super) fn in_history(changes: &[Change]) -> Vec<Oid> {
    let removed: HashSet<Oid> = changes
        .iter()
        .filter_map(|change| match change.what {
            What::Removed(blob) => Some(blob),
            _ => None,
        })
        .collect();
    let mut seen: HashSet<Oid> = HashSet::with_capacity(changes.len());
    let mut again: HashSet<Oid> = HashSet::new();
    let mut blobs = Vec::with_capacity(changes.len());
    for change in changes {
        let What::Added(blob) = change.what else {
            continue;
        };
        if blob == Oid::EMPTY_BLOB {
            continue;
        }
        if seen.insert(blob) {
            blobs.push(blob);
        } else if removed.contains(&blob) {
            again.insert(blob);
        }
    }
    blobs.retain(|blob| !again.contains(blob));
    blobs
}

/// What the catalogue has of an article that is not so in git. Of a message that several lists have, each has its own
/// bytes; one of them made the row.
fn differing(record: &Record, overview: &Overview) -> Vec<&'static str> {
    let made_up = [overview.made_up_id()];
    let ids = match overview.ids.as_slice() {
        [] => &made_up,
        ids => ids,
    };
    let all = ids
        .iter()
        .chain(overview.alternates.iter().filter(|mid| !ids.contains(mid)));
    let alone = record.copies == 1;
    let mut found = Vec::new();
    for (differs, what) in [
        (!all.eq(record.ids.iter()), "Message-IDs"),
        (record.fingerprint != overview.fingerprint, "content"),
        (record.sent != overview.sent, "date sent"),
        (record.received != overview.received, "date received"),
        (
            alone && record.references != overview.references,
            "references",
        ),
        (alone && record.subject != overview.subject, "subject"),
        (
            record.subject_key != subject_key(&record.subject),
            "key of the subject",
        ),
        (alone && record.author != overview.author, "author"),
        (alone && record.bytes != overview.bytes, "size"),
        (alone && record.lines != overview.lines, "lines"),
    ] {
        if differs {
            found.push(what);
        }
    }
    found
}

fn shown(ids: &[crate::id::MessageId]) -> &str {
    ids.first().map_or("", |mid| mid.as_str())
}

/// What the index should hold of each message; `None` where git has lost every copy.
fn traces(asked: Vec<(MessageKey, Vec<Copy>)>, jobs: usize) -> Vec<(MessageKey, Option<Trace>)> {
    let asked = Mutex::new(asked.into_iter());
    let (answer, answers) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (asked, answer) = (&asked, answer.clone());
            scope.spawn(move || {
                let (mut copies, mut tracer) = (Copies::default(), Tracer::new());
                loop {
                    let next = asked.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((message, places)) = next else { break };
                    let document = copies.document(message, places);
                    let trace = document.map(|document| tracer.trace(document));
                    if answer.send((message, trace)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(answer);
    });
    let mut found: Vec<_> = answers.into_iter().collect();
    found.sort_by_key(|(message, _): &(MessageKey, _)| *message);
    found
}
