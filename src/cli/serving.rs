//! What follows when mail was stored: it is to be found soon.

use std::path::Path;

use std::time::Duration;

use crate::archive::Archive;
use crate::config::{Config, InboxConfig};
use crate::error::Result;
use crate::index::{Indexer, Options, Silent};

/// How often, and how long apart, an index that somebody else is writing is tried.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// The file that a server has locked while it runs.
const LOCK: &str = "serve.lock";

/// A sign that a server keeps these indexes up to date, as long as it lives.
pub(super) struct Serving {
    _locked: Option<std::fs::File>,
}

impl Serving {
    /// Puts the sign up. Several servers may.
    pub(super) fn begin(index_dir: &Path) -> Serving {
        let file = std::fs::create_dir_all(index_dir).and_then(|()| {
            let file = std::fs::File::create(index_dir.join(LOCK))?;
            file.lock_shared()?;
            Ok(file)
        });
        let file = file.inspect_err(|e| tracing::warn!("{LOCK}: {e}"));
        Serving { _locked: file.ok() }
    }
}

/// Whether a server keeps these indexes up to date.
fn is_served(index_dir: &Path) -> bool {
    let Ok(file) = std::fs::File::open(index_dir.join(LOCK)) else {
        return false;
    };
    matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

/// Indexes these inboxes, unless a server does it anyway, or somebody else is at it for long. The mail is stored already:
/// what goes wrong here is told and made good by the next who indexes.
pub(super) fn stored(config: &Config, inboxes: Vec<InboxConfig>, index_dir: &Path) {
    if is_served(index_dir) {
        return;
    }
    let config = Config {
        inboxes,
        ..config.clone()
    };
    if let Err(error) = index(config, index_dir) {
        tracing::warn!("the mail is stored but not indexed yet: {error}");
    }
}

fn index(config: Config, index_dir: &Path) -> Result<()> {
    let archive = Archive::open(config, index_dir)?;
    let options = Options {
        jobs: 1,
        ..Options::default()
    };
    for _ in 0..TRIES {
        let indexer = Indexer::try_now(archive.db(), archive.search_index(), index_dir)?;
        let Some(mut indexer) = indexer else {
            std::thread::sleep(PAUSE);
            continue;
        };
        for inbox in archive.every_inbox() {
            indexer.catch_up(&inbox.config().name, &inbox.layout(), options, &Silent)?;
        }
        break;
    }
    Ok(())
}
