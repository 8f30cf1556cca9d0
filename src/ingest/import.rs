//! Takes all mail of a few sources into an inbox, and can be stopped at any moment: what was stored is stored, and the
//! next run goes on behind it.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, sync_channel};

use super::checkpoint::{self, Checkpoint};
use super::intake::{Intake, Rules, Taken};
use super::known::Known;
use super::redirects::{OldArchive, Redirects};
use super::report::ImportReport;
use super::source::{Item, Loss, Quoting, Source};
use crate::config::InboxConfig;
use crate::db::Db;
use crate::error::Result;
use crate::mail::{Message, edit};

/// How much mail is stored at once, in bytes and in mails: what a stop costs at most to be read again.
const BATCH_BYTES: usize = 32 << 20;
const BATCH_MAILS: u64 = 10_000;

/// How much mail is handed over at once by the thread that reads, in bytes.
const HANDFUL: usize = 1 << 20;

/// How to import.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// How mailboxes are written.
    pub quoting: Quoting,
    /// The archive whose addresses shall lead to the mail.
    pub old_urls: Option<OldArchive>,
}

/// Who is told how an import goes.
pub trait ImportProgress {
    /// An import that was stopped goes on; this is what it had done.
    fn resumed(&self, report: &ImportReport);
    /// So many bytes of the sources lie behind, those before `source` included.
    fn reading(&self, source: usize, read: Arc<AtomicU64>);
    /// A batch was stored. May take its time: the import waits.
    fn stored(&self, report: &ImportReport);
}

/// Imports all of these sources into an inbox.
///
/// # Errors
/// A source cannot be read, or the inbox cannot be written. What was stored stays, and the next run goes on there.
pub fn import(
    db: &Db,
    index_dir: &Path,
    inbox: &InboxConfig,
    rules: &Rules,
    sources: &[Source],
    options: &ImportOptions,
    progress: &dyn ImportProgress,
) -> Result<ImportReport> {
    let path = checkpoint::path(index_dir, &inbox.name);
    let names: Vec<(String, String)> = sources
        .iter()
        .map(|source| (source.path.display().to_string(), source.stamp()))
        .collect();
    let stopped = Checkpoint::read(&path, &names);
    if let Some(stopped) = &stopped {
        progress.resumed(&stopped.report);
    }
    let done = stopped.unwrap_or_else(|| Checkpoint {
        sources: names,
        ..Checkpoint::default()
    });
    let mut import = Import {
        known: Known::new(db),
        inbox,
        rules,
        redirects: options.old_urls.map(Redirects::new),
        path: &path,
        done,
        progress,
    };
    let first = import.done.source;
    for (at, source) in sources.iter().enumerate().skip(first) {
        let from = match at == first {
            true => import.done.next,
            false => 0,
        };
        import.done.source = at;
        let read = Arc::new(AtomicU64::new(0));
        progress.reading(at, Arc::clone(&read));
        let items = source.items(from, options.quoting, read)?;
        let done = std::thread::scope(|scope| {
            let (give, take) = sync_channel(1);
            scope.spawn(move || {
                let mut handful = Vec::new();
                let mut weight = 0;
                for item in items {
                    weight += item
                        .as_ref()
                        .map_or(0, |item| 256 + item.raw.as_ref().map_or(0, |raw| raw.len()));
                    handful.push(item);
                    if weight > HANDFUL {
                        weight = 0;
                        if give.send(std::mem::take(&mut handful)).is_err() {
                            return;
                        }
                    }
                }
                // Whoever takes may have failed; then nobody is left to be told.
                let _ = give.send(handful);
            });
            import.source(take)
        });
        done?;
        (import.done.source, import.done.next) = (at + 1, 0);
    }
    // There is nothing to go on with; if it cannot be removed, the next run finds duplicates.
    let _ = std::fs::remove_file(&path);
    Ok(import.done.report)
}

/// A mail, with a header that says so where it has lost something.
fn marked(raw: &[u8], loss: Option<Loss>) -> Cow<'_, [u8]> {
    match loss.filter(|_| Message::parse(raw).is_readable()) {
        Some(loss) => Cow::Owned(edit::with_header(
            edit::trimmed(raw),
            Loss::HEADER,
            loss.mark(),
        )),
        None => Cow::Borrowed(raw),
    }
}

/// An import that is under way.
struct Import<'a> {
    known: Known,
    inbox: &'a InboxConfig,
    rules: &'a Rules,
    redirects: Option<Redirects>,
    path: &'a Path,
    done: Checkpoint,
    progress: &'a dyn ImportProgress,
}

impl Import<'_> {
    /// Takes what one source gives, batch by batch. Others may write in between.
    fn source(&mut self, items: Receiver<Vec<Result<Item>>>) -> Result<()> {
        let mut items = items.into_iter().flatten().peekable();
        while items.peek().is_some() {
            let mut intake = Intake::open(self.inbox, self.rules, &mut self.known)?;
            let (mut bytes, mut mails) = (0, 0);
            while bytes < BATCH_BYTES && mails < BATCH_MAILS {
                let Some(item) = items.next() else { break };
                let item = item?;
                let taken = match &item.raw {
                    Ok(raw) => {
                        bytes += raw.len();
                        intake.take(&marked(raw, item.loss), item.came)?
                    }
                    Err(why) => Taken::Refused(why.clone()),
                };
                if let (Some(redirects), Ok(raw)) = (&mut self.redirects, &item.raw)
                    && matches!(taken, Taken::Added { .. } | Taken::Duplicate)
                {
                    let ids = Message::parse(edit::trimmed(raw)).message_ids();
                    redirects.add(raw, ids.first(), self.done.count);
                }
                mails += 1;
                self.done.count += 1;
                self.done.next = item.next;
                self.done.report.count(&taken, &item.place, item.loss);
            }
            intake.commit()?;
            drop(intake);
            if let Some(redirects) = &mut self.redirects {
                redirects.write(&self.inbox.dir)?;
            }
            self.done.write(self.path)?;
            self.progress.stored(&self.done.report);
        }
        Ok(())
    }
}
