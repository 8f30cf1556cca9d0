//! `threadbare status`: which inboxes there are, how large, and how far each is behind.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::finding::Findings;
use super::scope;
use crate::archive::Archive;
use crate::config::{Config, InboxConfig};
use crate::error::Result;
use crate::id::EpochNum;
use crate::store::{Epoch, Layout, Version};
use crate::time::Timestamp;

/// The flags of `status`.
#[derive(clap::Args)]
pub struct Status {
    /// Inboxes by their names in the config, or directories that need not be in it; all by default
    #[arg(value_name = "NAME|DIR")]
    inboxes: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<std::path::PathBuf>,
}

impl Status {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("error");
        let scope = scope::find(&self.inboxes, self.index_dir)?;
        let mut findings = Findings::default();
        let archive = match is_indexed(&scope.index_dir) {
            true => Some(Archive::open(scope.config.clone(), &scope.index_dir)?),
            false => {
                let what = format!("there is no index in {}", scope.index_dir.display());
                findings.warn(
                    what,
                    "`threadbare index --all` makes it, and so does `serve`",
                );
                None
            }
        };
        let inboxes: Vec<InboxStatus> = scope
            .config
            .inboxes
            .iter()
            .map(|settings| InboxStatus::of(settings, archive.as_ref(), &mut findings))
            .collect();
        let index = IndexStatus {
            catalogue: size(&scope.index_dir.join("catalogue.sqlite3")),
            words: size(&scope.index_dir.join("words")),
        };
        if self.json {
            let all = json!({
                "config": scope.config.file,
                "index": {
                    "dir": scope.index_dir,
                    "catalogue_bytes": index.catalogue,
                    "words_bytes": index.words,
                },
                "inboxes": inboxes.iter().map(InboxStatus::json).collect::<Value>(),
                "findings": findings.json(),
            });
            println!("{all:#}");
        } else {
            print(&scope.config, &scope.index_dir, &index, &inboxes, &findings)?;
        }
        Ok(findings.exit_code())
    }
}

/// Whether somebody has indexed into that directory.
pub(super) fn is_indexed(index_dir: &Path) -> bool {
    index_dir.join("catalogue.sqlite3").exists()
}

/// What the indexes take, in bytes.
struct IndexStatus {
    catalogue: u64,
    words: u64,
}

/// How it stands with one inbox.
struct InboxStatus {
    name: String,
    dir: String,
    version: Option<Version>,
    epochs: usize,
    /// What its repositories take.
    bytes: u64,
    /// `None` where it was never indexed.
    messages: Option<u64>,
    /// When the newest message came.
    newest: Option<Timestamp>,
    /// When the last commit was made.
    last_commit: Option<Timestamp>,
    /// When mail was last fetched from elsewhere.
    last_fetch: Option<Timestamp>,
    /// Changes in git that are not indexed; `None` where that is all there is.
    behind: Option<u64>,
}

impl InboxStatus {
    fn of(
        settings: &InboxConfig,
        archive: Option<&Archive>,
        findings: &mut Findings,
    ) -> InboxStatus {
        let name = &settings.name;
        let mut status = InboxStatus {
            name: name.to_string(),
            dir: settings.dir.display().to_string(),
            version: None,
            epochs: 0,
            bytes: size(&settings.dir),
            messages: None,
            newest: None,
            last_commit: None,
            last_fetch: None,
            behind: None,
        };
        let layout = match Layout::find(&settings.dir) {
            Ok(layout) => layout,
            Err(error) => {
                findings.problem(
                    format!("inbox {name}: {error}"),
                    "see `threadbare config check`",
                );
                return status;
            }
        };
        status.version = Some(layout.version);
        status.epochs = layout.epochs.len();
        let fetched = layout
            .epochs
            .iter()
            .filter_map(|(_, path)| written(&path.join("FETCH_HEAD")));
        let upstream = layout.upstream().and_then(|upstream| upstream.updated);
        status.last_fetch = fetched.max().max(upstream);
        let inbox = archive.and_then(|archive| archive.inbox(name));
        let heads = inbox.as_ref().zip(archive).map(|(inbox, archive)| {
            archive
                .db()
                .reader()
                .and_then(|reader| reader.heads(inbox.id()))
        });
        let heads = match heads.transpose() {
            Ok(heads) => heads.unwrap_or_default(),
            Err(error) => {
                findings.problem(format!("inbox {name}: {error}"), "");
                Vec::new()
            }
        };
        if let Some(inbox) = inbox.filter(|_| !heads.is_empty()) {
            status.messages = inbox.count().ok();
            status.newest = inbox.newest().ok().flatten();
            status.behind = Some(0);
        }
        for (number, path) in &layout.epochs {
            if let Err(error) = status.look_at(*number, path, &heads) {
                let what = format!("inbox {name}, epoch {number}: {error}");
                findings.problem(
                    what,
                    "`git fsck` in it says more; a copy can be fetched from a mirror",
                );
            }
        }
        status
    }

    fn look_at(
        &mut self,
        number: EpochNum,
        path: &Path,
        heads: &[(EpochNum, crate::id::Oid)],
    ) -> Result<()> {
        let epoch = Epoch::open(path)?;
        let Some(tip) = epoch.tip()? else {
            return Ok(());
        };
        self.last_commit = self.last_commit.max(epoch.committed(tip));
        let known = heads.iter().find(|(known, _)| *known == number);
        match known {
            Some((_, head)) if *head == tip => {}
            Some((_, head)) => {
                let waiting = epoch.walk(Some(*head), tip)?.len() as u64;
                self.behind = self.behind.map(|behind| behind + waiting);
            }
            // An epoch that nobody has read at all is read whole to be counted.
            None if self.behind.is_some() => {
                let waiting = epoch.walk(None, tip)?.len() as u64;
                self.behind = self.behind.map(|behind| behind + waiting);
            }
            None => {}
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let date = |time: Option<Timestamp>| time.map(Timestamp::rfc3339);
        json!({
            "name": self.name,
            "dir": self.dir,
            "version": self.version.map(number),
            "epochs": self.epochs,
            "bytes": self.bytes,
            "messages": self.messages,
            "newest": date(self.newest),
            "last_commit": date(self.last_commit),
            "last_fetch": date(self.last_fetch),
            "behind": self.behind,
        })
    }

    fn print(&self, out: &mut impl Write, width: usize) -> io::Result<()> {
        let version = self
            .version
            .map_or("-".to_owned(), |version| format!("v{}", number(version)));
        let messages = self.messages.map_or("-".to_owned(), |n| n.to_string());
        let behind = match (self.messages, self.behind) {
            (None, _) if self.last_commit.is_none() => "empty".to_owned(),
            (None, _) => "not indexed".to_owned(),
            (_, None | Some(0)) => "level".to_owned(),
            (_, Some(n)) => format!("{n} behind"),
        };
        let date =
            |time: Option<Timestamp>| time.map_or("-".to_owned(), |time| time.minute().to_string());
        writeln!(
            out,
            "{:width$}  {version:3} {:3}  {:>9}  {messages:>9}  {behind:14}  {:16}  {}",
            self.name,
            self.epochs,
            human(self.bytes),
            date(self.last_commit),
            date(self.last_fetch),
        )
    }
}

fn print(
    config: &Config,
    index_dir: &Path,
    index: &IndexStatus,
    inboxes: &[InboxStatus],
    findings: &Findings,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let settings = config
        .file
        .as_deref()
        .map_or("none".into(), Path::to_string_lossy);
    writeln!(out, "settings  {settings}")?;
    writeln!(
        out,
        "indexes   {} ({} catalogue, {} words)",
        index_dir.display(),
        human(index.catalogue),
        human(index.words)
    )?;
    let width = inboxes
        .iter()
        .map(|inbox| inbox.name.len())
        .max()
        .unwrap_or(0)
        .clamp(5, 40);
    writeln!(
        out,
        "\n{:width$}  {:3} {:3}  {:>9}  {:>9}  {:14}  {:16}  last fetch",
        "inbox", "ver", "ep.", "size", "messages", "index", "last commit"
    )?;
    for inbox in inboxes {
        inbox.print(&mut out, width)?;
    }
    if !findings.0.is_empty() {
        writeln!(out)?;
        findings.print(&mut out)?;
    }
    Ok(())
}

fn number(version: Version) -> u8 {
    match version {
        Version::V1 => 1,
        Version::V2 => 2,
    }
}

/// When a file was last written.
fn written(path: &Path) -> Option<Timestamp> {
    let written = fs::metadata(path).ok()?.modified().ok()?;
    let since = written.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp(i64::try_from(since.as_secs()).ok()?))
}

/// How many bytes all files in there have. Links are not followed, and what cannot be read counts as nothing.
pub(super) fn size(path: &Path) -> u64 {
    let mut total = 0;
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(about) = fs::symlink_metadata(&path) else {
            continue;
        };
        if about.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| entry.path()));
        } else if about.is_file() {
            total += about.len();
        }
    }
    total
}

/// Bytes in the unit that fits.
pub(super) fn human(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            let digits = usize::from(unit != "B" && value < 10.0);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn sizes_are_said_in_the_unit_that_fits() {
        for (bytes, said) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (43_210, "43 kB"),
            (7_654_321, "7.7 MB"),
            (5_000_000_000_000, "5.0 TB"),
        ] {
            assert_eq!(human(bytes), said);
        }
    }
}
