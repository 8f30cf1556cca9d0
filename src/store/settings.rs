//! Settings of git that are not ours.

use std::path::Path;

/// Whether libgit2 understands this file, where there is one: otherwise it opens no repository for whom the file is meant.
pub fn can_read_settings(file: &Path) -> bool {
    !file.exists() || git2::Config::open(file).is_ok()
}
