//! Fetches mirrors while they are served, each as often as the config says. What comes in is indexed by whoever keeps
//! the archive up to date: this only moves refs.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::archive::Archive;
use crate::config::Config;
use crate::error::Result;
use crate::id::InboxName;
use crate::mirror::{
    Address, Bounds, Fetched, Http, Mirror, Regular, Silent, Sites, Stop, Timetable,
};
use crate::store::Layout;

/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_millis(500);
/// How often it is looked which inboxes are mirrors, if the config stays as it is.
const SURVEY: Duration = Duration::from_secs(60);
/// What a site says of its inboxes holds for so long, or for a quarter of the interval.
const AGE: Duration = Duration::from_secs(60);
/// How long a fetch that was told to stop may take to do so.
const FAREWELL: Duration = Duration::from_secs(3);

/// A thread that fetches mirrors. It ends when this is dropped.
pub(super) struct FetchUp {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl FetchUp {
    /// Starts it.
    ///
    /// # Errors
    /// The system gives no further thread.
    pub(super) fn start(archive: Archive) -> std::io::Result<FetchUp> {
        let stop = Stop::default();
        let (say, hear) = mpsc::channel();
        let mut watch = Watch {
            archive,
            http: Http::default(),
            sites: Arc::default(),
            table: Timetable::default(),
            surveyed: None,
            say,
            hear,
            stop: stop.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("fetch-up".to_owned())
            .spawn(move || watch.run())?;
        Ok(FetchUp {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for FetchUp {
    fn drop(&mut self) {
        self.stop.set();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that fetches mirrors has died");
        }
    }
}

/// A fetch that has ended.
struct Ended {
    mirror: Place,
    /// `None`: somebody else was at it.
    result: Result<Option<Fetched>>,
}

/// A mirror: its directory, and what it is called.
type Place = (PathBuf, InboxName);

struct Watch {
    archive: Archive,
    http: Http,
    sites: Arc<Sites>,
    table: Timetable<Place>,
    /// When it was looked last which inboxes are mirrors, and in which config.
    surveyed: Option<(Instant, Arc<Config>)>,
    say: Sender<Ended>,
    hear: Receiver<Ended>,
    stop: Stop,
}

impl Watch {
    fn run(&mut self) {
        while !self.stop.is_set() {
            self.survey();
            for mirror in self.table.due(Instant::now()) {
                self.start(mirror);
            }
            if let Ok(ended) = self.hear.recv_timeout(TICK) {
                self.note(ended);
            }
        }
        let until = Instant::now() + FAREWELL;
        while self.table.under_way() > 0 && Instant::now() < until {
            if let Ok(ended) = self.hear.recv_timeout(TICK) {
                self.table.done(&ended.mirror, true, Instant::now(), luck);
            }
        }
    }

    /// Looks which inboxes are mirrors, and how often each is to be fetched.
    fn survey(&mut self) {
        let config = self.archive.config();
        if let Some((when, known)) = &self.surveyed
            && when.elapsed() < SURVEY
            && *known == config
        {
            return;
        }
        let (mut mirrors, mut upstreams) = (HashMap::new(), Vec::new());
        for inbox in &config.inboxes {
            let Some(interval) = config.fetch_interval(inbox) else {
                continue;
            };
            let upstream = Layout::find(&inbox.dir).ok().and_then(|l| l.upstream());
            let upstream = upstream.and_then(|upstream| Address::parse(&upstream.url).ok());
            if let Some(upstream) = upstream {
                let site = upstream.origin().to_owned();
                let mirror = (inbox.dir.clone(), inbox.name.clone());
                mirrors.insert(mirror, Regular { site, interval });
                upstreams.push(upstream);
            }
        }
        self.sites = Arc::new(Sites::of(upstreams.iter()).after(&self.sites));
        self.table.set(mirrors, Instant::now(), luck);
        self.surveyed = Some((Instant::now(), config));
    }

    fn start(&mut self, mirror: Place) {
        let (http, stop, say) = (self.http.clone(), self.stop.clone(), self.say.clone());
        let sites = Arc::clone(&self.sites);
        let bytes = self.archive.config().max_fetch_size;
        let interval = self.table.interval(&mirror).unwrap_or_default();
        let work = {
            let mirror = mirror.clone();
            move || {
                let (dir, name) = &mirror;
                let copier = Mirror {
                    http: &http,
                    sites: (&sites, AGE.min(interval / 4)),
                    progress: &Silent,
                    bounds: Bounds::with(bytes),
                    stop: &stop,
                };
                let result = copier.fetch(name, dir);
                // Nobody listens any more where the server has stopped.
                let _ = say.send(Ended { mirror, result });
            }
        };
        let name = format!("fetch {}", mirror.1);
        if let Err(error) = std::thread::Builder::new().name(name).spawn(work) {
            tracing::error!("fetching {}: {error}", mirror.1);
            self.table.done(&mirror, false, Instant::now(), luck);
        }
    }

    /// Says what came of it: news, and when trouble begins or ends.
    fn note(&mut self, ended: Ended) {
        let Ended { mirror, result } = ended;
        let (_, name) = &mirror;
        let well = result.is_ok();
        let Some((pause, failures)) = self.table.done(&mirror, well, Instant::now(), luck) else {
            return;
        };
        let seconds = pause.as_secs();
        match result {
            Ok(None) => tracing::debug!(inbox = %name, "somebody else is fetching {name}"),
            Ok(Some(fetched)) if fetched.is_news() => {
                tracing::info!(inbox = %name, "fetched {name}: {fetched}");
            }
            Ok(_) if failures > 0 => {
                tracing::info!(inbox = %name, "fetching {name} goes well again, after {failures} failures");
            }
            Ok(_) => tracing::debug!(inbox = %name, "fetched {name}: nothing new"),
            Err(_) if self.stop.is_set() => {}
            Err(error) => {
                tracing::warn!(inbox = %name, "fetching {name}: {error}; next time in {seconds} s");
            }
        }
    }
}

/// A number between 0 and 1 that nobody foresees, as far as fetches are concerned.
fn luck() -> f64 {
    let random = RandomState::new().hash_one(0);
    (random >> 11) as f64 / (1_u64 << 53) as f64
}
