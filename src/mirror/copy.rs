//! One inbox that is copied: laid in a directory the first time, brought up to date ever after.
//!
//! Both are the same work. To lay a mirror is to make its empty epochs, each knowing where it is from; to fetch is to
//! compare what upstream's manifest says of each epoch with what it is here, and to let git get those that differ. So
//! a clone that was interrupted goes on with the next fetch, of whoever's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::Address;
use super::fetched::Fetched;
use super::git::{Bounds, Git, Progress, Stop};
use super::http::{Body, Got, Http};
use super::manifest::{Entry, MAX_PACKED, Manifest, Offer, Repositories};
use super::place::{check_place, lock, save_manifest, saved_manifest, upstream_of};
use super::probe;
use super::range::EpochRange;
use super::sites::Sites;
use super::survey::Offered;
use crate::db::{companion_highest, mend_companion};
use crate::error::{Error, Result};
use crate::id::{EpochNum, InboxName, Oid};
use crate::store::{self, Companion, Epoch, Layout, Upstream, Version, companion_follows};
use crate::time::{self, Timestamp};

/// How long a description or a config may be, in bytes.
const MAX_TEXT: u64 = 256 << 10;

/// Someone who copies inboxes.
#[derive(Clone, Copy)]
pub struct Mirror<'a> {
    /// Asks for small files.
    pub http: &'a Http,
    /// What sites say of their inboxes, and how old that may be.
    pub sites: (&'a Sites, Duration),
    /// Sees how far it is.
    pub progress: &'a dyn Progress,
    /// How long git may take for a repository, and how much may come.
    pub bounds: Bounds,
    /// Ends it early.
    pub stop: &'a Stop,
}

/// A repository of a mirror, and where it is from.
struct Repository {
    /// Of version 1 there is one, under the number 0.
    number: EpochNum,
    path: PathBuf,
    url: String,
}

/// What upstream offers now.
enum News {
    /// The same as at the last fetch.
    None,
    /// Its manifest, and what that says of the inbox.
    Told(Box<Body>, Manifest, Offer),
    /// It has no manifest.
    Untold,
}

impl Mirror<'_> {
    /// Lays a mirror of what is offered in `dir`, which is not there, or empty, or has begun to be one of the same
    /// inbox. No mail comes yet: [`Mirror::fetch`] gets it.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the directory is used for something else, or `epochs` are not offered;
    /// [`Error::Upstream`]; [`Error::Io`] and [`Error::Store`] where it cannot be written.
    pub fn lay(&self, from: &Offered, dir: &Path, epochs: Option<&EpochRange>) -> Result<()> {
        let refused = |why: String| Error::invalid(from.url.to_string(), why);
        let offered = match &from.manifest {
            Some((_, offer)) => offer.epochs(),
            None => from.unlisted.clone(),
        };
        let wanted = match epochs {
            Some(_) if offered.is_empty() => {
                return Err(refused("an inbox of version 1 has no epochs".to_owned()));
            }
            Some(range) => range.of(&offered).map_err(|e| refused(e.to_string()))?,
            None => offered.clone(),
        };
        check_place(dir, &from.url)?;
        if from.manifest.is_none() && offered.is_empty() {
            let git = self.git(&from.name);
            git.is_repository(from.url.as_str(), self.bounds.fetch)?;
        }
        fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        let Some(_lock) = lock(dir)? else {
            let why = "somebody else is fetching it";
            return Err(Error::invalid(dir.display().to_string(), why));
        };
        if offered.is_empty() {
            let url = from.url.as_str().trim_end_matches('/');
            store::init_mirror_version_1(dir, url)?;
        } else {
            store::init_mirror(dir)?;
        }
        if upstream_of(dir).is_none() {
            let upstream = Upstream {
                url: from.url.to_string(),
                ..Upstream::default()
            };
            upstream.write(dir)?;
        }
        for number in &offered {
            let url = from.url.join(&format!("git/{number}.git"));
            store::init_mirror_epoch(dir, *number, &url)?;
            store::want_mirror_epoch(dir, *number, wanted.contains(number))?;
        }
        self.describe(&from.url, dir)
    }

    /// Gets the words about an inbox: how it is configured, and what it is about. What is here stays.
    fn describe(&self, url: &Address, dir: &Path) -> Result<()> {
        for (below, name) in [
            ("_/text/config/raw", "inbox.config.example"),
            ("description", "description"),
        ] {
            let path = dir.join(name);
            let written = fs::read_to_string(&path).unwrap_or_default();
            // git writes a description of its own into each repository.
            if !written.is_empty() && !written.starts_with("Unnamed repository") {
                continue;
            }
            // Mail is more important than words about it.
            let text = match self.http.get(&url.join(below), None, MAX_TEXT) {
                Ok(Got::Found(body)) => body.bytes,
                Ok(_) => Vec::new(),
                Err(error) => {
                    tracing::warn!("{error}");
                    Vec::new()
                }
            };
            let text = match (name, says_something(&text)) {
                ("description", true) => one_line(&text),
                ("description", false) => format!("mirror of {url}\n").into_bytes(),
                (_, true) => text,
                (_, false) => continue,
            };
            fs::write(&path, text).map_err(|e| Error::io(&path, e))?;
        }
        Ok(())
    }

    /// Brings the mirror in `dir` up to date. Epochs that cannot be fetched do not keep the others from it. `None`
    /// where somebody else does so now.
    ///
    /// # Errors
    /// [`Error::Invalid`] where no mirror is there; [`Error::Upstream`]; [`Error::Io`] and [`Error::Store`] where it
    /// cannot be read or written.
    pub fn fetch(&self, name: &InboxName, dir: &Path) -> Result<Option<Fetched>> {
        let began = time::now();
        let Some(_lock) = lock(dir)? else {
            return Ok(None);
        };
        let layout = Layout::find(dir)?;
        let not_one = || {
            let why = "it is no mirror of an archive on the web";
            Error::invalid(dir.display().to_string(), why)
        };
        let mut upstream = layout.upstream().ok_or_else(not_one)?;
        let url = Address::parse(&upstream.url)?;
        let saved = saved_manifest(dir);
        let repositories = repositories(&layout);
        let known = upstream.tag.as_deref();
        let known = known.filter(|_| is_complete(&repositories, saved.as_ref(), &url));
        if let Some(asked) =
            self.site_has_no_news(&layout, &repositories, saved.as_ref(), &upstream)
        {
            upstream.updated = Some(asked);
            upstream.write(dir)?;
            return Ok(Some(Fetched::default()));
        }
        let mut fetched = Fetched::default();
        match self.ask(&url, known)? {
            News::None => {}
            News::Untold => {
                let repositories = self.with_unlisted(&layout, repositories, &url)?;
                let all = repositories.iter().map(|repository| (repository, None));
                self.get_each(name, all, &mut fetched)?;
            }
            News::Told(body, manifest, offer) => {
                let repositories = match &offer.repositories {
                    Repositories::Epochs(_) if layout.version == Version::V2 => {
                        self.with_new(&layout, repositories, &offer, &url)?
                    }
                    Repositories::One(_) if layout.version == Version::V1 => repositories,
                    _ => {
                        let why = "it has changed its version, which no mirror can follow";
                        return Err(Error::invalid(url.to_string(), why));
                    }
                };
                let told = repositories.iter().filter_map(|repository| {
                    let path = offer.path_of(of_version_2(&layout, repository.number));
                    Some((repository, manifest.entry(&path)?, path))
                });
                let stale = told.filter(|(repository, entry, path)| {
                    let before = saved.as_ref().and_then(|saved| saved.entry(path));
                    !is_up_to_date(repository, entry, before)
                });
                let stale = stale.map(|(repository, entry, _)| (repository, Some(entry)));
                self.get_each(name, stale, &mut fetched)?;
                let kept: BTreeSet<EpochNum> = repositories.iter().map(|r| r.number).collect();
                let packed = manifest.pack(&offer, |number| kept.contains(&number));
                save_manifest(dir, &packed, body.modified)?;
                upstream.tag.clone_from(&body.tag);
                upstream.offered = offer.epochs().into_iter().collect();
                upstream.is_partial = body.is_partial;
            }
        }
        upstream.updated = Some(began);
        upstream.write(dir)?;
        Ok(Some(fetched))
    }

    /// When the site of the inbox said that it has nothing but what is here, if it did.
    fn site_has_no_news(
        &self,
        layout: &Layout,
        repositories: &[Repository],
        saved: Option<&Manifest>,
        upstream: &Upstream,
    ) -> Option<Timestamp> {
        let url = Address::parse(&upstream.url).ok()?;
        if !is_complete(repositories, saved, &url) {
            return None;
        }
        let (sites, age) = self.sites;
        let said = sites.say(self.http, &url, age)?;
        let same_epochs = upstream.offered.iter().eq(said.offer.epochs().iter());
        let is_here = |repository: &Repository| {
            let path = (said.offer).path_of(of_version_2(layout, repository.number));
            let before = saved.and_then(|saved| saved.entry(&path));
            let entry = said.manifest.entry(&path);
            entry.is_some_and(|entry| is_up_to_date(repository, entry, before))
        };
        (same_epochs && repositories.iter().all(is_here)).then_some(said.asked)
    }

    /// Asks upstream for its manifest. `known` is the tag of the one that was followed last.
    fn ask(&self, url: &Address, known: Option<&str>) -> Result<News> {
        let asked = url.join("manifest.js.gz");
        let body = match self.http.get(&asked, known, MAX_PACKED)? {
            Got::Unchanged => return Ok(News::None),
            Got::Missing => return Ok(News::Untold),
            Got::Found(body) => body,
        };
        let manifest = Manifest::read(&asked, &body.bytes)?;
        let offer = manifest.offer_at(url.path()).ok_or_else(|| {
            Error::Upstream(format!("{asked}: it does not list the inbox any more"))
        })?;
        Ok(News::Told(body, manifest, offer))
    }

    /// The repositories, and those of epochs that began since the last fetch. What is older than the newest one here
    /// and is not here was left out on purpose.
    fn with_new(
        &self,
        layout: &Layout,
        mut repositories: Vec<Repository>,
        offer: &Offer,
        url: &Address,
    ) -> Result<Vec<Repository>> {
        let newest = layout.epochs.last().map(|(number, _)| *number);
        for number in offer.epochs() {
            if Some(number) <= newest {
                continue;
            }
            repositories.push(self.new_epoch(layout, number, url)?);
        }
        Ok(repositories)
    }

    /// The same where no manifest tells which epochs there are.
    fn with_unlisted(
        &self,
        layout: &Layout,
        mut repositories: Vec<Repository>,
        url: &Address,
    ) -> Result<Vec<Repository>> {
        let Some((newest, _)) = layout
            .epochs
            .last()
            .filter(|_| layout.version == Version::V2)
        else {
            return Ok(repositories);
        };
        for number in probe::from(self.http, url, EpochNum(newest.0 + 1))? {
            let new = self.new_epoch(layout, number, url)?;
            repositories.push(new);
        }
        Ok(repositories)
    }

    fn new_epoch(&self, layout: &Layout, number: EpochNum, url: &Address) -> Result<Repository> {
        let url = url.join(&format!("git/{number}.git"));
        store::init_mirror_epoch(&layout.dir, number, &url)?;
        let path = layout.dir.join(format!("git/{number}.git"));
        Ok(Repository { number, path, url })
    }

    /// Lets git get these. What cannot be got is told at the end.
    fn get_each<'r>(
        &self,
        name: &InboxName,
        stale: impl Iterator<Item = (&'r Repository, Option<&'r Entry>)>,
        fetched: &mut Fetched,
    ) -> Result<()> {
        let stale: Vec<_> = stale.collect();
        let mut failures = Vec::new();
        for (nth, (repository, entry)) in stale.iter().enumerate() {
            if self.stop.is_set() {
                failures.push(Error::Upstream("it was stopped".to_owned()));
                break;
            }
            let number = repository.number;
            let what = format!("epoch {number}, {} of {}", nth + 1, stale.len());
            self.progress.begin(name, &what);
            let got = self.get(name, repository, *entry, fetched);
            self.progress.end(name);
            if let Err(error) = got {
                failures.push(error);
            }
        }
        let count = failures.len();
        match failures.into_iter().next() {
            None => Ok(()),
            Some(error) if count == 1 => Err(error),
            Some(error) => Err(Error::Upstream(format!(
                "{count} epochs could not be fetched; the first: {error}"
            ))),
        }
    }

    fn get(
        &self,
        name: &InboxName,
        repository: &Repository,
        entry: Option<&Entry>,
        fetched: &mut Fetched,
    ) -> Result<()> {
        let Repository { number, path, url } = repository;
        let epoch = Epoch::open(path)?;
        let (refs, tip) = (epoch.refs()?, epoch.tip()?);
        let patience = match tip {
            Some(_) => self.bounds.fetch,
            None => self.bounds.clone,
        };
        let git = self.git(name);
        git.fetch(path, url, (patience, self.bounds.bytes))?;
        // Opened anew: refs and packs are others now.
        let epoch = Epoch::open(path)?;
        epoch.settle_head(entry.and_then(|entry| entry.head.as_deref()))?;
        if epoch.refs()? == refs {
            return Ok(());
        }
        fetched.changed.insert(*number);
        match (tip, epoch.tip()?) {
            (None, _) => {
                fetched.new.insert(*number);
            }
            (Some(old), Some(new)) if !is_behind(&epoch, old, new) => {
                fetched.rewritten.insert(*number);
                self.lead_companion_along(name, path);
                git.forget(path, self.bounds.fetch)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// public-inbox's own index of a mirror, if there is one, has to see the old history together with the new one.
    fn lead_companion_along(&self, name: &InboxName, epoch: &Path) {
        let dir = epoch.parent().and_then(Path::parent);
        let Some(dir) = dir else { return };
        let highest = companion_highest(dir);
        match companion_follows(dir) {
            Companion::None => {}
            Companion::Followed => {
                let mended = highest.and_then(|highest| mend_companion(dir, highest));
                if let Err(error) = mended {
                    tracing::warn!(inbox = %name, "public-inbox's own index has lost numbers: {error}");
                }
            }
            Companion::Behind(why) => {
                tracing::warn!(inbox = %name, "public-inbox's own index may show what was purged: {why}");
            }
        }
    }

    fn git<'g>(&'g self, inbox: &'g InboxName) -> Git<'g> {
        Git {
            inbox,
            progress: self.progress,
            stop: self.stop,
        }
    }
}

fn is_behind(epoch: &Epoch, old: Oid, new: Oid) -> bool {
    old == new || epoch.is_ancestor(old, new)
}

/// The repositories of a mirror that are to be kept up to date.
fn repositories(layout: &Layout) -> Vec<Repository> {
    let found = layout.epochs.iter().filter_map(|(number, path)| {
        Some(Repository {
            number: *number,
            url: store::mirror_remote(path)?,
            path: path.clone(),
        })
    });
    found.collect()
}

fn of_version_2(layout: &Layout, number: EpochNum) -> Option<EpochNum> {
    (layout.version == Version::V2).then_some(number)
}

/// Whether there is nothing to get for a repository: its refs are those that the manifest means, or it was fetched
/// when the manifest said the same.
fn is_up_to_date(repository: &Repository, entry: &Entry, before: Option<&Entry>) -> bool {
    let facts = Epoch::open(&repository.path).and_then(|epoch| epoch.facts());
    let Ok(Some(facts)) = facts else { return false };
    Some(&facts.fingerprint) == entry.fingerprint.as_ref()
        || before.is_some_and(|before| before.is_same_as(entry))
}

/// Whether everything that is wanted was got at the last fetch: then an unchanged manifest means that there is nothing
/// to do. It may have been otherwise when somebody opened an epoch since.
fn is_complete(repositories: &[Repository], saved: Option<&Manifest>, url: &Address) -> bool {
    let Some((saved, offer)) = saved.and_then(|m| Some((m, m.offer_at(url.path())?))) else {
        return false;
    };
    let kept = |repository: &Repository| {
        let path = match &offer.repositories {
            Repositories::One(_) => offer.path_of(None),
            Repositories::Epochs(_) => offer.path_of(Some(repository.number)),
        };
        let has_mail = Epoch::open(&repository.path).and_then(|epoch| epoch.tip());
        saved.entry(&path).is_some() && matches!(has_mail, Ok(Some(_)))
    };
    repositories.iter().all(kept)
}

/// Whether an archive has said more about itself than that it has nothing to say.
fn says_something(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    !text.is_empty()
        && text != b"($INBOX_DIR/description missing)"
        && !text.starts_with(b"Unnamed repository")
}

/// The first line, without what no line should have.
fn one_line(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let line = text.trim().lines().next().unwrap_or_default();
    let plain: String = line.chars().filter(|c| !c.is_control()).take(500).collect();
    format!("{plain}\n").into_bytes()
}
