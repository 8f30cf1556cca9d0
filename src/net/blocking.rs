//! A listening socket, and its connections, for a protocol that threads speak without a runtime.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};

use super::bound::Bound;
use super::inherited::Inherited;
use super::place::{At, Place};
use crate::error::{Error, Result};

/// A socket that threads listen on.
#[derive(Debug)]
pub struct BlockingListener {
    place: Place,
    socket: Bound,
}

/// A connection that a thread reads and writes.
#[derive(Debug)]
pub enum BlockingStream {
    /// From the network.
    Tcp(TcpStream),
    /// From this machine.
    Unix(UnixStream),
}

impl BlockingListener {
    /// Listens at `place` for `protocol`, whose sockets are handed over under its name: on inherited sockets where there
    /// are some, else on one of our own. Whoever waits for a caller is woken each `pause`, to see whether it is to stop.
    ///
    /// # Errors
    /// The place is taken, or not ours to use; or TLS is wanted, which there is none of here.
    pub fn open(
        protocol: &str,
        place: &Place,
        pause: Duration,
        inherited: &mut Inherited,
    ) -> Result<Vec<BlockingListener>> {
        let failed = |error| Error::io(format!("listening on {place}"), error);
        if place.tls {
            let why = format!("{protocol} is spoken without TLS here");
            return Err(Error::invalid(format!("listening on {place}"), why));
        }
        // The server before us says which protocol a socket is for, or two of them at port 0 would be taken for each other.
        let at = match &place.at {
            At::Inherited(_) => place.at.clone(),
            at => At::Inherited(format!("{protocol}={at}")),
        };
        let found = inherited.take(&at).into_iter().map(Bound::inherited);
        let mut sockets = found.collect::<io::Result<Vec<_>>>().map_err(failed)?;
        if sockets.is_empty() {
            sockets.push(Bound::bind(&place.at).map_err(failed)?);
        }
        let mut listeners = Vec::new();
        for socket in sockets {
            socket.set_nonblocking(false).map_err(failed)?;
            set_socket_timeout(&socket, Timeout::Recv, Some(pause))
                .map_err(|error| failed(error.into()))?;
            let place = Place {
                at: at.clone(),
                tls: false,
            };
            listeners.push(BlockingListener { place, socket });
        }
        Ok(listeners)
    }

    /// Waits for the next caller; `None` where none has come in time.
    ///
    /// # Errors
    /// The system has no further descriptors, most likely.
    pub fn accept(&self) -> io::Result<Option<BlockingStream>> {
        let accepted = match &self.socket {
            Bound::Tcp(listener) => listener.accept().map(|(s, _)| BlockingStream::Tcp(s)),
            Bound::Unix(listener) => listener.accept().map(|(s, _)| BlockingStream::Unix(s)),
        };
        match accepted {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if is_pause(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What it is called when it is handed over.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

impl fmt::Display for BlockingListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = |f: &mut fmt::Formatter<'_>| write!(f, "{}", self.place);
        match &self.socket {
            Bound::Tcp(listener) => match listener.local_addr() {
                Ok(address) => write!(f, "{address}"),
                Err(_) => unknown(f),
            },
            Bound::Unix(listener) => match listener.local_addr() {
                Ok(address) => match address.as_pathname() {
                    Some(path) => write!(f, "{}", path.display()),
                    None => unknown(f),
                },
                Err(_) => unknown(f),
            },
        }
    }
}

impl AsFd for BlockingListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl BlockingStream {
    /// Another handle of the same connection.
    ///
    /// # Errors
    /// The system has no further descriptors.
    pub fn try_clone(&self) -> io::Result<BlockingStream> {
        Ok(match self {
            BlockingStream::Tcp(stream) => BlockingStream::Tcp(stream.try_clone()?),
            BlockingStream::Unix(stream) => BlockingStream::Unix(stream.try_clone()?),
        })
    }

    /// How long the other side may keep us waiting, for a word or for room.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        match self {
            BlockingStream::Tcp(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))
            }
            BlockingStream::Unix(stream) => {
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))
            }
        }
    }

    /// Hears (or says) no more; one that is closed already stays closed.
    pub fn close(&self, how: Shutdown) {
        let _ = match self {
            BlockingStream::Tcp(stream) => stream.shutdown(how),
            BlockingStream::Unix(stream) => stream.shutdown(how),
        };
    }
}

impl Read for BlockingStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            BlockingStream::Tcp(stream) => stream.read(buffer),
            BlockingStream::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for BlockingStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            BlockingStream::Tcp(stream) => stream.write(bytes),
            BlockingStream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
