//! What those who mirror ask for: the manifest of the repositories, their files, and git itself to serve them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Archive, Inbox};
use crate::error::{Error, Result};
use crate::id::EpochNum;
use crate::store::{Epoch, Layout, Version, file_written, is_immutable};
use crate::time::Timestamp;
use crate::url::{self, GitFile};

/// The longest text file of a repository that is handed out, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// A repository that can be mirrored, as a manifest tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrored {
    /// Its path on the site, for instance `/lists/git/0.git`.
    pub path: String,
    /// Who owns it, where somebody said so.
    pub owner: Option<String>,
    /// The path on the site of the one repository whose objects it borrows.
    pub reference: Option<String>,
    /// Its own description, or that of its inbox and which epoch it is.
    pub description: String,
    /// When the newest commit of any ref was made.
    pub modified: Timestamp,
    /// When any of this was written here last.
    pub written: Timestamp,
    /// Other refs, other fingerprint.
    pub fingerprint: String,
    /// What HEAD says, for instance `ref: refs/heads/master`.
    pub head: Option<String>,
}

/// What there is where git's plain protocol looks for a file.
#[derive(Debug)]
pub enum Served {
    /// A text that may be another one next time, and the date of its file where it is one.
    Text(Vec<u8>, Option<Timestamp>),
    /// Objects, by a name that says what is in them.
    Objects(Objects),
}

/// A file of objects, opened.
#[derive(Debug)]
pub struct Objects {
    /// The file.
    pub file: File,
    /// Its length in bytes.
    pub length: u64,
    /// Since when it is there.
    pub modified: Timestamp,
}

/// What `git upload-pack` is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadPack {
    /// Say what there is.
    Advertise,
    /// Answer one request.
    Answer,
}

impl Inbox {
    /// Its repositories, lowest epoch first. Those without any ref have nothing to mirror; one that cannot be read is
    /// logged and left out.
    pub fn manifest(&self) -> Vec<Mirrored> {
        manifest(std::slice::from_ref(self))
    }

    /// The file that git's plain protocol asks for; `None` where it is not there, or not for everybody.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn git_file(&self, wanted: &GitFile) -> Result<Option<Served>> {
        if self.is_together() {
            return Ok(None);
        }
        let layout = self.layout();
        // These two are up to date whether or not somebody ran `git update-server-info`.
        if let "info/refs" | "objects/info/packs" = wanted.path.as_str() {
            let Some(path) = layout.repository(wanted.epoch) else {
                return Ok(None);
            };
            let epoch = Epoch::open(&path)?;
            let text = match wanted.path.as_str() {
                "info/refs" => epoch.info_refs()?,
                _ => epoch.info_packs(),
            };
            return Ok(Some(Served::Text(text.into_bytes(), None)));
        }
        let Some(path) = layout.served_file(wanted) else {
            return Ok(None);
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            // A repack has just taken it away.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(&path, e)),
        };
        let meta = file.metadata().map_err(|e| Error::io(&path, e))?;
        let modified = meta.modified().map_or(Timestamp(0), date);
        if is_immutable(&wanted.path) {
            let length = meta.len();
            return Ok(Some(Served::Objects(Objects {
                file,
                length,
                modified,
            })));
        }
        let mut text = Vec::new();
        let read = file.take(MAX_TEXT).read_to_end(&mut text);
        read.map_err(|e| Error::io(&path, e))?;
        Ok(Some(Served::Text(text, Some(modified))))
    }

    /// The program that serves a repository by git's smart protocol, ready to be run; `None` where there is no such
    /// repository. `protocol` is what the client's `Git-Protocol` says.
    pub fn upload_pack(
        &self,
        epoch: Option<EpochNum>,
        what: UploadPack,
        protocol: Option<&str>,
    ) -> Option<Command> {
        if self.is_together() {
            return None;
        }
        let path = self.layout().repository(epoch)?;
        let path = fs::canonicalize(path).ok()?;
        let mut git = Command::new("git");
        git.args(["upload-pack", "--strict", "--stateless-rpc"]);
        if what == UploadPack::Advertise {
            git.arg("--advertise-refs");
        }
        git.arg(&path).current_dir("/");
        settle(&mut git, &path);
        if let Some(protocol) = protocol.filter(|protocol| is_protocol(protocol)) {
            git.env("GIT_PROTOCOL", protocol);
        }
        Some(git)
    }
}

impl Archive {
    /// When the config file was written last, where there is one.
    pub fn configured(&self) -> Option<Timestamp> {
        self.config().file.as_deref().map(file_written)
    }

    /// The repositories of all inboxes that are not kept out of the manifest and of which `listed` is true, in the
    /// order of the config, as far as they can be read.
    pub fn manifest(&self, listed: impl Fn(&Inbox) -> bool) -> Vec<Mirrored> {
        let mut inboxes = self.every_inbox();
        inboxes.retain(|inbox| !inbox.config().hides("manifest") && listed(inbox));
        manifest(&inboxes)
    }
}

/// Whether there is a git to answer clones; without it, repositories are served by the plain protocol alone. Looked for
/// once.
pub fn git_is_installed() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|dir| dir.join("git").is_file())
    })
}

/// All that can be read of these.
fn manifest(inboxes: &[Inbox]) -> Vec<Mirrored> {
    let mut found = Vec::new();
    let mut borrowing = Vec::new();
    for inbox in inboxes {
        let layout = inbox.layout();
        let known = inbox.facts();
        known.retain(|number| layout.epochs.iter().any(|(there, _)| *there == number));
        let described = file_written(&layout.dir.join("description"));
        for (number, place) in &layout.epochs {
            let facts = match known.of(*number, place) {
                Ok(Some(facts)) => facts,
                Ok(None) => continue,
                // One that is damaged must not keep anybody from mirroring the others.
                Err(error) => {
                    let name = &inbox.config().name;
                    tracing::error!(inbox = %name, epoch = %number, "epoch {number} of {name} is left out of the manifest: {error}");
                    continue;
                }
            };
            let path = address(inbox, &layout, *number);
            let description = match (facts.description, layout.version) {
                (Some(own), _) => own,
                (None, Version::V1) => inbox.description().to_string(),
                (None, Version::V2) => format!("{} [epoch {number}]", inbox.description()),
            };
            borrowing.extend(facts.reference.map(|lender| (found.len(), lender)));
            found.push(Mirrored {
                path,
                owner: facts.owner,
                reference: None,
                description,
                modified: facts.modified,
                written: facts.written.max(described),
                fingerprint: facts.fingerprint,
                head: facts.head,
            });
        }
    }
    for (index, lender) in borrowing {
        found[index].reference = address_of(inboxes, &lender);
    }
    found
}

/// Where on the site the repository at `place` is to be found.
fn address_of(inboxes: &[Inbox], place: &Path) -> Option<String> {
    inboxes.iter().find_map(|inbox| {
        let layout = inbox.layout();
        let is_it = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| path == place);
        let found = layout.epochs.iter().find(|(_, path)| is_it(path))?;
        Some(address(inbox, &layout, found.0))
    })
}

fn address(inbox: &Inbox, layout: &Layout, number: EpochNum) -> String {
    let epoch = (layout.version == Version::V2).then_some(number);
    url::repository(&inbox.config().name, epoch)
}

/// Nothing but this decides what git does: neither who runs the server, nor who owns the repository.
fn settle(git: &mut Command, path: &Path) {
    let settings = [
        ("safe.directory", path.as_os_str()),
        // Partial clones: a mirror may want the history without the mail.
        ("uploadpack.allowFilter", "true".as_ref()),
        // There are as many clones as may run at once to fill the processors.
        ("pack.threads", "1".as_ref()),
        // What one of them may take of the memory while it looks for deltas; larger objects go out piece by piece.
        ("pack.windowMemory", "64m".as_ref()),
        ("pack.deltaCacheSize", "32m".as_ref()),
        ("core.bigFileThreshold", "16m".as_ref()),
    ];
    git.env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (number, (key, value)) in settings.into_iter().enumerate() {
        git.env(format!("GIT_CONFIG_KEY_{number}"), key);
        git.env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
}

/// Whether a `Git-Protocol` header is one: `version=2`, or several such words with colons between.
fn is_protocol(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'=' | b':' | b'.' | b'-' | b'_');
    text.len() <= 200 && text.bytes().all(fits)
}

pub(super) fn date(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_secs()).unwrap_or(0))
}
