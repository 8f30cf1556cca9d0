//! A listening socket as the system has it, before a runtime or a thread waits at it.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::net::AddressFamily;

use super::place::At;

/// A socket of either kind.
#[derive(Debug)]
pub(super) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Bound {
    /// A socket of our own at that place.
    pub(super) fn bind(at: &At) -> io::Result<Bound> {
        match at {
            // The standard library tries every address of a name, and asks to have the place of a server that has just
            // gone.
            At::Tcp(address) => Ok(Bound::Tcp(TcpListener::bind(address.as_str())?)),
            At::Unix(path) => {
                clear(path)?;
                Ok(Bound::Unix(UnixListener::bind(path)?))
            }
            At::Inherited(name) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("nobody has opened a socket called {name}"),
            )),
        }
    }

    /// A socket that somebody else has opened.
    pub(super) fn inherited(socket: OwnedFd) -> io::Result<Bound> {
        match rustix::net::sockopt::socket_domain(&socket)? {
            AddressFamily::UNIX => Ok(Bound::Unix(UnixListener::from(socket))),
            _ => Ok(Bound::Tcp(TcpListener::from(socket))),
        }
    }

    /// Whether those who ask for a connection where there is none are told so, or wait.
    pub(super) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        match self {
            Bound::Tcp(listener) => listener.set_nonblocking(nonblocking),
            Bound::Unix(listener) => listener.set_nonblocking(nonblocking),
        }
    }
}

impl AsFd for Bound {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Bound::Tcp(listener) => listener.as_fd(),
            Bound::Unix(listener) => listener.as_fd(),
        }
    }
}

/// Removes a socket that nobody listens on any more. One that somebody listens on stays, and binding will fail.
fn clear(path: &Path) -> io::Result<()> {
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        _ => Ok(()),
    }
}
