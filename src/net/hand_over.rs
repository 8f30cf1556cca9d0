//! One server takes the place of another without a visitor noticing.
//!
//! The old one waits at a unix socket. The new one connects, is sent the listening sockets themselves (`SCM_RIGHTS`,
//! unix(7)), opens the archive, and says when it answers; then the old one accepts no more and finishes what it has.
//! The sockets are open all the time, so that nobody who connects is ever refused.

use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::blocking::BlockingListener;
use super::inherited::Inherited;
use super::listener::Listener;
use super::place::Place;
use crate::error::{Error, Result};

/// More sockets than the system passes at once (`SCM_MAX_FD`) are not handed over.
const MAX: usize = 253;

/// How long a new server waits for the sockets of the old one.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that has sent us its sockets and goes on until we say that we are ready.
pub struct HandOver {
    stream: UnixStream,
}

impl HandOver {
    /// Asks whoever waits at `path` for its sockets. `None` where nobody does.
    ///
    /// # Errors
    /// Somebody waits there but does not hand over.
    pub fn ask(path: &Path) -> Result<Option<(HandOver, Inherited)>> {
        let stream = match UnixStream::connect(path) {
            Ok(stream) => stream,
            Err(error) if is_nobody(&error) => return Ok(None),
            Err(error) => return Err(Error::io(path, error)),
        };
        let failed = |error| Error::io(path, error);
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        let sockets = receive(&stream).map_err(failed)?;
        Ok(Some((HandOver { stream }, sockets)))
    }

    /// Tells the old server that it may go.
    pub fn ready(mut self) {
        if let Err(error) = self.stream.write_all(b"ready\n") {
            tracing::warn!("the server before this one cannot be told to go: {error}");
        }
    }
}

impl Inherited {
    /// Puts sockets into one that this process can take along into what it becomes (execve(2)).
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn pack(listeners: &[Arc<dyn HandedOver>]) -> io::Result<UnixStream> {
        let (carrier, ours) = UnixStream::pair()?;
        send(&ours, listeners)?;
        Ok(carrier)
    }

    /// Takes out what was packed.
    ///
    /// # Errors
    /// There is nothing in it, or nothing of that kind.
    pub fn unpack(carrier: OwnedFd) -> io::Result<Inherited> {
        receive(&UnixStream::from(carrier))
    }
}

/// A socket that is passed on, with the place that the successor knows it by.
pub trait HandedOver: AsFd + Send + Sync {
    /// Where it was told to listen.
    fn place(&self) -> &Place;
}

impl HandedOver for Listener {
    fn place(&self) -> &Place {
        Listener::place(self)
    }
}

impl HandedOver for BlockingListener {
    fn place(&self) -> &Place {
        BlockingListener::place(self)
    }
}

/// Waits for a server that takes our place.
pub struct Successor;

impl Successor {
    /// Waits at `path`, on a thread of its own, for as long as the process lives. `leave` is called once a successor
    /// has the sockets and answers.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn wait(
        path: PathBuf,
        listeners: Vec<Weak<dyn HandedOver>>,
        leave: impl FnOnce() + Send + 'static,
    ) -> Result<()> {
        let failed = |error| Error::io(&path, error);
        // The one before us is on its way out, and its socket is of no use any more.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let door = UnixListener::bind(&path).map_err(failed)?;
        let thread = std::thread::Builder::new().name("hand-over".to_owned());
        let spawned = thread.spawn(move || {
            for stream in door.incoming() {
                // They are gone when we have been told to stop.
                let listeners: Option<Vec<_>> = listeners.iter().map(Weak::upgrade).collect();
                let Some(listeners) = listeners else {
                    return;
                };
                match stream.and_then(|stream| hand_over(stream, listeners)) {
                    Ok(true) => return leave(),
                    Ok(false) => {}
                    Err(error) => tracing::warn!("handing over failed: {error}"),
                }
            }
        });
        spawned.map_err(failed)?;
        Ok(())
    }
}

/// Whether whoever came has all sockets now, and answers.
fn hand_over(mut stream: UnixStream, listeners: Vec<Arc<dyn HandedOver>>) -> io::Result<bool> {
    let peer = rustix::net::sockopt::socket_peercred(&stream)?;
    let ours = rustix::process::geteuid();
    if peer.uid != ours && !peer.uid.is_root() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("the user {} has no business here", peer.uid.as_raw()),
        ));
    }
    tracing::info!(
        "handing {} sockets over to process {}",
        listeners.len(),
        peer.pid.as_raw_nonzero()
    );
    send(&stream, &listeners)?;
    drop(listeners);
    // As long as it takes to open an archive; where the successor fails, the connection ends.
    let mut answer = Vec::new();
    Read::by_ref(&mut stream)
        .take(16)
        .read_to_end(&mut answer)?;
    Ok(answer == b"ready\n")
}

fn send(stream: &UnixStream, listeners: &[Arc<dyn HandedOver>]) -> io::Result<()> {
    let names: String = listeners
        .iter()
        .take(MAX)
        .map(|listener| format!("{}\n", listener.place()))
        .collect();
    let sockets: Vec<_> = listeners
        .iter()
        .take(MAX)
        .map(|listener| listener.as_fd())
        .collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&sockets));
    let mut first = u32::try_from(names.len())
        .unwrap_or(0)
        .to_be_bytes()
        .to_vec();
    first.extend_from_slice(names.as_bytes());
    let sent = sendmsg(
        stream,
        &[IoSlice::new(&first)],
        &mut control,
        SendFlags::empty(),
    )?;
    let mut stream = stream;
    stream.write_all(first.get(sent..).unwrap_or_default())
}

fn receive(stream: &UnixStream) -> io::Result<Inherited> {
    let broken = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the server before this one hands over nothing",
        )
    };
    let mut bytes = vec![0; 64 << 10];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let got = recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut control,
        flags,
    )?
    .bytes;
    let mut sockets = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            sockets.extend(rights);
        }
    }
    bytes.truncate(got);
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(broken)?;
    let length = u32::from_be_bytes(*length) as usize;
    let mut names = rest.to_vec();
    if names.len() < length && length < 1 << 20 {
        let mut more = vec![0; length - names.len()];
        let mut stream = stream;
        stream.read_exact(&mut more)?;
        names.extend(more);
    }
    let names = String::from_utf8(names).map_err(|_| broken())?;
    let names: Vec<String> = names.lines().map(str::to_owned).collect();
    if names.len() != sockets.len() {
        return Err(broken());
    }
    let mut known = Vec::new();
    for (name, socket) in names.iter().zip(sockets) {
        known.push((Place::parse(name).map_err(|_| broken())?.at, socket));
    }
    Ok(Inherited::from_predecessor(known))
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}
