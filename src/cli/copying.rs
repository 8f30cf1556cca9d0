//! What `clone` and `fetch` share: several copies at once, how far they are, and the indexes afterwards.

use std::collections::{HashMap, VecDeque};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::progress::Bars;
use crate::archive::Archive;
use crate::config::Config;
use crate::id::InboxName;
use crate::index::{Indexer, Options};
use crate::mirror::Progress;

/// Shows on standard error how far copies are: a line for each that is under way, on a terminal.
pub(super) struct Lines {
    shown: Option<MultiProgress>,
    bars: Mutex<HashMap<InboxName, ProgressBar>>,
}

impl Lines {
    pub(super) fn new() -> Lines {
        let shown = std::io::stderr().is_terminal().then(MultiProgress::new);
        Lines {
            shown,
            bars: Mutex::default(),
        }
    }

    /// Prints a line above those that move.
    pub(super) fn print(&self, line: &str) {
        match &self.shown {
            Some(shown) => shown.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    /// Likewise, on standard error.
    pub(super) fn complain(&self, line: &str) {
        match &self.shown {
            Some(shown) => shown.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    fn bars(&self) -> std::sync::MutexGuard<'_, HashMap<InboxName, ProgressBar>> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Lines {
    fn begin(&self, inbox: &InboxName, what: &str) {
        let Some(shown) = &self.shown else {
            eprintln!("{inbox}: {what}");
            return;
        };
        let style = ProgressStyle::with_template("{spinner} {prefix}: {wide_msg}");
        let bar = ProgressBar::new_spinner();
        bar.set_style(style.unwrap_or(ProgressStyle::default_spinner()));
        bar.set_prefix(format!("{inbox}, {what}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bars().insert(inbox.clone(), shown.add(bar));
    }

    fn says(&self, inbox: &InboxName, line: &str) {
        if let Some(bar) = self.bars().get(inbox) {
            bar.set_message(line.to_owned());
        }
    }

    fn end(&self, inbox: &InboxName) {
        if let Some(bar) = self.bars().remove(inbox) {
            bar.finish_and_clear();
        }
    }
}

/// Does `work` on each of these, so many at once, and hands what came of it to `done`, one after the other.
pub(super) fn each<T: Send, R: Send>(
    jobs: usize,
    all: Vec<T>,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(T, R),
) {
    let queue = Mutex::new(VecDeque::from(all));
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.pop_front()
    };
    std::thread::scope(|scope| {
        let (say, hear) = mpsc::channel();
        for _ in 0..jobs {
            let (say, next, work) = (say.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(one) = next() {
                    let result = work(&one);
                    if say.send((one, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(say);
        for (one, result) in hear {
            done(one, result);
        }
    });
}

/// Brings the indexes of these inboxes up to date.
pub(super) fn index(config: Config, index_dir: &Path, lines: &Lines) -> anyhow::Result<()> {
    let archive = Archive::open(config, index_dir)?;
    let mut indexer = Indexer::wait(archive.db(), archive.search_index(), index_dir)?;
    let bars = Bars::default();
    for inbox in archive.every_inbox() {
        let name = &inbox.config().name;
        let options = Options::default();
        let report = indexer.catch_up(name, &inbox.layout(), options, &bars)?;
        lines.print(&format!("{name}: {report}"));
    }
    Ok(())
}
