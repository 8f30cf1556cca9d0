//! A bell that ends a wait, and who rings it: the system, when somebody writes to an inbox.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How long to wait for further strokes: a writer touches several files at once.
const SETTLE: Duration = Duration::from_millis(4);

/// A bell. Clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    /// Ends the wait of whoever waits, or the next one.
    pub(super) fn ring(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits until it is rung, or for so long.
    pub(super) fn wait(&self, most: Duration) {
        let rung = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(rung, most, |rung| !*rung);
        let (mut rung, out) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung = false;
        drop(rung);
        if !out.timed_out() {
            std::thread::sleep(SETTLE);
        }
    }
}

/// Rings the bell when one of a few directories changes. Where the system cannot tell, it never rings.
pub(super) struct Listening {
    watcher: Option<RecommendedWatcher>,
    dirs: BTreeSet<PathBuf>,
}

impl Listening {
    pub(super) fn new(bell: Bell) -> Listening {
        // Readers open files too; what counts is that the lock of an inbox grows when something was stored.
        let heard = move |event: notify::Result<notify::Event>| {
            let counts = event.is_ok_and(|event| {
                let changes = matches!(event.kind, EventKind::Modify(_) | EventKind::Create(_));
                let named = |path: &PathBuf| path.extension().is_some_and(|e| e == "lock");
                changes && event.paths.iter().any(named)
            });
            if counts {
                bell.ring();
            }
        };
        let watcher = notify::recommended_watcher(heard);
        let watcher = watcher.inspect_err(|e| tracing::info!("the system tells no changes: {e}"));
        Listening {
            watcher: watcher.ok(),
            dirs: BTreeSet::new(),
        }
    }

    /// Listens to these directories, and to no others.
    pub(super) fn to(&mut self, dirs: BTreeSet<PathBuf>) {
        if dirs == self.dirs {
            return;
        }
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for gone in self.dirs.difference(&dirs) {
            // One that was deleted is not listened to any more anyway.
            let _ = watcher.unwatch(gone);
        }
        for new in dirs.difference(&self.dirs) {
            if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                tracing::info!("changes in {} are not told: {error}", new.display());
            }
        }
        self.dirs = dirs;
    }
}
