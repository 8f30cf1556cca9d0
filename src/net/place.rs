//! Where to listen, as it is written in settings: `HOST:PORT`, `unix:/PATH`, `fd:NAME`, each also behind TLS.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// Where to listen, and whether in the open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The socket.
    pub at: At,
    /// Whether connections begin with TLS.
    pub tls: bool,
}

/// A socket's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// `HOST:PORT`, the host a name, an IPv4 address, or an IPv6 address in brackets.
    Tcp(String),
    /// The path of a unix socket.
    Unix(PathBuf),
    /// The name of a socket that whoever started us has opened (`sd_listen_fds(3)`).
    Inherited(String),
}

impl Place {
    /// Reads `HOST:PORT`, `:PORT` (every address of this machine), `unix:/PATH` or `/PATH`, `fd:NAME`; behind `tls:`,
    /// or `https://` and the like, the same with TLS.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is none of these.
    pub fn parse(text: &str) -> Result<Place> {
        let invalid = |why: &str| Err(Error::invalid(format!("listening on {text}"), why));
        let (tls, rest) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let rest = rest.strip_suffix('/').unwrap_or(rest);
                match scheme.to_ascii_lowercase().as_str() {
                    "http" | "nntp" | "imap" | "pop3" | "lmtp" => (false, rest),
                    "https" | "nntps" | "imaps" | "pop3s" => (true, rest),
                    _ => return invalid("there is no such protocol here"),
                }
            }
            None => match text.strip_prefix("tls:") {
                Some(rest) => (true, rest),
                None => (false, text),
            },
        };
        if let Some(name) = rest.strip_prefix("fd:") {
            if name.is_empty() {
                return invalid("after fd: comes the name of a socket");
            }
            let at = At::Inherited(name.to_owned());
            return Ok(Place { at, tls });
        }
        let path = rest.strip_prefix("unix:");
        if let Some(path) = path.or_else(|| rest.starts_with('/').then_some(rest)) {
            if !path.starts_with('/') {
                return invalid("after unix: comes an absolute path");
            }
            let at = At::Unix(PathBuf::from(path));
            return Ok(Place { at, tls });
        }
        let Some((host, port)) = rest.rsplit_once(':') else {
            return invalid("an address is HOST:PORT, unix:/PATH or fd:NAME");
        };
        if port.parse::<u16>().is_err() {
            return invalid("a port is a number up to 65535");
        }
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            return invalid("an IPv6 address stands in brackets: [::1]:8080");
        }
        let host = if host.is_empty() { "[::]" } else { host };
        Ok(Place {
            at: At::Tcp(format!("{host}:{port}")),
            tls,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls { "tls:" } else { "" };
        write!(f, "{tls}{}", self.at)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Tcp(address) => f.write_str(address),
            At::Unix(path) => write!(f, "unix:{}", path.display()),
            At::Inherited(name) => write!(f, "fd:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn places_are_read_and_written() {
        for (given, written) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("localhost:0", "localhost:0"),
            (":80", "[::]:80"),
            ("[::1]:8080", "[::1]:8080"),
            ("http://127.0.0.1:80/", "127.0.0.1:80"),
            ("https://0.0.0.0:443", "tls:0.0.0.0:443"),
            ("HTTPS://:443/", "tls:[::]:443"),
            ("tls:[::]:443", "tls:[::]:443"),
            ("nntps://[::]:563", "tls:[::]:563"),
            ("http://unix:/run/x.sock", "unix:/run/x.sock"),
            ("unix:/run/x.sock", "unix:/run/x.sock"),
            ("/run/x.sock", "unix:/run/x.sock"),
            ("tls:unix:/run/x.sock", "tls:unix:/run/x.sock"),
            ("fd:http", "fd:http"),
            ("tls:fd:https", "tls:fd:https"),
        ] {
            let place = Place::parse(given).unwrap();
            assert_eq!(place.to_string(), written, "{given}");
            assert_eq!(Place::parse(written).unwrap(), place, "{given}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for given in [
            "",
            "8080",
            "localhost",
            "localhost:http",
            "::1:8080",
            "127.0.0.1:65536",
            "unix:x.sock",
            "fd:",
            "ftp://127.0.0.1:21",
        ] {
            assert!(Place::parse(given).is_err(), "{given}");
        }
    }
}
