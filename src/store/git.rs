//! git itself, for what libgit2 cannot do: to pack, and to delete what nothing leads to.

use std::path::Path;
use std::process::{Command, Stdio};

use super::lock::Lock;
use crate::error::{Error, Result};

/// Runs git on a repository, whoever owns it, deaf to the settings of who runs us. It holds the lock, too: if we are
/// killed it goes on, and would delete what the next writer has just begun to write.
pub(super) fn git(lock: &Lock, path: &Path, args: &[&str]) -> Result<()> {
    let done = Command::new("git")
        .args(args)
        .current_dir(path)
        .env_remove("GIT_DIR")
        .env_remove("GIT_OBJECT_DIRECTORY")
        .env_remove("GIT_ALTERNATE_OBJECT_DIRECTORIES")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .stdin(lock.shared()?)
        .stdout(Stdio::null())
        .output()
        .map_err(|e| Error::Store(format!("git cannot be run: {e}")))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let words = args.first().copied().unwrap_or_default();
    Err(Error::Store(format!(
        "{}: git {words}: {}",
        path.display(),
        said.trim()
    )))
}
