//! The bytes of IMAP (RFC 9051): lines with literals in them, over TCP or TLS.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::place::{Secrecy, Server};
use crate::error::{Error, Result};
use crate::store::MAX_BLOB;

/// How long to wait for a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest line besides its literals, in bytes.
const MAX_LINE: usize = 1 << 20;

/// How much a whole response may have in its literals, in bytes.
const MAX_RESPONSE: usize = MAX_BLOB + (1 << 20);

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

/// A connection to a server.
pub(super) struct Wire {
    stream: BufReader<Stream>,
    host: String,
    tag: u32,
}

/// One response: its text, in which `\0` stands for each literal, and the literals.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) text: String,
    pub(super) literals: Vec<Vec<u8>>,
}

impl Wire {
    /// Connects, with TLS where the address wants it from the beginning.
    pub(super) fn connect(server: &Server) -> Result<Wire> {
        let failed = |e: io::Error| failure(&server.host, &e);
        let addresses = (server.host.as_str(), server.port).to_socket_addrs();
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in addresses.map_err(failed)? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(socket) => {
                    socket.set_nodelay(true).map_err(failed)?;
                    socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
                    socket.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
                    let stream = match server.secrecy {
                        Secrecy::Tls => secure(socket, &server.host)?,
                        Secrecy::Offered => Stream::Plain(socket),
                    };
                    return Ok(Wire {
                        stream: BufReader::with_capacity(64 << 10, stream),
                        host: server.host.clone(),
                        tag: 0,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    /// Goes on with TLS. What the server has said before its time is a forgery.
    pub(super) fn secure(self) -> Result<Wire> {
        if !self.stream.buffer().is_empty() {
            return Err(Error::invalid(self.host, "it speaks before TLS has begun"));
        }
        let Wire { stream, host, tag } = self;
        let stream = match stream.into_inner() {
            Stream::Plain(socket) => secure(socket, &host)?,
            tls @ Stream::Tls(_) => tls,
        };
        Ok(Wire {
            stream: BufReader::with_capacity(64 << 10, stream),
            host,
            tag,
        })
    }

    pub(super) fn is_secret(&self) -> bool {
        matches!(self.stream.get_ref(), Stream::Tls(_))
    }

    fn failed(&self, error: &io::Error) -> Error {
        failure(&self.host, error)
    }

    /// Sends a command; gives its tag.
    pub(super) fn send(&mut self, command: &str) -> Result<String> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.write(&format!("{tag} {command}\r\n"))?;
        Ok(tag)
    }

    pub(super) fn write(&mut self, text: &str) -> Result<()> {
        let written = match self.stream.get_mut() {
            Stream::Plain(socket) => socket.write_all(text.as_bytes()),
            Stream::Tls(stream) => stream
                .write_all(text.as_bytes())
                .and_then(|()| stream.flush()),
        };
        written.map_err(|e| self.failed(&e))
    }

    /// Sends a command and gives the responses that come before its end.
    pub(super) fn ask(&mut self, command: &str) -> Result<Vec<Response>> {
        let mut responses = Vec::new();
        self.ask_each(command, |response| {
            responses.push(response);
            Ok(())
        })?;
        Ok(responses)
    }

    /// The same, one response in memory at a time.
    pub(super) fn ask_each(
        &mut self,
        command: &str,
        mut each: impl FnMut(Response) -> Result<()>,
    ) -> Result<()> {
        let tag = self.send(command)?;
        let verb = command.split(' ').next().unwrap_or_default().to_owned();
        loop {
            let response = self.hear()?;
            match response.text.strip_prefix(&format!("{tag} ")) {
                Some(end) if end.len() >= 2 && end[..2].eq_ignore_ascii_case("OK") => return Ok(()),
                Some(end) => return Err(Error::invalid(format!("{}: {verb}", self.host), end)),
                None => each(response)?,
            }
        }
    }

    /// Waits for one response, for at most `PATIENCE`.
    pub(super) fn hear(&mut self) -> Result<Response> {
        read_response(&mut self.stream).map_err(|e| failure(&self.host, &e))
    }

    /// Waits for so long for something to be said; whether it was.
    pub(super) fn listen(&mut self, most: Duration) -> Result<bool> {
        let socket = self.stream.get_ref().socket();
        let most = most.max(Duration::from_millis(1));
        socket
            .set_read_timeout(Some(most))
            .map_err(|e| failure(&self.host, &e))?;
        let heard = match self.stream.fill_buf() {
            Ok([]) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(true),
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                Ok(false)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(e) => Err(e),
        };
        let socket = self.stream.get_ref().socket();
        socket
            .set_read_timeout(Some(PATIENCE))
            .map_err(|e| failure(&self.host, &e))?;
        heard.map_err(|e| failure(&self.host, &e))
    }
}

fn failure(host: &str, error: &io::Error) -> Error {
    Error::invalid(host, error.to_string())
}

fn secure(socket: TcpStream, host: &str) -> Result<Stream> {
    let failed = |why: String| Error::invalid(host, why);
    let name = ServerName::try_from(host.to_owned()).map_err(|e| failed(e.to_string()))?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(e.to_string()))?
        .with_root_certificates(roots())
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), name);
    let connection = connection.map_err(|e| failed(e.to_string()))?;
    Ok(Stream::Tls(Box::new(StreamOwned::new(connection, socket))))
}

/// The certificates that this machine trusts; `SSL_CERT_FILE` may name others.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    roots
}

/// `* 12 FETCH (UID 3 BODY[] {5}` with five bytes and the rest of the line behind.
fn read_response(input: &mut impl BufRead) -> io::Result<Response> {
    let mut response = Response::default();
    let mut line = Vec::new();
    let mut total = 0;
    loop {
        let start = line.len();
        let left = (MAX_LINE - start.min(MAX_LINE)) as u64;
        input.by_ref().take(left).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(match line.len() >= MAX_LINE {
                true => io::Error::new(io::ErrorKind::InvalidData, "a line without an end"),
                false => io::ErrorKind::UnexpectedEof.into(),
            });
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        let Some((length, begin)) = literal_at_end(&line[start..]) else {
            break;
        };
        total += length;
        if total > MAX_RESPONSE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a mail that is too long",
            ));
        }
        line.truncate(start + begin);
        line.push(0);
        let mut literal = Vec::new();
        input
            .by_ref()
            .take(length as u64)
            .read_to_end(&mut literal)?;
        if literal.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        response.literals.push(literal);
    }
    response.text = String::from_utf8_lossy(&line).into_owned();
    Ok(response)
}

/// The length in a `{123}` that ends a line, and where it begins.
fn literal_at_end(line: &[u8]) -> Option<(usize, usize)> {
    let inner = line.strip_suffix(b"}")?;
    let begin = memchr::memrchr(b'{', inner)?;
    let digits = std::str::from_utf8(&inner[begin + 1..]).ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    Some((plain.then(|| digits.parse().ok())??, begin))
}

#[cfg(test)]
mod tests {
    use super::{Response, read_response};

    #[test]
    fn literals_are_read_by_their_length() {
        let mut input: &[u8] =
            b"* 1 FETCH (UID 3 BODY[] {7}\r\na\r\n{3}b FLAGS ())\r\n* OK {x}\r\n";
        let first = read_response(&mut input).unwrap();
        assert_eq!(first.text, "* 1 FETCH (UID 3 BODY[] \0 FLAGS ())");
        assert_eq!(first.literals, [b"a\r\n{3}b"]);
        let second = read_response(&mut input).unwrap();
        let text = "* OK {x}".to_owned();
        assert_eq!(
            second,
            Response {
                text,
                literals: vec![]
            }
        );
        assert!(read_response(&mut input).is_err());
    }

    #[test]
    fn a_server_cannot_fill_the_memory() {
        for text in [
            "* {99999999999}\r\n",
            "* {99999999999999999999999}\r\nx",
            "* {5}\r\nabc",
        ] {
            let read = read_response(&mut text.as_bytes());
            assert!(
                read.is_err() || read.is_ok_and(|r| r.literals.is_empty()),
                "{text}"
            );
        }
        let endless = vec![b'x'; 3 << 20];
        assert!(read_response(&mut endless.as_slice()).is_err());
    }
}
