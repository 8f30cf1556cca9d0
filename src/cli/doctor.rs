//! `threadbare doctor`: looks for what most often keeps an archive from working, and says what to do about it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context;

use super::config;
use super::finding::Findings;
use super::scope::{self, Scope};
use super::status::{human, is_indexed, size};
use crate::archive::Archive;
use crate::config::{Config, InboxConfig};
use crate::error::Result;
use crate::net::{At, Place};
use crate::store::{Epoch, Layout};
use crate::time::{self, Timestamp};

/// The flags of `doctor`.
#[derive(clap::Args)]
pub struct Doctor {
    /// Print what is found as JSON
    #[arg(long)]
    json: bool,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<std::path::PathBuf>,
}

/// A server that is to have ten thousand connections needs so many descriptors.
const DESCRIPTORS: u64 = 12_000;
/// Less room than this on a disk is little.
const LITTLE_ROOM: u64 = 1 << 30;
/// Mail that is newer than now by more than this many seconds: a clock goes wrong.
const AHEAD: i64 = 86_400;
/// No clock that goes right shows an earlier time than this: 2026-01-01.
const NOT_BEFORE: Timestamp = Timestamp(1_767_225_600);

impl Doctor {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("error");
        let file = Config::path().context("there is no home directory: set PI_CONFIG")?;
        let mut findings = config::check(&file);
        // Without settings that can be read there is nothing further to look at.
        if let Ok(scope) = scope::find(&[], self.index_dir) {
            look_at_machine(&mut findings);
            look_at_index(&scope, &mut findings);
            for inbox in &scope.config.inboxes {
                look_at_inbox(inbox, &mut findings);
            }
            look_at_doors(&scope.config, &mut findings);
        }
        if self.json {
            println!("{:#}", findings.json());
        } else {
            findings.print(&mut io::stdout().lock())?;
            if !findings.any() {
                println!("all is well");
            }
        }
        Ok(findings.exit_code())
    }
}

fn look_at_machine(findings: &mut Findings) {
    match Command::new("git").arg("--version").output() {
        Ok(said) if said.status.success() => {}
        _ => findings.problem(
            "git is not installed, or not in the PATH",
            "nobody can clone over HTTP without it; everything else works",
        ),
    }
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    if let Some(most) = most.filter(|most| *most < DESCRIPTORS) {
        findings.warn(
            format!("a process of this shell may have only {most} files and connections open"),
            format!(
                "for the server set LimitNOFILE={DESCRIPTORS} in its unit, or raise `ulimit -Hn`"
            ),
        );
    }
    if time::now() < NOT_BEFORE {
        let what = format!("the clock says {}", time::now().rfc3339());
        findings.problem(what, "set it; dates of mail and certificates depend on it");
    }
}

fn look_at_index(scope: &Scope, findings: &mut Findings) {
    let dir = &scope.index_dir;
    if !is_indexed(dir) {
        let what = format!("there is no index in {}", dir.display());
        findings.warn(
            what,
            "`threadbare index --all` makes it, and so does `serve`",
        );
        // The directory that it would be made in.
        if let Some(above) = dir.ancestors().find(|above| above.exists()) {
            check_room(above, 0, findings);
        }
        return;
    }
    check_writable(dir, findings);
    let owner = fs::metadata(dir).map_or(0, |about| about.uid());
    if our_user() == 0 && owner != 0 {
        findings.warn(
            format!("this is the superuser, and {} belongs to user {owner}", dir.display()),
            "look, and index, as that user: files that are made now cannot be written by the server",
        );
    }
    check_room(dir, size(dir), findings);
    check_lock(&dir.join("index.lock"), "indexes", findings);
    if let Err(error) = look_into_index(scope, findings) {
        findings.problem(
            error.to_string(),
            format!(
                "the indexes can be made anew: `threadbare fsck --repair`, or delete {} and run `threadbare index --all`",
                dir.display()
            ),
        );
    }
}

fn look_into_index(scope: &Scope, findings: &mut Findings) -> Result<()> {
    let archive = Archive::open(scope.config.clone(), &scope.index_dir)?;
    let reader = archive.db().reader()?;
    let (_, known) = reader.words_token()?;
    let said = archive.search_index().payload()?;
    if known != said {
        findings.warn(
            "the words are not those of this catalogue",
            "the next `threadbare index` makes them again from git; until then searches may miss mail",
        );
    }
    for inbox in archive.every_inbox() {
        let name = &inbox.config().name;
        let layout = inbox.layout();
        for (number, _) in reader.heads(inbox.id())? {
            if layout.epoch(number).is_none() {
                findings.problem(
                    format!("inbox {name}: epoch {number} was indexed and is not there any more"),
                    format!(
                        "put git/{number}.git back; its messages are listed and cannot be read"
                    ),
                );
            }
        }
    }
    Ok(())
}

fn look_at_inbox(inbox: &InboxConfig, findings: &mut Findings) {
    let name = &inbox.name;
    let Ok(layout) = Layout::find(&inbox.dir) else {
        // Said by the check of the settings.
        return;
    };
    check_lock(
        &inbox.dir.join("inbox.lock"),
        &format!("writes into inbox {name}"),
        findings,
    );
    if let Some((last, _)) = layout.epochs.last() {
        let missing = (0..last.0).filter(|n| layout.epoch(crate::id::EpochNum(*n)).is_none());
        let missing: Vec<String> = missing.take(20).map(|n| format!("{n}.git")).collect();
        if !missing.is_empty() {
            findings.note(format!(
                "inbox {name} has no {}: it is a partial copy",
                missing.join(", ")
            ));
        }
    }
    for (number, path) in &layout.epochs {
        match newest_commit(path) {
            Err(error) => findings.problem(
                format!("inbox {name}, epoch {number}: {error}"),
                remedy_for(path),
            ),
            Ok(Some(newest)) if newest.0 > time::now().0 + AHEAD => findings.warn(
                format!(
                    "inbox {name}, epoch {number}: its last commit is of {}",
                    newest.rfc3339()
                ),
                "the clock of this machine, or of the one that took the mail, is wrong",
            ),
            Ok(_) => {}
        }
        check_owner(name.as_str(), path, findings);
    }
}

fn newest_commit(path: &Path) -> Result<Option<Timestamp>> {
    let epoch = Epoch::open(path)?;
    let tip = epoch.tip()?;
    match tip {
        None => Ok(None),
        // What HEAD names has to be there and to be a commit.
        Some(tip) if !epoch.contains(tip) => Err(crate::error::Error::corrupt(format!(
            "{}: commit {tip} is missing",
            path.display()
        ))),
        Some(tip) => Ok(epoch.committed(tip)),
    }
}

fn remedy_for(path: &Path) -> String {
    let unreadable = fs::read_dir(path.join("objects")).is_err();
    match unreadable {
        true => "let the user that this runs as read it: chgrp, chmod g+rX".to_owned(),
        false => format!(
            "`git -C {} fsck` says more; a copy can be fetched from a mirror",
            path.display()
        ),
    }
}

/// git refuses to work in a repository of somebody else's. We do not, but the tools that bring mail do.
fn check_owner(name: &str, path: &Path, findings: &mut Findings) {
    let Ok(about) = fs::metadata(path) else {
        return;
    };
    let ours = our_user();
    if about.uid() != ours && ours != 0 {
        findings.note(format!(
            "inbox {name}: {} belongs to user {}; serving works, but git itself asks for `git config --global --add \
             safe.directory {}`",
            path.display(),
            about.uid(),
            path.display()
        ));
    }
}

fn check_writable(dir: &Path, findings: &mut Findings) {
    let tried = tempfile::Builder::new().prefix(".doctor-").tempfile_in(dir);
    let ours = ["catalogue.sqlite3", "index.lock"];
    let closed = ours
        .iter()
        .map(|name| dir.join(name))
        .find(|file| file.exists() && File::options().append(true).open(file).is_err());
    let what = match (tried, closed) {
        (Err(error), _) => format!("{} cannot be written: {error}", dir.display()),
        (Ok(_), Some(file)) => format!("{} cannot be written", file.display()),
        (Ok(_), None) => return,
    };
    let owner = fs::metadata(dir).map_or("?".to_owned(), |about| about.uid().to_string());
    findings.problem(
        what,
        format!("it belongs to user {owner}: run as that user, or chown -R it"),
    );
}

fn check_room(dir: &Path, taken: u64, findings: &mut Findings) {
    let Ok(disk) = rustix::fs::statvfs(dir) else {
        return;
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    // A merge of the full-text index writes its largest part once more.
    if free < LITTLE_ROOM.max(taken / 2) {
        findings.warn(
            format!(
                "only {} are free on the disk of {} ({} are taken by indexes)",
                human(free),
                dir.display(),
                human(taken)
            ),
            "docs/operations.md, \"A disk is full\", says what can go",
        );
    }
    if disk.f_files > 0 && disk.f_favail < 1000 {
        let what = format!(
            "only {} further files fit the disk of {}",
            disk.f_favail,
            dir.display()
        );
        findings.warn(what, "pack repositories with many loose objects: git gc");
    }
}

/// Whether somebody holds that lock, and who.
fn check_lock(path: &Path, does: &str, findings: &mut Findings) {
    let Ok(file) = File::open(path) else {
        return;
    };
    // Where it can be had it is given back when the file is closed.
    if let Err(fs::TryLockError::WouldBlock) = file.try_lock_shared() {
        let who = holder(path).map_or("another process".to_owned(), |pid| format!("process {pid}"));
        findings.note(format!(
            "{who} {does} at the moment: it holds {}",
            path.display()
        ));
    }
}

/// The process that holds a lock on that file, as far as the system tells (proc(5), `/proc/locks`).
fn holder(path: &Path) -> Option<u32> {
    let inode = fs::metadata(path).ok()?.ino().to_string();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields.get(5)?.rsplit(':').next()? == inode;
        is_it.then(|| fields.get(4)?.parse().ok()).flatten()
    })
}

fn look_at_doors(config: &Config, findings: &mut Findings) {
    for text in config.listen.iter().chain(&config.metrics) {
        let Ok(Place {
            at: At::Tcp(address),
            ..
        }) = Place::parse(text)
        else {
            continue;
        };
        match std::net::TcpListener::bind(address.as_str()) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                findings.note(format!(
                    "somebody listens on {address}: the server, if it runs"
                ));
            }
            Err(error) => findings.problem(
                format!("listening on {address}: {error}"),
                "ports below 1024 need a socket unit of systemd's, or CAP_NET_BIND_SERVICE",
            ),
        }
    }
}

/// The user that we are.
fn our_user() -> u32 {
    rustix::process::geteuid().as_raw()
}
