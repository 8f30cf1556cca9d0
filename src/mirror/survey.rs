//! What there is to be mirrored at an address: one inbox, or a site of many.

use std::collections::BTreeSet;
use std::sync::Arc;

use glob::Pattern;

use super::address::Address;
use super::http::{Got, Http};
use super::manifest::{MAX_PACKED, Manifest, Offer};
use super::probe;
use crate::error::{Error, Result};
use crate::id::{EpochNum, InboxName};

/// What is at an address.
#[derive(Clone, Debug)]
pub enum Found {
    /// An inbox.
    Inbox(Box<Offered>),
    /// A site, with the inboxes that its manifest lists.
    Site {
        /// Those that can be mirrored, by name.
        inboxes: Vec<Offered>,
        /// How many repositories it lists that cannot be inboxes here.
        others: usize,
    },
}

/// An inbox that can be mirrored.
#[derive(Clone, Debug)]
pub struct Offered {
    /// What it is called.
    pub name: InboxName,
    /// Where it is.
    pub url: Address,
    /// What its manifest says. `None`: there is no manifest.
    pub manifest: Option<(Arc<Manifest>, Offer)>,
    /// The epochs that are there where there is no manifest; none: it is of version 1 if it is there at all.
    pub unlisted: BTreeSet<EpochNum>,
}

/// Asks what there is at `url`.
///
/// # Errors
/// [`Error::Upstream`] and [`Error::Invalid`]: nobody answers, or gives a manifest that nobody should follow.
pub fn survey(http: &Http, url: &Address) -> Result<Found> {
    let asked = url.join("manifest.js.gz");
    let body = match http.get(&asked, None, MAX_PACKED)? {
        Got::Found(body) => body,
        Got::Missing | Got::Unchanged => {
            let offered = unlisted(http, url)?;
            if offered.unlisted.is_empty()
                && let Some((inbox, epoch)) = url.inbox_of_epoch()
                && epochs_at(http, &inbox)?.contains(&epoch)
            {
                let why = format!(
                    "it is an epoch of {inbox}: clone that, with --epoch {epoch} if you want no more"
                );
                return Err(Error::invalid(url.to_string(), why));
            }
            return Ok(Found::Inbox(Box::new(offered)));
        }
    };
    // An inbox may have been renamed, a site have moved to https.
    let url = match body.url == asked {
        true => url.clone(),
        false => Address::parse(&body.url)?,
    };
    let manifest = Arc::new(Manifest::read(&asked, &body.bytes)?);
    if let Some(offer) = manifest.offer_at(url.path()) {
        let name = offer.name().ok_or_else(|| unnamed(&url))?;
        let manifest = Some((manifest, offer));
        let offered = Offered {
            name,
            url,
            manifest,
            unlisted: BTreeSet::new(),
        };
        return Ok(Found::Inbox(Box::new(offered)));
    }
    site(&url, &manifest)
}

/// The epochs of the inbox at `url`, if there is one.
fn epochs_at(http: &Http, url: &Address) -> Result<BTreeSet<EpochNum>> {
    let asked = url.join("manifest.js.gz");
    match http.get(&asked, None, MAX_PACKED)? {
        Got::Found(body) => {
            let offer = Manifest::read(&asked, &body.bytes)?.offer_at(url.path());
            Ok(offer.map(|offer| offer.epochs()).unwrap_or_default())
        }
        Got::Missing | Got::Unchanged => probe::epochs(http, url),
    }
}

/// The inboxes of a site. Those of a site that is mounted below a path are called with that path by some manifests,
/// and without it by others.
fn site(url: &Address, manifest: &Arc<Manifest>) -> Result<Found> {
    let offers = manifest.offers();
    let mount = url.path();
    let with_mount = mount != "/" && offers.iter().all(|offer| offer.path.starts_with(mount));
    let (mut inboxes, mut others) = (Vec::new(), 0);
    for offer in offers {
        let below = match with_mount {
            true => &offer.path[mount.len()..],
            false => &offer.path[1..],
        };
        // Deeper ones are not inboxes of this site; nor can they have one name of their own here.
        let (Some(name), Ok(at)) = (InboxName::parse(below), Address::parse(&url.join(below)))
        else {
            others += 1;
            continue;
        };
        inboxes.push(Offered {
            name,
            url: at,
            manifest: Some((Arc::clone(manifest), offer)),
            unlisted: BTreeSet::new(),
        });
    }
    Ok(Found::Site { inboxes, others })
}

fn unlisted(http: &Http, url: &Address) -> Result<Offered> {
    let last = url.path().trim_end_matches('/').rsplit('/').next();
    let name = last.and_then(InboxName::parse);
    Ok(Offered {
        name: name.ok_or_else(|| unnamed(url))?,
        url: url.clone(),
        manifest: None,
        unlisted: probe::epochs(http, url)?,
    })
}

fn unnamed(url: &Address) -> Error {
    let why = "there is no manifest, and it does not end in the name of an inbox";
    Error::invalid(url.to_string(), why)
}

/// Which inboxes of a site are wanted: patterns of the shell over their names.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Wanted {
    /// Takes both lists of patterns; none to include means all.
    ///
    /// # Errors
    /// [`Error::Invalid`] where one is no pattern.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Wanted> {
        let patterns = |texts: &[String]| {
            let parse = |text: &String| {
                Pattern::new(text).map_err(|e| Error::invalid(format!("{text:?}"), e.msg))
            };
            texts.iter().map(parse).collect::<Result<Vec<Pattern>>>()
        };
        Ok(Wanted {
            include: patterns(include)?,
            exclude: patterns(exclude)?,
        })
    }

    /// Whether an inbox of this name is wanted.
    pub fn has(&self, name: &InboxName) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|p| p.matches(name.as_str()));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{Address, Found, InboxName, Manifest, Wanted, site};

    fn manifest(paths: &[&str]) -> Arc<Manifest> {
        let entries = paths
            .iter()
            .map(|path| ((*path).to_owned(), json!({"modified": 1})));
        let json = Value::Object(entries.collect()).to_string();
        Arc::new(Manifest::read("x", json.as_bytes()).unwrap())
    }

    #[test]
    fn the_inboxes_of_a_site_are_where_it_is() {
        for (url, paths, expected) in [
            (
                "https://a.example/",
                &["/x/git/0.git", "/y", "/deep/z/git/0.git", "/.hidden"][..],
                &["https://a.example/x/", "https://a.example/y/"][..],
            ),
            (
                "https://a.example/lists/",
                &["/x/git/0.git"],
                &["https://a.example/lists/x/"],
            ),
            (
                "https://a.example/lists/",
                &["/lists/x/git/0.git", "/lists/y"],
                &["https://a.example/lists/x/", "https://a.example/lists/y/"],
            ),
        ] {
            let found = site(&Address::parse(url).unwrap(), &manifest(paths)).unwrap();
            let Found::Site { inboxes, others } = found else {
                panic!("{found:?}")
            };
            let urls: Vec<&str> = inboxes.iter().map(|inbox| inbox.url.as_str()).collect();
            assert_eq!(urls, expected);
            assert_eq!(others, paths.len() - expected.len());
        }
    }

    #[test]
    fn patterns_choose() {
        let wanted = |include: &[&str], exclude: &[&str], name: &str| {
            let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
            let wanted = Wanted::new(&owned(include), &owned(exclude)).unwrap();
            wanted.has(&InboxName::parse(name).unwrap())
        };
        assert!(wanted(&[], &[], "linux-mtd"));
        assert!(wanted(&["linux-*"], &[], "linux-mtd"));
        assert!(!wanted(&["linux-*"], &[], "netdev"));
        assert!(!wanted(&["linux-*"], &["*-mtd"], "linux-mtd"));
        assert!(wanted(&["a", "net?ev"], &[], "netdev"));
        assert!(Wanted::new(&["[".to_owned()], &[]).is_err());
    }
}
