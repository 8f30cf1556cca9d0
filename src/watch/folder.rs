//! Maildirs and MH folders: what is in them, and what comes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};

use super::{Found, Stop, Taker};
use crate::error::{Error, Result};
use crate::ingest::source::{is_mail_of_maildir, mail_files};
use crate::store::MAX_BLOB;

/// How often the folder is looked through even if the system has not told of anything.
const RESCAN: Duration = Duration::from_secs(30);

/// How long to sleep at most between two looks at whether to stop.
const GLANCE: Duration = Duration::from_millis(200);

/// How much is handed in at once, in mails and in bytes.
const MAILS: usize = 200;
const BYTES: usize = 16 << 20;

/// Watches until it is told to stop. `dir` may come into being later.
pub(super) fn watch(dir: &Path, taker: &Taker<'_>, stop: &Stop) -> Result<()> {
    // Names without their flags: a mail that is read moves from `new` to `cur`.
    let mut done: HashSet<String> = HashSet::new();
    let (tell, told) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // Nobody listens any more once the folder is not watched.
            let _ = tell.send(());
        }
    });
    let mut listening = false;
    while !stop.is_set() {
        if let (false, Ok(watcher)) = (listening, &mut watcher) {
            let dirs = [dir.join("new"), dir.join("cur")];
            let dirs: Vec<&Path> = match dirs[0].is_dir() {
                true => dirs.iter().map(PathBuf::as_path).collect(),
                false => vec![dir],
            };
            let heard = dirs
                .iter()
                .map(|dir| watcher.watch(dir, RecursiveMode::NonRecursive));
            listening = heard.fold(true, |all, one| all & one.is_ok());
        }
        scan(dir, &mut done, taker, stop)?;
        let until = Instant::now() + RESCAN;
        while !stop.is_set() && Instant::now() < until {
            match told.recv_timeout(GLANCE) {
                Ok(()) => {
                    // One look does for all that has happened until now.
                    while told.try_recv().is_ok() {}
                    break;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stop.wait(GLANCE),
            }
        }
    }
    Ok(())
}

/// Takes what was not taken yet.
fn scan(dir: &Path, done: &mut HashSet<String>, taker: &Taker<'_>, stop: &Stop) -> Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    let files = mail_files(dir)?;
    let there: HashSet<String> = files.iter().map(|file| key_of(file)).collect();
    done.retain(|key| there.contains(key));
    let mut batch: Vec<(String, Found)> = Vec::new();
    let mut bytes = 0;
    for file in files {
        let key = key_of(&file);
        if stop.is_set() {
            return Ok(());
        }
        if done.contains(&key) {
            continue;
        }
        let Some(found) = read(&file)? else { continue };
        bytes += found.raw.len();
        batch.push((key, found));
        if batch.len() >= MAILS || bytes >= BYTES {
            bytes = 0;
            hand_in(std::mem::take(&mut batch), done, taker);
        }
    }
    hand_in(batch, done, taker);
    Ok(())
}

fn hand_in(batch: Vec<(String, Found)>, done: &mut HashSet<String>, taker: &Taker<'_>) {
    let (keys, found): (Vec<String>, Vec<Found>) = batch.into_iter().unzip();
    let good = taker.take(found);
    let stored = keys.into_iter().zip(good).filter(|(_, good)| *good);
    done.extend(stored.map(|(key, _)| key));
}

/// What a mail is known by: its name; and whether it is read, since spam counts from then on.
fn key_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (name, flags) = name.rsplit_once(":2,").unwrap_or((&name, ""));
    format!("{name}{}", if flags.contains('S') { ",S" } else { "" })
}

/// A mail, if it is still there under that name.
fn read(file: &Path) -> Result<Option<Found>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let flags = name.rsplit_once(":2,").map_or("", |(_, flags)| flags);
    let about = match std::fs::metadata(file) {
        Ok(about) => about,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(file, e)),
    };
    if about.len() > MAX_BLOB as u64 || !is_mail_of_maildir(&name) {
        return Ok(None);
    }
    match std::fs::read(file) {
        Ok(raw) => Ok(Some(Found {
            raw,
            read: flags.contains('S'),
        })),
        // Moved by its reader: it is there under another name the next time.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io(file, e)),
    }
}
