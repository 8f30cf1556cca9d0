//! Compares git, the catalogue and the words, both ways, and names every difference.
//!
//! What it compares is of one moment: the catalogue is read in one snapshot, the words as they were then, and each
//! history up to the commit that the catalogue has come to. So it may run while mail comes in.

use std::collections::HashMap;
use std::path::Path;

use super::batch::compare;
use super::catch_up::Indexer;
use super::findings::{Difference, Findings, Keep, Wanted};
use super::graves::Graves;
use super::history::{in_history, replay};
use super::numbers::{Numbering, out_of_order};
use super::pipeline::{Depth, Names, Prepared, Reading, prepare};
use crate::db::{Db, Known, Reader, Record};
use crate::error::Result;
use crate::id::{EpochNum, InboxId, InboxName, Oid};
use crate::mail::{Overview, subject_key};
use crate::search::Search;
use crate::store::{Change, Epoch, Layout, Tombstone, Version, What};

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

pub(super) struct Check<'a> {
    pub(super) reader: &'a Reader,
    pub(super) search: &'a Search,
    pub(super) jobs: usize,
    tell: &'a mut dyn FnMut(&Difference),
    pub(super) findings: Findings,
}

impl Check<'_> {
    pub(super) fn report(&mut self, keep: Keep, inbox: Option<&InboxName>, what: String) {
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
                Reading::whole(Names::Checked, Depth::Ids),
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
