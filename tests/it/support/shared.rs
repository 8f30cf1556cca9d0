//! The real archives, where they are at hand: `../shared` beside the checkout, or `THREADBARE_SHARED`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::epoch::git;

/// The folder, or `None`, saying so.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let dir = std::env::var_os("THREADBARE_SHARED").map_or(beside, PathBuf::from);
    if dir.join("golden").is_dir() {
        return Some(dir);
    }
    skipped!("{} has no real archives", dir.display());
    None
}

/// Lays a real epoch at `to` (a bare repository): `name` is that of its bundle or tar file in `data/`.
pub(crate) fn real_epoch(shared: &Path, name: &str, to: &Path) {
    let data = shared.join("data");
    let parent = to.parent().unwrap();
    std::fs::create_dir_all(parent).unwrap();
    let bundle = data.join(format!("{name}-0.bundle"));
    if bundle.exists() {
        let done = git(parent)
            .args(["clone", "-q", "--mirror"])
            .args([&bundle, to])
            .status();
        assert!(done.unwrap().success(), "git clone {}", bundle.display());
        return;
    }
    let unpacked = parent.join("unpacked");
    std::fs::create_dir_all(&unpacked).unwrap();
    let done = Command::new("tar")
        .arg("-xf")
        .arg(data.join(format!("{name}-0.git.tar")))
        .arg("-C")
        .arg(&unpacked)
        .status();
    assert!(done.unwrap().success(), "tar of {name}");
    let inside = std::fs::read_dir(&unpacked).unwrap().next().unwrap();
    std::fs::rename(inside.unwrap().path(), to).unwrap();
}
