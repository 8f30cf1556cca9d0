//! What a `watch` line names.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};

/// A folder that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A Maildir or MH folder.
    Folder(PathBuf),
    /// A folder of an IMAP server.
    Imap(Server),
}

/// How a connection is kept from others' eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// TLS from the beginning.
    Tls,
    /// TLS where the server offers it.
    Offered,
}

/// A folder of an IMAP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) secrecy: Secrecy,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) folder: String,
}

impl Server {
    /// What it is called in logs and in the file of what was seen: without a password.
    pub(super) fn shown(&self) -> String {
        let user = self
            .user
            .as_ref()
            .map_or(String::new(), |user| format!("{user}@"));
        let scheme = match self.secrecy {
            Secrecy::Tls => "imaps",
            Secrecy::Offered => "imap",
        };
        format!(
            "{scheme}://{user}{}:{}/{}",
            self.host, self.port, self.folder
        )
    }
}

impl Place {
    /// Reads `maildir:PATH`, `mh:PATH`, `imap://[USER@]HOST[:PORT]/FOLDER` or `imaps://…`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is nothing that is watched here.
    pub(super) fn parse(text: &str) -> Result<Place> {
        let wrong = |why: &str| Error::invalid(format!("watch {:?}", without_password(text)), why);
        if let Some(path) = text.strip_prefix("maildir:").or(text.strip_prefix("mh:")) {
            let path = Path::new(path.strip_prefix("//").unwrap_or(path));
            return match path.is_absolute() {
                true => Ok(Place::Folder(path.to_owned())),
                false => Err(wrong("its path must begin with /")),
            };
        }
        let (secrecy, port, rest) = match text.split_once("://") {
            Some(("imaps", rest)) => (Secrecy::Tls, 993, rest),
            Some(("imap", rest)) => (Secrecy::Offered, 143, rest),
            Some(("nntp" | "nntps", _)) => {
                return Err(wrong(
                    "newsgroups are not watched here: mirror the archive that they come from, or let a news \
                     reader put them into a Maildir",
                ));
            }
            _ => {
                return Err(wrong(
                    "maildir:, mh:, imap:// and imaps:// are watched here",
                ));
            }
        };
        let (authority, folder) = rest.split_once('/').unwrap_or((rest, "INBOX"));
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, "")))
        {
            // `;AUTH=PLAIN` says how, which we know.
            Some((user, password)) => (user.split(';').next(), Some(password)),
            None => (None, None),
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((host, digits)) if !digits.contains(']') => {
                (host, digits.parse().map_err(|_| wrong("that is no port"))?)
            }
            _ => (host, port),
        };
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        let folder = decode(folder.trim_end_matches('/'));
        Ok(Place::Imap(Server {
            secrecy,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            user: user.filter(|user| !user.is_empty()).map(decode),
            password: password.filter(|password| !password.is_empty()).map(decode),
            folder: if folder.is_empty() {
                "INBOX".to_owned()
            } else {
                folder
            },
        }))
    }
}

/// An address as it may be shown.
pub(super) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, without_password};

    #[test]
    fn folders_are_named_by_addresses() {
        for (text, shown) in [
            ("maildir:/a/b", Some("/a/b")),
            ("mh:/a/b", Some("/a/b")),
            ("maildir:a", None),
            ("imaps://x.example/", Some("imaps://x.example:993/INBOX")),
            (
                "imap://joe%40y:pw@x.example:1430/a.b%20c/",
                Some("imap://joe@y@x.example:1430/a.b c"),
            ),
            (
                "imaps://joe;AUTH=PLAIN@[::1]:99/INBOX",
                Some("imaps://joe@::1:99/INBOX"),
            ),
            ("imaps://[::1]/x", Some("imaps://::1:993/x")),
            ("imap:///x", None),
            ("imap://x:port/", None),
            ("nntp://x/y", None),
            ("nntps://x/y", None),
            ("/a/b", None),
        ] {
            let place = Place::parse(text).ok().map(|place| match place {
                Place::Folder(path) => path.display().to_string(),
                Place::Imap(server) => server.shown(),
            });
            assert_eq!(place.as_deref(), shown, "{text}");
        }
        let newsgroup = Place::parse("nntp://x/y").unwrap_err().to_string();
        assert!(newsgroup.contains("newsgroups"), "{newsgroup}");
        assert_eq!(without_password("imap://a:secret@b/c"), "imap://a@b/c");
    }
}
