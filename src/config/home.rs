//! The home of whoever started us.

use std::path::PathBuf;

/// The variable that says where it is, when `HOME` had to go because of what lies there.
pub const HOME: &str = "THREADBARE_HOME";

/// Where it is; `None` where nobody knows.
pub fn home_dir() -> Option<PathBuf> {
    let kept = std::env::var_os(HOME).map(PathBuf::from);
    kept.or_else(std::env::home_dir)
}
