//! What sites say of all their inboxes: whoever follows many inboxes of one site asks it once a round, not once for each.
//!
//! It only ever tells that an inbox has no news. Where a site says something else, or nothing, the inbox itself is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::address::Address;
use super::http::{Got, Http};
use super::manifest::{MAX_PACKED, Manifest, Offer};
use crate::time::{self, Timestamp};

/// The sites of which several inboxes are followed.
#[derive(Debug, Default)]
pub struct Sites(HashMap<String, Mutex<Known>>);

/// What is known of a site.
#[derive(Debug, Default)]
struct Known {
    /// When it was asked last.
    asked: Option<(Instant, Timestamp)>,
    /// The `ETag` of its manifest.
    tag: Option<String>,
    /// Its manifest; `None` where it has none, or none that anybody should follow.
    manifest: Option<Arc<Manifest>>,
}

/// What a site says of one of its inboxes.
pub(super) struct Said {
    pub(super) manifest: Arc<Manifest>,
    pub(super) offer: Offer,
    /// When it was asked.
    pub(super) asked: Timestamp,
}

impl Sites {
    /// The sites of which these inboxes are, as far as they have more than one of them.
    pub fn of<'a>(inboxes: impl Iterator<Item = &'a Address>) -> Sites {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for site in inboxes.filter_map(above) {
            *counts.entry(site).or_default() += 1;
        }
        counts.retain(|_, count| *count > 1);
        let none_known = |site| (site, Mutex::default());
        Sites(counts.into_keys().map(none_known).collect())
    }

    /// The same sites, with what is known of those that were followed `before`.
    #[must_use]
    pub fn after(mut self, before: &Sites) -> Sites {
        for (site, known) in &mut self.0 {
            if let Some(before) = before.0.get(site) {
                let before = before.lock().unwrap_or_else(PoisonError::into_inner);
                *known = Mutex::new(Known {
                    asked: before.asked,
                    tag: before.tag.clone(),
                    manifest: before.manifest.clone(),
                });
            }
        }
        self
    }

    /// What the site of an inbox says of it, no longer ago than `age`. `None`: it has to be asked itself.
    pub(super) fn say(&self, http: &Http, inbox: &Address, age: Duration) -> Option<Said> {
        let site = above(inbox)?;
        // Two that are of one site wait for one answer.
        let mut known = (self.0.get(&site)?.lock()).unwrap_or_else(PoisonError::into_inner);
        let fresh = |(when, _): (Instant, Timestamp)| when.elapsed() <= age;
        if !known.asked.is_some_and(fresh) {
            // By the earlier clock: what changes while it answers is not said to be here.
            known.asked = Some((Instant::now(), time::now()));
            known.ask(http, &format!("{site}manifest.js.gz"));
        }
        let manifest = Arc::clone(known.manifest.as_ref()?);
        let (_, asked) = known.asked?;
        let offer = offer_of(&manifest, inbox)?;
        Some(Said {
            manifest,
            offer,
            asked,
        })
    }
}

impl Known {
    fn ask(&mut self, http: &Http, url: &str) {
        let tag = self.tag.as_deref().filter(|_| self.manifest.is_some());
        match http.get(url, tag, MAX_PACKED) {
            Ok(Got::Unchanged) => {}
            Ok(Got::Found(body)) => {
                let manifest = Manifest::read(url, &body.bytes);
                let manifest = manifest.inspect_err(|e| tracing::warn!("{e}"));
                self.tag.clone_from(&body.tag);
                self.manifest = manifest.ok().map(Arc::new);
            }
            Ok(Got::Missing) => self.manifest = None,
            Err(error) => {
                tracing::debug!("{error}");
                self.manifest = None;
            }
        }
    }
}

/// The site that an inbox is of, ending in `/`; `None` for one that is a site itself.
fn above(inbox: &Address) -> Option<String> {
    let path = inbox.path().trim_end_matches('/');
    let end = path.rfind('/')?;
    Some(inbox.at(&path[..=end]))
}

/// What a site offers of an inbox. One that is mounted below a path may name its inboxes with it or without.
fn offer_of(manifest: &Manifest, inbox: &Address) -> Option<Offer> {
    let path = inbox.path().trim_end_matches('/');
    let name = &path[path.rfind('/')?..];
    let whole = manifest.offer_at(inbox.path());
    whole.or_else(|| manifest.offer_at(&format!("{name}/")))
}

#[cfg(test)]
mod tests {
    use super::{Address, Manifest, Sites, above, offer_of};

    fn address(url: &str) -> Address {
        Address::parse(url).unwrap()
    }

    #[test]
    fn a_site_is_what_is_above_its_inboxes() {
        for (inbox, site) in [
            ("https://a.example/x/", Some("https://a.example/")),
            (
                "https://a.example/lists/x/",
                Some("https://a.example/lists/"),
            ),
            ("https://a.example:8/x", Some("https://a.example:8/")),
            ("https://a.example/", None),
        ] {
            assert_eq!(above(&address(inbox)).as_deref(), site, "{inbox}");
        }
    }

    #[test]
    fn only_sites_with_several_inboxes_are_asked() {
        let inboxes = [
            "https://a.example/x/",
            "https://b.example/x/",
            "https://a.example/y/",
        ];
        let inboxes = inboxes.map(address);
        let sites = Sites::of(inboxes.iter());
        let known: Vec<&str> = sites.0.keys().map(String::as_str).collect();
        assert_eq!(known, ["https://a.example/"]);
    }

    #[test]
    fn an_inbox_is_found_with_the_path_of_its_site_or_without() {
        let manifest = |path: &str| {
            let json = format!("{{\"{path}\": {{\"modified\": 1}}}}");
            Manifest::read("x", json.as_bytes()).unwrap()
        };
        let inbox = address("https://a.example/lists/x/");
        for (path, listed) in [
            ("/lists/x/git/0.git", true),
            ("/x/git/0.git", true),
            ("/y/git/0.git", false),
            ("/other/x/git/0.git", false),
        ] {
            assert_eq!(
                offer_of(&manifest(path), &inbox).is_some(),
                listed,
                "{path}"
            );
        }
    }
}
