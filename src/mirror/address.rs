//! Where an inbox or a site is on the web: `https://lists.example.org/loom/`.

use std::fmt;

use ureq::http::Uri;

use crate::error::{Error, Result};
use crate::id::EpochNum;

/// The address of a directory: `http` or `https`, a host, a path that ends in `/`, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    /// Where in the text the path begins.
    path: usize,
}

impl Address {
    /// Takes what somebody typed.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is no such address.
    pub fn parse(text: &str) -> Result<Address> {
        let refused = |why| Err(Error::invalid(super::manifest::shown(text), why));
        let text = text.trim();
        // Some files of a directory are often copied instead of it.
        let directory = text.strip_suffix("/manifest.js.gz").unwrap_or(text);
        let Ok(uri) = directory.parse::<Uri>() else {
            return refused("it is no address of the web");
        };
        let scheme = uri.scheme_str().unwrap_or_default();
        let Some(authority) = uri.authority().filter(|a| !a.host().is_empty()) else {
            return refused("an address begins with https:// and a host");
        };
        if !matches!(scheme, "http" | "https") {
            return refused("mirrors are made over https:// or http://");
        }
        if authority.as_str().contains('@') {
            return refused("it has a password in it, which would be written into many files");
        }
        if uri.query().is_some() || directory.contains('#') {
            return refused("it has a query or a fragment");
        }
        let base = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
        let parts = uri.path().split('/').filter(|part| !part.is_empty());
        let mut path = String::from("/");
        for part in parts {
            if matches!(part, "." | "..") {
                return refused("its path has dots in it");
            }
            path.push_str(part);
            path.push('/');
        }
        Ok(Address {
            path: base.len(),
            text: base + &path,
        })
    }

    /// The whole, ending in `/`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its path, with a slash at both ends.
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// Scheme, host and port: the site that answers.
    pub fn origin(&self) -> &str {
        &self.text[..self.path]
    }

    /// The host, without a port.
    pub fn host(&self) -> &str {
        let (_, authority) = self.origin().split_once("//").unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// The inbox whose epoch this is, if it looks like the address of one: `…/loom/0`, `…/loom/git/0.git`.
    pub fn inbox_of_epoch(&self) -> Option<(Address, EpochNum)> {
        let (rest, last) = self.path().trim_end_matches('/').rsplit_once('/')?;
        let number = last.strip_suffix(".git").unwrap_or(last).parse().ok()?;
        let inbox = rest.strip_suffix("/git").unwrap_or(rest);
        let is_named = !inbox.is_empty();
        let inbox = Address {
            text: format!("{}{inbox}/", self.origin()),
            path: self.path,
        };
        is_named.then_some((inbox, EpochNum(number)))
    }

    /// A file or directory below it.
    pub fn join(&self, below: &str) -> String {
        format!("{}{}", self.text, below.trim_start_matches('/'))
    }

    /// A path of the same site.
    pub fn at(&self, path: &str) -> String {
        format!("{}/{}", self.origin(), path.trim_start_matches('/'))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_is_a_directory_of_the_web() {
        for (given, text, path, host) in [
            (
                "https://lists.example.org",
                "https://lists.example.org/",
                "/",
                "lists.example.org",
            ),
            (
                "http://a.example:81/x/loom",
                "http://a.example:81/x/loom/",
                "/x/loom/",
                "a.example",
            ),
            (
                "https://A.example//x//",
                "https://a.example/x/",
                "/x/",
                "a.example",
            ),
            (
                "https://a.example/x/manifest.js.gz",
                "https://a.example/x/",
                "/x/",
                "a.example",
            ),
            ("http://[::1]:80/x/", "http://[::1]:80/x/", "/x/", "[::1]"),
        ] {
            let address = Address::parse(given).unwrap();
            let said = (address.as_str(), address.path(), address.host());
            assert_eq!(said, (text, path, host), "{given}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for given in [
            "",
            "loom",
            "/srv/loom",
            "file:///srv/loom",
            "ext::sh -c evil",
            "--upload-pack=evil",
            "ssh://a.example/x",
            "https://user:secret@a.example/",
            "https://a.example/?q=x",
            "https://a.example/#x",
            "https://a.example/x/../../y",
            "https:///x",
            "https://a.example/a b",
            "https://a.example/\u{7f}",
        ] {
            let said = Address::parse(given).map(|a| a.to_string());
            assert!(said.is_err(), "{given}: {said:?}");
        }
    }

    #[test]
    fn what_lies_below_keeps_the_path() {
        let address = Address::parse("https://a.example/x/loom/").unwrap();
        assert_eq!(
            address.join("git/0.git"),
            "https://a.example/x/loom/git/0.git"
        );
        assert_eq!(address.at("/y/z"), "https://a.example/y/z");
    }

    #[test]
    fn an_epoch_is_told_from_an_inbox_by_its_number() {
        for (given, inbox) in [
            (
                "https://a.example/loom/0",
                Some(("https://a.example/loom/", 0)),
            ),
            (
                "https://a.example/x/loom/git/12.git",
                Some(("https://a.example/x/loom/", 12)),
            ),
            (
                "https://a.example/loom/1.git/",
                Some(("https://a.example/loom/", 1)),
            ),
            ("https://a.example/0", None),
            ("https://a.example/git/0.git", None),
            ("https://a.example/loom", None),
            ("https://a.example/loom/99999999999", None),
            ("https://a.example/", None),
        ] {
            let found = Address::parse(given).unwrap().inbox_of_epoch();
            let found = found.as_ref().map(|(url, epoch)| (url.as_str(), epoch.0));
            assert_eq!(found, inbox, "{given}");
        }
    }
}
