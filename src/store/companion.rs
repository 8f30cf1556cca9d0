//! public-inbox's own index of an inbox, where there is one beside ours.
//!
//! It follows a history that was written anew only as long as git still has the old one: afterwards it would go on showing
//! what was purged, and bring back what was removed. So it is called before old objects are deleted.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// What became of public-inbox's index of an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Companion {
    /// There is none.
    None,
    /// It has read what git has now.
    Followed,
    /// It could not, and is to be made anew; why.
    Behind(String),
}

/// Whether public-inbox keeps an index in the directory of this inbox.
pub fn has_companion(dir: &Path) -> bool {
    dir.join("msgmap.sqlite3").exists()
}

/// Has public-inbox's index, if there is one, read what was written. Nobody may hold the lock of the inbox: public-inbox
/// takes it.
pub fn companion_follows(dir: &Path) -> Companion {
    if !has_companion(dir) {
        return Companion::None;
    }
    let done = Command::new("public-inbox-index")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    match done {
        Ok(done) if done.status.success() => Companion::Followed,
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stderr);
            let last = said.trim_end().lines().next_back().unwrap_or_default();
            Companion::Behind(format!(
                "public-inbox-index ended with {}: {last}",
                done.status
            ))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Companion::Behind("there is no public-inbox-index here".to_owned())
        }
        Err(error) => Companion::Behind(format!("public-inbox-index cannot be run: {error}")),
    }
}
