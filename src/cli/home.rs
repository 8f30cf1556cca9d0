//! Homes with settings of git that nobody can read: that of whoever said `sudo -u` without `-H`, or one where somebody
//! has made a mistake.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::config;
use crate::store;

/// Where somebody's own settings of git lie, and the variables that lead there.
const SETTINGS: [(&str, &str); 3] = [
    ("HOME", ".gitconfig"),
    ("HOME", ".config/git/config"),
    ("XDG_CONFIG_HOME", "git/config"),
];

/// Begins again without those homes whose settings of git cannot be read.
///
/// libgit2 looks for settings there, though we need none, and reads no repository where it is not let in, or does not
/// understand them. Without `HOME` a user's home is the one that he was made with; where it is only git that may not look
/// there, it stays ours ([`config::home_dir`]).
///
/// To be called before anything else is done: it is another program that goes on, as the same process.
pub fn leave_closed_homes() {
    let mut without = Vec::new();
    let mut ours = None;
    for (variable, file) in SETTINGS {
        let Some(home) = std::env::var_os(variable) else {
            continue;
        };
        let file = Path::new(&home).join(file);
        let closed = is_closed(&file);
        if !closed && store::can_read_settings(&file) {
            continue;
        }
        if !closed && variable == "HOME" {
            ours = Some(home);
        }
        without.push(variable);
    }
    if without.is_empty() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1));
    for variable in without {
        again.env_remove(variable);
    }
    if let Some(home) = ours {
        again.env(config::HOME, home);
    }
    // It only comes back where it fails; then git says what is wrong.
    let _ = again.exec();
}

/// Whether nobody is even told if the file is there.
fn is_closed(file: &Path) -> bool {
    std::fs::metadata(file).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}
