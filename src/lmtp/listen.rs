//! Takes callers, from the network and from this machine.

use std::io::Write;
use std::net::Shutdown;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::conversation::{Limits, converse};
use super::room::Room;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ingest::{Desk, Precheck};
use crate::net::{BlockingListener, BlockingStream, Inherited, Place};

/// How often those who wait for callers look whether they are to stop.
const PAUSE: Duration = Duration::from_millis(250);

/// How long a caller in the middle of a mail may take to end it when we go.
const GRACE: Duration = Duration::from_secs(20);

/// What every caller is answered by.
#[derive(Clone)]
pub struct Setting {
    /// The settings of the site, which may change.
    pub config: Arc<RwLock<Arc<Config>>>,
    /// Where mail is handed in.
    pub desk: Desk,
    /// Whether mail is looked at first, as public-inbox-mda does.
    pub precheck: Precheck,
    /// What callers may do.
    pub limits: Limits,
}

/// Listens until it is dropped.
pub struct Lmtp {
    stop: Arc<AtomicBool>,
    listeners: Vec<Arc<BlockingListener>>,
    threads: Vec<JoinHandle<()>>,
    callers: Arc<Callers>,
}

/// Connections that are open, so that they can be closed, and the room for their mail.
struct Callers {
    room: Room,
    count: AtomicUsize,
    open: Mutex<Vec<Guest>>,
    next: AtomicUsize,
}

/// A caller, seen from outside the talk.
struct Guest {
    number: usize,
    stream: BlockingStream,
    presence: Arc<Presence>,
}

/// What a talk and whoever wants to end it know of each other.
#[derive(Default)]
pub(super) struct Presence {
    /// Whether a mail has begun.
    pub(super) busy: AtomicBool,
    /// Whether the caller is to go when its mail is taken.
    pub(super) leave: AtomicBool,
}

impl Lmtp {
    /// Listens at these places: `HOST:PORT`, the path of a socket to be made, or `fd:NAME` for one that was opened for
    /// us; where the server before us has handed its sockets over, on those.
    ///
    /// # Errors
    /// A place cannot be listened at.
    pub fn start(places: &[String], inherited: &mut Inherited, setting: &Setting) -> Result<Lmtp> {
        let mut lmtp = Lmtp {
            stop: Arc::default(),
            listeners: Vec::new(),
            threads: Vec::new(),
            callers: Arc::new(Callers::new(&setting.limits)),
        };
        for place in places {
            let place = parse(place)?;
            for listener in BlockingListener::open("lmtp", &place, PAUSE, inherited)? {
                let listener = Arc::new(listener);
                lmtp.listeners.push(Arc::clone(&listener));
                let (stop, callers) = (Arc::clone(&lmtp.stop), Arc::clone(&lmtp.callers));
                let setting = setting.clone();
                let thread = std::thread::Builder::new()
                    .name("lmtp".to_owned())
                    .spawn(move || take_callers(&listener, &stop, &callers, &setting))
                    .map_err(|e| Error::io("lmtp", e))?;
                lmtp.threads.push(thread);
            }
        }
        Ok(lmtp)
    }

    /// Where it listens.
    pub fn listeners(&self) -> &[Arc<BlockingListener>] {
        &self.listeners
    }

    /// Takes no further callers, and asks those who are here to go: at once, or when the mail that they have begun is
    /// taken. Does not wait.
    pub fn close(&self) {
        self.stop.store(true, Ordering::Release);
        for guest in self.callers.open().iter() {
            guest.presence.leave.store(true, Ordering::Release);
            if !guest.presence.busy.load(Ordering::Acquire) {
                // It hears the end of what the caller says, and tells it to come again.
                guest.stream.close(Shutdown::Read);
            }
        }
    }
}

/// A path may be relative here, and stand by itself.
fn parse(place: &str) -> Result<Place> {
    let path = place.strip_prefix("unix:").unwrap_or(place);
    if path.contains('/') && !place.contains("://") && !place.starts_with("tls:") {
        let path = std::path::absolute(Path::new(path)).map_err(|e| Error::io(place, e))?;
        return Place::parse(&format!("unix:{}", path.display()));
    }
    Place::parse(place)
}

fn take_callers(
    listener: &BlockingListener,
    stop: &AtomicBool,
    callers: &Arc<Callers>,
    setting: &Setting,
) {
    while !stop.load(Ordering::Acquire) {
        let mut stream = match listener.accept() {
            Ok(Some(stream)) => stream,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!("lmtp: {error}");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if callers.count.load(Ordering::Acquire) >= setting.limits.callers {
            // A caller that does not even hear this has gone.
            let _ = stream.set_patience(Duration::from_secs(1));
            let _ = stream.write_all(b"421 4.3.2 too many callers, come later\r\n");
            continue;
        }
        let (guest, presence) = callers.enter(&stream);
        if stop.load(Ordering::Acquire) {
            // It came in the last moment, and is told to come again.
            presence.leave.store(true, Ordering::Release);
        }
        let (inside, setting) = (Arc::clone(callers), setting.clone());
        let talk = move || {
            if let Err(error) = converse(stream, &setting, &inside.room, &presence) {
                tracing::debug!("lmtp: a caller has gone: {error}");
            }
            inside.leave(guest);
        };
        if let Err(error) = std::thread::Builder::new()
            .name("lmtp caller".to_owned())
            .spawn(talk)
        {
            tracing::warn!("lmtp: {error}");
            callers.leave(guest);
        }
    }
}

impl Callers {
    fn new(limits: &Limits) -> Callers {
        Callers {
            room: Room::new(limits.room, limits.wait),
            count: AtomicUsize::default(),
            open: Mutex::default(),
            next: AtomicUsize::default(),
        }
    }

    fn enter(&self, stream: &BlockingStream) -> (usize, Arc<Presence>) {
        self.count.fetch_add(1, Ordering::AcqRel);
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        let presence = Arc::<Presence>::default();
        if let Ok(stream) = stream.try_clone() {
            self.open().push(Guest {
                number,
                stream,
                presence: Arc::clone(&presence),
            });
        }
        (number, presence)
    }

    fn leave(&self, number: usize) {
        self.open().retain(|guest| guest.number != number);
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<Guest>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Whether all have gone before that time is over.
    fn gone_in(&self, time: Duration) -> bool {
        let began = Instant::now();
        while !self.is_empty() && began.elapsed() < time {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.is_empty()
    }
}

impl Drop for Lmtp {
    fn drop(&mut self) {
        self.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("lmtp: the thread that takes callers has died");
            }
        }
        // Who came in the meantime and says nothing is asked, too.
        self.close();
        if !self.callers.gone_in(GRACE) {
            // A mail that is half told will be told again.
            let open = self.callers.open();
            open.iter()
                .for_each(|guest| guest.stream.close(Shutdown::Both));
            drop(open);
            self.callers.gone_in(Duration::from_secs(2));
        }
    }
}
