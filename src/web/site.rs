//! The site as its pages see it: the archive, and where it is to be found.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::ask::Ask;
use super::error::WebError;
use super::texts::Texts;
use crate::archive::{Archive, Inbox};
use crate::config::Listing;
use crate::id::InboxName;

/// What all requests share.
pub(super) struct Site {
    pub(super) archive: Archive,
    /// Where the site is, ending in `/`, if the command line says so. Nothing but that and the config does: a `Host` is
    /// whatever its sender likes.
    url: Option<String>,
    /// Where it listens, ending in `/`: good enough where nobody says anything, as on somebody's own machine.
    listens: Option<String>,
    /// What results of searches quote from.
    pub(super) texts: Texts,
}

/// What one page is asked for.
pub(super) struct Visit<'a> {
    pub(super) site: &'a Site,
    pub(super) ask: &'a Ask,
}

/// What a page is made of, by whose state it can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One inbox.
    Inbox(InboxName),
    /// All of them.
    Site,
}

impl Visit<'_> {
    /// The inboxes that the site lists, the one with the newest mail first.
    pub(super) fn listed(&self) -> Result<Vec<Inbox>, WebError> {
        let mut inboxes = self.site.archive.inboxes()?;
        match self.site.archive.config().listing {
            Listing::All => {}
            Listing::MatchDomain => inboxes.retain(|inbox| self.is_of_host(inbox)),
            Listing::Nothing => return Err(WebError::MISSING),
        }
        Ok(inboxes)
    }

    /// Whether one of an inbox's own addresses in the web has the host of the request.
    pub(super) fn is_of_host(&self, inbox: &Inbox) -> bool {
        let bare = |host: &str| host.split(':').next().unwrap_or("").to_ascii_lowercase();
        let Some(host) = self.ask.host().map(bare) else {
            return false;
        };
        inbox.config().urls.iter().any(|url| {
            let rest = url.split_once("//").map_or("", |(_, rest)| rest);
            bare(rest.split('/').next().unwrap_or("")) == host
        })
    }
}

impl Site {
    pub(super) fn new(archive: Archive, url: Option<String>, listens: Option<String>) -> Site {
        let url = url.filter(|url| is_web(url)).map(with_slash);
        Site {
            archive,
            url,
            listens: listens.map(with_slash),
            texts: Texts::new(),
        }
    }

    /// Where the site is, ending in `/`, if settings say so.
    pub(super) fn url(&self) -> Option<String> {
        self.url.clone().or_else(|| {
            let url = self.archive.config().url.clone();
            url.filter(|url| is_web(url)).map(with_slash)
        })
    }

    /// Where the site is, ending in `/`: by its settings, or else where it listens.
    pub(super) fn base(&self) -> Option<String> {
        self.url().or_else(|| self.listens.clone())
    }

    /// The inbox whose former name, or whose newsgroup, the first part of a path is; with the rest as it came.
    pub(super) fn renamed(&self, path: &str) -> Option<(Inbox, String)> {
        let rest = path.strip_prefix('/')?;
        let (first, inside) = rest.split_once('/').unwrap_or((rest, ""));
        let name = InboxName::parse(first)?;
        if self.archive.inbox(&name).is_some() {
            return None;
        }
        let inbox = self.archive.inbox_by_alias(&name)?;
        Some((inbox, inside.to_owned()))
    }

    /// The inbox of that name, or the answer that there is none.
    pub(super) fn inbox(&self, name: &InboxName) -> Result<Inbox, WebError> {
        self.archive.inbox(name).ok_or(WebError::MISSING)
    }

    /// What pages of this scope depend on; `None` where there is no such thing.
    pub(super) fn state(&self, scope: &Scope) -> Result<Option<u64>, WebError> {
        match scope {
            Scope::Inbox(name) => Ok(self.archive.inbox(name).map(|inbox| {
                let mut hasher = DefaultHasher::new();
                inbox.state().hash(&mut hasher);
                self.looks(&inbox).hash(&mut hasher);
                self.url().hash(&mut hasher);
                hasher.finish()
            })),
            // That page is another one for every host.
            Scope::Site if self.archive.config().listing == Listing::MatchDomain => Ok(None),
            Scope::Site => {
                let mut hasher = DefaultHasher::new();
                self.url().hash(&mut hasher);
                for inbox in self.archive.every_inbox() {
                    inbox.state().hash(&mut hasher);
                    self.looks(&inbox).hash(&mut hasher);
                }
                Ok(Some(hasher.finish()))
            }
        }
    }

    /// All that the pages of an inbox depend on besides its mail: its description, its settings, the style sheets.
    /// The same on every server that is set up alike.
    pub(super) fn looks(&self, inbox: &Inbox) -> u64 {
        let mut hasher = DefaultHasher::new();
        inbox.description().hash(&mut hasher);
        inbox.imprint().hash(&mut hasher);
        self.archive.sheets().state.hash(&mut hasher);
        inbox.sheets().state.hash(&mut hasher);
        // It says where the source is.
        self.archive.config().source_info.hash(&mut hasher);
        hasher.finish()
    }

    /// A path from the root of the site as the value of `Location`: absolute where the site knows where it is, else
    /// relative to the path that was asked for, which holds below any mount point and behind any proxy.
    pub(super) fn location(&self, asked: &str, target: &str) -> String {
        let inside = target.trim_start_matches('/');
        match self.url() {
            Some(url) => format!("{url}{inside}"),
            None => relative(asked, inside),
        }
    }

    /// Where an inbox is to be found, ending in `/`: below the site's own address, or where its own settings say, or
    /// where the server listens. `None` where nobody knows.
    pub(super) fn inbox_url(&self, inbox: &Inbox) -> Option<String> {
        let settings = inbox.config();
        let below = |url: String| format!("{url}{}/", settings.name);
        let own = || settings.urls.iter().find(|url| is_web(url)).cloned();
        self.url()
            .map(below)
            .or_else(|| own().map(with_slash))
            .or_else(|| self.listens.clone().map(below))
    }
}

/// From the path `asked` to `inside`, a path from the root without its first `/`.
fn relative(asked: &str, inside: &str) -> String {
    let below = asked
        .bytes()
        .filter(|b| *b == b'/')
        .count()
        .saturating_sub(1);
    if below == 0 {
        // A first segment with a colon would look like a scheme, an empty one like a host.
        format!("./{inside}")
    } else {
        format!("{}{inside}", "../".repeat(below))
    }
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn with_slash(mut url: String) -> String {
    if !url.ends_with('/') {
        url.push('/');
    }
    url
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn a_relative_redirect_leads_to_the_path_from_the_root() {
        for (asked, inside, reference) in [
            ("/x", "x/", "./x/"),
            ("/a:b@c", "x/a:b@c/", "./x/a:b@c/"),
            ("/x/a@b", "x/a@b/", "../x/a@b/"),
            ("/x/a@b/T", "x/a@b/T/#u", "../../x/a@b/T/#u"),
            ("//evil.example/", "x/", "../../x/"),
            ("/", "x/", "./x/"),
        ] {
            assert_eq!(relative(asked, inside), reference, "{asked}");
        }
    }
}
