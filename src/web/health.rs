//! Whether this server is fit to be asked, and how far its inboxes are behind their mail.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::app::App;
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::id::InboxName;
use crate::time::Timestamp;

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not every inbox has been looked at yet.
    Starting,
    /// Everything is there.
    Ready,
    /// It was told to stop.
    Leaving,
}

impl Phase {
    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Ready => "ready",
            Phase::Leaving => "leaving",
        }
    }
}

/// How it stands with an inbox.
pub(super) struct Census {
    pub(super) name: InboxName,
    pub(super) messages: u64,
    pub(super) newest: Option<Timestamp>,
}

/// How long whoever asks after the server waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of a server's health, by those who watch over it.
pub struct Health {
    began: Instant,
    state: Mutex<State>,
    app: OnceLock<App>,
}

struct State {
    phase: Phase,
    /// Since when an inbox has mail that is not indexed.
    behind: HashMap<InboxName, Instant>,
}

impl Default for Health {
    fn default() -> Health {
        Health {
            began: Instant::now(),
            state: Mutex::new(State {
                phase: Phase::Starting,
                behind: HashMap::new(),
            }),
            app: OnceLock::new(),
        }
    }
}

impl Health {
    /// The site is open from now on.
    pub fn opened(&self, app: App) {
        // There is one site in a process.
        let _ = self.app.set(app);
    }

    /// Every inbox has been looked at. A server that leaves does not come back.
    pub fn ready(&self) {
        let mut state = self.state();
        if state.phase == Phase::Starting {
            state.phase = Phase::Ready;
        }
    }

    /// It was told to stop.
    pub fn leaving(&self) {
        self.state().phase = Phase::Leaving;
    }

    /// There is mail in that inbox that is not indexed yet.
    pub fn is_behind(&self, inbox: &InboxName) {
        let mut state = self.state();
        if !state.behind.contains_key(inbox) {
            state.behind.insert(inbox.clone(), Instant::now());
        }
    }

    /// All mail of that inbox is indexed.
    pub fn is_level(&self, inbox: &InboxName) {
        self.state().behind.remove(inbox);
    }

    /// Where it is in its life.
    pub fn phase(&self) -> Phase {
        self.state().phase
    }

    /// For how long that inbox has been behind.
    pub(super) fn lag(&self, inbox: &InboxName) -> Duration {
        let since = self.state().behind.get(inbox).copied();
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// For how long the process has been up.
    pub(super) fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    /// The site, once it is open.
    pub(super) fn app(&self) -> Option<&App> {
        self.app.get()
    }

    /// Whether questions about mail are answered: what a watchdog asks. An error says why not.
    ///
    /// # Errors
    /// The catalogue cannot be read, or nobody has the time for it.
    pub async fn check(&self) -> Result<()> {
        let Some(app) = self.app.get() else {
            return Ok(());
        };
        apart(app, |archive| archive.db().reader()?.words_token())
            .await
            .map(drop)
    }

    /// How it stands with every inbox.
    pub(super) async fn census(&self) -> Result<Vec<Census>> {
        let Some(app) = self.app.get() else {
            return Ok(Vec::new());
        };
        apart(app, |archive| {
            let inboxes = archive.every_inbox();
            let each = inboxes.iter().map(|inbox| {
                Ok(Census {
                    name: inbox.config().name.clone(),
                    messages: inbox.count()?,
                    newest: inbox.newest()?,
                })
            });
            each.collect()
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the archive something on a blocking thread. Those who watch over the server go through no gate: they have to
/// see it when all gates are full.
async fn apart<T: Send + 'static>(
    app: &App,
    ask: impl FnOnce(&Archive) -> Result<T> + Send + 'static,
) -> Result<T> {
    let archive = app.archive().clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the door for those who watch"
    )]
    let task = tokio::task::spawn_blocking(move || ask(&archive));
    let late = |what: &str| Error::invalid("the archive", what);
    match tokio::time::timeout(PATIENCE, task).await {
        Ok(Ok(said)) => said,
        Ok(Err(_)) => Err(late("asking it panicked")),
        Err(_) => Err(late("no answer within ten seconds")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Health, Phase};
    use crate::id::InboxName;

    #[test]
    fn a_server_that_leaves_is_never_ready_again() {
        let health = Health::default();
        assert_eq!(health.phase(), Phase::Starting);
        health.ready();
        assert_eq!(health.phase(), Phase::Ready);
        health.leaving();
        health.ready();
        assert_eq!(health.phase(), Phase::Leaving);
    }

    #[test]
    fn an_inbox_is_behind_from_the_first_time_it_was_seen_so() {
        let health = Health::default();
        let loom = InboxName::parse("loom").unwrap();
        assert_eq!(health.lag(&loom), Duration::ZERO);
        health.is_behind(&loom);
        let first = health.state().behind[&loom];
        health.is_behind(&loom);
        assert_eq!(health.state().behind[&loom], first);
        health.is_level(&loom);
        assert_eq!(health.lag(&loom), Duration::ZERO);
    }
}
