//! What an answer costs: four classes, each with gates of its own, so that a flood in one leaves the others fast.
//!
//! `docs/limits.md` has the numbers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bucket::Buckets;
use super::client::Network;
use super::error::WebError;
use super::gate::{Gate, Load, Pass};
use crate::config::{Limiter, Limits};

/// A class of answers that cost alike. The cheap ones are what people read; the dear ones are what can be had in
/// another way, by cloning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A message, a thread, raw mail, a file of our own: a few rows, a few blobs.
    Page,
    /// Lists and feeds: many messages at once.
    List,
    /// Searches, and what is looked for because it is not there.
    Search,
    /// Much mail at once: git, whole lists, the results of a search as a file; and how copies differ.
    Bulk,
}

impl Class {
    /// All of them, the cheapest first.
    pub const ALL: [Class; 4] = [Class::Page, Class::List, Class::Search, Class::Bulk];

    /// Its name in logs and figures.
    pub fn name(self) -> &'static str {
        match self {
            Class::Page => "page",
            Class::List => "list",
            Class::Search => "search",
            Class::Bulk => "bulk",
        }
    }
}

/// How much of a class may go on at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Answers that are worked out before their first byte.
    pub work: usize,
    /// Answers that are written while they are sent, as far as they keep a processor busy.
    pub writers: usize,
    /// Answers that are under way, those among them that wait for slow readers.
    pub streams: usize,
    /// How many may wait at each of these gates.
    pub line: usize,
    /// How long one waits there before he is sent away.
    pub patience: Duration,
    /// How often a network may ask in a minute; `None` where that is not counted.
    pub per_minute: Option<u32>,
}

/// No more of a class are worked on at once, whatever the operator says: each keeps a thread.
const MOST: usize = 512;

/// The shares of all classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Of [`Class::Page`].
    pub page: Share,
    /// Of [`Class::List`].
    pub list: Share,
    /// Of [`Class::Search`].
    pub search: Share,
    /// Of [`Class::Bulk`].
    pub bulk: Share,
    /// Programs (git) that run at once; they are of [`Class::Bulk`].
    pub programs: usize,
    /// How many wait for a program. Who clones has patience.
    pub program_line: usize,
    /// How long.
    pub program_patience: Duration,
}

impl Default for Shares {
    /// For as many processors as there are.
    fn default() -> Shares {
        Shares::for_cores(std::thread::available_parallelism().map_or(2, std::num::NonZero::get))
    }
}

impl Shares {
    /// What fits so many processors: the dear half of the classes gets half of them.
    pub fn for_cores(cores: usize) -> Shares {
        let patience = Duration::from_secs(15);
        Shares {
            page: Share {
                work: cores,
                writers: cores,
                streams: 128,
                line: 1024,
                patience,
                per_minute: None,
            },
            list: Share {
                work: cores,
                writers: cores,
                streams: 32,
                line: 256,
                patience,
                per_minute: None,
            },
            search: Share {
                work: (cores / 2).max(1),
                writers: (cores / 2).max(1),
                streams: 32,
                line: (cores * 4).max(16),
                patience,
                per_minute: None,
            },
            bulk: Share {
                work: (cores / 2).max(1),
                writers: (cores / 2).max(1),
                streams: 64,
                line: 256,
                patience,
                per_minute: None,
            },
            programs: (cores * 4).max(8),
            program_line: 256,
            program_patience: Duration::from_secs(120),
        }
    }

    /// The same with what the operator has said.
    #[must_use]
    pub fn with(mut self, limits: &Limits) -> Shares {
        for (share, work) in [
            (&mut self.page, limits.pages),
            (&mut self.list, limits.lists),
            (&mut self.search, limits.searches),
            (&mut self.bulk, limits.bulk),
        ] {
            if let Some(work) = work {
                let work = work.min(MOST);
                share.work = work;
                share.writers = work;
            }
            share.streams = limits.streams.unwrap_or(share.streams);
            if let Some(seconds) = limits.patience {
                share.patience = Duration::from_secs(u64::from(seconds));
            }
        }
        self.search.per_minute = limits.searches_per_minute;
        self.bulk.per_minute = limits.bulk_per_minute;
        self.programs = limits.clones.unwrap_or(self.programs);
        self
    }

    /// How many threads a runtime needs for requests: pages and lists are worked out on them. More threads than processors
    /// only make each answer wait for others, so no thread is kept free for when all wait for a disk.
    pub fn threads(&self) -> usize {
        self.page.work.max(self.list.work)
    }

    /// The share of a class.
    pub fn of(&self, class: Class) -> &Share {
        match class {
            Class::Page => &self.page,
            Class::List => &self.list,
            Class::Search => &self.search,
            Class::Bulk => &self.bulk,
        }
    }
}

/// The gates of one class.
pub(super) struct Gates {
    work: Gate,
    writers: Gate,
    streams: Gate,
    patience: Duration,
    buckets: Option<Buckets>,
}

/// How it stands with the gates of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    /// Before the first byte.
    pub work: Load,
    /// Writing while sending.
    pub writers: Load,
    /// Under way.
    pub streams: Load,
}

/// The leave to write an answer while it is sent.
pub(super) struct Place {
    /// Held to the end.
    stream: Pass,
    /// Given back while the reader keeps us waiting.
    writer: Option<Pass>,
    writers: Gate,
    streams: Gate,
}

impl Place {
    /// Lets others write for the time being.
    pub(super) fn step_out(&mut self) {
        self.writer = None;
    }

    /// Waits for leave to write again.
    pub(super) async fn step_in(&mut self) {
        self.writer = self.writers.return_to(self.stream.from()).await;
    }

    /// Whether others wait for a place like this.
    pub(super) fn is_wanted(&self) -> bool {
        self.streams.is_wanted()
    }
}

impl Gates {
    fn new(share: &Share) -> Gates {
        Gates {
            work: Gate::new(share.work, share.line),
            writers: Gate::new(share.writers, share.line),
            streams: Gate::new(share.streams, share.line),
            patience: share.patience,
            buckets: share.per_minute.map(Buckets::new),
        }
    }

    /// Waits for leave to work on an answer.
    pub(super) async fn work(&self, from: Network) -> Result<Pass, WebError> {
        if let Some(buckets) = &self.buckets
            && !buckets.take(from, Instant::now())
        {
            self.work.refuse();
            return Err(WebError::Busy);
        }
        Ok(self.work.enter(from, self.patience).await?)
    }

    /// Waits for leave to write one.
    pub(super) async fn stream(&self, from: Network) -> Result<Place, WebError> {
        let stream = self.streams.enter(from, self.patience).await?;
        let writer = self.writers.enter(from, self.patience).await?;
        Ok(Place {
            stream,
            writer: Some(writer),
            writers: self.writers.clone(),
            streams: self.streams.clone(),
        })
    }

    /// How it stands.
    pub(super) fn loads(&self) -> Loads {
        Loads {
            work: self.work.load(),
            writers: self.writers.load(),
            streams: self.streams.load(),
        }
    }
}

/// The gates of all classes, and that of programs.
pub(super) struct Gatehouse {
    page: Gates,
    list: Gates,
    search: Gates,
    bulk: Gates,
    programs: Gate,
    /// The gates of inboxes that have some of their own, by name.
    limiters: Mutex<HashMap<String, (Limiter, Gate)>>,
    program_patience: Duration,
}

/// The leave to run a program.
pub(super) struct ProgramPass {
    _limiter: Option<Pass>,
    _programs: Pass,
}

impl Gatehouse {
    /// Gates that let through what `shares` says.
    pub(super) fn new(shares: &Shares) -> Gatehouse {
        Gatehouse {
            page: Gates::new(&shares.page),
            list: Gates::new(&shares.list),
            search: Gates::new(&shares.search),
            bulk: Gates::new(&shares.bulk),
            programs: Gate::new(shares.programs, shares.program_line),
            limiters: Mutex::default(),
            program_patience: shares.program_patience,
        }
    }

    /// The gates of a class.
    pub(super) fn of(&self, class: Class) -> &Gates {
        match class {
            Class::Page => &self.page,
            Class::List => &self.list,
            Class::Search => &self.search,
            Class::Bulk => &self.bulk,
        }
    }

    /// Waits for leave to run a program, first where it has a limit of its own: who waits there is in nobody else's way.
    pub(super) async fn program(
        &self,
        from: Network,
        limiter: Option<Limiter>,
    ) -> Result<ProgramPass, WebError> {
        let own = match limiter.map(|limiter| self.limiter(limiter)) {
            Some(gate) => Some(gate.enter(from, self.program_patience).await?),
            None => None,
        };
        Ok(ProgramPass {
            _limiter: own,
            _programs: self.programs.enter(from, self.program_patience).await?,
        })
    }

    /// The gate of this limit; another one when the config says something else of it.
    fn limiter(&self, limiter: Limiter) -> Gate {
        let mut limiters = (self.limiters.lock()).unwrap_or_else(PoisonError::into_inner);
        match limiters.get(&limiter.name) {
            Some((same, gate)) if *same == limiter => gate.clone(),
            _ => {
                let gate = Gate::new(limiter.max, limiter.depth);
                limiters.insert(limiter.name.clone(), (limiter, gate.clone()));
                gate
            }
        }
    }

    /// How it stands with the programs.
    pub(super) fn programs(&self) -> Load {
        self.programs.load()
    }
}
