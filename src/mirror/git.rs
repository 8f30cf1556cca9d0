//! git as a child: gets what a repository lacks. It never asks anybody anything, runs nothing that the operator did not
//! install, speaks no protocol but HTTP, and ends when it is told to or takes too long.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::manifest::shown;
use super::weight::Weight;
use crate::error::{Error, Result};
use crate::id::InboxName;

/// How often it is looked whether git is to be stopped.
const TICK: Duration = Duration::from_millis(100);
/// How often it is looked how much has come.
const WEIGH: Duration = Duration::from_millis(500);
/// How much of one line that git says is kept, in bytes.
const MAX_LINE: usize = 500;
/// How many of its lines are told where it fails.
const LAST_LINES: usize = 3;

/// What git is told besides its arguments. Nothing else does: neither the operator's settings nor the system's.
const SETTINGS: &[(&str, &str)] = &[
    ("protocol.allow", "never"),
    ("protocol.http.allow", "always"),
    ("protocol.https.allow", "always"),
    // Where the first answer leads, git goes; from there on nowhere else.
    ("http.followRedirects", "initial"),
    // A server that says nothing for five minutes will not say anything any more.
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "300"),
    ("credential.helper", ""),
    ("core.hooksPath", "/dev/null"),
    ("core.askPass", "true"),
    // Longer blobs are not held in memory.
    ("core.bigFileThreshold", "64m"),
    ("gc.autoDetach", "false"),
    ("maintenance.autoDetach", "false"),
    ("fetch.recurseSubmodules", "no"),
    ("fetch.fsckObjects", "true"),
    // Authors and dates are those that mails claim, and mails claim anything.
    ("fetch.fsck.badDate", "ignore"),
    ("fetch.fsck.badDateOverflow", "ignore"),
    ("fetch.fsck.badEmail", "ignore"),
    ("fetch.fsck.badName", "ignore"),
    ("fetch.fsck.badTimezone", "ignore"),
    ("fetch.fsck.missingEmail", "ignore"),
    ("fetch.fsck.missingNameBeforeEmail", "ignore"),
    ("fetch.fsck.missingSpaceBeforeDate", "ignore"),
    ("fetch.fsck.missingSpaceBeforeEmail", "ignore"),
    ("fetch.fsck.nulInCommit", "ignore"),
    ("fetch.fsck.zeroPaddedDate", "ignore"),
    ("fetch.fsck.zeroPaddedFilemode", "ignore"),
];

/// What git may know of its surroundings: how to get out, and whom to trust there.
const ENVIRONMENT: &[&str] = &[
    "PATH",
    "HOME",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What is called otherwise by git: some of its builds look at nothing else.
const RENAMED: &[(&str, &str)] = &[
    ("SSL_CERT_FILE", "GIT_SSL_CAINFO"),
    ("SSL_CERT_DIR", "GIT_SSL_CAPATH"),
];

/// Tells long work to stop. Cheap to clone; every clone is the same one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Tells it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was told.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sees how far a copy is.
pub trait Progress: Sync {
    /// Something begins: `epoch 3, 2 of 5`.
    fn begin(&self, inbox: &InboxName, what: &str);
    /// git says how far it is, in its own words.
    fn says(&self, inbox: &InboxName, line: &str);
    /// It has ended, well or not.
    fn end(&self, inbox: &InboxName);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &InboxName, _: &str) {}
    fn says(&self, _: &InboxName, _: &str) {}
    fn end(&self, _: &InboxName) {}
}

/// How long one repository may take, and how much may come.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From nothing.
    pub clone: Duration,
    /// From what is there.
    pub fetch: Duration,
    /// By how many bytes it may grow at once.
    pub bytes: u64,
}

impl Bounds {
    /// The usual ones, but for so many bytes, if anybody says how many.
    #[must_use]
    pub fn with(bytes: Option<u64>) -> Bounds {
        let usual = Bounds::default();
        Bounds {
            bytes: bytes.unwrap_or(usual.bytes),
            ..usual
        }
    }
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            clone: Duration::from_secs(24 * 3600),
            fetch: Duration::from_secs(3 * 3600),
            bytes: 8 << 30,
        }
    }
}

/// A git that works for one inbox.
pub(super) struct Git<'a> {
    pub(super) inbox: &'a InboxName,
    pub(super) progress: &'a dyn Progress,
    pub(super) stop: &'a Stop,
}

impl Git<'_> {
    /// Gets all refs of the repository at `url`, and what they lead to, also where history there was rewritten.
    pub(super) fn fetch(
        &self,
        repository: &Path,
        url: &str,
        (patience, bytes): (Duration, u64),
    ) -> Result<()> {
        let mut git = command(Some(repository));
        git.args(["fetch", "--progress", "--no-write-fetch-head", "--", url]);
        // Replaced objects would show other mail than there is.
        git.args(["+refs/*:refs/*", "^refs/replace/*"]);
        let weight = Weight::new(repository, bytes);
        self.run(git, patience, Some(&weight))
            .map_err(|why| Error::Upstream(format!("{url}: {why}")))
    }

    /// Whether a repository is there.
    pub(super) fn is_repository(&self, url: &str, patience: Duration) -> Result<()> {
        let mut git = command(None);
        git.args(["ls-remote", "--quiet", "--", url, "HEAD"]);
        self.run(git, patience, None)
            .map_err(|why| Error::Upstream(format!("{url}: {why}")))
    }

    /// Drops what no ref leads to any more: what was purged upstream is to go here as well.
    pub(super) fn forget(&self, repository: &Path, patience: Duration) -> Result<()> {
        let mut git = command(Some(repository));
        git.args(["gc", "--quiet", "--prune=now"]);
        self.run(git, patience, None)
            .map_err(|why| Error::Store(format!("{}: {why}", repository.display())))
    }

    /// Runs it to its end; what goes wrong is told in its own last words.
    fn run(
        &self,
        mut command: Command,
        patience: Duration,
        weight: Option<&Weight>,
    ) -> Result<(), String> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command.spawn();
        let mut child = child.map_err(|e| format!("git cannot be run: {e}"))?;
        let (say, lines) = mpsc::sync_channel(64);
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || each_line(stderr, |line| say.send(line).is_ok()));
        } else {
            drop(say);
        }
        let deadline = Instant::now() + patience;
        let mut weighed = Instant::now();
        let mut last: Vec<String> = Vec::new();
        let mut hears = true;
        loop {
            if self.stop.is_set() {
                kill(&mut child);
                return Err("it was stopped".to_owned());
            }
            if Instant::now() > deadline {
                kill(&mut child);
                return Err(format!(
                    "it took more than {} minutes",
                    patience.as_secs() / 60
                ));
            }
            if let Some(weight) = weight
                && weighed.elapsed() >= WEIGH
            {
                if weight.is_exceeded() {
                    kill(&mut child);
                    weight.sweep();
                    return Err(format!(
                        "more than {} MB came, which is more than is taken (threadbare.maxFetchSize)",
                        weight.most() >> 20
                    ));
                }
                weighed = Instant::now();
            }
            if hears {
                match lines.recv_timeout(TICK) {
                    Ok(line) if is_progress(&line) => self.progress.says(self.inbox, &line),
                    Ok(line) => {
                        last.push(line);
                        let surplus = last.len().saturating_sub(LAST_LINES);
                        last.drain(..surplus);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => hears = false,
                }
                continue;
            }
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    let said: Vec<&str> = last.iter().map(String::as_str).collect();
                    return Err(match said.is_empty() {
                        true => format!("git ended with {status}"),
                        false => format!("git says: {}", said.join(" ")),
                    });
                }
                Ok(None) => std::thread::sleep(TICK / 5),
                Err(e) => return Err(format!("git cannot be waited for: {e}")),
            }
        }
    }
}

/// git, with our settings and no others.
fn command(repository: Option<&Path>) -> Command {
    let mut git = Command::new("git");
    git.env_clear().current_dir("/");
    for name in ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            git.env(name, value);
        }
    }
    for (name, by_git) in RENAMED {
        if let Some(value) = std::env::var_os(name) {
            git.env(by_git, value);
        }
    }
    git.env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    let mut settings: Vec<(&str, &OsStr)> = SETTINGS
        .iter()
        .map(|(key, value)| (*key, value.as_ref()))
        .collect();
    // It works from the root, where it keeps no directory from being unmounted.
    let path = repository.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    if let Some(path) = &path {
        git.env("GIT_DIR", path);
        settings.push(("safe.directory", path.as_os_str()));
    }
    git.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (number, (key, value)) in settings.into_iter().enumerate() {
        git.env(format!("GIT_CONFIG_KEY_{number}"), key);
        git.env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
    git
}

fn kill(child: &mut Child) {
    // It may have ended just now. Its own children notice that their pipes are closed.
    let _ = child.kill();
    let _ = child.wait();
}

/// `Receiving objects:  45% (9/20)`, also where the server says it.
fn is_progress(line: &str) -> bool {
    let line = line.strip_prefix("remote: ").unwrap_or(line);
    let done = |word: &str| {
        let digits = word.strip_suffix('%').unwrap_or(word);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b',')
    };
    let told = line.split_once(": ").map(|(_, rest)| rest.trim_start());
    told.is_some_and(|rest| done(rest.split([' ', ',']).next().unwrap_or_default()))
        || line.starts_with("From ")
        || line.starts_with(" * [new ")
        || line.starts_with("Total ")
}

/// Calls `take` with each line that a program says, until that is false. What comes after is read all the same: a
/// full pipe would stop the program.
fn each_line(mut from: impl Read, mut take: impl FnMut(String) -> bool) {
    let (mut line, mut piece) = (Vec::new(), [0; 4096]);
    let mut listening = true;
    while let Ok(count @ 1..) = from.read(&mut piece) {
        for byte in &piece[..count] {
            match byte {
                b'\r' | b'\n' => {
                    let text = clean(&line);
                    line.clear();
                    if !text.is_empty() && listening {
                        listening = take(text);
                    }
                }
                byte if line.len() < MAX_LINE => line.push(*byte),
                _ => {}
            }
        }
    }
    let text = clean(&line);
    if !text.is_empty() && listening {
        take(text);
    }
}

/// The other side may say anything, also what a terminal would obey.
fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.replace("\u{1b}[K", "");
    let text = text.trim();
    match text.chars().any(char::is_control) {
        true => shown(text),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{each_line, is_progress};

    #[test]
    fn progress_is_told_from_complaints() {
        for (line, progress) in [
            ("Receiving objects:  45% (9/20), 1.00 MiB | 2 MiB/s", true),
            ("remote: Counting objects: 100% (3/3), done.", true),
            ("remote: Enumerating objects: 5, done.", true),
            ("From https://lists.example.org/loom/git/0", true),
            ("fatal: repository 'x' not found", false),
            ("error: RPC failed; curl 18 transfer closed", false),
            ("remote: You may not", false),
            ("fatal: unable to access: 5 is no number", false),
        ] {
            assert_eq!(is_progress(line), progress, "{line}");
        }
    }

    #[test]
    fn lines_are_short_and_harmless() {
        let mut heard = Vec::new();
        let said = format!("one\rtwo\x1b[K\n\n\x1b[2Jthree\n{}", "x".repeat(10_000));
        each_line(said.as_bytes(), |line| {
            heard.push(line);
            true
        });
        assert_eq!(heard[..3], ["one", "two", "\"\\u{1b}[2Jthree\""]);
        assert_eq!(heard[3].len(), 500);
    }
}
