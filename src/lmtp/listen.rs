//! Takes callers, from the network and from this machine.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use super::conversation::{Limits, converse};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ingest::{Desk, Precheck};

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
    /// Where it can be reached, to be woken up.
    places: Vec<Place>,
    threads: Vec<JoinHandle<()>>,
    callers: Arc<Callers>,
}

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A port.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Tcp(address) => write!(f, "{address}"),
            Place::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Connections that are open, so that they can be closed.
#[derive(Default)]
struct Callers {
    count: AtomicUsize,
    open: Mutex<Vec<(usize, Stream)>>,
    next: AtomicUsize,
}

/// A connection of either kind.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn try_clone(&self) -> io::Result<Stream> {
        Ok(match self {
            Stream::Tcp(stream) => Stream::Tcp(stream.try_clone()?),
            Stream::Unix(stream) => Stream::Unix(stream.try_clone()?),
        })
    }

    pub(super) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))
            }
            Stream::Unix(stream) => {
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))
            }
        }
    }

    fn hang_up(&self) {
        // One that is closed already needs no closing.
        let _ = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Tcp(listener) => Ok(Stream::Tcp(listener.accept()?.0)),
            Listener::Unix(listener) => Ok(Stream::Unix(listener.accept()?.0)),
        }
    }
}

impl Lmtp {
    /// Listens at these places: `HOST:PORT`, or the path of a socket to be made.
    ///
    /// # Errors
    /// A place cannot be listened at.
    pub fn start(places: &[String], setting: &Setting) -> Result<Lmtp> {
        let mut lmtp = Lmtp {
            stop: Arc::default(),
            places: Vec::new(),
            threads: Vec::new(),
            callers: Arc::default(),
        };
        for place in places {
            let (listener, place) = listen(place)?;
            let (stop, callers) = (Arc::clone(&lmtp.stop), Arc::clone(&lmtp.callers));
            let setting = setting.clone();
            let thread = std::thread::Builder::new()
                .name("lmtp".to_owned())
                .spawn(move || take_callers(&listener, &stop, &callers, &setting))
                .map_err(|e| Error::io("lmtp", e))?;
            lmtp.places.push(place);
            lmtp.threads.push(thread);
        }
        Ok(lmtp)
    }

    /// Where it listens.
    pub fn places(&self) -> &[Place] {
        &self.places
    }
}

fn listen(place: &str) -> Result<(Listener, Place)> {
    if !place.contains('/') {
        let listener = TcpListener::bind(place).map_err(|e| Error::io(place, e))?;
        let address = listener.local_addr().map_err(|e| Error::io(place, e))?;
        return Ok((Listener::Tcp(listener), Place::Tcp(address)));
    }
    let path = Path::new(place.strip_prefix("unix:").unwrap_or(place));
    // A socket at which nobody listens was left behind.
    let left = path.exists() && UnixStream::connect(path).is_err();
    if left {
        std::fs::remove_file(path).map_err(|e| Error::io(path, e))?;
    }
    let listener = UnixListener::bind(path).map_err(|e| Error::io(path, e))?;
    Ok((Listener::Unix(listener), Place::Unix(path.to_owned())))
}

fn take_callers(listener: &Listener, stop: &AtomicBool, callers: &Arc<Callers>, setting: &Setting) {
    while !stop.load(Ordering::Acquire) {
        let mut stream = match listener.accept() {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!("lmtp: {error}");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if stop.load(Ordering::Acquire) {
            return;
        }
        if callers.count.load(Ordering::Acquire) >= setting.limits.callers {
            // A caller that does not even hear this has gone.
            let _ = stream.set_patience(Duration::from_secs(1));
            let _ = stream.write_all(b"421 4.3.2 too many callers, come later\r\n");
            continue;
        }
        let (callers, setting) = (Arc::clone(callers), setting.clone());
        let guest = callers.enter(&stream);
        let talk = move || {
            if let Err(error) = converse(stream, &setting) {
                tracing::debug!("lmtp: a caller has gone: {error}");
            }
            callers.leave(guest);
        };
        if let Err(error) = std::thread::Builder::new()
            .name("lmtp caller".to_owned())
            .spawn(talk)
        {
            tracing::warn!("lmtp: {error}");
        }
    }
}

impl Callers {
    fn enter(&self, stream: &Stream) -> usize {
        self.count.fetch_add(1, Ordering::AcqRel);
        let guest = self.next.fetch_add(1, Ordering::AcqRel);
        if let Ok(stream) = stream.try_clone() {
            self.open().push((guest, stream));
        }
        guest
    }

    fn leave(&self, guest: usize) {
        self.open().retain(|(other, _)| *other != guest);
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<(usize, Stream)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lmtp {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for place in &self.places {
            // It only has to wake up; where that fails there is nobody asleep.
            match place {
                Place::Tcp(address) => {
                    drop(TcpStream::connect_timeout(address, Duration::from_secs(1)))
                }
                Place::Unix(path) => {
                    drop(UnixStream::connect(path));
                    let _ = std::fs::remove_file(path);
                }
            }
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("lmtp: the thread that takes callers has died");
            }
        }
        // A mail that is half told will be told again.
        self.callers
            .open()
            .iter()
            .for_each(|(_, stream)| stream.hang_up());
        for _ in 0..200 {
            if self.callers.count.load(Ordering::Acquire) == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
