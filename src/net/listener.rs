//! A listening socket of whatever kind, and the connections that arrive at it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;

use tokio::net::{TcpListener, UnixListener};

use super::bound::Bound;
use super::inherited::Inherited;
use super::place::{At, Place};
use super::proxy;
use super::stream::{Plain, Stream};
use super::tls::Certificates;
use crate::error::{Error, Result};

/// A socket that is listened on.
pub struct Listener {
    place: Place,
    socket: Socket,
    certificates: Option<Certificates>,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection that nobody has spoken on yet.
pub struct Arrival {
    stream: Plain,
    /// Where it comes from; `None` where it came by a unix socket.
    pub peer: Option<IpAddr>,
    certificates: Option<Certificates>,
}

impl Listener {
    /// Listens there: on inherited sockets where there are some for this place, else on one of our own. Called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// The place is taken, not ours to use, or there are no certificates for TLS.
    pub fn open(
        place: &Place,
        certificates: Option<&Certificates>,
        inherited: &mut Inherited,
    ) -> Result<Vec<Listener>> {
        let failed = |error| Error::io(format!("listening on {place}"), error);
        let certificates = match (place.tls, certificates) {
            (false, _) => None,
            (true, Some(certificates)) => Some(certificates.clone()),
            (true, None) => {
                let why =
                    "TLS needs a certificate: set threadbare.certificate, or say --certificate";
                return Err(Error::invalid(format!("listening on {place}"), why));
            }
        };
        let mut sockets = Vec::new();
        for socket in inherited.take(&place.at) {
            let socket = Bound::inherited(socket).and_then(Socket::of);
            sockets.push(socket.map_err(failed)?);
        }
        if sockets.is_empty() {
            sockets.push(Socket::bind(&place.at).map_err(failed)?);
        }
        let listeners = sockets.into_iter().map(|socket| Listener {
            place: place.clone(),
            socket,
            certificates: certificates.clone(),
        });
        Ok(listeners.collect())
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// The system has no further descriptors, most likely.
    pub async fn accept(&self) -> io::Result<Arrival> {
        let (stream, peer) = match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Where it cannot be set answers are a little slower.
                let _ = stream.set_nodelay(true);
                (Plain::Tcp(stream), Some(peer.ip().to_canonical()))
            }
            Socket::Unix(listener) => (Plain::Unix(listener.accept().await?.0), None),
        };
        Ok(Arrival {
            stream,
            peer,
            certificates: self.certificates.clone(),
        })
    }

    /// Where it was told to listen.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its address, where it has one in the network: with the port that the system chose.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// Its address as a visitor would write it: `http://127.0.0.1:8080/`, or `unix:/PATH`.
    pub fn url(&self, scheme: &str) -> String {
        let s = if self.place.tls { "s" } else { "" };
        match self.address() {
            Some(address) => format!("{scheme}{s}://{address}/"),
            None => self.place.to_string(),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener) => listener.as_fd(),
        }
    }
}

impl Arrival {
    /// Hears, before anything else, for whom a front end has opened this connection: that is who it comes from then.
    /// Like [`Arrival::open`], with a deadline.
    ///
    /// # Errors
    /// It does not begin with a PROXY header, or breaks off.
    pub async fn introduce(&mut self) -> io::Result<()> {
        if let Some(client) = proxy::read(&mut self.stream).await? {
            self.peer = Some(client);
        }
        Ok(())
    }

    /// The connection, after TLS where the listener has that. To be called outside the accept loop, with a deadline: a
    /// handshake takes as long as the other side likes.
    ///
    /// # Errors
    /// The handshake failed.
    pub async fn open(self) -> io::Result<Stream> {
        match self.certificates {
            None => Ok(Stream::Plain(self.stream)),
            Some(certificates) => {
                let stream = certificates.acceptor().accept(self.stream).await?;
                Ok(Stream::Tls(Box::new(stream)))
            }
        }
    }
}

impl Socket {
    fn bind(at: &At) -> io::Result<Socket> {
        let socket = Bound::bind(at)?;
        if let At::Unix(path) = at {
            // Like a port, it is for everybody who gets there; its directory says who does.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        }
        Socket::of(socket)
    }

    fn of(socket: Bound) -> io::Result<Socket> {
        socket.set_nonblocking(true)?;
        Ok(match socket {
            Bound::Tcp(listener) => Socket::Tcp(TcpListener::from_std(listener)?),
            Bound::Unix(listener) => Socket::Unix(UnixListener::from_std(listener)?),
        })
    }
}
