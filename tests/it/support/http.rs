//! An HTTP/1.1 client that sends what it is told to, byte for byte, also what no client should send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request. Whatever is not said is a plain GET that closes its connection.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(method: &str, path: &str) -> Ask {
        Ask {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn get(path: &str) -> Ask {
        Ask::new("GET", path)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Ask {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Ask {
        self.body = body.to_vec();
        let length = body.len().to_string();
        self.with("Content-Length", &length)
    }

    /// Sends it and reads the whole answer.
    pub(crate) fn send(self, to: SocketAddr) -> Reply {
        let what = format!("no answer to {} {}", self.method, self.path);
        self.try_send(to).expect(&what)
    }

    /// Sends it to a server that may break off; `None` where no whole header came back.
    pub(crate) fn try_send(self, to: SocketAddr) -> Option<Reply> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        let says = |name: &str| {
            self.headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if !says("Host") {
            bytes.extend_from_slice(format!("Host: {to}\r\n").as_bytes());
        }
        if !says("Connection") {
            bytes.extend_from_slice(b"Connection: close\r\n");
        }
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        let head_only = self.method == "HEAD";
        say(to, &bytes, head_only)
    }
}

/// Sends bytes, reads until the other side closes. `None` where no whole header came back.
pub(crate) fn say(to: SocketAddr, bytes: &[u8], head_only: bool) -> Option<Reply> {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(10)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    // A server may answer and close before it has read all of a hopeless request.
    let sent = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut chunk = [0; 64 * 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&chunk[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) if sent.is_err() => break,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("reading the answer: {error}, after {} bytes", answer.len()),
        }
    }
    Reply::parse(&answer, head_only)
}

/// An answer, its transfer coding undone, its content coding not.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its proper end.
    pub(crate) whole: bool,
}

impl Reply {
    fn parse(bytes: &[u8], head_only: bool) -> Option<Reply> {
        let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        if status == 100 {
            return Reply::parse(&bytes[end + 4..], head_only);
        }
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut reply = Reply {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
            whole: true,
        };
        if head_only {
            return Some(reply);
        }
        if reply.header("transfer-encoding") == Some("chunked") {
            (reply.body, reply.whole) = dechunk(&reply.body);
        } else if let Some(length) = reply.header("content-length") {
            reply.whole = length.parse() == Ok(reply.body.len());
        }
        Some(reply)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a header that has to be there.
    pub(crate) fn says(&self, name: &str) -> &str {
        self.header(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }

    /// Itself, where the status is this one.
    #[track_caller]
    pub(crate) fn status(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text());
        assert!(self.whole, "the answer broke off");
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Reply {
        self.status(200)
    }

    /// Where it sends the visitor, without scheme and host.
    #[track_caller]
    pub(crate) fn moved(self, status: u16) -> String {
        let reply = self.status(status);
        let location = reply.says("location");
        match location.split_once("://") {
            Some((_, rest)) => rest[rest.find('/').unwrap_or(rest.len())..].to_owned(),
            None => location.to_owned(),
        }
    }

    /// Likewise, whether for good (301) or for now (302).
    #[track_caller]
    pub(crate) fn moved_somehow(self) -> String {
        let status = if self.status == 302 { 302 } else { 301 };
        self.moved(status)
    }

    /// The body with its content coding undone.
    pub(crate) fn content(&self) -> Vec<u8> {
        match self.header("content-encoding") {
            Some("gzip") => gunzip(&self.body),
            Some("zstd") => zstd::decode_all(&self.body[..]).unwrap(),
            Some(other) => panic!("nobody asked for {other}"),
            None => self.body.clone(),
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.content()).into_owned()
    }

    /// The content of a `.gz` file.
    pub(crate) fn gunzip(&self) -> Vec<u8> {
        assert_eq!(self.header("content-encoding"), None);
        gunzip(&self.body)
    }
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

/// The data of all chunks, and whether the last one came.
fn dechunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut data = Vec::new();
    while let Some(end) = memchr::memmem::find(bytes, b"\r\n") {
        let size = String::from_utf8_lossy(&bytes[..end]);
        let Ok(size) = usize::from_str_radix(size.split(';').next().unwrap_or(""), 16) else {
            return (data, false);
        };
        bytes = &bytes[end + 2..];
        if size == 0 {
            return (data, true);
        }
        if bytes.len() < size + 2 {
            data.extend_from_slice(bytes);
            return (data, false);
        }
        data.extend_from_slice(&bytes[..size]);
        bytes = &bytes[size + 2..];
    }
    (data, false)
}
