//! A config file with all that it includes, as one list of settings.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::syntax::{self, Setting};
use crate::error::{Error, Result};

/// How deep files may include each other, as in git.
const MAX_DEPTH: usize = 10;

/// How many files may be read in all: a few that include each other twice are many at such a depth.
const MAX_FILES: usize = 1000;

/// How long a file may be, in bytes.
const MAX_SIZE: u64 = 64 << 20;

/// A setting and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) setting: Setting,
    pub(super) file: Arc<Path>,
}

impl Placed {
    /// `FILE:LINE`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.setting.line)
    }

    /// A path that this setting has as its value: from the home directory where it begins with `~/`, else from the
    /// directory of the file.
    pub(super) fn path(&self, value: &str) -> PathBuf {
        if let Some(below) = value.strip_prefix("~/")
            && let Some(home) = super::home::home_dir()
        {
            return home.join(below);
        }
        let dir = self.file.parent().unwrap_or(Path::new(""));
        dir.join(value)
    }
}

/// All settings of `file`, whose text is at hand, those of an included file in the place where it is included. A file
/// that is not there includes nothing.
pub(super) fn read_text(file: &Path, text: &str) -> Result<Vec<Placed>> {
    let mut found = Vec::new();
    // One iterator per file that is being read, the innermost last.
    let mut open = vec![placed(file, text)?.into_iter()];
    let mut files = 1;
    while let Some(current) = open.last_mut() {
        let Some(next) = current.next() else {
            open.pop();
            continue;
        };
        let setting = &next.setting;
        let includes = setting.section == "include" && setting.subsection.is_none();
        let Some(value) = setting
            .value
            .as_deref()
            .filter(|_| includes && setting.key == "path")
        else {
            found.push(next);
            continue;
        };
        files += 1;
        if open.len() > MAX_DEPTH || files > MAX_FILES {
            let why = "too many files include each other";
            return Err(Error::invalid(next.place(), why));
        }
        let path = next.path(value);
        if let Some(text) = text_of(&path)? {
            open.push(placed(&path, &text)?.into_iter());
        }
    }
    Ok(found)
}

fn placed(file: &Path, text: &str) -> Result<Vec<Placed>> {
    let settings = syntax::parse(text).map_err(|mistake| {
        Error::invalid(format!("{}:{}", file.display(), mistake.line), mistake.why)
    })?;
    let file: Arc<Path> = file.into();
    let place = |setting| Placed {
        setting,
        file: Arc::clone(&file),
    };
    Ok(settings.into_iter().map(place).collect())
}

/// The text of a file, if there is one.
pub(super) fn text_of(file: &Path) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    let opened = match fs::File::open(file) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        opened => opened.map_err(|e| Error::io(file, e))?,
    };
    let read = opened.take(MAX_SIZE).read_to_end(&mut bytes);
    match read.map_err(|e| Error::io(file, e))? as u64 {
        MAX_SIZE => Err(Error::invalid(file.display().to_string(), "it is too long")),
        // Comments in an old encoding do no harm; a path in one will not be found, and that is said then.
        _ => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
    }
}
