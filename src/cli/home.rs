//! A home that nobody may look into: that of whoever said `sudo -u` without `-H`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Where somebody's own settings of git lie, and the variables that lead there.
const SETTINGS: [(&str, &str); 2] = [("HOME", ".gitconfig"), ("XDG_CONFIG_HOME", "git/config")];

/// Begins again without those homes that may not be looked into.
///
/// libgit2 looks for settings of git there, though we need
/// none, and reads no repository where it is not let in. Without `HOME` a user's home is the one that he was made with.
///
/// To be called before anything else is done: it is another program that goes on, as the same process.
pub fn leave_closed_homes() {
    let closed: Vec<&str> = SETTINGS
        .into_iter()
        .filter(|(variable, file)| {
            std::env::var_os(variable).is_some_and(|home| is_closed(&Path::new(&home).join(file)))
        })
        .map(|(variable, _)| variable)
        .collect();
    if closed.is_empty() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1));
    for variable in closed {
        again.env_remove(variable);
    }
    // It only comes back where it fails; then git says what is wrong.
    let _ = again.exec();
}

/// Whether nobody is even told if the file is there.
fn is_closed(file: &Path) -> bool {
    std::fs::metadata(file).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}
