//! What a mirror knows of the archive that it copies: where that is, when it was last copied whole, and whether
//! something of it was left out.
//!
//! git, grokmirror and public-inbox-clone leave no more than a remote in each repository. Our own clone and fetch
//! write `mirror.json` beside the repositories as well.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::layout::{Layout, Version, note};
use super::remote::{is_web, remote};
use crate::error::{Error, Result};
use crate::id::EpochNum;
use crate::time::Timestamp;

/// The file in the directory of an inbox.
const NOTE: &str = "mirror.json";

/// The archive that an inbox is a mirror of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// Where the inbox is on the web there, ending in `/`.
    pub url: String,
    /// When the last fetch that got all that was wanted *began*. `None` where that is not known.
    pub updated: Option<Timestamp>,
    /// The `ETag` of its manifest then.
    pub tag: Option<String>,
    /// The epochs that it offered then; empty where that is not known.
    pub offered: Vec<EpochNum>,
    /// Whether it says of itself that it has a part only.
    pub is_partial: bool,
}

impl Upstream {
    /// Notes it in the directory of an inbox, at once.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let offered: Vec<u32> = self.offered.iter().map(|number| number.0).collect();
        let note = json!({
            "url": self.url,
            "updated": self.updated.map(|time| time.0),
            "tag": self.tag,
            "offered": offered,
            "partial": self.is_partial,
        });
        let (path, new) = (dir.join(NOTE), dir.join(format!("{NOTE}.new")));
        fs::write(&new, format!("{note:#}\n")).map_err(|e| Error::io(&new, e))?;
        fs::rename(&new, &path).map_err(|e| Error::io(&path, e))
    }

    /// What is noted in the directory of an inbox.
    pub fn find(dir: &Path) -> Option<Upstream> {
        let value: Value = serde_json::from_str(&note(&dir.join(NOTE))?).ok()?;
        let offered = value["offered"].as_array().into_iter().flatten();
        let number = |n: &Value| Some(EpochNum(u32::try_from(n.as_u64()?).ok()?));
        Some(Upstream {
            url: value["url"].as_str().filter(|url| is_web(url))?.to_owned(),
            updated: value["updated"].as_i64().map(Timestamp),
            tag: value["tag"].as_str().map(str::to_owned),
            offered: offered.filter_map(number).collect(),
            is_partial: value["partial"].as_bool().unwrap_or(false),
        })
    }
}

/// What a mirror that has only a part of its upstream has to say of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// Where the whole is, ending in `/`.
    pub upstream: String,
    /// When the last fetch that got all that was wanted *began*: what came there before that moment, and belongs to
    /// this part, is here. `None` where that is not known.
    pub updated: Option<Timestamp>,
}

impl Layout {
    /// What this inbox is a mirror of; `None` where it is none, or not one of an archive on the web.
    pub fn upstream(&self) -> Option<Upstream> {
        Upstream::find(&self.dir).or_else(|| {
            let remotes = self.epochs.iter().rev();
            let url = remotes
                .filter_map(|(number, path)| self.inbox_of(remote(path)?, *number))
                .next()?;
            Some(Upstream {
                url,
                ..Upstream::default()
            })
        })
    }

    /// What is to be said where this is a mirror that lacks something of its upstream: an epoch, the beginning of
    /// one (a shallow clone), its mail (a clone with a filter). `None` where all is here, or this is no mirror.
    ///
    /// Some small files are read for each epoch.
    pub fn partial(&self) -> Option<Partial> {
        let upstream = self.upstream()?;
        let lacks = upstream.is_partial
            || !self.epochs.iter().all(|(_, path)| is_whole(path))
            || self.lacks_an_epoch(&upstream.offered);
        lacks.then_some(Partial {
            upstream: upstream.url,
            updated: upstream.updated,
        })
    }

    fn lacks_an_epoch(&self, offered: &[EpochNum]) -> bool {
        if self.version == Version::V1 || self.epochs.iter().any(|(_, path)| *path == self.dir) {
            return false;
        }
        let has = |number: EpochNum| self.epoch(number).is_some();
        match (offered, self.epochs.last()) {
            // Nobody told what there is: epochs begin at 0, and each follows the other.
            ([], Some((last, _))) => last.0 as usize + 1 != self.epochs.len(),
            ([], None) => true,
            (offered, _) => !offered.iter().all(|number| has(*number)),
        }
    }

    /// The address of the inbox, by that of its epoch.
    fn inbox_of(&self, url: String, number: EpochNum) -> Option<String> {
        let bare = url.trim_end_matches('/');
        let inbox = match self.version {
            Version::V1 => bare,
            Version::V2 => [format!("/git/{number}.git"), format!("/git/{number}")]
                .into_iter()
                .chain([format!("/{number}.git"), format!("/{number}")])
                .find_map(|end| bare.strip_suffix(&end))?,
        };
        Some(format!("{}/", inbox.trim_end_matches('/')))
    }
}

/// Whether a repository of a mirror has commits, all that lead to them, and their mail.
fn is_whole(path: &Path) -> bool {
    let says_something = |file: PathBuf| fs::metadata(file).is_ok_and(|about| about.len() > 0);
    let has_branch = || {
        let branches = fs::read_dir(path.join("refs/heads"));
        branches.is_ok_and(|mut branches| branches.next().is_some())
    };
    let packs = || {
        fs::read_dir(path.join("objects/pack"))
            .into_iter()
            .flatten()
    };
    let promised = |entry: fs::DirEntry| entry.path().extension().is_some_and(|x| x == "promisor");
    (has_branch() || says_something(path.join("packed-refs")))
        && !says_something(path.join("shallow"))
        && !packs().flatten().any(promised)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Partial, Upstream};
    use crate::id::EpochNum;
    use crate::store::Layout;
    use crate::time::Timestamp;

    const INBOX: &str = "https://lists.example.org/loom/";

    /// A bare repository as far as that is looked at here.
    fn repository(path: &Path, url: Option<&str>) {
        fs::create_dir_all(path.join("objects/pack")).unwrap();
        fs::create_dir_all(path.join("refs/heads")).unwrap();
        fs::write(path.join("HEAD"), "ref: refs/heads/master\n").unwrap();
        fs::write(path.join("packed-refs"), "something").unwrap();
        let remote = url.map_or(String::new(), |url| {
            format!("[remote \"origin\"]\n\turl = {url}\n")
        });
        fs::write(path.join("config"), remote).unwrap();
    }

    fn inbox(dir: &Path, epochs: &[u32]) -> Layout {
        for number in epochs {
            let url = format!("{INBOX}git/{number}.git");
            repository(&dir.join(format!("git/{number}.git")), Some(&url));
        }
        Layout::find(dir).unwrap()
    }

    fn part(updated: Option<i64>) -> Option<Partial> {
        Some(Partial {
            upstream: INBOX.to_owned(),
            updated: updated.map(Timestamp),
        })
    }

    #[test]
    fn the_remotes_of_epochs_tell_where_a_mirror_is_from() {
        for (remote, upstream) in [
            (
                Some("https://lists.example.org/loom/git/3.git"),
                Some(INBOX),
            ),
            (Some("https://lists.example.org/loom/3"), Some(INBOX)),
            (Some("https://lists.example.org/loom/3.git/"), Some(INBOX)),
            (Some("https://lists.example.org/loom/4"), None),
            (Some("/srv/loom/git/3.git"), None),
            (None, None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            repository(&dir.path().join("git/3.git"), remote);
            let found = Layout::find(dir.path()).unwrap().upstream();
            let url = found.map(|found| found.url);
            assert_eq!(url.as_deref(), upstream, "{remote:?}");
        }
    }

    #[test]
    fn a_mirror_that_lacks_something_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert_eq!(inbox(&at("whole"), &[0, 1, 2]).partial(), None);
        assert_eq!(inbox(&at("late"), &[1, 2]).partial(), part(None));
        assert_eq!(inbox(&at("hole"), &[0, 2]).partial(), part(None));

        let shallow = inbox(&at("shallow"), &[0]);
        fs::write(at("shallow/git/0.git/shallow"), "0123").unwrap();
        assert_eq!(shallow.partial(), part(None));

        let placeholder = inbox(&at("placeholder"), &[0, 1]);
        fs::write(at("placeholder/git/0.git/packed-refs"), "").unwrap();
        assert_eq!(placeholder.partial(), part(None));

        let filtered = inbox(&at("filtered"), &[0]);
        fs::write(at("filtered/git/0.git/objects/pack/p.promisor"), "").unwrap();
        assert_eq!(filtered.partial(), part(None));

        repository(&at("own/git/7.git"), None);
        assert_eq!(Layout::find(&at("own")).unwrap().partial(), None);
    }

    #[test]
    fn what_was_noted_is_known_better_than_what_can_be_guessed() {
        let dir = tempfile::tempdir().unwrap();
        let layout = inbox(dir.path(), &[4, 5]);
        let mut upstream = Upstream {
            url: INBOX.to_owned(),
            updated: Some(Timestamp(1_790_000_000)),
            tag: Some("W/\"1\"".to_owned()),
            offered: vec![EpochNum(4), EpochNum(5)],
            is_partial: false,
        };
        upstream.write(dir.path()).unwrap();
        assert_eq!(layout.upstream(), Some(upstream.clone()));
        assert_eq!(layout.partial(), None, "more than this there never was");
        upstream.offered.push(EpochNum(6));
        upstream.write(dir.path()).unwrap();
        assert_eq!(layout.partial(), part(Some(1_790_000_000)));
        fs::write(dir.path().join("mirror.json"), "{\"url\": 5}").unwrap();
        assert_eq!(layout.upstream().map(|u| u.updated), Some(None));
    }
}
